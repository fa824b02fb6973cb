package auditing

import (
	"context"
	"encoding/json"
	"fmt"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/words"
	"cakupan/eventstore/lookups"
)

// Lookups lists who asked for whom by NIK (contract, section 8).
type Lookups struct {
	CSV bool `name:"csv" help:"Answer in CSV, for spreadsheets."`
}

// Help returns what --help shows beyond the flags.
func (*Lookups) Help() string {
	return `Each look-up by NIK is recorded before it is answered: when, who asked, and the worker
id that was found; never the NIK.

Examples:

	cakupan lookups
	cakupan lookups --csv --server https://ledger.example > lookups.csv` + cli.ExitCodes
}

// Run asks and prints. A server answers auditors.
func (c *Lookups) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return answers.Ask(ctx, w, out, answers.Question{
		Route: "/v1/lookups", CSV: c.CSV,
		Printer: func(p *answers.Printing) answers.Printer { return &lookupsPrinter{Printing: p} },
	})
}

// lookupsPrinter prints look-ups, in the order in which they were recorded. n is how many there
// were.
type lookupsPrinter struct {
	*answers.Printing

	n uint64
}

// Print prints a look-up. Who is empty for somebody who had the folder and so had to log in
// nowhere, Worker for a NIK that the vault does not know: CSV has both as they are.
func (p *lookupsPrinter) Print(line []byte) error {
	var l lookups.Lookup
	if err := json.Unmarshal(line, &l); err != nil {
		return err
	}
	p.head()
	if p.n++; p.CSV != nil {
		return p.CSV.Write([]string{words.Number(int64(l.Number)), l.At, l.Who, l.Worker})
	}
	if l.Who == "" {
		l.Who = "somebody at the machine"
	}
	if l.Worker == "" {
		l.Worker = "nobody"
	}
	_, err := fmt.Fprintf(p.W, "%9s  %s  %s asked for %s\n", words.Thousands(l.Number),
		words.LocalTime(l.At), l.Who, l.Worker)
	return err
}

// head names the columns of CSV, once.
func (p *lookupsPrinter) head() {
	if p.CSV != nil && p.n == 0 {
		_ = p.CSV.Write([]string{"number", "at", "who", "worker"}) // the writer keeps its error
	}
}

// End says how many there were; CSV is counted by whoever reads it, and has its columns also where
// there is no row: an empty file looks like one that was never written.
func (p *lookupsPrinter) End() error {
	if p.CSV != nil {
		p.head()
		return nil
	}
	_, err := fmt.Fprintf(p.W, "%s by NIK\n", words.Counted(p.n, "look-up"))
	return err
}
