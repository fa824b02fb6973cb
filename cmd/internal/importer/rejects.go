package importer

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/durable"
)

// Rejects is the file that gets what was refused: events as lines of JSON, or the rows of a list as
// a list again. A list may hold whole NIKs, those of its own rows: it goes back to who sent them.
// Lines of JSON hold none, as they are what people send to whoever runs the ledger. A nil one is
// none: Close and addNote do nothing then. It belongs to the goroutine that imports.
type Rejects struct {
	// As it was given; empty where rows go into memory.
	path string
	// Nil: in memory. Owned.
	file    *os.File // under another name until Close, unless path is no regular file
	renamed bool     // the file gets its name when it is whole
	// Rows that are given back with a remark are counted, too.
	count int  // of what was refused
	full  bool // it was said that a workbook has no place for more
	// Tells people a line; never nil where there is a file.
	note func(format string, args ...any)
	// In front of file, or of the memory that rows go to; flushed by Close alone.
	out *bufio.Writer
	// It writes to out; not used while back is there.
	encoder  *json.Encoder
	withFile bool // say which file an event came from

	list *lists.List // the one that is read, nil for events
	// Owned; begin closes it, which for a workbook writes all there is.
	back *lists.Return // gives its rows back, nil for lines of JSON
	// ".csv" or ".xlsx"; empty: what is refused of a list comes as lines of JSON, too.
	asIs string // extension of the file of a list
}

// Reject is one line of JSON. Input holds no NIK. Its names are those of the contract, section 6.
type Reject struct {
	File   string     `json:"file,omitempty"` // when several were imported
	Line   int        `json:"line"`           // from 1; of an array, the element's number
	Code   event.Code `json:"code"`
	Field  string     `json:"field"`
	Detail string     `json:"detail"`
	// Of a list, its cells as far as they may be shown; otherwise the line as it came, with NIKs
	// masked to their first six digits.
	Input string `json:"input"`
}

// CheckRejects makes sure, before anything is read, that a file of that name destroys nothing.
// Files are compared as the system knows them, so that a link or another spelling does not hide an
// input. The error is one of usage, and the file is as it was. An older file of rejects may be
// overwritten, since that is what running the command again does; a list may not, for it could be
// the one that somebody has corrected by hand. inputs may have "-", which is stdin.
func CheckRejects(path string, inputs []string, stdin io.Reader) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil // there is nothing yet, or NewRejects says what is wrong
	}
	for _, input := range inputs {
		if isInput(info, input, stdin) {
			return usage(path + " is what you import: name another file for --rejects (itu berkas" +
				" yang Anda kirim: sebut nama lain)")
		}
	}
	switch {
	case IsList(path):
		return usage(path + " is there already: name another file for --rejects (berkas itu" +
			" sudah ada: sebut nama lain)")
	case info.Mode().IsRegular() && !holdsRejects(path):
		return usage(path + " is there already, and not from --rejects: name another file" +
			" (berkas itu sudah ada dan bukan dari --rejects: sebut nama lain)")
	}
	return nil
}

// holdsRejects tells whether a file is empty or begins as an older one of what was refused.
// Whatever cannot be read is not, so that it is left alone.
func holdsRejects(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	start := make([]byte, len(`{"file":`))
	n, err := io.ReadFull(file, start)
	if file.Close() != nil {
		return false
	}
	// An empty file is lost to nobody. One that ends within the first few bytes and holds something
	// is not ours.
	return errors.Is(err, io.EOF) || string(start[:n]) == `{"file":` ||
		string(start[:n]) == `{"line":`
}

// isInput tells whether a file is one that is imported, the redirected standard input included. An
// input that is not there is none: who reads it says so.
func isInput(info os.FileInfo, input string, stdin io.Reader) bool {
	var other os.FileInfo
	var err error
	if file, ok := stdin.(*os.File); input == "-" && ok {
		other, err = file.Stat()
	} else {
		other, err = os.Stat(input)
	}
	return err == nil && os.SameFile(info, other)
}

// NewRejects begins the file; without a name there is none. Until it is whole it stands beside
// where it will be, so that an older one is lost to nothing less. The caller calls Close, also when
// the import fails. A crash before leaves the older file as it was, and beside it one whose name
// begins with a dot, which nobody reads again.
func NewRejects(path string, withFile bool, note func(format string, args ...any),
) (*Rejects, error) {
	if path == "" {
		return nil, nil
	}
	r := &Rejects{path: path, withFile: withFile, note: note}
	var err error
	if info, missing := os.Lstat(path); missing == nil && !info.Mode().IsRegular() {
		// A pipe, a terminal or a link: another file must not take its place.
		r.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	} else {
		// Rows are given back as they were, NIK and all: it is nobody else's to read.
		r.file, err = os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
		r.renamed = true
	}
	if err != nil {
		return nil, problem.Wrap(problem.FileNotReadable, path+" cannot be written", err)
	}
	r.out = bufio.NewWriter(r.file)
	if ReturnsList(path) {
		r.asIs = strings.ToLower(filepath.Ext(path))
	}
	r.encoder = json.NewEncoder(r.out)
	// People read it: < stays what it is.
	r.encoder.SetEscapeHTML(false)
	return r, nil
}

