// Package keyfile keeps a key, 32 random bytes, in a file that only its owner can read.
package keyfile

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"cakupan/eventstore/durable"
)

// Size is how many bytes a key has.
const Size = 32

const (
	mode       = 0o600
	othersMask = 0o077 // the rights of group and others
)

// Errors of Read, each one sentence for the operator.
var (
	// ErrExposed is returned when others than the owner may read or write the key.
	ErrExposed = errors.New("key must be readable by its owner only")
	// ErrInvalid is returned for a file that is not a key.
	ErrInvalid = errors.New("key is damaged")
)

// Read returns the key in a file. The error for a missing one is fs.ErrNotExist. Who copied the key
// there may not have made it last; Read does, since what is sealed by it will.
func Read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open key: %w", err)
	}
	key, err := readFrom(file)
	if err == nil {
		err = lasting(durable.Sync(file), durable.SyncFolder(filepath.Dir(path)))
	}
	return key, errors.Join(err, file.Close())
}

// lasting joins errors of making something last, but for those of a file system that is only read
// from, and cannot.
func lasting(errs ...error) error {
	cannot := []error{syscall.EROFS, syscall.EINVAL, fs.ErrPermission, errors.ErrUnsupported}
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool {
		return slices.ContainsFunc(cannot, func(c error) bool { return errors.Is(err, c) })
	})...)
}

// readFrom looks at the file that is open, not at its name: that could be given to another one in
// between.
func readFrom(file *os.File) ([]byte, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("open key: %w", err)
	}
	if info.Mode().Perm()&othersMask != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o; run: chmod 600 %s",
			ErrExposed, file.Name(), info.Mode().Perm(), file.Name())
	}
	if info.Size() != Size {
		return nil, fmt.Errorf("%w: %s has %d bytes instead of %d",
			ErrInvalid, file.Name(), info.Size(), Size)
	}
	key := make([]byte, Size)
	if _, err := file.ReadAt(key, 0); err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if bytes.Count(key, key[:1]) == Size { // what a disk that lost it gives; no random one is
		return nil, fmt.Errorf("%w: %s has the same byte %d times", ErrInvalid, file.Name(), Size)
	}
	return key, nil
}

// Create makes a new key, durable under its name with mode 0600 once it returns. It never replaces
// a key: the error then is fs.ErrExist. After an error there may be a key all the same (see
// durable.ErrUnsynced), which nobody has used yet: Read returns it.
func Create(path string) ([]byte, error) {
	key := make([]byte, Size)
	_, _ = rand.Read(key) // never fails: see crypto/rand
	if err := durable.Create(path, key, mode); err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	return key, nil
}
