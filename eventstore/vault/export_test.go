package vault

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// SetLimit sets how many ids may be tentative.
func (v *Vault) SetLimit(limit int) { v.limit = limit }

// SetMergeMin sets how many ids are moved to the database at once.
func (v *Vault) SetMergeMin(ids int) { v.mergeMin, v.nextMerge = ids, ids }

// Break makes writing fail, as a disk that went away. Something must have been persisted before.
func (v *Vault) Break() error {
	path := v.journal.file.Name()
	file, err := os.Open(path) // not for writing
	if err != nil {
		return err
	}
	err = v.journal.file.Close()
	v.journal.file = file
	return err
}

// ReadJournal reads a journal as one of a vault with this key and ledger.
func ReadJournal(path string, last bool) (ids int, whole int64, err error) {
	found := map[handle]id{}
	whole, err = readJournal(path, make([]byte, 32), found, last)
	return len(found), whole, err
}

// AppendJournal makes a journal of blocks of so many ids for [ReadJournal].
func AppendJournal(path string, blocks ...int) error {
	j, err := createJournal(path, make([]byte, 32))
	if err != nil {
		return err
	}
	n := 0
	for _, count := range blocks {
		ids := map[handle]id{}
		for range count {
			n++
			ids[handle{byte(n), byte(n >> 8)}] = id{byte(n)}
		}
		err = errors.Join(err, j.append(ids))
	}
	return errors.Join(err, j.seal())
}

// FailMerges makes moving ids to the database fail.
func (v *Vault) FailMerges() error {
	if err := v.db.Close(); err != nil {
		return err
	}
	db, err := bbolt.Open(filepath.Join(v.dir, dbName), fileMode, &bbolt.Options{ReadOnly: true})
	v.db = db
	return err
}

// WaitMerge waits for the merge under way.
func (v *Vault) WaitMerge() {
	v.mu.Lock()
	merged := v.merged
	v.mu.Unlock()
	if merged != nil {
		<-merged
	}
}

// Tentative returns how many ids wait for Persist.
func (v *Vault) Tentative() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.next.ids)
}

// Durable reports whether the journal or the database holds an id for the NIK.
func (v *Vault) Durable(nik string) bool {
	h := v.hasher.handle(nik)
	found := map[handle]id{}
	numbers, err := journals(v.dir)
	for i, number := range numbers {
		if err != nil {
			return false
		}
		_, err = readJournal(journalPath(v.dir, number), v.owner, found, i+1 == len(numbers))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // it has moved to the database
		}
	}
	if _, ok := found[h]; ok {
		return err == nil
	}
	_, ok, err := v.stored(h)
	return ok && err == nil
}

// Handle returns what the file knows the NIK by.
func (v *Vault) Handle(nik string) string {
	h := v.hasher.handle(nik)
	return string(h[:])
}

// Store puts ids into the database, in one transaction.
func (v *Vault) Store(h, worker string) error {
	return v.merge(map[handle]id{handle([]byte(h)): id([]byte(worker))})
}

// WriteJournal makes a journal of blocks of one id each, which are pairs of handle and id.
func (v *Vault) WriteJournal(number int, ids [][2]string) error {
	j, err := createJournal(journalPath(v.dir, number), v.owner)
	if err != nil {
		return err
	}
	for _, one := range ids {
		h, worker := handle([]byte(one[0])), id([]byte(one[1]))
		err = errors.Join(err, j.append(map[handle]id{h: worker}))
	}
	return errors.Join(err, j.seal())
}