// NewReturned returns what gives the rows of a list back into memory, as a workbook or as CSV. The
// caller calls Close when the import is over, and to has everything then; nothing is named and
// nothing removed.
func NewReturned(to io.Writer, asBook bool) *Rejects {
	r := &Rejects{out: bufio.NewWriter(to), asIs: ".csv"}
	if asBook {
		r.asIs = ".xlsx"
	}
	return r
}

// Count returns how many rows are given back.
func (r *Rejects) Count() int { return r.count }

// begin says that what comes is of a list, nil: not any more. After it was called with nil, what
// was given back of the list is complete.
func (r *Rejects) begin(list *lists.List) (err error) {
	r.list = list
	switch {
	case list != nil && r.asIs != "":
		r.back, err = list.Return(r.out, r.asIs == ".xlsx")
	case list == nil && r.back != nil:
		err = r.back.Close()
		r.back = nil
	}
	if err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	return nil
}

// add writes what was refused. in is the event or the row that it is about; of a row that is not in
// the file it is empty.
func (r *Rejects) add(file string, place int, receipt *event.Receipt, in input) error {
	return r.given(r.write(file, place, receipt, in))
}

// given counts a row that was given back, or says once that a workbook has no place for more: all
// are judged and told, whatever becomes of a file that was asked for beside it.
func (r *Rejects) given(err error) error {
	if errors.Is(err, lists.ErrFull) {
		if !r.full && r.note != nil {
			r.note("%s: a workbook has 1,048,576 rows and no more: name a .csv file with --rejects"+
				" to get all (sebuah buku kerja paling banyak 1.048.576 baris: sebut berkas .csv"+
				" dengan --rejects untuk mendapat semuanya)", r.path)
		}
		r.full = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	r.count++
	return nil
}

// write writes one refusal in the form that the file has: a row with a remark, or a line of JSON
// without any whole NIK.
func (r *Rejects) write(file string, place int, receipt *event.Receipt, in input) error {
	why := receipt.Why()
	if r.back != nil {
		words := why.Detail
		if why.Field != "" {
			words = why.Field + ": " + words
		}
		return r.back.Row(&in.row, words)
	}
	if !r.withFile {
		file = ""
	}
	// This is the line that goes to whoever runs the ledger: no NIK may be in it, contract, section
	// 1.
	shown := ""
	if r.list != nil {
		shown = in.row.Shown()
	} else {
		shown = string(cloudevents.MaskNIK(in.raw))
	}
	return r.encoder.Encode(Reject{
		File: file, Line: place, Code: why.Code, Field: why.Field,
		Detail: why.Detail, Input: shown,
	})
}

// Close ends the file and gives it its name. Where an import failed, it has what was refused
// before; where it failed with nothing refused, or a list has nothing to be corrected, there is
// none, and an older file stays. failed is the import's error, nil where it went well. The name is
// given after the content is on disk: a crash leaves the older file or the whole new one. It is
// called once.
func (r *Rejects) Close(failed error) error {
	if r == nil {
		return nil
	}
	// A list without rows would only be its heading; an empty file of lines says that nothing was
	// refused, which a program waits for.
	keep := r.count > 0 || r.asIs == "" && failed == nil
	err := r.out.Flush()
	switch {
	case r.file == nil: // in memory
	// A pipe or a terminal: what was written is gone, and an empty one is closed as any other.
	case !r.renamed:
		err = errors.Join(err, r.file.Close())
	case keep && err == nil:
		err = durable.Commit(r.file, r.path)
	default:
		err = errors.Join(err, r.file.Close(), os.Remove(r.file.Name()))
	}
	if err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	if r.renamed && !keep && failed == nil {
		r.note("nothing was refused: %s was not written (tidak ada yang ditolak: berkas itu tidak"+
			" dibuat)", r.path)
	}
	return nil
}

// addNote gives a row of a list back that was taken in, with what is to be known of it, where rows
// are given back as a list. words may be empty: the row is given back for the sake of the whole
// list. In a file of lines it has no place, since nothing of it is refused.
func (r *Rejects) addNote(row *lists.Record, words string) error {
	if r == nil || r.back == nil {
		return nil
	}
	return r.given(r.back.Note(row, words))
}
