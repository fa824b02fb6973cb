// Package importer takes in files of events and lists of people: it reads, prepares and commits in
// step, and keeps an account of what became of each. What an event or a row means is judged by the
// ledger and by the package of lists: here is the way there and back, with receipts at the places
// where they belong.
//
// The commands for import and lists use it, and the pages that take a list from a browser, whose
// file is in memory. A ledger is either in this process or behind a URL; which one it is shows in
// nothing but the time it takes.
package importer

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/split"
)

// Import takes in files. It is for one import and one goroutine; what it was told is not changed
// while it runs.
type Import struct {
	From    *client.Client // the ledger; it stays the caller's
	Options intake.Options // of all files
	Lists   lists.Options  // of those that are lists
	Stdin   io.Reader      // the file "-"
	Tally   *Tally         // keeps the account, also of what was done before an error
	// It is only read, and stays the caller's.
	Memory []byte // what the file of a list holds; nil: it is read from the disk
	Parts  bool   // a correction too large for one step may be recorded in parts
	// Now is the clock by which days are near or to come; nil: that of the machine.
	Now func() time.Time

	rowsMax int // asked about at once when it is told what they have done; 0: see effectPart
}

// Files takes in files, one after the other, and stops at the first that cannot be read on: what
// comes after it may rest on it. What was taken in before stays, and Tally says how much that is;
// to import all of them again is safe, and takes in the rest. A refused event ends nothing: it is
// counted and given back. An error is one of reading, of the ledger, or of ctx. The files stay as
// they are.
func (l *Import) Files(ctx context.Context, paths []string) error {
	// One for all files: whether the ledger takes anything at all is asked before the first is
	// opened.
	to, err := newSubmitter(ctx, l.From, l.Options)
	for _, path := range paths {
		if err != nil {
			return err
		}
		if l.Tally.file = path; IsList(path) {
			err = l.importLists(ctx, path, to)
		} else {
			err = l.importFile(ctx, path, to)
		}
	}
	return err
}

// CheckFile makes sure, before anything is appended, that a file is there and of a known kind: a
// mistyped third name should not be found out after two files are in the log for ever. The error
// names the file and what to do. It opens no file of events: that one of them breaks in its middle
// is found when it is read.
func CheckFile(path string) error {
	// Standard input is there by itself; a list has a name that readerOf does not know.
	if _, err := readerOf(path, nil); !IsList(path) && (err != nil || path == "-") {
		return err
	}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return problem.File(path, err)
	}
	return nil
}

// readerOf returns what cuts a file of that name into events. It goes by the name alone, since a
// file that is cut off or empty has nothing else to go by. The error is for people, in both
// languages: who sends lists may not read English.
func readerOf(path string, in io.Reader) (split.Reader, error) {
	switch extension := strings.ToLower(filepath.Ext(path)); {
	case path == "-" || extension == ".ndjson" || extension == ".jsonl":
		return split.NewLines(in), nil
	case extension == ".json":
		return split.NewArray(in), nil
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".xls", ".xlsb", ".xlt", ".xltx", ".fods", ".numbers", ".et", ".html", ".htm",
		".slk", ".dif", ".dbf":
		return nil, usage(path + ": open it in Excel or LibreOffice and save it as .xlsx (buka di" +
			" Excel atau LibreOffice lalu simpan sebagai .xlsx)")
	}
	return nil, usage(path + ": the name of a file of events ends with .ndjson, .jsonl or .json," +
		" of a list of people with .csv, .tsv, .txt, .xlsx, .xlsm or .ods (nama berkas daftar" +
		" berakhir dengan .csv, .tsv, .txt, .xlsx, .xlsm atau .ods)")
}

// importFile takes in the events of a file. What comes in another encoding than UTF-8, as editors
// write it, is decoded on the way.
func (l *Import) importFile(ctx context.Context, path string, to submitter) (err error) {
	t := l.Tally
	in := &measured{Reader: l.Stdin}
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return problem.File(path, err)
		}
		// A batch may still be read when an import is interrupted; then the file is closed
		// under the reader, which nobody waits for.
		defer func() { err = errors.Join(err, file.Close()) }()
		in.Reader = file
		// A pipe has no size that means anything.
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			in.size = info.Size()
		}
	}
	// It is kept until the next file: what is told of progress in between is of this one, read to
	// its end.
	t.part = in.part
	text, err := lists.Decode(in)
	if err != nil {
		return inFile(path, err)
	}
	reader, err := readerOf(path, text)
	if err != nil {
		return err
	}
	return importBatches(ctx, events{split.NewFeed(reader, importEventsMax)}, to, t)
}

// measured is an input that knows how much of it was read. One goroutine reads while another shows
// how far it is.
type measured struct {
	io.Reader
	size int64        // bytes; 0: not known, as of a pipe
	read atomic.Int64 // bytes, which run ahead of the events that are taken in
}

// Read reads on.
func (m *measured) Read(b []byte) (int, error) {
	n, err := m.Reader.Read(b)
	m.read.Add(int64(n))
	return n, err
}

// part returns how much of the input is read, from 0 to 1; negative where that is not known. A file
// that grows meanwhile may give more than 1.
func (m *measured) part() float64 {
	if m.size == 0 {
		return -1
	}
	return float64(m.read.Load()) / float64(m.size)
}

// usage returns a problem of how the command was given: exit code 2, and nothing was done.
func usage(text string) error { return problem.New(problem.UsageWrong, text) }
