// Package answers asks a ledger and prints what it answers, for people or as CSV: line by line as
// it comes, or a table of the coverage.
//
// Half an answer is an error here, and a count that is hidden is never printed as 0.
package answers

import (
	"bufio"
	"context"
	"errors"
	"net/url"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/client"
)

// FigureFlags name a figure: that of a region, on a day, as known at a moment (contract, section
// 3). What is left out is left out of the question too, so that the ledger alone knows the defaults
// and reads the values: the same words mean the same here and over HTTP.
type FigureFlags struct {
	Region string `placeholder:"CODE" help:"${region}; default: ID."`
	On     string `placeholder:"DATE" help:"${on}"`
	Known  string `placeholder:"WHEN" help:"${known}"`
	CSV    bool   `name:"csv" help:"Answer in CSV, for spreadsheets."`
}

// Values returns the query that asks for the figure, with more parameters: names and values in
// turn, of which an empty value is left out.
func (f *FigureFlags) Values(more ...string) url.Values {
	return client.Values(append(more, "region", f.Region, "on", f.On, "known", f.Known)...)
}

// Question is one whose answer comes in lines. Query may be nil where NIK is empty; where it is
// not, the worker who is found is put into it. Printer makes what prints the lines, once for an
// answer and once it has begun well.
type Question struct {
	Route   string
	Query   url.Values
	CSV     bool
	Printer func(p *Printing) Printer
	NIK     string // of the worker to ask for; "": none
}

// Printer prints the lines of an answer, as CSV or for people. Print gets each line in order, its
// end included, which is the printer's from then on. End is told that there are no more, of an
// answer that came to its end alone.
type Printer interface {
	// Print is not called again once it has failed.
	Print(line []byte) error
	End() error // is told that there are no more
}

// Printing is where lines are printed as they come, so that their number does not matter: neither
// the program nor the ledger holds a long answer in memory (contract, section 8).
type Printing struct {
	W   *bufio.Writer
	CSV *table.Sheet // nil: for people
}

// Flush writes what waits. It is called after an error too, for what came before it was printed.
func (p *Printing) Flush() error {
	if p.CSV != nil {
		p.CSV.Flush()
		return errors.Join(p.CSV.Error(), p.W.Flush())
	}
	return p.W.Flush()
}

// Ask asks and prints the answer; for machines as it is, to the byte, so that what a command prints
// is what the route answers.
func Ask(ctx context.Context, w *cli.Where, out *cli.Console, q Question) error {
	// Before the ledger is opened: a question that cannot be printed is not asked.
	if q.CSV && w.JSON {
		return cli.Usage("--csv and --json exclude each other")
	}
	return w.Asking(ctx, out, q.NIK, func(s *client.Client) error {
		return q.ask(ctx, s, w, out)
	})
}

// ask asks on an open ledger. What came before an error is printed, and the error follows.
func (q *Question) ask(
	ctx context.Context, s *client.Client, w *cli.Where, out *cli.Console,
) error {
	// Before the question: a look-up by NIK is recorded, and its answer is part of what is asked.
	if err := cli.SetWorker(ctx, s, out, q.NIK, q.Query); err != nil {
		return err
	}
	response, err := s.Get(ctx, q.Route, q.Query)
	if err != nil {
		return err
	}
	if w.JSON {
		return errors.Join(CopyLines(out.Stdout, response.Body), response.Body.Close())
	}
	p := &Printing{W: bufio.NewWriterSize(out.Stdout, 64<<10)}
	if q.CSV {
		p.CSV = table.NewSheet(p.W)
	}
	// One line is in memory at a time, and what is printed leaves in large pieces.
	lines := q.Printer(p)
	if err = EachLine(response.Body, lines.Print); err == nil {
		err = lines.End()
	}
	return errors.Join(err, p.Flush(), response.Body.Close())
}
