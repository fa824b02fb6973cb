package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"cakupan/cmd/internal/problem"
)

// OpenToRead opens a ledger for who only asks. A folder that cannot be written, or that another
// process has open, is copied to a scratch place first, and the copy is asked: the log is a
// server's, which must write where it reads. told is told so before. Nothing of the folder itself
// is changed.
//
// The copy is removed by Close; what a crash leaves of it is in the place for temporary files. It
// has the keys in it, and is readable by its owner alone.
func OpenToRead(ctx context.Context, opts Options, told func(string)) (*Ledger, error) {
	l, err := Open(ctx, opts)
	inUse := problem.From(err) != nil && problem.From(err).Code == problem.FolderInUse
	if !inUse && !errors.Is(err, syscall.EROFS) && !errors.Is(err, fs.ErrPermission) {
		return l, err
	}
	scratch, failed := os.MkdirTemp("", "cakupan-scratch-")
	if failed != nil {
		return nil, errors.Join(err, failed)
	}
	told(fmt.Sprintf("%s cannot be written or is in use: a copy in %s is asked, for as long as"+
		" this takes (TMPDIR names another place)", opts.Dir, scratch))
	failed = copyLedger(ctx, opts.Dir, scratch, inUse)
	if failed == nil {
		asked := opts
		asked.Dir, asked.Create = scratch, false
		if l, failed = Open(ctx, asked); failed == nil {
			l.copyOf = opts.Dir
			return l, nil
		}
	}
	if errors.Is(failed, fs.ErrPermission) {
		failed = err // of the folder itself
	}
	return nil, errors.Join(failed, os.RemoveAll(scratch))
}

// copyLedger copies a data folder. Of one that is in use it copies what tells the log: caches that
// are written to meanwhile would be found damaged, and are made anew; so is the server's own, which
// could name messages that are not copied yet. A block that is written to ends as after a crash. It
// follows no links. Files that go meanwhile are left out.
func copyLedger(ctx context.Context, from, to string, inUse bool) error {
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
		caches := []string{indexFolder, viewsFolder}
		inVault := filepath.Dir(name) == vaultFolder
		switch {
		case entry.IsDir() && inUse && slices.Contains(caches, name):
			return fs.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, name), privateFolders)
		case !entry.Type().IsRegular(), // such as the socket for commands
			strings.HasPrefix(entry.Name(), "lock"), inUse && entry.Name() == "index.db",
			inUse && inVault && !isKept(name): // its look-up table is derived
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
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, privateFiles)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// source returns the folder that was named: for a copy, what it is a copy of. It is for what people
// are told, never to be opened for writing.
func (l *Ledger) source() string {
	if l.copyOf != "" {
		return l.copyOf
	}
	return l.folder.dir
}

// removeCopy removes the scratch place of a ledger that was copied for this process. It is called
// last, when nothing in it is open.
func (l *Ledger) removeCopy() error {
	if l.copyOf == "" {
		return nil
	}
	if err := os.RemoveAll(l.folder.dir); err != nil {
		return fmt.Errorf("remove copy: %w", err)
	}
	return nil
}
