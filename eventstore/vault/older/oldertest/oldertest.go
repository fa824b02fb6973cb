// Package oldertest makes, for tests, vaults as earlier programs kept them in files. It writes the
// formats by itself and not with the package that reads them, so that a mistake of the one is not
// one of both.
package oldertest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// Worker is what a vault has for a person: the first 16 bytes of the keyed hash of the NIK, and the
// worker id.
type Worker struct{ Handle, ID [16]byte }

// HandleOf returns what a vault with the key knows a NIK by.
func HandleOf(key []byte, nik string) (handle [16]byte) {
	copy(handle[:], sum(key, nik))
	return handle
}

// sum returns the keyed hash of a text.
func sum(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(text)) // never fails: see hash.Hash
	return mac.Sum(nil)
}

// MakeDatabase makes vault.db of format 2 in a folder. The folder must be there, and have none.
func MakeDatabase(dir string, key []byte, ledger string, workers []Worker) (err error) {
	db, err := bbolt.Open(filepath.Join(dir, "vault.db"), 0o600, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucket([]byte("meta"))
		if err != nil {
			return err
		}
		bucket, err := tx.CreateBucket([]byte("workers"))
		for _, one := range workers {
			err = errors.Join(err, bucket.Put(one.Handle[:], one.ID[:]))
		}
		return errors.Join(err, meta.Put([]byte("format"), []byte("2")),
			meta.Put([]byte("ledger"), []byte(ledger)),
			meta.Put([]byte("check"), sum(key, "cakupan vault")))
	})
}

// MakeJournal makes a journal in a folder, of a block for each of the numbers of workers. It
// replaces one of the same number.
func MakeJournal(
	dir string, number int, key []byte, ledger string, blocks ...[]Worker,
) error {
	b := sum(key, "cakupan vault journal "+ledger)
	for _, workers := range blocks {
		b = appendBlock(b, workers)
	}
	return os.WriteFile(filepath.Join(dir, fmt.Sprintf("vault.journal.%d", number)), b, 0o600)
}

// appendBlock appends a block, whose checksum is of the place where it then is.
func appendBlock(b []byte, workers []Worker) []byte {
	at := len(b)
	b = append(b, "VJ01"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(workers)))
	b = append(b, 0, 0, 0, 0)
	for _, one := range workers {
		b = append(append(b, one.Handle[:]...), one.ID[:]...)
	}
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	place := binary.LittleEndian.AppendUint64(nil, uint64(at))
	crc := crc32.Update(crc32.Checksum(place, castagnoli), castagnoli, b[at+4:at+8])
	crc = crc32.Update(crc, castagnoli, b[at+12:])
	binary.LittleEndian.PutUint32(b[at+8:], crc)
	return b
}
