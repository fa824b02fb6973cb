package serving

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"time"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/dashboard"
	"cakupan/cmd/internal/door"
	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/lists"
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

// Demo shows the sample (contract, section 6). It is a ledger as serve runs it, but without
// what a sample has no use for: NATS, certificates, the socket for commands of the owner. Listen is
// empty where nobody asked for an address.
type Demo struct {
	Once   bool   `help:"Exit after the table."`
	Listen string `placeholder:"ADDR" help:"${address}"`
}

// Help returns what --help shows beyond the flags.
func (*Demo) Help() string {
	return `Fills a ledger with a synthetic sample of Gorontalo, prints what it says, and serves it.
Without --data the ledger is in a temporary folder, removed at the end. It is open to all who
can reach it, and so on an address of this machine alone.

With OTEL_EXPORTER_OTLP_ENDPOINT in the environment, traces are sent there (OTLP by HTTP).

Examples:

	cakupan demo
	cakupan demo --once
	cakupan demo --data ./demo --listen 127.0.0.1:7071` + cli.ExitCodes
}

// The sample is said to be one wherever it is shown.
const (
	demoNotice = sample.Notice
	demoListen = "127.0.0.1:7070"
)

// Run makes the ledger, tells the story, and serves it until ctx ends, or not at all with --once.
// What it has opened it closes, whatever comes before; errors of that are joined to the first. A
// folder that was named stays, and the next demo on it finds the sample there.
func (c *Demo) Run(ctx context.Context, w *cli.Where, out *cli.Console) (err error) {
	if w.Server != "" {
		return cli.Usage("demo makes a ledger of its own: name a folder with --data, or none")
	}
	dir := w.Data
	// Not the folder that other commands take when none is named: invented workers would be in it.
	// A crash leaves the temporary one behind, for the system to clear.
	if dir == "" {
		if dir, err = os.MkdirTemp("", "cakupan-demo-"); err != nil {
			return fmt.Errorf("make folder for the sample: %w", err)
		}
		// It runs last, when the ledger in the folder is closed.
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	traced, err := traces.Open(ctx, os.Getenv, out.Logger())
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
	// A folder that was named may have members: then they must log in here as well.
	d := &door.Door{Address: c.Listen, Guard: door.Guard{Registry: l.Register()}}
	counted.Follow(l, d.Guard, out.Now)
	return c.serve(ctx, d, l, out, httpapi.Config{
		Notice:   func(context.Context) string { return demoNotice },
		Pages:    dashboard.Handler(dashboard.Options{Story: demoMarks()}),
		Observer: counted, Metrics: counted.Handler(), Trace: traced.Request,
	})
}

// serve shows the sample until ctx ends. Whoever asked for an address gets that one or an error;
// else a port that is taken makes room for any that is free, so that a demo always shows something.
func (c *Demo) serve(ctx context.Context, d *door.Door, l *ledger.Ledger, out *cli.Console,
	config httpapi.Config,
) error {
	// The usual port, so that the address of a demo can be told beforehand.
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
	// The log is checked each hour, as serve does unless it is told otherwise.
	return serveUntil(ctx, server, l.Starting, func() error {
		return l.Serve(ctx, server.URL(), time.Hour)
	}, func() error {
		_, err := fmt.Fprintf(out.Stdout, "\n%s. Dashboard: %s (Ctrl-C ends)\n",
			demoNotice, server.URL())
		return err
	})
}

// demoMarks returns the chapters of the sample's story as stops on the page. A chapter without
// Known is told with all that is recorded, for which a stop has no value.
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
//
// The events have ids and record times that follow from the seed. So where a crash has cut it
// short, the next start finds what is there to be duplicates, and appends the rest.
func fillDemo(ctx context.Context, l *ledger.Ledger, out *cli.Console) error {
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
	// How many events there will be is not known before they are made.
	m := out.Meter("sample")
	defer m.End()
	_, err := l.AppendEvents(ctx, events, func(done int) { m.At(uint64(done), -1) })
	return err
}

// onlySample refuses a ledger whose first event is none of the sample. The first one tells as what
// a ledger was begun; what was added to a sample later, its owner knows. An empty ledger has none,
// and is fine.
func onlySample(ctx context.Context, l *ledger.Ledger) error {
	return l.Events(ctx, excerpt.Filter{From: 1, Limit: 1}, func(line []byte) error {
		// The source alone tells whose it is: publishers of the sample have none but such.
		var first struct{ Source string }
		if err := json.Unmarshal(line, &first); err != nil {
			return err
		}
		if sample.IsSource(first.Source) {
			return nil
		}
		return problem.New(problem.FolderOtherLedger, "the folder holds a ledger that is no"+
			" sample: name a new folder with --data, or none")
	})
}

// tellStory prints the coverage of the story's first day and of the same day a year later, and then
// what its chapters say. For machines it is the answers of the chapters, in their order.
func tellStory(ctx context.Context, l *ledger.Ledger, out *cli.Console, asJSON bool) error {
	view, err := l.View(ctx, 0)
	if err != nil {
		return err
	}
	chapters := sample.Story()
	answers := make([]coverage.Answer, len(chapters))
	// All answers first: what cannot be answered prints no half of a story.
	for i, chapter := range chapters {
		// A chapter is told as known at the end of its day Known, in Makassar (contract, section
		// 3).
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
		return out.WriteJSON(answers)
	}
	if _, err := fmt.Fprintf(out.Stdout, "%s: workers are invented, published figures are not.\n\n",
		demoNotice); err != nil {
		return err
	}
	// The story begins at the end of 2019, and 2020 has 366 days.
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

// answerOn answers about a region, with the workforce that is the default, the employed (contract,
// section 6).
func answerOn(view *coverage.View, r region.Code, on temporal.Date, known eventstore.Sequence,
) (coverage.Answer, error) {
	return view.Answer(coverage.Query{
		Region: r, On: on, Known: known, Indicator: event.Employed,
	})
}

// tellDay prints the coverage of a day, with everything known, of all regions that have something
// to show: the table of cakupan coverage.
func tellDay(view *coverage.View, out *cli.Console, on temporal.Date) error {
	var all []coverage.Answer
	for _, code := range view.Regions(coverage.Everything) {
		answer, err := answerOn(view, code, on, coverage.Everything)
		if err != nil {
			return err
		}
		all = append(all, answer)
	}
	err := answers.CoverageTable(out.Stdout, all, coverage.Workers.String(), lists.English)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out.Stdout)
	return err
}

// tellRegistered sets beside those who are covered those who are registered, and those for whom
// money was booked: people take the one for the other.
func tellRegistered(view *coverage.View, out *cli.Console, r region.Code, on temporal.Date) error {
	answer, err := answerOn(view, r, on, coverage.Everything)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out.Stdout,
		"%s: %s workers registered, %s covered, %s of them confirmed by money booked.\n\n",
		answer.Name, words.Thousands(sample.Registered(sample.Seed, r, on)),
		words.Thousands(answer.Covered), words.Thousands(answer.Confirmed))
	return err
}

// tellChapters prints a row a chapter with the figures that it speaks of. answers has one for each.
func tellChapters(out *cli.Console, chapters []sample.Chapter, answers []coverage.Answer) error {
	t := table.New("Region", "On", "Known", ">Percent", ">Covered", ">Confirmed",
		">In grace", "")
	for i := range answers {
		// A chapter without Known knows all that is recorded.
		known := "everything"
		if chapters[i].Known != 0 {
			known = chapters[i].Known.String()
		}
		a := &answers[i]
		t.Add(a.Name, a.On, known, words.Percent(a.Percent), words.Thousands(a.Covered),
			words.Thousands(a.Confirmed), words.Thousands(a.InGrace), chapters[i].English)
	}
	return t.Write(out.Stdout)
}
