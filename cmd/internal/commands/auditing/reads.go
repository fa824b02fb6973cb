package auditing

import (
	"context"
	"encoding/json"
	"fmt"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/eventstore/lookups"
)

// Reads lists who read what about people. Filters are passed on as they were given: the
// ledger refuses what it does not know, by name.
type Reads struct {
	Who    string `placeholder:"NAME" help:"Of this member alone."`
	What   string `placeholder:"KIND" help:"Of this kind alone: ${readKinds}."`
	Worker string `placeholder:"ID" help:"About this worker alone."`
	CSV    bool   `name:"csv" help:"Answer in CSV, for spreadsheets."`
}

// ReadKinds names the kinds of reads, for the help of --what: a kind that is added is told there.
func ReadKinds() (names []string) {
	for _, kind := range lookups.Kinds() {
		names = append(names, string(kind))
	}
	return names
}

// Help returns what --help shows beyond the flags.
func (*Reads) Help() string {
	return `What is read about people is recorded before it is answered: when, who asked, and what:
look-ups by NIK (never the NIK), histories, the workers of figures and differences, bundles, the
log and the findings about one worker or enrolment, and what was refused with what was sent; and
who retried or dropped that, and why. Whoever has the folder or a login of NATS that reads the log
reads it without this record.

Examples:

	cakupan reads
	cakupan reads --who bpk --what history
	cakupan reads --csv --server https://ledger.example > reads.csv` + cli.ExitCodes
}

// Run runs the command. The record is of the ledger, so a folder and a server answer the same.
func (c *Reads) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return answers.Ask(ctx, w, out, answers.Question{
		Route: "/v1/reads", CSV: c.CSV,
		Query:   client.Values("who", c.Who, "what", c.What, "worker", c.Worker),
		Printer: func(p *answers.Printing) answers.Printer { return &readsPrinter{Printing: p} },
	})
}

// readsPrinter prints reads as they come, in the order in which they were recorded.
type readsPrinter struct {
	*answers.Printing

	// How many were printed, to be told at the end.
	n uint64
}

// head names the columns of CSV, once: also where there is no row.
func (p *readsPrinter) head() {
	if p.CSV != nil && p.n == 0 { // the writer keeps its error
		_ = p.CSV.Write([]string{"number", "at", "who", "what", "of", "worker", "why"})
	}
}

// Print prints one read. In CSV all values are as recorded; for people, empty ones become words: a
// read without a name was made where the folder is.
func (p *readsPrinter) Print(line []byte) error {
	var r lookups.Read
	if err := json.Unmarshal(line, &r); err != nil {
		return err
	}
	p.head()
	if p.n++; p.CSV != nil {
		return p.CSV.Write([]string{
			words.Number(int64(r.Number)), r.At, r.Who, string(r.What), r.Of, r.Worker, r.Why,
		})
	}
	if r.Who == "" {
		r.Who = "somebody at the machine"
	}
	// A NIK is never recorded. What was found by it says more to people than the kind alone.
	if r.What == lookups.ByNIK {
		if r.Of = "worker " + r.Worker; r.Worker == "" {
			r.Of = "nobody"
		}
	}
	if r.Why != "" {
		r.Why = ": " + r.Why
	}
	_, err := fmt.Fprintf(p.W, "%9s  %s  %s: %s %s%s\n", words.Thousands(r.Number),
		words.LocalTime(r.At), r.Who, r.What, r.Of, r.Why)
	return err
}

func (p *readsPrinter) End() error {
	if p.CSV != nil {
		p.head()
		return nil
	}
	_, err := fmt.Fprintf(p.W, "%s about people\n", words.Counted(p.n, "read"))
	return err
}
