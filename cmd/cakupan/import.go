package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/httpapi/split"
	"cakupan/cmd/internal/problem"
)

// importCommand takes in events from files.
type importCommand struct {
	Files        []string `arg:"" name:"file" help:"${files}"`
	DryRun       bool     `help:"Judge the events, and append nothing."`
	Rejects      string   `placeholder:"FILE" help:"Write each refused event there, and why."`
	KeepRecorded bool     `help:"${keep}"`

	listFlags
}

// Help returns what --help shows beyond the flags.
func (*importCommand) Help() string {
	return `Blank lines are skipped; they count in line numbers and not in what was read.
Importing a file again appends only what is not in the log yet.

A list of people (.csv, .xlsx) has a row that names its columns, in Indonesian or English, in any
order; see cakupan template. Above it, or with --list, --source and --default, stands what is true
of all rows. A list is known by its id: the same list sent again adds nothing, a corrected list
adds its corrections. Names, addresses and other columns that the ledger does not keep are
ignored, which is said. With --rejects back.xlsx (or .csv) the rows that were refused come back as
they were, NIK and all, with a column that says what to correct; that file can be imported again.

Examples:

	cakupan import --dry-run --rejects correct.xlsx pekerja-rentan-2021.xlsx
	cakupan import --list BB-2021-03 --default payer=APBD --default segment=BPU list.csv
	cakupan import events.ndjson
	cakupan import --dry-run --rejects refused.ndjson january.json february.json
	zcat old.ndjson.gz | cakupan import --keep-recorded -` + exitCodes
}

// Run runs the command.
func (c *importCommand) Run(ctx context.Context, w *where, out *console) (err error) {
	for _, path := range c.Files {
		if err := checkFile(path); err != nil {
			return err
		}
	}
	if err := checkRejects(c.Rejects, c.Files, out.stdin); err != nil {
		return err
	}
	opts, err := checkLists(c.Files, &c.listFlags, c.Rejects)
	if err != nil {
		return err
	}
	refused, err := newRejects(c.Rejects, len(c.Files) > 1, out.note)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, refused.close(err)) }()
	t := newTally(out, refused, w.JSON, c.DryRun)
	job := func(s *source) error {
		failed := c.importAll(ctx, &listImport{opts: opts, from: s}, t, out)
		if failed != nil && t.Read == 0 {
			return failed // there is nothing to report
		}
		if err := t.report(); err != nil {
			return errors.Join(failed, err)
		}
		if failed == nil && t.Refused > 0 {
			return quietExit(problem.ExitRefused)
		}
		return failed
	}
	err = w.with(ctx, out, !c.DryRun, job)
	if c.DryRun && problem.Exit(err) == problem.ExitNotFound {
		return inNoLedger(ctx, out, w.JSON, job)
	}
	return err
}

// inNoLedger does a job on an empty ledger that is gone after it: where there is none yet, events
// can be judged all the same.
func inNoLedger(ctx context.Context, out *console, asJSON bool, job func(*source) error,
) (err error) {
	dir, err := os.MkdirTemp("", "cakupan-dry-")
	if err != nil {
		return fmt.Errorf("make temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	empty := where{Data: dir, JSON: asJSON}
	return empty.with(ctx, out, true, job)
}

func (c *importCommand) importAll(ctx context.Context, l *listImport, t *tally, out *console,
) (err error) {
	l.to, err = l.from.submitter(ctx, httpapi.SubmitOptions{
		KeepRecorded: c.KeepRecorded, DryRun: c.DryRun,
	})
	for _, path := range c.Files {
		if err != nil {
			return err
		}
		if t.file = path; isList(path) {
			err = l.importList(ctx, path, t)
		} else {
			err = importFile(ctx, path, out.stdin, l.to, t)
		}
	}
	return err
}

// checkFile makes sure, before anything is appended, that a file is there and of a known kind.
func checkFile(path string) error {
	if _, err := readerOf(path, nil); !isList(path) && (err != nil || path == "-") {
		return err
	}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return fileError(path, err)
	}
	return nil
}

func fileError(path string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return problem.New(problem.NotFound, "there is no file "+path)
	}
	return problem.Wrap(problem.FileNotReadable, path+" cannot be read", err)
}

// readerOf returns what cuts a file of that name into events.
func readerOf(path string, in io.Reader) (split.Reader, error) {
	switch extension := strings.ToLower(filepath.Ext(path)); {
	case path == "-" || extension == ".ndjson" || extension == ".jsonl":
		return split.NewLines(in), nil
	case extension == ".json":
		return split.NewArray(in), nil
	}
	return nil, usage(path + ": the name of a file of events ends with .ndjson, .jsonl or .json," +
		" of a list of people with .csv or .xlsx")
}

// importFile takes in the events of a file.
func importFile(ctx context.Context, path string, stdin io.Reader, to submitter, t *tally,
) (err error) {
	in := &measured{Reader: stdin}
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return fileError(path, err)
		}
		// A batch may still be read when an import is interrupted; then the file is closed
		// under the reader, which nobody waits for.
		defer func() { err = errors.Join(err, file.Close()) }()
		in.Reader = file
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			in.size = info.Size()
		}
	}
	t.part = in.part
	reader, err := readerOf(path, in)
	if err != nil {
		return err
	}
	return importEvents(ctx, reader, to, t)
}

// measured is an input that knows how much of it was read.
type measured struct {
	io.Reader
	size int64 // 0: not known
	read atomic.Int64
}

// Read reads on.
func (m *measured) Read(b []byte) (int, error) {
	n, err := m.Reader.Read(b)
	m.read.Add(int64(n))
	return n, err
}

func (m *measured) part() float64 {
	if m.size == 0 {
		return -1
	}
	return float64(m.read.Load()) / float64(m.size)
}
