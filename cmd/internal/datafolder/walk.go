package datafolder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"cakupan/eventstore/natsd"
)

// walk goes through a folder and all in it. It follows links: of a data folder, the files often
// lie on another disk.
type walk struct {
	in      *Inspection
	streams []string        // folders of streams, for later
	asked   string          // the folder asked for, without links
	seen    map[string]bool // folders, without links
}

// folder inspects all files in a folder, and notes the streams.
func (w *walk) folder(dir string) error {
	root, err := realPath(dir)
	if err != nil {
		return denied(dir, err)
	}
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

// enter notes a folder, and skips it where there is nothing to walk through.
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

func (w *walk) file(name string) error {
	err := w.in.add(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone meanwhile
	}
	return err
}

// link follows a link, unless it leads nowhere, around in a circle, or out to what is around the
// folder asked for.
func (w *walk) link(name string) error {
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
	if rest, err := filepath.Rel(target, w.asked); err == nil && filepath.IsLocal(rest) {
		return nil
	}
	return w.folder(name)
}

// realPath returns the absolute path of a file, without links.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
