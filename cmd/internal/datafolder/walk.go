package datafolder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"cakupan/eventstore/natsd"
)

// walk goes through a folder and all in it. It follows links: of a data folder, or its log, the
// files often lie on another disk.
type walk struct {
	in      *Inspection
	streams []string // folders of streams, for later
	roots   []string // what is walked through, without links
}

// folder inspects all files in a folder, and notes the streams.
func (w *walk) folder(dir string) error {
	root, err := realPath(dir)
	if err != nil {
		return denied(dir, err)
	}
	w.roots = append(w.roots, root)
	// What is walked through is not a link; what is told is what the user calls it.
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		rest, outside := filepath.Rel(root, path)
		name := filepath.Join(dir, rest)
		switch {
		case outside != nil:
			return denied(path, outside)
		case errors.Is(err, fs.ErrNotExist) && path != root:
			return nil // gone meanwhile
		case err != nil:
			return denied(name, err)
		case entry.Type()&fs.ModeSymlink != 0 && isFolder(path):
			return w.link(name)
		case entry.IsDir() && natsd.IsStream(path):
			w.streams = append(w.streams, name)
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		err = w.in.add(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// link walks through a folder that a link leads to, unless it is walked through anyway, or leads
// out of what was asked for and around it.
func (w *walk) link(path string) error {
	target, err := realPath(path)
	if err != nil {
		return denied(path, err)
	}
	for _, root := range w.roots {
		if within(root, target) || within(target, root) {
			return nil
		}
	}
	return w.folder(path)
}

// realPath returns the absolute path of a file without links.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// within tells whether a path is a folder or lies in it.
func within(folder, path string) bool {
	rest, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rest)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
