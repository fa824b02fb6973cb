package auditing

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/httpapi"
)

// Reconcile searches for the ways of counting that give a published figure. One of Percent
// and Count is given; the ledger refuses both, or neither. They are texts, as 30 and 30.00 are not
// the same figure: how many decimals were published says how exact it is.
type Reconcile struct {
	answers.FigureFlags

	Percent string `placeholder:"PERCENT" help:"The percentage that was published: 30 or 61.05."`
	Count   string `placeholder:"N" help:"The number that was published, instead."`
	Limit   string `placeholder:"N" help:"At most so many readings; default: 10."`
	Lang    string `enum:"id,en" default:"id" help:"Language: id or en (default: id)."`
}

// Help returns what --help shows beyond the flags.
func (*Reconcile) Help() string {
	return `Tries indicators and older publications, workers and memberships, confirmed and covered,
sectors, what was known when, neighbouring days, and sums and means of the regions below. Those
readings come first that depart the least from the ledger's own way of counting; where none gives
the figure, the nearest ones are shown.

Examples:

	cakupan reconcile --region 75 --percent 30 --on 2019-12-31 --lang en
	cakupan reconcile --region 75.03 --count 48612 --on 2019-12-31 --csv` + cli.ExitCodes
}

// Run runs the command. The answer is one line, whatever is found; nothing that fits is no error.
func (c *Reconcile) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return answers.Ask(ctx, w, out, answers.Question{
		Route: "/v1/reconcile", CSV: c.CSV,
		Query: c.Values("percent", c.Percent, "count", c.Count, "limit", c.Limit),
		Printer: func(p *answers.Printing) answers.Printer {
			return &readingsPrinter{Printing: p, english: c.Lang == "en"}
		},
	})
}

// readingsPrinter prints the readings of a figure, in the order of the answer: those first that
// depart the least from the ledger's own way of counting. Words are in one of two languages; CSV
// has them too, after the values.
type readingsPrinter struct {
	*answers.Printing

	english bool
}

// Print prints the answer. Where the first reading does not give the figure, none does, and all
// that follow are the nearest ones. The writer keeps its first error, so the last one is enough.
func (p *readingsPrinter) Print(line []byte) error {
	var said httpapi.Reconciled
	if err := json.Unmarshal(line, &said); err != nil {
		return err
	}
	if p.CSV != nil {
		return p.records(&said)
	}
	format, known, none := "%s %s per %s: diumumkan %s; %s\n\n", words.KnownWords(said.Known).ID,
		"Tidak satu pun cara yang dicoba menghasilkannya. Yang terdekat:\n\n"
	if p.english {
		format, known, none = "%s %s on %s: %s published; %s\n\n", words.Known(said.Known),
			"Nothing that was tried gives it. The nearest:\n\n"
	}
	_, err := fmt.Fprintf(p.W, format, said.Region, said.Name, said.On, said.Figure, known)
	// The readings that give the figure come first.
	if len(said.Readings) == 0 || !said.Readings[0].Gives {
		_, err = fmt.Fprint(p.W, none)
	}
	for i := range said.Readings {
		r := &said.Readings[i]
		text := r.Text.ID
		if p.english {
			text = r.Text.EN
		}
		mark := " "
		if r.Gives {
			mark = "✓"
		}
		_, err = fmt.Fprintf(p.W, "%s %s\n", mark, text)
	}
	return err
}

// records writes a row for each reading. Numerator and denominator are empty where the reading has
// none of its own.
func (p *readingsPrinter) records(said *httpapi.Reconciled) error {
	err := p.CSV.Write([]string{
		"gives", "value", "off", "departs", "on", "known", "numerator", "denominator", "text",
	})
	for i := range said.Readings {
		r := &said.Readings[i]
		text := r.Text.ID
		if p.english {
			text = r.Text.EN
		}
		// A count that there is none of is an empty cell: 0 is a number of its own.
		counts := [2]string{}
		for i, n := range [2]*int64{r.Numerator, r.Denominator} {
			if n != nil {
				counts[i] = words.Number(*n)
			}
		}
		err = p.CSV.Write([]string{
			fmt.Sprint(r.Gives), r.Value, r.Off, strings.Join(r.Departs, " "), r.On,
			r.Known.String(), counts[0], counts[1], text,
		})
	}
	return err // the writer keeps its first one
}

// End has nothing to add: the answer is one line, and one that was cut off is no JSON.
func (p *readingsPrinter) End() error { return nil }
