package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// listFlags say what a list does not say of itself.
type listFlags struct {
	List    string   `placeholder:"ID" help:"${list}"`
	Source  string   `placeholder:"URI" help:"${listSource}"`
	Kind    string   `placeholder:"KIND" help:"${listKind}"`
	Sheet   string   `placeholder:"NAME" help:"Of a workbook with several lists: which sheet."`
	Default []string `sep:"none" placeholder:"COLUMN=VALUE" help:"${listDefault}"`
}

// given tells whether any was.
func (f *listFlags) given() bool {
	return f.List+f.Source+f.Kind+f.Sheet != "" || len(f.Default) > 0
}

// options reads the flags.
func (f *listFlags) options() (lists.Options, error) {
	opts := lists.Options{ID: f.List, Source: f.Source, Sheet: f.Sheet}
	if f.Kind != "" {
		kind, ok := lists.ParseKind(f.Kind)
		if !ok {
			return opts, usage("--kind must be enrolment, termination or funding")
		}
		opts.Kind = kind
	}
	for _, text := range f.Default {
		column, value, ok := strings.Cut(text, "=")
		if !ok {
			return opts, usage("--default must be COLUMN=VALUE, such as segment=PU")
		}
		opts.Defaults = append(opts.Defaults, lists.Default{Column: column, Value: value})
	}
	return opts, nil
}

// isList tells by its name whether a file is a list of people.
func isList(path string) bool {
	extension := strings.ToLower(filepath.Ext(path))
	return extension == ".csv" || extension == ".xlsx"
}

// listFile is an open file of a list.
type listFile struct {
	*lists.List
	file *measuredAt
}

// openList opens a list and reads its beginning.
func openList(path string, opts lists.Options) (*listFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return nil, errors.Join(fileError(path, err), file.Close())
	}
	opts.Book = strings.EqualFold(filepath.Ext(path), ".xlsx")
	in := &measuredAt{File: file, size: info.Size()}
	list, err := lists.Open(in, info.Size(), opts)
	if err != nil {
		return nil, errors.Join(inFile(path, err), file.Close())
	}
	return &listFile{list, in}, nil
}

// inFile puts the name of the file before a problem with it.
func inFile(path string, err error) error {
	var known *problem.Error
	if !errors.As(err, &known) {
		return err
	}
	named := *known
	named.Detail = path + ": " + known.Detail
	return &named
}

// Close closes the list and its file.
func (f *listFile) Close() error { return errors.Join(f.List.Close(), f.file.Close()) }

// measuredAt is a file that knows how far it was read.
type measuredAt struct {
	*os.File
	size int64
	far  atomic.Int64
}

// ReadAt reads a piece.
func (m *measuredAt) ReadAt(b []byte, at int64) (int, error) {
	n, err := m.File.ReadAt(b, at)
	if end := at + int64(n); end > m.far.Load() {
		m.far.Store(end)
	}
	return n, err
}

// part returns how much of a list is read; negative when it cannot be told.
func (m *measuredAt) part() float64 {
	far := m.far.Load()
	if m.size == 0 || far >= m.size { // a workbook is read from its end first
		return -1
	}
	return float64(far) / float64(m.size)
}

// listSummary is what --json says of a list.
type listSummary struct {
	File    string   `json:"file"`
	Kind    string   `json:"kind"`
	List    string   `json:"list"`
	Source  string   `json:"source"`
	Sheet   string   `json:"sheet,omitempty"`
	Header  int      `json:"header"`  // the row that names the columns
	Ignored []string `json:"ignored"` // columns that nothing is kept of
}

// listImport is what importing lists takes beyond what importing events does.
type listImport struct {
	opts lists.Options
	from *source
	to   submitter
}

// importList takes in a list of people.
func (l *listImport) importList(ctx context.Context, path string, t *tally) (err error) {
	list, err := openList(path, l.opts)
	if err != nil {
		return err
	}
	// A row may still be read when an import is interrupted; see importFile.
	defer func() { err = errors.Join(err, list.Close()) }()
	t.list(path, list.Info())
	defer func() { t.reading = nil }()
	if t.rejects != nil {
		if err := t.rejects.begin(list.List); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, t.rejects.begin(nil)) }()
	}
	key, err := l.from.listKey(ctx)
	if err != nil {
		return err
	}
	t.part = list.file.part
	before := t.Read
	err = importEvents(ctx, list.Events(key), sparing(l.to), t)
	if err == nil && t.Read == before {
		t.meter.end()
		t.out.note("%s: %s", path, list.Info().NoRowsWords())
	}
	return inFile(path, err)
}

// list tells what is known of a list.
func (t *tally) list(path string, info lists.Info) {
	t.reading, t.told = &info, false
	t.Lists = append(t.Lists, listSummary{
		File: path, Kind: info.Kind.String(), List: info.ID, Source: info.Source,
		Sheet: info.Sheet, Header: info.Header, Ignored: append([]string{}, info.Ignored...),
	})
	if len(info.Ignored) > 0 {
		t.meter.end()
		t.out.note("%s: %s: %s", path, info.IgnoredWords(), strings.Join(info.Ignored, ", "))
	}
}

// sparing returns a submitter of the records of a list: rows that are refused already are spared
// the way to the ledger, and have their receipts all the same.
func sparing(to submitter) submitter {
	return submitter{
		prepare: func(raw [][]byte) (prepared, error) {
			lines := make([][]byte, 0, len(raw))
			refused := make([]*event.Refusal, len(raw))
			for i, record := range raw {
				line, refusal, _ := lists.Split(record)
				if refused[i] = refusal; refusal == nil {
					lines = append(lines, line)
				}
			}
			if len(lines) == 0 {
				return prepared{refused: refused}, nil
			}
			p, err := to.prepare(lines)
			p.refused, p.sent = refused, len(lines)
			return p, err
		},
		commit: func(p prepared) (all []cloudevents.Receipt, err error) {
			var got []cloudevents.Receipt
			if p.sent > 0 {
				got, err = to.commit(p)
			}
			for _, refusal := range p.refused {
				switch {
				case refusal != nil:
					all = append(all, cloudevents.ReceiptOf(event.Receipt{
						Status: event.Refused, Refusal: refusal,
					}))
				case len(got) == 0:
					return all, err // what came after has no receipt
				default:
					all, got = append(all, got[0]), got[1:]
				}
			}
			return all, err
		},
	}
}

// checkLists makes sure, before anything is appended, that lists can be read and that the flags
// fit the files.
func checkLists(files []string, flags *listFlags, rejects string) (lists.Options, error) {
	opts, err := flags.options()
	if err != nil {
		return opts, err
	}
	count := 0
	for _, path := range files {
		if !isList(path) {
			continue
		}
		count++
		list, err := openList(path, opts)
		if err != nil {
			return opts, err
		}
		if err := list.Close(); err != nil {
			return opts, inFile(path, err)
		}
	}
	switch {
	case count == 0 && flags.given():
		return opts, usage("--list, --source, --kind, --sheet and --default are for lists of" +
			" people: .csv and .xlsx")
	case isList(rejects) && (count == 0 || len(files) > 1):
		return opts, usage("--rejects with a name that ends with .csv or .xlsx gives the rows of" +
			" one list back: import that list alone, or name a file that ends with .ndjson")
	}
	opts.KeepRows = rejects != ""
	return opts, nil
}

var _ io.ReaderAt = (*measuredAt)(nil)
