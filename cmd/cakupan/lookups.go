package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/httpapi"
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

// lookUp asks a ledger for the worker of a NIK, which is recorded there before it is answered, also
// where nobody is found: that is an error, exit 4. The NIK goes in a body, since addresses are
// written to logs.
func lookUp(ctx context.Context, s *client.Client, nik string) (string, error) {
	body, err := json.Marshal(httpapi.LookupAsked{NIK: nik})
	if err != nil {
		return "", err
	}
	var found httpapi.LookupFound
	err = s.PostBody(ctx, "/v1/lookups", bytes.NewReader(body), &found)
	return found.Worker, err
}

// setWorker puts the worker with a NIK, if one is given, into a query. nik is as the flag has it, -
// for standard input. The NIK itself is in no query. query may be nil where nik is "".
func setWorker(ctx context.Context, s *client.Client, out *console, nik string, query url.Values,
) error {
	if nik == "" {
		return nil
	}
	// Two persons, or one named twice: nobody can say which.
	if query.Has("worker") {
		return usage("name the person by --nik or by --worker")
	}
	nik, err := readNIK(nik, out)
	if err != nil {
		return err
	}
	// With an error the query is not asked, whatever stands in it.
	worker, err := lookUp(ctx, s, nik)
	query.Set("worker", worker)
	return err
}
