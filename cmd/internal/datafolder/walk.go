package datafolder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"cakupan/eventstore/natsd"
)

// walk goes through a folder and all in it. It follows links: of a data folder, the files often lie
// on another disk. It is used once, by one goroutine.
type walk struct {
	in *Inspection
	// As the user calls them.
	streams []string // folders of streams, for later
	asked   string   // the folder asked for, without links
	// Two links to one folder, or a circle of them, are gone through once.
	seen map[string]bool // folders, without links
}

// folder inspects all files in a folder, and notes the streams. It is called again for each folder
// that a link leads to. What disappears while it goes is passed over: a running ledger makes files
// and removes them.
func (w *walk) folder(dir string) error {
	root, err := realPath(dir)
	if err != nil {
		return denied(dir, err)
	}
	// The first call: the folder that the user has named.
	if w.asked == "" {
		w.asked, w.seen = root, map[string]bool{}
	}
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		rest, outside := filepath.Rel(root, path)
		name := filepath.Join(dir, rest) // what the user calls it
		switch {
		case errors.Is(err, fs.ErrNotExist) && path != root:
			return nil // gone meanwhile
		case err != nil || outside != nil:
			return denied(name, errors.Join(err, outside))
		case entry.Type()&fs.ModeSymlink != 0:
			return w.link(name)
		case entry.IsDir():
			return w.enter(path, name)
		}
		return w.file(name)
	})
}

// enter notes a folder, and skips it where there is nothing to walk through. A stream is one thing:
// its files mean nothing one by one.
func (w *walk) enter(path, name string) error {
	if w.seen[path] {
		return fs.SkipDir
	}
	w.seen[path] = true
	if natsd.IsStream(path) {
		w.streams = append(w.streams, name)
		return fs.SkipDir
	}
	return nil
}

// file inspects one file.
func (w *walk) file(name string) error {
	err := w.in.add(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone meanwhile
	}
	return err
}

// link follows a link, unless it leads nowhere, around in a circle, or out to what is around the
// folder asked for. One that leads nowhere is of no file, and says nothing.
func (w *walk) link(name string) error {
	// It follows the link, so that a link to a file is inspected as the file under its own name.
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return denied(name, err)
	case err != nil:
		return nil
	case !info.IsDir():
		return w.file(name)
	}
	target, err := realPath(name)
	if err != nil {
		return denied(name, err)
	}
	// The target holds the folder asked for, or is it: what lies around a data folder was not asked
	// about.
	if rest, err := filepath.Rel(target, w.asked); err == nil && filepath.IsLocal(rest) {
		return nil
	}
	return w.folder(name)
}

// realPath returns the absolute path of a file, without links. It fails where there is no such
// file.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// isFolder tells whether there is a folder of that name, links followed.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
