package older

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"cakupan/eventstore/inspect"
	"cakupan/eventstore/keyfile"
)

// What a vault's folder holds; see [Inspect].
const (
	kindDatabase = "vault: workers by the keyed hash of their NIK"
	kindJournal  = "vault: journal of workers seen last"
)

// IsFile tells whether a file of this name is one that [Inspect] knows.
func IsFile(name string) bool {
	return name == dbName || strings.HasPrefix(name, journalName)
}

// IsDatabase tells whether a file under any name is the database of a vault. It reads the file.
// What cannot be read is none.
func IsDatabase(path string) bool {
	d, err := readDescription(path)
	return err == nil && d.check != nil // which nothing else has
}

// Inspect says what can be told about a journal, by its name, or else about a vault's database,
// without opening the vault. Where the
// key lies beside it, it tells whether that belongs to it; nothing of the key is in the report.
func Inspect(path string) (inspect.Report, error) {
	if !strings.HasPrefix(filepath.Base(path), journalName) {
		return inspectDatabase(path)
	}
	return inspect.Steady(
		func() (inspect.Report, error) { return inspectJournal(path) },
		func() ([]string, error) { return []string{path}, nil },
	)
}

// described is what a vault's database says about itself.
type described struct {
	format, ledger, check []byte
	buckets               map[string]bool
	workers, odd          uint64 // odd: of other sizes
}

// take notes one entry of the database; it is an inspect.Visitor and never fails.
func (d *described) take(bucket string, key, value []byte) error {
	switch {
	case key == nil:
		d.buckets[bucket] = true
	case bucket == string(workersBucket()):
		d.workers++
		if len(key) != len(Handle{}) || len(value) != len(ID{}) {
			d.odd++
		}
	case bucket != string(metaBucket()):
	case bytes.Equal(key, formatKey()):
		d.format = bytes.Clone(value)
	case bytes.Equal(key, ledgerKey()):
		d.ledger = bytes.Clone(value)
	case bytes.Equal(key, checkKey()):
		d.check = bytes.Clone(value)
	}
	return nil
}

// readDescription reads the database without opening the vault. It goes through all of it, so that
// damage anywhere is found.
func readDescription(path string) (d described, err error) {
	err = inspect.ReadBolt(path, func(b *inspect.Bolt) error {
		d = described{buckets: map[string]bool{}}
		return b.Walk(d.take)
	})
	if err == nil && (!d.buckets[string(workersBucket())] || !d.buckets[string(metaBucket())]) {
		err = fmt.Errorf("%w: it is no vault", inspect.ErrBolt)
	}
	return d, err
}

// inspectDatabase reports on a database: bbolt has no checksum over its values, so none is proved.
func inspectDatabase(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindDatabase)
	if err != nil {
		return r, err
	}
	d, err := readDescription(path)
	if err := r.Bolt(err); err != nil || r.State == inspect.Damaged {
		return r, err
	}
	r.Format, r.Ledger, r.Entries = string(d.format), string(d.ledger), d.workers
	if !r.Known(string(d.format), formatOlder, format) {
		return r, nil
	}
	if d.odd > 0 {
		r.Found(inspect.Damaged, "%d workers are not as long as they must be", d.odd)
	}
	r.Unproven("which worker id belongs to whom")
	key, err := keyfile.Read(filepath.Join(filepath.Dir(path), keyName))
	if err != nil {
		r.Note("whether its key belongs to it cannot be told: %s", keyTrouble(err))
		return r, nil
	}
	if check := hash(key, checkText); !bytes.Equal(d.check, check[:]) {
		r.Found(inspect.Damaged, "%s beside it does not belong to it", keyName)
	}
	return r, nil
}

// keyTrouble says why a key cannot be read.
func keyTrouble(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return keyName + " is not beside it"
	case errors.Is(err, fs.ErrPermission):
		return "no right to read " + keyName
	}
	return err.Error()
}

// inspectJournal reports on a journal. It may be one that a program of before is writing to.
func inspectJournal(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindJournal)
	if err != nil {
		return r, err
	}
	content, err := readBounded(path)
	if errors.Is(err, ErrDamaged) {
		r.Found(inspect.Damaged, "it has more than %d MiB", journalBytes>>20)
		return r, nil
	} else if err != nil {
		return r, fmt.Errorf("inspect: %w", err)
	}
	r.Format = blockMagic
	at := len(Handle{}) + len(ID{}) // of the head, the owner
	if len(content) < at {
		r.Found(inspect.Damaged, "it ends within its head: a crash came while it was made,"+
			" or it is cut off")
		return r, nil
	}
	inspectOwner(&r, content[:at])
	for length := 0; at < len(content); at += length {
		if length = blockLength(content, at); length == 0 {
			break
		}
		r.Entries += uint64(length-blockHead) / recordSize
	}
	switch {
	case at == len(content):
	case blockAfter(content, at):
		r.Found(inspect.Damaged, "the block at byte %d is damaged, whole ones follow", at)
	default:
		r.Found(inspect.Damaged, "the last %d bytes, from byte %d, are no whole block: a crash"+
			" came while they were written, and nobody was told of them, or they are damaged",
			len(content)-at, at)
	}
	return r, nil
}

// inspectOwner tells whose a journal is, where the vault beside it and its key can be read.
func inspectOwner(r *inspect.Report, owner []byte) {
	dir := filepath.Dir(r.Path)
	d, err := readDescription(filepath.Join(dir, dbName))
	if err != nil {
		r.Unproven("its head, which says whose it is: " + dbName + " beside it would tell")
		return
	}
	key, err := keyfile.Read(filepath.Join(dir, keyName))
	if err != nil {
		r.Unproven("its head, which says whose it is: " + keyName + " beside it would tell")
		return
	}
	own := hash(key, journalText+string(d.ledger))
	if !bytes.Equal(owner, own[:]) {
		r.Found(inspect.Damaged, "its head is not that of the vault beside it: it is damaged,"+
			" or of another vault")
		return
	}
	r.Ledger = string(d.ledger)
}
