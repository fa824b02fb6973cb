package vault

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

const (
	keySize    = 32
	keyMode    = 0o600
	dirMode    = 0o700
	othersMask = 0o077 // the rights of group and others
)

// handle is what the vault knows a NIK by: the first 128 bits of its keyed hash. Two of 150
// million share one with a probability of 2^-75.
type handle [16]byte

// hasher computes handles. It may be used concurrently.
type hasher struct{ pool sync.Pool }

// newHasher keeps prepared HMACs: setting one up costs as much as the hash itself.
func newHasher(key []byte) *hasher {
	return &hasher{pool: sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

func (h *hasher) handle(nik string) (handle handle) {
	mac := h.sum(nik)
	copy(handle[:], mac[:])
	return handle
}

func (h *hasher) sum(text string) (sum [sha256.Size]byte) {
	mac := h.pool.Get().(hash.Hash)
	mac.Reset()
	_, _ = mac.Write([]byte(text)) // never fails: see hash.Hash
	mac.Sum(sum[:0])
	h.pool.Put(mac)
	return sum
}

// readKey reads the key file. A missing one gives an error that is fs.ErrNotExist.
func readKey(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open vault key: %w", err)
	}
	key, err := readKeyFrom(file)
	return key, errors.Join(err, file.Close())
}

func readKeyFrom(file *os.File) ([]byte, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("open vault key: %w", err)
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
		return nil, fmt.Errorf("read vault key: %w", err)
	}
	return key, nil
}

// createKey makes a new key and makes it durable under its name. It never replaces a key.
func createKey(path string) ([]byte, error) {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails: see crypto/rand
	tmp := path + ".tmp"
	if err := writeSynced(tmp, key); err != nil {
		return nil, fmt.Errorf("create vault key: %w", err)
	}
	// If we crash here, the temporary file is left. It is overwritten by the next attempt.
	// A link, unlike a rename, fails when there is a key already.
	if err := os.Link(tmp, path); err != nil {
		return nil, fmt.Errorf("create vault key: %w", err)
	}
	if err := errors.Join(os.Remove(tmp), syncDir(filepath.Dir(path))); err != nil {
		return nil, fmt.Errorf("create vault key: %w", err)
	}
	return key, nil
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
