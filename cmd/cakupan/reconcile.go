package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"cakupan/cmd/internal/httpapi"
)

// reconcileCommand searches for the ways of counting that give a published figure.
type reconcileCommand struct {
	figureFlags

	Percent string `placeholder:"PERCENT" help:"The percentage that was published: 30 or 61.05."`
	Count   string `placeholder:"N" help:"The number that was published, instead."`
	Limit   string `placeholder:"N" help:"At most so many readings; default: 10."`
	Lang    string `enum:"id,en" default:"id" help:"Language: id or en (default: id)."`
}

// Help returns what --help shows beyond the flags.
func (*reconcileCommand) Help() string {
	return `Tries indicators and older publications, workers and memberships, confirmed and covered,
sectors, what was known when, neighbouring days, and sums and means of the regions below. Those
readings come first that depart the least from the ledger's own way of counting; where none gives
the figure, the nearest ones are shown.

Examples:

	cakupan reconcile --region 75 --percent 30 --on 2019-12-31 --lang en
	cakupan reconcile --region 75.03 --count 48612 --on 2019-12-31 --csv` + exitCodes
}

// Run runs the command.
func (c *reconcileCommand) Run(ctx context.Context, w *where, out *console) error {
	return ask(ctx, w, out, question{
		route: "/v1/reconcile", csv: c.CSV,
		query: c.values("percent", c.Percent, "count", c.Count, "limit", c.Limit),
		printer: func(p *printing) printer {
			return &readingsPrinter{printing: p, english: c.Lang == "en"}
		},
	})
}

// readingsPrinter prints the readings of a figure.
type readingsPrinter struct {
	*printing

	english bool
}

func (p *readingsPrinter) print(line []byte) error {
	var said httpapi.Reconciled
	if err := json.Unmarshal(line, &said); err != nil {
		return err
	}
	if p.csv != nil {
		return p.records(&said)
	}
	_, err := fmt.Fprintf(p.w, "%s %s on %s: %s published; %s\n\n", said.Region, said.Name, said.On,
		said.Figure, knownText(said.Known))
	if len(said.Readings) == 0 || !said.Readings[0].Gives {
		_, err = fmt.Fprintf(p.w, "Nothing that was tried gives it. The nearest:\n\n")
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
		_, err = fmt.Fprintf(p.w, "%s %s\n", mark, text)
	}
	return err
}

func (p *readingsPrinter) records(said *httpapi.Reconciled) error {
	err := p.csv.Write([]string{
		"gives", "value", "off", "departs", "on", "known", "numerator", "denominator", "text",
	})
	for i := range said.Readings {
		r := &said.Readings[i]
		text := r.Text.ID
		if p.english {
			text = r.Text.EN
		}
		counts := [2]string{}
		for i, n := range [2]*int64{r.Numerator, r.Denominator} {
			if n != nil {
				counts[i] = number(*n)
			}
		}
		err = p.csv.Write([]string{
			fmt.Sprint(r.Gives), r.Value, r.Off, strings.Join(r.Departs, " "), r.On,
			r.Known.String(), counts[0], counts[1], text,
		})
	}
	return err // the writer keeps its first one
}

func (p *readingsPrinter) end() error { return nil }
