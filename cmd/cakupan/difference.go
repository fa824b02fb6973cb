package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"cakupan/cmd/internal/httpapi"
	"cakupan/projections/difference"
)

// differenceCommand tells why two figures differ (contract, section 8). The flags that it shares
// with others name the first of them.
type differenceCommand struct {
	figureFlags

	ToOn    string `placeholder:"DATE" help:"The second day; default: the first."`
	ToKnown string `placeholder:"WHEN" help:"As known when; default: as the first."`

	Indicator string `placeholder:"NAME" help:"${indicator}"`
	Workers   bool   `help:"${workers}"`
}

// Help returns what --help shows beyond the flags.
func (*differenceCommand) Help() string {
	return `In two steps: the first day as it is known at the second moment, then the second day.
What joined less what left is the difference.

Examples:

	cakupan difference --region 75.03 --on 2020-12-31 --to-on 2021-01-01
	cakupan difference --region 75.03 --on 2021-01-01 --known 2021-01-04 --to-known 2021-04-30
	cakupan difference --region 75 --on 2023-12-31 --to-on 2024-12-31 --workers --csv` + exitCodes
}

// Run asks and prints. Without a second day or moment it is the first one, and nothing differs; the
// ledger says what of the question cannot be answered.
func (c *differenceCommand) Run(ctx context.Context, w *where, out *console) error {
	query := c.values("to_on", c.ToOn, "to_known", c.ToKnown, "indicator", c.Indicator)
	if c.Workers {
		query.Set("workers", "true")
	}
	return ask(ctx, w, out, question{
		route: "/v1/difference", query: query, csv: c.CSV,
		printer: func(p *printing) printer {
			return &differencePrinter{printing: p, workers: p.csv != nil && c.Workers}
		},
	})
}

// differencePrinter prints a difference as it comes: the first line is the summary, each after it a
// worker. In CSV it is one table or the other, since a table has one header.
type differencePrinter struct {
	*printing

	workers bool // CSV of them
	begun   bool
}

// print prints the summary, then the workers where they were asked for.
func (p *differencePrinter) print(line []byte) error {
	if !p.begun {
		p.begun = true
		var d httpapi.Difference
		if err := json.Unmarshal(line, &d); err != nil {
			return err
		}
		if p.csv == nil {
			return writeDifference(p.w, &d)
		}
		return p.flows(&d)
	}
	var worker difference.Worker
	if err := json.Unmarshal(line, &worker); err != nil {
		return err
	}
	if p.csv != nil {
		return p.csv.Write([]string{
			worker.Step, worker.Worker, worker.Change, worker.Cause,
			sequencesText(worker.Events, " "),
		})
	}
	_, err := fmt.Fprintf(p.w, "%-9s  %-6s  %-21s  %s  events %s\n", worker.Step, worker.Change,
		worker.Cause, worker.Worker, sequencesText(worker.Events, ", "))
	return err
}

// flows prints the flows as CSV, or the header of the workers. Causes are in order of their names:
// a map has none.
func (p *differencePrinter) flows(d *httpapi.Difference) error {
	// The sheet is of the workers then, and the flows can be counted from it.
	if p.workers {
		return p.csv.Write([]string{"step", "worker", "change", "cause", "events"})
	}
	err := p.csv.Write([]string{"step", "change", "cause", "workers"})
	for _, step := range d.Steps {
		for _, cause := range slices.Sorted(maps.Keys(step.Joined)) {
			err = p.csv.Write([]string{
				step.Step, difference.Joined, cause, number(step.Joined[cause]),
			})
		}
		for _, cause := range slices.Sorted(maps.Keys(step.Left)) {
			err = p.csv.Write([]string{step.Step, difference.Left, cause, number(step.Left[cause])})
		}
	}
	return err // the writer keeps its first one
}

// end has nothing to say: the summary came first, and no line closes the answer.
func (p *differencePrinter) end() error { return nil }

// writeDifference prints the two figures and what lies between them, for people: the first, what
// joined and left, the second. The column adds up, for that is what the steps are for. Without
// percentages it says why.
func writeDifference(w io.Writer, d *httpapi.Difference) error {
	t := newTable("", "", ">Covered", ">Workforce", ">Percent")
	t.add("from "+d.From.On, knownText(d.From.Known), thousands(d.From.Covered),
		workforceText(d.From.Workforce), percentText(d.From.Percent))
	for _, step := range d.Steps {
		for _, cause := range slices.Sorted(maps.Keys(step.Joined)) {
			t.add(step.Step, "joined  "+cause, "+"+thousands(step.Joined[cause]), "", "")
		}
		for _, cause := range slices.Sorted(maps.Keys(step.Left)) {
			t.add(step.Step, "left    "+cause, "-"+thousands(step.Left[cause]), "", "")
		}
	}
	// The percentages are those of the answers, rounded; the points below are exact to four
	// decimals.
	t.add("to "+d.To.On, knownText(d.To.Known), thousands(d.To.Covered),
		workforceText(d.To.Workforce), percentText(d.To.Percent))
	_, err := fmt.Fprintf(w, "%s %s\n\n", d.From.Region, d.From.Name)
	if err := errors.Join(err, t.write(w)); err != nil {
		return err
	}
	// Without a workforce there is no percentage to be taken apart (contract, section 8).
	if d.Percent == nil {
		_, err = fmt.Fprint(w, "\nNo percentages to compare: a workforce is missing.\n\n")
		return err
	}
	_, err = fmt.Fprintf(w, "\nOf the percentage, %s points are due to the covered workers and"+
		" %s to the workforce.\n\n", d.Percent.Numerator, d.Percent.Denominator)
	return err
}
