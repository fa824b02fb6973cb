package folder

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Copy copies a data folder. Of one that is in use it copies what tells the log: caches that
// are written to meanwhile would be found damaged, and are made anew; so is the server's own, which
// could name messages that are not copied yet, and so is the note of how far the streams are, which
// goes on while they are copied. A block that is written to ends as after a crash. It follows no
// links. Files that go meanwhile are left out.
func Copy(ctx context.Context, from, to string, inUse bool) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != from {
			return nil // gone meanwhile
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		caches := []string{Index, Views}
		inVault := filepath.Dir(name) == Vault
		switch {
		case entry.IsDir() && inUse && slices.Contains(caches, name):
			return fs.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, name), FolderMode)
		case !entry.Type().IsRegular(), // such as the socket for commands
			strings.HasPrefix(entry.Name(), "lock"),
			inUse && (entry.Name() == "index.db" || name == RestFile),
			inUse && inVault && !IsKept(name): // its look-up table is derived
			return nil
		}
		err = copyFile(path, filepath.Join(to, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// copyFile copies a file, sharing its blocks where the file system can. The copy is not made
// durable: it is gone with the process. to must not be there.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	info, err := in.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, FileMode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
