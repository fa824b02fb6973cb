//go:build linux || darwin || freebsd

package natsd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// FreeSpace returns how many bytes the file system of the folder has left for this process. It
// counts what is left for ordinary users, not what is kept back for root, and no quota.
func FreeSpace(dir string) (uint64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return 0, fmt.Errorf("ask for free space of %s: %w", dir, err)
	}
	return uint64(stat.Bavail) * uint64(stat.Bsize), nil //nolint:unconvert // signed on FreeBSD
}

// checkRights makes sure that this process may read and write all files of the folder. The server
// would start without a stream whose files it cannot open, as if there were none. It looks at each
// file with the process's own rights of this moment. The error is a fs.PathError that names the
// first.
func checkRights(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := uint32(unix.R_OK | unix.W_OK)
		if entry.IsDir() {
			mode |= unix.X_OK
		}
		if err := unix.Faccessat(unix.AT_FDCWD, path, mode, unix.AT_EACCESS); err != nil {
			return &fs.PathError{Op: "use", Path: path, Err: err}
		}
		return nil
	})
}

// unlockFile gives the lock back and closes the file. Closing it would do, but for a child of this
// process that has not begun its own program yet: until then it holds all files that were open
// when it was forked.
func unlockFile(file *os.File) error {
	return errors.Join(unix.Flock(int(file.Fd()), unix.LOCK_UN), file.Close())
}

// lockFile opens the file and takes its lock, which ends with the process at the latest. It does
// not wait: ErrInUse says that another process has it. The file stays when the lock is given back;
// that it exists says nothing.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
