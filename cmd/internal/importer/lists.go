package importer

import (
	"bytes"
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
)

// IsList tells by its name whether a file is a list of people. The case of the extension says
// nothing. What is in the file is found out when it is opened: a name is enough to tell lists from
// files of events.
func IsList(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".ods":
		return true
	}
	return false
}

// ReturnsList tells by its name whether a file can get the rows of a list back, as a list. Fewer
// kinds are written than read: a spreadsheet opens either of these.
func ReturnsList(path string) bool {
	extension := strings.ToLower(filepath.Ext(path))
	return extension == ".csv" || extension == ".xlsx"
}

// CheckList makes sure that a list can be read, every sheet of it that is meant. It reads the
// beginning alone and appends nothing: what is wrong with the heading or with what was said of the
// list is found before anything of another file is in the log. Rows are judged when they are taken
// in.
func CheckList(path string, opts lists.Options) error {
	opts.Glance = true
	return eachSheet(path, openFile, opts, func(opts lists.Options) (string, error) {
		list, err := openList(path, openFile, opts)
		if err != nil {
			return "", err
		}
		return list.Info().ID, inFile(path, list.Close())
	})
}

// eachSheet calls do for each list of a file: one, or where all sheets are asked for, each of them.
// A sheet without an id of its own has that of the sheet before it, which do returns. It stops at
// the first that fails; those before it stay taken in. The file is opened once more for each sheet,
// so that do needs no place in it.
func eachSheet(path string, open opener, opts lists.Options,
	do func(lists.Options) (string, error),
) error {
	if !strings.EqualFold(opts.Sheet, lists.EverySheet) {
		_, err := do(opts)
		return err
	}
	file, size, err := open(path)
	if err != nil {
		return err
	}
	names, err := lists.Sheets(file, size, opts.Readers)
	if err := errors.Join(inFile(path, err), file.Close()); err != nil {
		return err
	}
	// It remembers who stands on which sheet: a person on two of them with different values is told
	// of.
	opts.Across = lists.NewAcross(names)
	for _, name := range names {
		opts.Sheet = name
		id, err := do(opts)
		if err != nil {
			return err
		}
		opts.FallbackID = id
	}
	return nil
}

// listFile is an open file of a list. It is closed once, by whoever opened it.
type listFile struct {
	*lists.List
	file *measuredAt
}

// openList opens a list and reads its beginning. What it opens is closed again after an error. The
// kind of file goes by its name: a workbook is a ZIP archive, and so are other things.
func openList(path string, open opener, opts lists.Options) (*listFile, error) {
	file, size, err := open(path)
	if err != nil {
		return nil, err
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".xlsx", ".xlsm", ".ods":
		opts.Book = true
	}
	in := &measuredAt{File: file, size: size}
	list, err := lists.Open(in, size, opts)
	if err != nil {
		return nil, errors.Join(inFile(path, err), file.Close())
	}
	return &listFile{list, in}, nil
}

// File is the file of a list: it can be read from anywhere. It is not safe for concurrent use, but
// for ReadAt.
type File interface {
	io.ReaderAt
	io.Closer
}

// opener opens the file of that name, and says how large it is. The caller closes it.
type opener func(path string) (File, int64, error)

// open opens a file, or what stands for it in memory. The name then says of what kind the list is,
// and stands in messages; no file of that name is touched.
func (l *Import) open(path string) (File, int64, error) {
	if l.Memory != nil {
		return inMemory{bytes.NewReader(l.Memory)}, int64(len(l.Memory)), nil
	}
	return openFile(path)
}

// inMemory is a file that is in memory.
type inMemory struct{ *bytes.Reader }

// Close does nothing.
func (inMemory) Close() error { return nil }

// openFile opens a file that can be read from anywhere. A pipe is refused: a workbook is read from
// its end first.
func openFile(path string) (File, int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, problem.File(path, err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return nil, 0, errors.Join(problem.File(path, err), file.Close())
	}
	return file, info.Size(), nil
}

// inFile puts the name of the file before a problem with it. The problem is copied: it may be one
// of those that are shared by all who meet it. What is no problem, such as the end of ctx, and nil
// stay as they are.
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

