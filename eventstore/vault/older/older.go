// Package older reads the vaults that earlier programs kept in files, formats 1 and 2, to bring
// them over to the vault's stream; see FORMAT.md. It writes nothing. Nothing new is made in these
// formats; the package is there as long as such vaults may be found.
package older

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"cakupan/eventstore/inspect"
)

const (
	keyName = "vault.key"
	dbName  = "vault.db"

	format      = "2" // of what a vault was made with before, "1", it has the journal too
	formatOlder = "1"
	checkText   = "cakupan vault" // no NIK: it has no digits
	size        = 16              // of a handle and of an id
)

func workersBucket() []byte { return []byte("workers") }
func metaBucket() []byte    { return []byte("meta") }
func formatKey() []byte     { return []byte("format") }
func checkKey() []byte      { return []byte("check") }
func ledgerKey() []byte     { return []byte("ledger") }

// Errors of Read.
var (
	// ErrKeyWrong is returned when the key is not the one the vault was made with.
	ErrKeyWrong = errors.New("vault.key is not the key of vault.db")
	// ErrOtherLedger is returned for a vault that was made for another ledger.
	ErrOtherLedger = errors.New("vault belongs to another ledger")
	// ErrLost is returned when there is a journal of a vault without its database.
	ErrLost = errors.New("vault has lost vault.db")
	// ErrDamaged is returned when the files do not hold what they should.
	ErrDamaged = errors.New("vault is damaged")
	// ErrNewerFormat is returned for a vault that a newer version of this program made.
	ErrNewerFormat = errors.New("vault has a newer format than this program knows")
)

// Handle is what the vault knows a NIK by: the first 128 bits of its keyed hash.
type Handle [size]byte

// ID is a worker id.
type ID [size]byte

// hash returns the keyed hash of a text. It is made as it was made then, or nobody would be found
// again.
func hash(key []byte, text string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(text)) // never fails: see hash.Hash
	mac.Sum(sum[:0])
	return sum
}

// Files returns the names of the files of such a vault that are in a folder, the database last. In
// that order they can be removed: a database without journals is whole, journals without their
// database are lost.
func Files(dir string) (names []string, err error) {
	numbers, err := journals(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for vault: %w", err)
	}
	for _, number := range numbers {
		names = append(names, filepath.Base(journalPath(dir, number)))
	}
	if _, err := os.Stat(filepath.Join(dir, dbName)); err == nil {
		names = append(names, dbName)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for vault: %w", err)
	}
	return names, nil
}

// Read yields all that the vault of a ledger in a folder holds: always in the same order, and one
// that is in a journal and in the database twice. Nobody else may have the vault open. All is
// checked before the first is yielded, but for the values, which nothing covers. An error of yield
// ends it. The journal's come last, as they were the newest.
func Read(dir string, key []byte, ledger string, yield func(Handle, ID) error) error {
	path := filepath.Join(dir, dbName)
	d, err := readDescription(path)
	check := hash(key, checkText)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = ErrLost
	case errors.Is(err, inspect.ErrBolt):
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	case err != nil:
	case string(d.format) != format && string(d.format) != formatOlder:
		err = ErrNewerFormat
	case !bytes.Equal(d.check, check[:]):
		err = ErrKeyWrong
	case string(d.ledger) != ledger:
		err = ErrOtherLedger
	case d.odd > 0:
		err = fmt.Errorf("%w: %d workers are not as long as they must be", ErrDamaged, d.odd)
	}
	if err != nil {
		return fmt.Errorf("read vault %s: %w", path, err)
	}
	owner := hash(key, journalText+ledger)
	journaled := map[Handle]ID{}
	if err := readJournals(dir, owner[:], journaled); err != nil {
		return fmt.Errorf("read vault: %w", err)
	}
	err = inspect.ReadBolt(path, func(b *inspect.Bolt) error {
		return b.Walk(func(bucket string, key, value []byte) error {
			if bucket != string(workersBucket()) || key == nil {
				return nil
			}
			return yield(Handle(key), ID(value))
		})
	})
	if errors.Is(err, inspect.ErrBolt) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err != nil {
		return fmt.Errorf("read vault %s: %w", path, err)
	}
	return yieldSorted(journaled, yield)
}
