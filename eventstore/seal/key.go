package seal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	keySize    = 32
	keyMode    = 0o600
	othersMask = 0o077 // the rights of group and others
)

// Errors of key files, each one sentence for the operator.
var (
	// ErrNoKey is returned by ReadKey when there is no file.
	ErrNoKey = errors.New("there is no key")
	// ErrKeyExposed is returned when others than the owner may read or write the key.
	ErrKeyExposed = errors.New("key must be readable by its owner only")
	// ErrKeyInvalid is returned for a key file that is not one.
	ErrKeyInvalid = errors.New("key is damaged")
)

// ReadKey returns the sealer of the key in a file.
func ReadKey(path string) (*Sealer, error) {
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoKey, path)
	}
	if err != nil {
		return nil, err
	}
	return New(key)
}

func readKey(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open key: %w", err)
	}
	key, err := readKeyFrom(file)
	return key, errors.Join(err, file.Close())
}

func readKeyFrom(file *os.File) ([]byte, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("open key: %w", err)
	}
	if info.Mode().Perm()&othersMask != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o; run: chmod 600 %s",
			ErrKeyExposed, file.Name(), info.Mode().Perm(), file.Name())
	}
	if info.Size() != keySize {
		return nil, fmt.Errorf("%w: %s has %d bytes instead of %d",
			ErrKeyInvalid, file.Name(), info.Size(), keySize)
	}
	key := make([]byte, keySize)
	if _, err := file.ReadAt(key, 0); err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	return key, nil
}

// CreateKey makes a new key, durable under its name with mode 0600 once it returns, and returns
// its sealer. It never replaces a key: the error then is fs.ErrExist.
func CreateKey(path string) (*Sealer, error) {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails: see crypto/rand
	tmp := path + ".tmp"
	if err := writeSynced(tmp, key); err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	// If we crash here, the temporary file is left. It is overwritten by the next attempt.
	// A link, unlike a rename, fails when there is a key already.
	if err := os.Link(tmp, path); err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	if err := errors.Join(os.Remove(tmp), syncDir(filepath.Dir(path))); err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	return New(key)
}

func writeSynced(path string, data []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, keyMode)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Sync(), file.Close())
}

// syncDir makes the names in a folder durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
