// Package datafolder says what each file of a data folder is, whose, how far it goes, and whether
// it is whole. It opens nothing for writing and takes no lock, so that it may look at a folder that
// a ledger is running on, and at one that is damaged or cannot be written to.
//
// What a kind of file looks like inside is known to the package that writes it; here is which file
// is of which kind, and what they say of each other. The command inspect uses it. What can be told
// only with keys, or by reading the log from its beginning, is verify's to tell.
package datafolder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/inspect"
)

// Inspection is what can be told about a file, or about a folder with all in it.
type Inspection struct {
	State inspect.State `json:"state"` // the worst of those of the files
	// In the order of their names, streams last; each with the path by which the user would name
	// it.
	Files []inspect.Report `json:"files"`
}

// Inspect inspects a file or a folder. The error is of the file system. That something is damaged
// is no error: the report says so. A file that cannot be read for lack of a right is one, since
// silence about it would be taken for its being whole. While a ledger is running, files are of
// somewhat different moments: those of the log are read last.
func Inspect(path string) (*Inspection, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, problem.New(problem.NotFound, "there is no "+path)
	case err != nil:
		return nil, denied(path, err)
	}
	in := &Inspection{}
	if !info.IsDir() {
		err = in.add(path)
	} else {
		err = in.folder(path)
	}
	if err != nil {
		return nil, err
	}
	// Only now: what is wrong of a file beside others shows when all were read.
	in.compare()
	in.State = in.worst()
	return in, nil
}

// worst returns the worst state of the files. A folder may hold what is none of this program's
// business; but one that holds nothing else is unknown, and not whole.
func (in *Inspection) worst() inspect.State {
	state, known := inspect.Whole, false
	for i := range in.Files {
		if s := in.Files[i].State; s != inspect.Unknown {
			state, known = worse(state, s), true
		}
	}
	if !known {
		return inspect.Unknown
	}
	return state
}

// worse returns the worse of two states.
func worse(a, b inspect.State) inspect.State {
	if b.Worse(a) {
		return b
	}
	return a
}

// folder inspects all in a folder. Streams come last: the log is what others are compared with,
// and must not be read before what is derived from it while a ledger is running.
func (in *Inspection) folder(dir string) error {
	w := walk{in: in}
	err := w.folder(dir)
	for _, stream := range w.streams {
		if err == nil {
			err = in.add(stream)
		}
	}
	return err
}

// add inspects a file, or the folder of a stream.
func (in *Inspection) add(path string) error {
	report, err := inspectOne(path)
	if err != nil {
		return denied(path, err)
	}
	in.Files = append(in.Files, report)
	return nil
}

// denied puts an error of the file system into words. It tells what to do where a right is missing,
// and names the path otherwise.
func denied(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return problem.Wrap(problem.FolderDenied,
			"no right to read "+path+": run as its owner", err)
	}
	return fmt.Errorf("inspect %s: %w", path, err)
}

// compare compares what lies in one folder: whose it is, and whether what is derived from the log
// has seen more than it holds. Of a single file there is nothing to compare. The finding is noted
// with the file that has lost something, not with the one that shows it.
func (in *Inspection) compare() {
	// Places in Files; -1: there is none.
	ledger, log, register := "", -1, -1
	for i := range in.Files {
		switch f := &in.Files[i]; {
		case f.Kind == kindIdentity:
			ledger = f.Ledger
		case strings.HasPrefix(f.Kind, kindLog):
			log = i
		case strings.HasPrefix(f.Kind, kindRecords) && strings.HasSuffix(f.Kind, "_REGISTER"):
			register = i
		}
	}
	for i := range in.Files {
		f := &in.Files[i]
		// What another ledger's file has seen says nothing about this log.
		if ledger != "" && f.Ledger != "" && f.Ledger != ledger {
			f.Found(inspect.Foreign, "it belongs to ledger %s, and lies in the folder of %s",
				f.Ledger, ledger)
			continue
		}
		// The file remembers up to which change the register was seen: its stream must have as
		// many.
		if register >= 0 && f.Kind == access.KindSeen && f.Last > in.Files[register].Last {
			in.Files[register].Found(inspect.Damaged, "it ends at change %d, but %s has seen"+
				" change %d: its end is lost, or it is an older copy", in.Files[register].Last,
				filepath.Base(f.Path), f.Last)
		}
		if log < 0 || !isDerived(f) {
			continue
		}
		// Derived files are read before the log, so that one that is being written cannot be ahead
		// by that alone.
		if end := in.Files[log].Last; f.Last > end {
			in.Files[log].Found(inspect.Damaged, "it ends at event %d, but %s has seen event"+
				" %d: its end is lost, or it is an older copy", end, filepath.Base(f.Path), f.Last)
		}
	}
}

// isDerived tells whether a file is one of a ledger's own that follow the log. One that is damaged
// is no witness of how long the log was.
func isDerived(f *inspect.Report) bool {
	return f.State != inspect.Damaged &&
		slices.ContainsFunc([]string{"index:", "projection:"}, func(kind string) bool {
			return strings.HasPrefix(f.Kind, kind)
		})
}
