// Package durable is the one place that makes files last: it writes, syncs, renames, and syncs the
// folder, in the order in which a power cut at any moment leaves the old content or the new one,
// whole. What a call returned nil for is on stable storage under its name.
//
// A file on its way has another name: [Temporary] of its own, or one that the caller made in the
// same folder. What a crash leaves under that name is never read. [WriteFile] and [Create] begin
// with removing it; whoever names files otherwise removes them when it opens its folder.
//
// Every call passes the same steps (see [Step]), at which tests can fail it or cut the power: see
// [Inject] and the package durabletest. There is no other way to inject faults into files.
//
// Why not a library: github.com/google/renameio/v2, the one that is kept, does not sync the folder,
// so that a power cut may take back what was acknowledged; its temporary names are random, so that
// nobody can clean up after a crash; it has nothing for a file that must never replace another (a
// key); and its sync and rename are one step, between which no test can stop.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrUnsynced is returned when a file has its new name and content, but its folder could not be
// synced: they are what everybody reads from now on, and a power cut may still take them back.
// After any other error the old content stands.
var ErrUnsynced = errors.New("written, but a power cut may take it back")

// temporarySuffix ends the names of files on their way.
const temporarySuffix = ".tmp"

// Temporary returns the name that a file has on its way to path. A caller that fills the file
// itself, because it does not fit into memory, creates it there and ends with [Commit].
func Temporary(path string) string { return path + temporarySuffix }

// WriteFile replaces a file, or makes it, with exactly that mode whatever the umask says. Only one
// WriteFile of a path may run at a time, among all processes: callers hold a lock of their own.
func WriteFile(path string, content []byte, mode fs.FileMode) error {
	file, err := writeTemporary(path, content, mode)
	if err != nil {
		return err
	}
	return Commit(file, path)
}

// Create makes a file like [WriteFile], but never replaces one: the error then is fs.ErrExist.
func Create(path string, content []byte, mode fs.FileMode) error {
	file, err := writeTemporary(path, content, mode)
	if err != nil {
		return err
	}
	tmp := file.Name()
	if err := finish(file); err != nil {
		return err
	}
	err = at(BeforeRename, path)
	if err == nil {
		// A link, unlike a rename, fails when there is a file already.
		err = os.Link(tmp, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	// If we crash here, the file has two names. The next writeTemporary removes the temporary one
	// before it writes: through it, it would write into the file.
	err = os.Remove(tmp)
	return errors.Join(err, renamed(path))
}

// Commit makes a file durable and gives it its name, in place of what had it. It closes the file in
// any case, and removes it when it did not get its name.
func Commit(file *os.File, path string) error {
	tmp := file.Name()
	if err := finish(file); err != nil {
		return err
	}
	// If we crash here, the content is durable and has no name: the old file stands.
	err := Rename(tmp, path)
	if err != nil && !errors.Is(err, ErrUnsynced) {
		err = errors.Join(err, os.Remove(tmp))
	}
	return err
}

// Rename gives a file whose content is durable another name in the same folder, in place of what
// had it, and makes that last. Readers that have the old file open keep it.
func Rename(from, to string) error {
	if err := at(BeforeRename, to); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return renamed(to)
}

// Sync makes last what was written to a file that keeps its name: one that grows at its end, or is
// written in place. After an error, what was written since the last success may be there or not,
// also in part, and a second Sync of the same file says nothing: the system may have dropped what
// it could not write.
func Sync(file *os.File) error {
	if err := at(BeforeSync, file.Name()); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return at(Done, file.Name())
}

// SyncFolder makes the names in a folder last: of files made, renamed or removed in it.
func SyncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// MakeFolder makes a folder and those above it that are missing, and makes their names last: what
// is synced inside of a folder is lost all the same when the folder's own name is. A folder that is
// there already is left as it is.
func MakeFolder(path string, mode fs.FileMode) error {
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if above := filepath.Dir(path); above != path {
		if err := MakeFolder(above, mode); err != nil {
			return err
		}
	}
	if err := at(BeforeWrite, path); err != nil {
		return err
	}
	if err := os.Mkdir(path, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return renamed(path)
}

// writeTemporary fills the temporary file of a path, and leaves it open.
func writeTemporary(path string, content []byte, mode fs.FileMode) (*os.File, error) {
	tmp := Temporary(path)
	if err := at(BeforeWrite, path); err != nil {
		return nil, err
	}
	// What a crash has left may have another mode, be a link, or be a second name of the file.
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Chmod(mode)); err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(tmp))
	}
	return file, nil
}

// finish makes the content of a file on its way last, and closes it. After an error it is gone.
func finish(file *os.File) error {
	err := at(BeforeSync, file.Name())
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// renamed makes the new name of a file last.
func renamed(path string) error {
	err := at(BeforeFolder, path)
	if err == nil {
		err = SyncFolder(filepath.Dir(path))
	}
	if err == nil {
		err = at(Done, path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %w", path, ErrUnsynced, err)
	}
	return nil
}
