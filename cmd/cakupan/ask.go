package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/url"

	"cakupan/cmd/internal/client"
)

// figureFlags name a figure: that of a region, on a day, as known at a moment.
type figureFlags struct {
	Region string `placeholder:"CODE" help:"${region}; default: ID."`
	On     string `placeholder:"DATE" help:"${on}"`
	Known  string `placeholder:"WHEN" help:"${known}"`
	CSV    bool   `name:"csv" help:"Answer in CSV, for spreadsheets."`
}

// values returns the query that asks for the figure, with more parameters.
func (f *figureFlags) values(more ...string) url.Values {
	return client.Values(append(more, "region", f.Region, "on", f.On, "known", f.Known)...)
}

// question is one whose answer comes in lines.
type question struct {
	route   string
	query   url.Values
	csv     bool
	printer func(p *printing) printer
	nik     string // of the worker to ask for; "": none
}

// printer prints the lines of an answer, as CSV or for people.
type printer interface {
	print(line []byte) error
	end() error // is told that there are no more
}

// printing is where lines are printed as they come, so that their number does not matter.
type printing struct {
	w   *bufio.Writer
	csv *sheet // nil: for people
}

func (p *printing) flush() error {
	if p.csv != nil {
		p.csv.Flush()
		return errors.Join(p.csv.Error(), p.w.Flush())
	}
	return p.w.Flush()
}

// errCutOff says that the last line of an answer is missing.
var errCutOff = errors.New("the answer was cut off: ask again")

// ask asks and prints the answer; for machines as it is.
func ask(ctx context.Context, w *where, out *console, q question) error {
	if q.csv && w.JSON {
		return usage("--csv and --json exclude each other")
	}
	return w.asking(ctx, out, q.nik, func(s *client.Client) error {
		return q.ask(ctx, s, w, out)
	})
}

// asking opens the ledger for a job that asks, by NIK if one is given: who asks so is recorded,
// which can only be where the ledger can be written.
func (w *where) asking(ctx context.Context, out *console, nik string,
	job func(*client.Client) error,
) error {
	if nik != "" {
		return w.with(ctx, out, false, job)
	}
	return w.reading(ctx, out, job)
}

func (q *question) ask(ctx context.Context, s *client.Client, w *where, out *console) error {
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
	lines := q.printer(p)
	if err = eachLine(response.Body, lines.print); err == nil {
		err = lines.end()
	}
	return errors.Join(err, p.flush(), response.Body.Close())
}

// copyLines passes an answer on as it is, but for a problem at its end.
func copyLines(w io.Writer, body io.Reader) error {
	buffered := bufio.NewWriterSize(w, 64<<10)
	err := eachLine(body, func(line []byte) error {
		_, err := buffered.Write(line)
		return err
	})
	return errors.Join(err, buffered.Flush())
}
