package main

import (
	"bufio"
	"context"
	"errors"
	"net/url"

	"cakupan/cmd/internal/client"
)

// figureFlags name a figure: that of a region, on a day, as known at a moment (contract, section
// 3). What is left out is left out of the question too, so that the ledger alone knows the defaults
// and reads the values: the same words mean the same here and over HTTP.
type figureFlags struct {
	Region string `placeholder:"CODE" help:"${region}; default: ID."`
	On     string `placeholder:"DATE" help:"${on}"`
	Known  string `placeholder:"WHEN" help:"${known}"`
	CSV    bool   `name:"csv" help:"Answer in CSV, for spreadsheets."`
}

// values returns the query that asks for the figure, with more parameters: names and values in
// turn, of which an empty value is left out.
func (f *figureFlags) values(more ...string) url.Values {
	return client.Values(append(more, "region", f.Region, "on", f.On, "known", f.Known)...)
}

// question is one whose answer comes in lines. query may be nil where nik is empty; where it is
// not, the worker who is found is put into it. printer makes what prints the lines, once for an
// answer and once it has begun well.
type question struct {
	route   string
	query   url.Values
	csv     bool
	printer func(p *printing) printer
	nik     string // of the worker to ask for; "": none
}

// printer prints the lines of an answer, as CSV or for people. print gets each line in order, its
// end included, which is the printer's from then on. end is told that there are no more, of an
// answer that came to its end alone.
type printer interface {
	// print is not called again once it has failed.
	print(line []byte) error
	end() error // is told that there are no more
}

// printing is where lines are printed as they come, so that their number does not matter: neither
// the program nor the ledger holds a long answer in memory (contract, section 8).
type printing struct {
	w   *bufio.Writer
	csv *sheet // nil: for people
}

// flush writes what waits. It is called after an error too, for what came before it was printed.
func (p *printing) flush() error {
	if p.csv != nil {
		p.csv.Flush()
		return errors.Join(p.csv.Error(), p.w.Flush())
	}
	return p.w.Flush()
}

// ask asks and prints the answer; for machines as it is, to the byte, so that what a command prints
// is what the route answers.
func ask(ctx context.Context, w *where, out *console, q question) error {
	// Before the ledger is opened: a question that cannot be printed is not asked.
	if q.csv && w.JSON {
		return usage("--csv and --json exclude each other")
	}
	return w.asking(ctx, out, q.nik, func(s *client.Client) error {
		return q.ask(ctx, s, w, out)
	})
}

// ask asks on an open ledger. What came before an error is printed, and the error follows.
func (q *question) ask(ctx context.Context, s *client.Client, w *where, out *console) error {
	// Before the question: a look-up by NIK is recorded, and its answer is part of what is asked.
	if err := setWorker(ctx, s, out, q.nik, q.query); err != nil {
		return err
	}
	response, err := s.Get(ctx, q.route, q.query)
	if err != nil {
		return err
	}
	if w.JSON {
		return errors.Join(copyLines(out.stdout, response.Body), response.Body.Close())
	}
	p := &printing{w: bufio.NewWriterSize(out.stdout, 64<<10)}
	if q.csv {
		p.csv = newSheet(p.w)
	}
	// One line is in memory at a time, and what is printed leaves in large pieces.
	lines := q.printer(p)
	if err = eachLine(response.Body, lines.print); err == nil {
		err = lines.end()
	}
	return errors.Join(err, p.flush(), response.Body.Close())
}
