package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"time"

	"cakupan/cmd/internal/dashboard"
	"cakupan/cmd/internal/door"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/metrics"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/sample"
	"cakupan/cmd/internal/traces"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// demoCommand shows the sample.
type demoCommand struct {
	Once   bool   `help:"Exit after the table."`
	Listen string `placeholder:"ADDR" help:"${address}"`
}

// Help returns what --help shows beyond the flags.
func (*demoCommand) Help() string {
	return `Fills a ledger with a synthetic sample of Gorontalo, prints what it says, and serves it.
Without --data the ledger is in a temporary folder, removed at the end. It is open to all who
can reach it, and so on an address of this machine alone.

With OTEL_EXPORTER_OTLP_ENDPOINT in the environment, traces are sent there (OTLP by HTTP).

Examples:

	cakupan demo
	cakupan demo --once
	cakupan demo --data ./demo --listen 127.0.0.1:7071` + exitCodes
}

// The sample is said to be one wherever it is shown.
const (
	demoNotice = "SYNTHETIC SAMPLE"
	demoListen = "127.0.0.1:7070"
	demoSource = "urn:cakupan:sample:" // begins the source of every event of the sample
)

// Run runs the command.
func (c *demoCommand) Run(ctx context.Context, w *where, out *console) (err error) {
	if w.Server != "" {
		return usage("demo makes a ledger of its own: name a folder with --data, or none")
	}
	dir := w.Data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "cakupan-demo-"); err != nil {
			return fmt.Errorf("make folder for the sample: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	traced, err := traces.Open(ctx, os.Getenv, out.logger())
	if err != nil {
		return err
	}
	defer closeTraces(ctx, traced, out)
	counted := metrics.New()
	l, err := ledger.Open(ctx, ledger.Options{
		Dir: dir, Create: true, Refold: ledger.RefoldDefault,
		Receipts: counted.Receipts, Appended: counted.Appended, Stored: counted.Stored,
		Trace: traced.Begin,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := fillDemo(ctx, l, out); err != nil {
		return err
	}
	if err := tellStory(ctx, l, out, w.JSON); err != nil || c.Once {
		return err
	}
	d := &door.Door{Address: c.Listen, Guard: door.Guard{Registry: l.Register()}}
	counted.Follow(l, d.Guard, out.now)
	return c.serve(ctx, d, l, out, httpapi.Config{
		Notice: demoNotice, Pages: dashboard.Handler(dashboard.Options{Story: demoMarks()}),
		Observer: counted, Metrics: counted.Handler(), Trace: traced.Request,
	})
}

// serve shows the sample until ctx ends.
func (c *demoCommand) serve(ctx context.Context, d *door.Door, l *ledger.Ledger, out *console,
	config httpapi.Config,
) error {
	if d.Address == "" {
		d.Address = demoListen
	}
	if err := d.Check(); err != nil {
		return err
	}
	server, err := listen(ctx, d, l, out, config)
	if err != nil && c.Listen == "" {
		d.Address = "127.0.0.1:0"
		server, err = listen(ctx, d, l, out, config)
	}
	if err != nil {
		return err
	}
	return serveUntil(ctx, server, l.Starting, func() error {
		return l.Serve(ctx, server.URL(), time.Hour)
	}, func() error {
		_, err := fmt.Fprintf(out.stdout, "\n%s. Dashboard: %s (Ctrl-C ends)\n",
			demoNotice, server.URL())
		return err
	})
}

// demoMarks returns the chapters of the sample's story as stops on the page.
func demoMarks() []dashboard.Mark {
	chapters := sample.Story()
	marks := make([]dashboard.Mark, len(chapters))
	for i, c := range chapters {
		marks[i] = dashboard.Mark{
			Region: c.Region.String(), On: c.On.String(),
			Indonesian: c.Indonesian, English: c.English,
		}
		if c.Known != 0 {
			marks[i].Known = c.Known.String()
		}
	}
	return marks
}

// fillDemo appends the sample, unless it is there already. A ledger of anything else is refused:
// invented workers must never stand among real ones.
func fillDemo(ctx context.Context, l *ledger.Ledger, out *console) error {
	if err := onlySample(ctx, l); err != nil {
		return err
	}
	events := iter.Seq2[event.Event, temporal.Instant](
		func(yield func(event.Event, temporal.Instant) bool) {
			for dated := range sample.Events(sample.Seed) {
				if !yield(dated.Event, dated.RecordedAt) {
					return
				}
			}
		})
	m := out.meter("sample")
	defer m.end()
	_, err := l.AppendEvents(ctx, events, func(done int) { m.at(uint64(done), -1) })
	return err
}

func onlySample(ctx context.Context, l *ledger.Ledger) error {
	return l.Events(ctx, ledger.EventFilter{From: 1, Limit: 1}, func(line []byte) error {
		var first struct{ Source string }
		if err := json.Unmarshal(line, &first); err != nil {
			return err
		}
		if strings.HasPrefix(first.Source, demoSource) {
			return nil
		}
		return problem.New(problem.FolderOtherLedger, "the folder holds a ledger that is no"+
			" sample: name a new folder with --data, or none")
	})
}

// tellStory prints the coverage of the story's first day, and then what its chapters say.
func tellStory(ctx context.Context, l *ledger.Ledger, out *console, asJSON bool) error {
	view, err := l.View(ctx, 0)
	if err != nil {
		return err
	}
	chapters := sample.Story()
	answers := make([]coverage.Answer, len(chapters))
	for i, chapter := range chapters {
		known := coverage.Everything
		if chapter.Known != 0 {
			if known, err = view.KnownAt(temporal.EndOfDay(chapter.Known)); err != nil {
				return err
			}
		}
		answers[i], err = answerOn(view, chapter.Region, chapter.On, known)
		if err != nil {
			return err
		}
	}
	if asJSON {
		return out.writeJSON(answers)
	}
	if _, err := fmt.Fprintf(out.stdout, "%s: workers are invented, published figures are not.\n\n",
		demoNotice); err != nil {
		return err
	}
	for _, on := range []temporal.Date{chapters[0].On, chapters[0].On.AddDays(366)} {
		if err := tellDay(view, out, on); err != nil {
			return err
		}
		if err := tellRegistered(view, out, chapters[0].Region, on); err != nil {
			return err
		}
	}
	return tellChapters(out, chapters, answers)
}

func answerOn(view *coverage.View, r region.Code, on temporal.Date, known eventstore.Sequence,
) (coverage.Answer, error) {
	return view.Answer(coverage.Query{
		Region: r, On: on, Known: known, Indicator: event.Employed,
	})
}

// tellDay prints the coverage of a day, with everything known.
func tellDay(view *coverage.View, out *console, on temporal.Date) error {
	var answers []coverage.Answer
	for _, code := range view.Regions(coverage.Everything) {
		answer, err := answerOn(view, code, on, coverage.Everything)
		if err != nil {
			return err
		}
		answers = append(answers, answer)
	}
	if err := coverageTable(out.stdout, answers, coverage.Workers.String()); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out.stdout)
	return err
}

// tellRegistered sets beside those who are covered those who are registered, and those for whom
// money was booked: people take the one for the other.
func tellRegistered(view *coverage.View, out *console, r region.Code, on temporal.Date) error {
	answer, err := answerOn(view, r, on, coverage.Everything)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out.stdout,
		"%s: %s workers registered, %s covered, %s of them confirmed by money booked.\n\n",
		answer.Name, thousands(sample.Registered(sample.Seed, r, on)), thousands(answer.Covered),
		thousands(answer.Confirmed))
	return err
}

func tellChapters(out *console, chapters []sample.Chapter, answers []coverage.Answer) error {
	t := newTable("Region", "On", "Known", ">Percent", ">Covered", ">Confirmed",
		">In grace", "")
	for i := range answers {
		known := "everything"
		if chapters[i].Known != 0 {
			known = chapters[i].Known.String()
		}
		a := &answers[i]
		t.add(a.Name, a.On, known, percentText(a.Percent), thousands(a.Covered),
			thousands(a.Confirmed), thousands(a.InGrace), chapters[i].English)
	}
	return t.write(out.stdout)
}
