package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"cakupan/eventstore/durable"
	"cakupan/eventstore/keyfile"
)

const (
	keyName = "vault.key"
	dbName  = "vault.db"

	lockPatience = time.Second
	format       = "2" // of what a vault was made with before, "1", it has the journal too
	formatOlder  = "1"

	// tentativeMax bounds the ids that wait for Persist; at about 100 bytes each, 13 MB. Callers
	// persist after each batch, so it is reached only when they do not: see Resolve.
	tentativeMax = 1 << 17

	checkText = "cakupan vault" // no NIK: it has no digits
)

func workersBucket() []byte { return []byte("workers") }
func metaBucket() []byte    { return []byte("meta") }
func formatKey() []byte     { return []byte("format") }
func checkKey() []byte      { return []byte("check") }
func ledgerKey() []byte     { return []byte("ledger") }

// id is a worker id: 128 random bits.
type id [16]byte

func (i id) String() string { return hex.EncodeToString(i[:]) }

// Vault is an open vault. All methods may be called at the same time from several goroutines.
type Vault struct {
	db     *bbolt.DB
	hasher *hasher
	limit  int // tentative ids
	// mergeMin is the constant of that name; tests take less.
	mergeMin int

	dir   string
	owner []byte // begins each journal

	mu sync.Mutex
	// next collects the ids for the next commit. flying is the commit under way, nil: none. An
	// id moves from next to flying to recent, which the journal holds too, to merging, to the
	// database; who holds mu and finds it in none of them may give out a new one.
	next, flying    *commit
	recent, merging map[handle]id
	merges          uint64        // that are over
	merged          chan struct{} // closed when the merge under way is over; nil: none is
	mergeErr        error         // of the last one
	nextMerge       int           // begins when there are so many recent ids

	journal *journal // nil until it is needed; used by the commit under way alone
}

// Open opens the vault of a ledger in a folder, and creates it, with a new key, when there is none.
// The ledger is named by the number of its log; a vault of another one gives ErrOtherLedger, or
// the same people would be counted under second ids.
func Open(dir, ledger string) (*Vault, error) {
	if err := durable.MakeFolder(dir, dirMode); err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	dbPath := filepath.Join(dir, dbName)
	if _, err := os.Stat(dbPath); errors.Is(err, fs.ErrNotExist) {
		// Before anything is made, or the next start would find a vault.
		if err := neverUsed(dir); err != nil {
			return nil, fmt.Errorf("open vault %s: %w", dbPath, err)
		}
	}
	key, err := findKey(filepath.Join(dir, keyName), dbPath)
	if err != nil {
		return nil, err
	}
	if err := makeDB(dbPath, ledger, newHasher(key)); err != nil {
		return nil, err
	}
	db, err := openDB(dbPath)
	if err != nil {
		return nil, err
	}
	v := &Vault{
		db: db, hasher: newHasher(key), limit: tentativeMax, next: newCommit(), dir: dir,
		recent: map[handle]id{}, mergeMin: mergeMin, nextMerge: mergeMin,
	}
	owner := v.hasher.sum(journalText + ledger)
	v.owner = owner[:]
	if err = v.claim(ledger); err == nil {
		v.journal, err = replay(dir, v.owner, v.recent)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open vault %s: %w", dbPath, err), v.closeFiles())
	}
	return v, nil
}

// neverUsed returns ErrLost when a folder without a vault has journals: there was one.
func neverUsed(dir string) error {
	numbers, err := journals(dir)
	if err == nil && len(numbers) > 0 {
		err = ErrLost
	}
	return err
}

// findKey reads the key, and makes one for a vault that does not exist yet.
func findKey(path, dbPath string) ([]byte, error) {
	key, err := keyfile.Read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if _, err := os.Stat(dbPath); err == nil {
		return nil, fmt.Errorf("open vault: %w: %s", ErrIncomplete, path)
	}
	// The key comes first. If we crash after it, the next start finds a key without a vault and
	// makes the vault; the other way round it would find a vault that has lost its key.
	return keyfile.Create(path)
}

// makeDB makes the database where there is none. It has its name only once it says what it is: a
// crash before that leaves a file on its way, which is never read, so that a database that says
// nothing has been damaged.
func makeDB(path, ledger string, h *hasher) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	onItsWay := durable.Temporary(path)
	if err := os.RemoveAll(onItsWay); err != nil {
		return fmt.Errorf("make vault: %w", err)
	}
	db, err := openDB(onItsWay)
	if err != nil {
		return err
	}
	check := h.sum(checkText)
	if err := errors.Join(describe(db, ledger, check[:]), db.Close()); err != nil {
		return fmt.Errorf("make vault %s: %w", path, err)
	}
	if err := durable.Rename(onItsWay, path); err != nil {
		return fmt.Errorf("make vault %s: %w", path, err)
	}
	return nil
}

