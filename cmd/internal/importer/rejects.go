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
// Lines of JSON hold none, as they are what people send to whoever runs the ledger.
type Rejects struct {
	path     string
	file     *os.File // under another name until Close, unless path is no regular file
	renamed  bool     // the file gets its name when it is whole
	count    int      // of what was refused
	note     func(format string, args ...any)
	out      *bufio.Writer
	encoder  *json.Encoder
	withFile bool // say which file an event came from

	list *lists.List   // the one that is read, nil for events
	back *lists.Return // gives its rows back, nil for lines of JSON
	asIs string        // extension of the file of a list
}

// Reject is one line of JSON. Input holds no NIK.
type Reject struct {
	File   string     `json:"file,omitempty"` // when several were imported
	Line   int        `json:"line"`           // from 1; of an array, the element's number
	Code   event.Code `json:"code"`
	Field  string     `json:"field"`
	Detail string     `json:"detail"`
	Input  string     `json:"input"`
}

// CheckRejects makes sure, before anything is read, that a file of that name destroys nothing.
// Files are compared as the system knows them, so that a link or another spelling does not hide an
// input.
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
	return errors.Is(err, io.EOF) || string(start[:n]) == `{"file":` ||
		string(start[:n]) == `{"line":`
}

// isInput tells whether a file is one that is imported, the redirected standard input included.
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
// where it will be, so that an older one is lost to nothing less.
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
	r.encoder.SetEscapeHTML(false)
	return r, nil
}

// NewReturned returns what gives the rows of a list back into memory, as a workbook or as CSV.
func NewReturned(to io.Writer, asBook bool) *Rejects {
	r := &Rejects{out: bufio.NewWriter(to), asIs: ".csv"}
	if asBook {
		r.asIs = ".xlsx"
	}
	return r
}

// Count returns how many rows are given back.
func (r *Rejects) Count() int { return r.count }

// begin says that what comes is of a list, nil: not any more.
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

// add writes what was refused.
func (r *Rejects) add(file string, place int, receipt *event.Receipt, in input) error {
	if err := r.write(file, place, receipt, in); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	r.count++
	return nil
}

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
// none, and an older file stays.
func (r *Rejects) Close(failed error) error {
	if r == nil {
		return nil
	}
	keep := r.count > 0 || r.asIs == "" && failed == nil
	err := r.out.Flush()
	switch {
	case r.file == nil: // in memory
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
// are given back as a list.
func (r *Rejects) addNote(row *lists.Record, words string) error {
	if r == nil || r.back == nil {
		return nil
	}
	if err := r.back.Note(row, words); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	r.count++
	return nil
}
