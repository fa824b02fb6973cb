package auditing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/lists"
	"cakupan/projections/coverage"
	"cakupan/projections/difference"
)

// Difference tells why two figures differ (contract, section 8). The flags that it shares
// with others name the first of them.
type Difference struct {
	answers.FigureFlags

	ToOn    string `placeholder:"DATE" help:"The second day; default: the first."`
	ToKnown string `placeholder:"WHEN" help:"As known when; default: as the first."`

	Indicator string `placeholder:"NAME" help:"${indicator}"`
	Workers   bool   `help:"${workers}"`
	Lang      string `enum:"en,id," default:"" placeholder:"en|id" help:"${lang}"`
}

// Help returns what --help shows beyond the flags.
func (*Difference) Help() string {
	return `In two steps: the first day as it is known at the second moment, then the second day.
What joined less what left is the difference.

Examples:

	cakupan difference --region 75.03 --on 2020-12-31 --to-on 2021-01-01
	cakupan difference --region 75.03 --on 2021-01-01 --known 2021-01-04 --to-known 2021-04-30
	cakupan difference --region 75 --on 2023-12-31 --to-on 2024-12-31 --workers --csv` +
		cli.ExitCodes
}

// Run asks and prints. Without a second day or moment it is the first one, and nothing differs; the
// ledger says what of the question cannot be answered.
func (c *Difference) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	query := c.Values("to_on", c.ToOn, "to_known", c.ToKnown, "indicator", c.Indicator)
	if c.Workers {
		query.Set("workers", "true")
	}
	return answers.Ask(ctx, w, out, answers.Question{
		Route: "/v1/difference", Query: query, CSV: c.CSV,
		Printer: func(p *answers.Printing) answers.Printer {
			return &differencePrinter{
				Printing: p, workers: p.CSV != nil && c.Workers, l: languageOf(c.Lang),
			}
		},
	})
}

// differencePrinter prints a difference as it comes: the first line is the summary, each after it a
// worker. In CSV it is one table or the other, since a table has one header.
type differencePrinter struct {
	*answers.Printing

	workers bool // CSV of them
	l       lists.Language
	begun   bool
}

// Print prints the summary, then the workers where they were asked for.
func (p *differencePrinter) Print(line []byte) error {
	if !p.begun {
		p.begun = true
		var d httpapi.Difference
		if err := json.Unmarshal(line, &d); err != nil {
			return err
		}
		if p.CSV == nil {
			return writeDifference(p.W, &d, p.l)
		}
		return p.flows(&d)
	}
	var worker difference.Worker
	if err := json.Unmarshal(line, &worker); err != nil {
		return err
	}
	if p.CSV != nil {
		return p.CSV.Write([]string{
			worker.Step, worker.Worker, worker.Change, worker.Cause,
			words.Sequences(worker.Events, " "),
		})
	}
	_, err := fmt.Fprintf(p.W, p.l.Pick("%-11s  %-6s  %-21s  %s  peristiwa %s\n",
		"%-9s  %-6s  %-21s  %s  events %s\n"), stepName(worker.Step, p.l),
		changeName(worker.Change, p.l), worker.Cause, worker.Worker,
		words.Sequences(worker.Events, ", "))
	return err
}

// flows prints the flows as CSV, or the header of the workers. Causes are in order of their names:
// a map has none.
func (p *differencePrinter) flows(d *httpapi.Difference) error {
	// The sheet is of the workers then, and the flows can be counted from it.
	if p.workers {
		return p.CSV.Write([]string{"step", "worker", "change", "cause", "events"})
	}
	err := p.CSV.Write([]string{"step", "change", "cause", "workers"})
	for _, step := range d.Steps {
		for _, cause := range slices.Sorted(maps.Keys(step.Joined)) {
			err = p.CSV.Write([]string{
				step.Step, difference.Joined, cause, words.Number(step.Joined[cause]),
			})
		}
		for _, cause := range slices.Sorted(maps.Keys(step.Left)) {
			err = p.CSV.Write([]string{
				step.Step, difference.Left, cause, words.Number(step.Left[cause]),
			})
		}
	}
	return err // the writer keeps its first one
}

// End has nothing to say: the summary came first, and no line closes the answer.
func (p *differencePrinter) End() error { return nil }

// writeDifference prints the two figures and what lies between them, for people: the first, what
// joined and left, the second. The column adds up, for that is what the steps are for. Without
// percentages it says why.
func writeDifference(w io.Writer, d *httpapi.Difference, l lists.Language) error {
	t := table.New("", "", l.Pick(">Terlindungi", ">Covered"),
		l.Pick(">Terkonfirmasi", ">Confirmed"), l.Pick(">Pekerja", ">Workforce"),
		l.Pick(">Persen", ">Percent"))
	figure := func(way string, a *coverage.Answer) {
		t.Add(way+a.On, words.KnownIn(a.Known, l), words.Numeral(l, a.Covered),
			words.Numeral(l, a.Confirmed), words.Separated(l, words.Workforce(a.Workforce)),
			words.Separated(l, words.Percent(a.Percent)))
	}
	figure(l.Pick("dari ", "from "), &d.From)
	for _, step := range d.Steps {
		for _, cause := range slices.Sorted(maps.Keys(step.Joined)) {
			t.Add(stepName(step.Step, l), fmt.Sprintf("%-6s  %s", changeName(difference.Joined, l),
				cause), "+"+words.Numeral(l, step.Joined[cause]), "", "", "")
		}
		for _, cause := range slices.Sorted(maps.Keys(step.Left)) {
			t.Add(stepName(step.Step, l), fmt.Sprintf("%-6s  %s", changeName(difference.Left, l),
				cause), "-"+words.Numeral(l, step.Left[cause]), "", "", "")
		}
	}
	// The percentages are those of the answers, rounded; the points below are exact to four
	// decimals.
	figure(l.Pick("ke ", "to "), &d.To)
	_, err := fmt.Fprintf(w, "%s %s\n\n", d.From.Region, d.From.Name)
	if err := errors.Join(err, t.Write(w)); err != nil {
		return err
	}
	// Without a workforce there is no percentage to be taken apart (contract, section 8).
	if d.Percent == nil {
		_, err = fmt.Fprint(w, l.Pick(
			"\nTidak ada persen untuk dibandingkan: jumlah pekerja tidak diketahui.\n\n",
			"\nNo percentages to compare: a workforce is missing.\n\n"))
		return err
	}
	_, err = fmt.Fprintf(w, l.Pick("\nDari selisih persen, %s poin karena pekerja yang terlindungi"+
		" dan %s karena jumlah pekerja.\n\n",
		"\nOf the percentage, %s points are due to the covered workers and"+
			" %s to the workforce.\n\n"), words.Separated(l, d.Percent.Numerator),
		words.Separated(l, d.Percent.Denominator))
	return err
}

// stepName returns the name of a step for people.
func stepName(step string, l lists.Language) string {
	if step == difference.KnowledgeStep {
		return l.Pick("pengetahuan", step)
	}
	return l.Pick("waktu", step)
}

// changeName returns for people whether workers joined or left.
func changeName(change string, l lists.Language) string {
	if change == difference.Joined {
		return l.Pick("masuk", change)
	}
	return l.Pick("keluar", change)
}