// openDB opens the database, for one process at a time.
func openDB(path string) (*bbolt.DB, error) {
	db, err := bbolt.Open(path, fileMode, &bbolt.Options{
		Timeout: lockPatience,
		// The list of free pages is found again when the file is opened: 0.1 s for a million
		// workers, against one more page written with each commit.
		NoFreelistSync: true,
		FreelistType:   bbolt.FreelistMapType,
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("open vault %s: %w", path, ErrInUse)
	case err != nil:
		return nil, fmt.Errorf("open vault %s: %w", path, err)
	}
	return db, nil
}

// claim compares the format, the ledger and a check of the key with those in the vault, and writes
// them into a new one.
func (v *Vault) claim(ledger string) error {
	check := v.hasher.sum(checkText)
	isNew, isOlder := false, false
	err := v.db.View(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(metaBucket())
		switch {
		case meta == nil:
			isNew = true
			return nil
		case string(meta.Get(formatKey())) == formatOlder:
			isOlder = true
		case string(meta.Get(formatKey())) != format:
			return ErrNewerFormat
		}
		switch {
		case !bytes.Equal(meta.Get(checkKey()), check[:]):
			return ErrKeyWrong
		case string(meta.Get(ledgerKey())) != ledger:
			return ErrOtherLedger
		case tx.Bucket(workersBucket()) == nil:
			return ErrDamaged
		}
		return nil
	})
	switch {
	case err == nil && isNew:
		// A file that is there may be empty all the same.
		if err := neverUsed(v.dir); err != nil {
			return err
		}
		return describe(v.db, ledger, check[:])
	case err == nil && isOlder:
		// Before there is a journal: an older program would not look into it.
		return v.db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket(metaBucket()).Put(formatKey(), []byte(format))
		})
	}
	return err
}

// describe writes into a new vault what it is.
func describe(db *bbolt.DB, ledger string, check []byte) error {
	return db.Update(func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucket(workersBucket()); err != nil {
			return err
		}
		meta, err := tx.CreateBucket(metaBucket())
		if err != nil {
			return err
		}
		if err := meta.Put(formatKey(), []byte(format)); err != nil {
			return err
		}
		if err := meta.Put(ledgerKey(), []byte(ledger)); err != nil {
			return err
		}
		return meta.Put(checkKey(), check)
	})
}

// Lookup returns the worker id of the person with this NIK, in 32 lower-case hexadecimal digits;
// ok is false when the vault has none. It changes nothing. Tentative ids count.
func (v *Vault) Lookup(nik string) (worker string, ok bool, err error) {
	found, ok, _, err := v.find(v.hasher.handle(nik))
	if !ok || err != nil {
		return "", false, err
	}
	return found.String(), true, nil
}

// Resolve returns the worker id of the person with this NIK, in 32 lower-case hexadecimal digits.
// At first sight it is a new random one, and tentative: nothing may be recorded under it before
// Persist has returned. Everybody who asks meanwhile gets the same one.
//
// When too many ids wait for Persist, Resolve persists them itself first.
func (v *Vault) Resolve(nik string) (worker string, err error) {
	if nik == "" {
		return "", ErrNoNIK
	}
	h := v.hasher.handle(nik)
	found, ok, merges, err := v.find(h)
	if err != nil {
		return "", err
	}
	if ok {
		return found.String(), nil
	}
	made, full, err := v.make(h, merges)
	if err != nil {
		return "", err
	}
	if full {
		// Not under the caller's context: this is work for everybody, and bounded.
		if err := v.Persist(context.Background()); err != nil {
			return "", err
		}
	}
	return made.String(), nil
}

// find looks an id up. merges tells make whether another merge has ended since.
func (v *Vault) find(h handle) (found id, ok bool, merges uint64, err error) {
	// First what may move to the database meanwhile, then the database.
	v.mu.Lock()
	found, ok = v.held(h)
	merges = v.merges
	v.mu.Unlock()
	if ok {
		return found, true, merges, nil
	}
	found, ok, err = v.stored(h)
	return found, ok, merges, err
}

// held looks an id up among those that are not in the database yet. The caller holds mu.
func (v *Vault) held(h handle) (found id, ok bool) {
	if found, ok = v.next.ids[h]; ok {
		return found, ok
	}
	if v.flying != nil {
		if found, ok = v.flying.ids[h]; ok {
			return found, ok
		}
	}
	if found, ok = v.recent[h]; ok {
		return found, ok
	}
	found, ok = v.merging[h]
	return found, ok
}

// stored looks an id up in the database.
func (v *Vault) stored(h handle) (found id, ok bool, err error) {
	err = v.db.View(func(tx *bbolt.Tx) error {
		switch value := tx.Bucket(workersBucket()).Get(h[:]); len(value) {
		case 0:
			return nil
		case len(found):
			copy(found[:], value)
			ok = true
			return nil
		default:
			return ErrDamaged
		}
	})
	if err != nil {
		return id{}, false, fmt.Errorf("read vault: %w", err)
	}
	return found, ok, nil
}

// make gives out a new id, unless somebody else did so since find was called, as of so many
// merges. full reports that no more should be tentative.
func (v *Vault) make(h handle, merges uint64) (made id, full bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	made, ok := v.held(h)
	if !ok && merges != v.merges { // it may have moved to the database
		made, ok, err = v.stored(h)
	}
	if ok || err != nil {
		return made, false, err
	}
	_, _ = rand.Read(made[:]) // never fails: see crypto/rand
	v.next.ids[h] = made
	return made, len(v.next.ids) >= v.limit, nil
}

// Close closes the vault. Tentative ids are lost, which is right: nobody may have used them. It
// must not be called while other methods run.
func (v *Vault) Close() error {
	v.mu.Lock()
	merged := v.merged
	v.mu.Unlock()
	if merged != nil {
		<-merged
	}
	if err := v.closeFiles(); err != nil {
		return fmt.Errorf("close vault: %w", err)
	}
	return nil
}

// closeFiles closes what is open of a vault.
func (v *Vault) closeFiles() error {
	var err error
	if v.journal != nil {
		err = v.journal.file.Close()
	}
	return errors.Join(err, v.db.Close())
}