// measuredAt is a file that knows how far it was read. One goroutine reads while another shows how
// far it is.
type measuredAt struct {
	File
	// Bytes, as it was when it was opened.
	size int64
	// Bytes: the end of the farthest piece that was read. Only the goroutine that reads writes it,
	// so that the comparison before needs no lock.
	far atomic.Int64
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

// ListSummary is what --json says of a list. Columns and rows are named as the file names them.
type ListSummary struct {
	File string `json:"file"`
	// What its rows report.
	Kind string `json:"kind"`
	// The id of the list, by which it is known when it is sent again.
	List    string        `json:"list"`
	Source  string        `json:"source"`
	Sheet   string        `json:"sheet,omitempty"`
	Header  int           `json:"header"`            // the row that names the columns
	Ignored []string      `json:"ignored"`           // columns that nothing is kept of
	Notices []string      `json:"notices,omitempty"` // what is to be known beside the refusals
	Whole   *WholeSummary `json:"whole,omitempty"`   // of a whole list

	Effect *Effect `json:"effect,omitempty"` // what its rows have done, or would do

	// It is that of the heading, not of who runs the command.
	Lang lists.Language `json:"-"` // of what is said of it
}

// importLists takes in the list of a file, or those of its sheets. What is told names the sheet
// behind the file, since rows count from 1 in each.
func (l *Import) importLists(ctx context.Context, path string, to submitter) error {
	return eachSheet(path, l.open, l.Lists, func(opts lists.Options) (string, error) {
		l.Tally.file = path
		if opts.Across != nil {
			l.Tally.file = path + " (" + lists.MaskNumbers(opts.Sheet) + ")"
		}
		return l.importList(ctx, path, opts, to)
	})
}

// importList takes in a list of people, and returns its id. Rows are taken in as they come, and a
// refused one keeps nobody else's out. Only the file of rejects knows the rows' NIKs: what goes to
// the ledger is events, in which it has replaced them by worker ids before they are in the log.
func (l *Import) importList(ctx context.Context, path string, opts lists.Options, to submitter,
) (id string, err error) {
	t := l.Tally
	list, err := openList(path, l.open, opts)
	if err != nil {
		return "", err
	}
	// A row may still be read when an import is interrupted; see importFile.
	defer func() { err = errors.Join(err, list.Close()) }()
	t.list(t.file, list.Info())
	// What is refused after that is of no list.
	defer func() { t.reading = nil }()
	if t.rejects != nil {
		if err := t.rejects.begin(list.List); err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, t.rejects.begin(nil)) }()
	}
	// Ids of rows are derived with it, so that a row that is sent again is a duplicate, and nobody
	// without the key can tell from an id whose row it is.
	key, err := l.keyOf(ctx, list)
	if err != nil {
		return "", err
	}
	t.part = list.file.part
	before := t.Read
	t.taken = &taken{}
	defer func() { t.taken = nil }()
	err = importBatches(ctx, newRows(key.rows(ctx, list)), sparing(to), t)
	// Silence would be taken for success.
	if err == nil && t.Read == before {
		t.tell.End()
		t.tell.Note("%s: %s", t.file, list.Info().NoRowsWords())
	}
	if err == nil {
		t.notices(list.Notices())
		err = l.effect(ctx, list.Info().Lang, l.again(ctx, path, opts, key))
	}
	return list.Info().ID, inFile(path, err)
}

// again returns what reads the list of a file once more, from its beginning. What a row says is the
// same the second time, but for what the file became meanwhile: whoever writes to a file while it
// is imported gets back what it has then.
func (l *Import) again(ctx context.Context, path string, opts lists.Options,
	key *listKey,
) rereader {
	return func(do func(*lists.Record) error) (err error) {
		list, err := openList(path, l.open, opts)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, list.Close()) }()
		for in := key.rows(ctx, list); ctx.Err() == nil; {
			row, err := in.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil {
				err = do(&row)
			}
			if err != nil {
				return err
			}
		}
		return ctx.Err()
	}
}

// notices tells what is to be known of a list beside its refusals. There may be none.
func (t *Tally) notices(texts []string) {
	t.Lists[len(t.Lists)-1].Notices = texts
	if len(texts) > 0 {
		t.tell.End()
	}
	for _, text := range texts {
		t.tell.Note("%s: %s", t.file, text)
	}
}

// list tells what is known of a list. A sheet may be called by a NIK, which is not told: what names
// a list by one was refused before. From here on what is refused is told as of that list.
func (t *Tally) list(path string, info lists.Info) {
	t.reading, t.told = &info, false
	t.Lists = append(t.Lists, ListSummary{
		File: path, Kind: info.Kind.String(), List: info.ID, Source: info.Source,
		Sheet: lists.MaskNumbers(info.Sheet), Header: info.Header,
		Ignored: append([]string{}, info.Ignored...), Lang: info.Lang,
	})
	if len(info.Ignored) > 0 {
		t.tell.End()
		t.tell.Note("%s: %s: %s", path, info.IgnoredWords(), strings.Join(info.Ignored, ", "))
	}
}

// rows is the feed of a list. Its batches have places and rows, and no raw events: those of rows
// that are refused are never made.
type rows struct{ *lists.Feed }

func newRows(r lists.Rows) rows { return rows{lists.NewFeed(r, importEventsMax)} }

// Next returns the next rows.
func (f rows) Next() (b batch, err error) {
	b.rows, err = f.Feed.Next()
	for i := range b.rows {
		b.Places = append(b.Places, b.rows[i].Row)
	}
	return b, err
}

// sparing returns a submitter of the rows of a list: those that are refused already are spared the
// way to the ledger, and have their receipts all the same. Receipts come back in the order of rows,
// so that each is counted, and given back, at the place where its row stands. Where commit fails in
// the middle, there are receipts up to the first row that has none, as submitter promises.
func sparing(to submitter) submitter {
	return submitter{
		prepare: func(b batch) (prepared, error) {
			var sent batch
			refused := make([]*event.Refusal, len(b.rows))
			for i := range b.rows {
				if refused[i] = b.rows[i].Refusal; refused[i] == nil {
					sent.Raw = append(sent.Raw, b.rows[i].Event)
				}
			}
			// The ledger is not asked for nothing; commit then leaves it alone, too.
			if len(sent.Raw) == 0 {
				return prepared{refused: refused}, nil
			}
			p, err := to.prepare(sent)
			p.refused, p.sent = refused, len(sent.Raw)
			return p, err
		},
		commit: func(p prepared) (all []event.Receipt, err error) {
			var got []event.Receipt
			if p.sent > 0 {
				got, err = to.commit(p)
			}
			for _, refusal := range p.refused {
				switch {
				case refusal != nil:
					all = append(all, event.Receipt{Status: event.Refused, Refusal: refusal})
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

var _ io.ReaderAt = (*measuredAt)(nil)
