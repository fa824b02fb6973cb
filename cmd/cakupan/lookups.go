package main

import (
	"context"
	"encoding/json"
	"fmt"

	"cakupan/eventstore/lookups"
)

// lookupsCommand lists who asked for whom by NIK (contract, section 8).
type lookupsCommand struct {
	CSV bool `name:"csv" help:"Answer in CSV, for spreadsheets."`
}

// Help returns what --help shows beyond the flags.
func (*lookupsCommand) Help() string {
	return `Each look-up by NIK is recorded before it is answered: when, who asked, and the worker
id that was found; never the NIK.

Examples:

	cakupan lookups
	cakupan lookups --csv --server https://ledger.example > lookups.csv` + exitCodes
}

// Run asks and prints. A server answers auditors.
func (c *lookupsCommand) Run(ctx context.Context, w *where, out *console) error {
	return ask(ctx, w, out, question{
		route: "/v1/lookups", csv: c.CSV,
		printer: func(p *printing) printer { return &lookupsPrinter{printing: p} },
	})
}

// lookupsPrinter prints look-ups, in the order in which they were recorded. n is how many there
// were.
type lookupsPrinter struct {
	*printing

	n uint64
}

// print prints a look-up. Who is empty for somebody who had the folder and so had to log in
// nowhere, Worker for a NIK that the vault does not know: CSV has both as they are.
func (p *lookupsPrinter) print(line []byte) error {
	var l lookups.Lookup
	if err := json.Unmarshal(line, &l); err != nil {
		return err
	}
	p.head()
	if p.n++; p.csv != nil {
		return p.csv.Write([]string{number(int64(l.Number)), l.At, l.Who, l.Worker})
	}
	if l.Who == "" {
		l.Who = "somebody at the machine"
	}
	if l.Worker == "" {
		l.Worker = "nobody"
	}
	_, err := fmt.Fprintf(p.w, "%9s  %s  %s asked for %s\n", thousands(l.Number), localTime(l.At),
		l.Who, l.Worker)
	return err
}

// head names the columns of CSV, once.
func (p *lookupsPrinter) head() {
	if p.csv != nil && p.n == 0 {
		_ = p.csv.Write([]string{"number", "at", "who", "worker"}) // the writer keeps its error
	}
}

// end says how many there were; CSV is counted by whoever reads it, and has its columns also where
// there is no row: an empty file looks like one that was never written.
func (p *lookupsPrinter) end() error {
	if p.csv != nil {
		p.head()
		return nil
	}
	_, err := fmt.Fprintf(p.w, "%s by NIK\n", counted(p.n, "look-up"))
	return err
}
