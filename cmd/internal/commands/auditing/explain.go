// Package auditing has the commands that say what stands behind a figure: who and which events make
// it up, what contradicts it, what became of the money, and who asked.
package auditing

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/lists"
	"cakupan/projections/coverage"
	"cakupan/projections/explain"
)

// Explain prints who makes a figure up (contract, section 8). Of is empty for the covered.
type Explain struct {
	answers.FigureFlags

	Of   string `placeholder:"FIGURE" help:"${of}"`
	Lang string `enum:"en,id," default:"" placeholder:"en|id" help:"${lang}"`
}

// Help returns what --help shows beyond the flags.
func (*Explain) Help() string {
	return `Prints the answer, then each worker with the enrolments that make the worker count, and
the sequences of the events on which that rests: cakupan log --from N --to N shows one.

Examples:

	cakupan explain --region 75.03 --on 2020-12-31
	cakupan explain --region 75.03 --on 2020-12-31 --known 2021-01-04 --of inGrace
	cakupan explain --region 75 --on 2020-12-31 --csv > behind-the-figure.csv` + cli.ExitCodes
}

// Run asks and prints. The closing line has how many workers there were, which is the figure of the
// answer (contract, section 8); an answer without it is an error.
func (c *Explain) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return answers.Ask(ctx, w, out, answers.Question{
		Route: "/v1/explain", Query: c.Values("of", c.Of), CSV: c.CSV,
		Printer: func(p *answers.Printing) answers.Printer {
			return &explanation{Printing: p, l: languageOf(c.Lang)}
		},
	})
}

// explanation is printed as it comes, so that its length does not matter. ended says that the line
// which closes the answer has come.
type explanation struct {
	*answers.Printing

	l     lists.Language
	ended bool
}

// Print tells the kinds of lines apart by their members: the answer comes first, then the workers
// in order of their ids, then how many they were.
func (p *explanation) Print(line []byte) error {
	var said struct {
		Answer  *coverage.Answer `json:"answer"`
		Workers *int64           `json:"workers"`
		explain.Worker
	}
	if err := json.Unmarshal(line, &said); err != nil {
		return err
	}
	switch {
	case said.Answer != nil:
		return p.head(said.Answer)
	case said.Workers != nil:
		p.ended = true
		if p.CSV != nil {
			return nil
		}
		_, err := fmt.Fprintf(p.W, "\n%s\n",
			words.CountedIn(p.l, *said.Workers, "pekerja", "worker"))
		return err
	case p.CSV != nil:
		return p.records(&said.Worker)
	}
	return p.worker(&said.Worker)
}

// head prints the figure that is explained; of CSV the names of the columns, for which that has no
// place.
func (p *explanation) head(a *coverage.Answer) error {
	if p.CSV != nil {
		return p.CSV.Write([]string{
			"worker", "enrolment", "region", "segment", "category", "programmes", "payer",
			"status", "evidence", "events",
		})
	}
	_, err := fmt.Fprintf(p.W, p.l.Pick(
		"%s %s pada %s, %s\nterlindungi %s, terkonfirmasi %s, dalam masa tenggang %s\n\n",
		"%s %s on %s, %s\ncovered %s, confirmed %s, in grace %s\n\n"),
		a.Region, a.Name, a.On, words.KnownIn(a.Known, p.l), words.Numeral(p.l, a.Covered),
		words.Numeral(p.l, a.Confirmed), words.Numeral(p.l, a.InGrace))
	return err
}

// worker prints a line a worker and one an enrolment. In grace there is no evidence (contract,
// section 3): the status stands in its place. The buffer below keeps its first error.
func (p *explanation) worker(w *explain.Worker) error {
	_, err := fmt.Fprintln(p.W, w.Worker)
	for i := range w.Enrolments {
		e := &w.Enrolments[i]
		said := strings.Join(e.Evidence, ", ")
		if e.Status == explain.StatusInGrace {
			said = e.Status
		}
		_, err = fmt.Fprintf(p.W, "  %-24s %-5s  %-5s  %-16s %-8s %-20s %s %s\n", e.Enrolment,
			e.Region, e.Segment, e.Category, e.Payer, said, p.l.Pick("peristiwa", "events"),
			words.Sequences(e.Events, ", "))
	}
	return err
}

// records writes a row an enrolment, so the worker is named in each. What is several in one cell is
// parted by spaces, which no code and no number has.
func (p *explanation) records(w *explain.Worker) error {
	for i := range w.Enrolments {
		e := &w.Enrolments[i]
		err := p.CSV.Write([]string{
			w.Worker, e.Enrolment, e.Region, e.Segment, e.Category,
			strings.Join(e.Programmes, " "), e.Payer, e.Status, strings.Join(e.Evidence, " "),
			words.Sequences(e.Events, " "),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// End refuses an answer whose closing line is missing: fewer workers than the figure has would look
// as whole.
func (p *explanation) End() error {
	if !p.ended {
		return answers.ErrCutOff
	}
	return nil
}
