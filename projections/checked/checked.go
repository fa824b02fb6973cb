// Package checked keeps values in a bbolt file of which nothing is believed unchecked: a value
// that is read is the one that was written last under its key, or it is an error that wraps
// [ErrDamaged].
//
// Each value ends with a checksum over whose file it is in, its bucket, its key and itself. A
// directory in memory has the checksums of all values: so one that is missing, that lies under
// another key, or that is of an earlier time is found too. The directory is made at the start from
// the checksums in the file, and compared with what the last transaction has noted of them.
//
// bbolt itself trusts its file: a wrong bit may end the program, or make it read for ever. So it
// only writes here, behind a look at the pages that it is about to use; the reading is done with
// package inspect.
//
// It is for files that are derived and can be built anew: what finds damage here drops the file. It
// guards against faults of disks, memory and programs, not against somebody who writes checksums of
// his own.
package checked

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"cakupan/eventstore/inspect"
)

var (
	// ErrDamaged is returned for a file that does not hold what was written. It stays so: nothing
	// is read from the file or written to it any more.
	ErrDamaged = errors.New("file is damaged")
	// ErrClosed is returned for a file that is closed, of which nothing was known to be wrong. Who
	// still asks it holds on to what has been replaced meanwhile.
	ErrClosed = errors.New("file is closed")
	// ErrUnchecked is returned by Open for a file from before there were checksums.
	ErrUnchecked = errors.New("file has no checksums")
)

// Options are how a file is opened.
type Options struct {
	Owner   string // whose it is, for a new file; part of each checksum
	Scratch bool   // it need not outlast a crash, until Keep is called
}

// DB is an open file. One goroutine writes; any number read.
//
// The owner and the checksums are those of the file; of a file that there was before, Owner of
// [Options] says nothing.
type DB struct {
	db    *bbolt.DB // bbolt's
	file  *os.File  // that of db
	path  string
	owner string
	known atomic.Pointer[versions]
	kept  cache

	committing sync.Mutex // held while bbolt commits, which writes a head page

	noting  sync.Mutex
	damage  error
	damaged chan struct{} // closed when there is damage
}

// versions are the directories of the last transaction that has committed and of one that may have:
// the second is set before its commit, so that a reader never finds a state without directory.
// Neither is changed once it is there, so that readers need no lock.
type versions struct{ last, next *directory }

// of returns the directory of the state that a transaction has made; nil: it is none of the two.
func (v *versions) of(transaction uint64) *directory {
	switch {
	case v.last.transaction == transaction:
		return v.last
	case v.next != nil && v.next.transaction == transaction:
		return v.next
	}
	return nil
}

// Open opens a file, or makes it, for the caller alone. Another process that has it open is waited
// for a second. An error wraps [ErrDamaged] where the file does not hold what was written, and
// [ErrUnchecked] for one without checksums; nothing is changed then.
func Open(path string, opts Options) (*DB, error) {
	db := &DB{path: path, owner: opts.Owner, damaged: make(chan struct{})}
	fresh, err := db.prove()
	if err != nil {
		return nil, err
	}
	// The list of free pages is not written but found at the start: one thing less that may be
	// damaged. A scratch file is not synced; what a crash leaves of it is found out by its
	// checksums.
	err = guard(func() (err error) {
		db.db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			NoSync: opts.Scratch, NoGrowSync: opts.Scratch, NoFreelistSync: true,
			Timeout: time.Second, FreelistType: bbolt.FreelistMapType,
			// Reserves addresses, not memory: growing the mapping would wait for all readers.
			InitialMmapSize: 4 << 30,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				file, err := os.OpenFile(name, flag, mode)
				db.file = file
				return file, err
			},
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	db.db.AllocSize = growBytes
	// bbolt has made the head of a new file by now, which gives the directory its first
	// transaction.
	if fresh {
		_, err = db.prove()
	}
	return db, err
}

// growBytes is by how much a file grows at once. bbolt's own 16 MiB are a tenth of what a ledger of
// two million events has.
const growBytes = 1 << 20

// prove makes the directory of what is in the file, and compares it with what is noted there. There
// may be no file yet. A file whose making was cut short by a crash is damaged, and is made anew by
// whoever opens it.
func (db *DB) prove() (fresh bool, err error) {
	file, err := os.Open(db.path)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	d, header, err := readDirectory(file)
	if err != nil {
		return false, err
	}
	if header != nil {
		db.owner = header.Owner
	}
	db.known.Store(&versions{last: d})
	return false, nil
}

// guard calls what may not survive a damaged file, and makes an error of a panic or a fault in it.
// A fault of memory is one of the mapped file, which may have become shorter: it would end the
// program otherwise.
func guard(use func() error) (err error) {
	was := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(was)
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	return use()
}

// Damaged is closed once the file is known to be damaged; see [DB.Damage]. It stays open for as
// long as nothing is found, whatever else fails.
func (db *DB) Damaged() <-chan struct{} { return db.damaged }

// Damage returns what is wrong with the file, nil if nothing is known to be.
func (db *DB) Damage() error {
	db.noting.Lock()
	defer db.noting.Unlock()
	return db.damage
}

// note keeps an error if it says that the file is damaged, and returns it. A damaged file may be
// closed while somebody asks it: who finds it closed is told of the damage. The first damage is
// kept: what is found later follows from it mostly.
func (db *DB) note(err error) error {
	if errors.Is(err, inspect.ErrBolt) && !errors.Is(err, ErrDamaged) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	closed := errors.Is(err, os.ErrClosed) || errors.Is(err, bolterrors.ErrDatabaseNotOpen)
	if closed {
		err = fmt.Errorf("%w: %w", ErrClosed, err)
	}
	db.noting.Lock()
	defer db.noting.Unlock()
	switch {
	case closed && db.damage != nil:
		return db.damage
	case errors.Is(err, ErrDamaged) && db.damage == nil:
		db.damage = err
		close(db.damaged)
	}
	return err
}

// checkHead reads the two head pages, from which bbolt chooses at every transaction: with both of
// them damaged it would end the program, with one it would go on from an older state.
func (db *DB) checkHead() error {
	if err := db.Damage(); err != nil {
		return err
	}
	if err := db.readHead(); !errors.Is(err, inspect.ErrBolt) {
		return err
	}
	// A commit may have been halfway through writing one of them. After it they are whole.
	db.committing.Lock()
	defer db.committing.Unlock()
	return db.readHead()
}

// readHead reads them from the file itself, past what bbolt has mapped.
func (db *DB) readHead() error {
	info, err := db.file.Stat()
	if err != nil {
		return err
	}
	_, err = inspect.OpenBolt(db.file, info.Size())
	return err
}

// Keep makes a scratch file durable, and every later commit. What has committed before is synced
// with it; a crash before it returns may leave anything of that.
func (db *DB) Keep() error {
	db.db.NoSync, db.db.NoGrowSync = false, false
	return db.db.Sync()
}

// Close closes the file. Readers that are in the middle of a read are waited for. Whoever begins to
// read afterwards gets [ErrClosed], or the damage where there was some.
func (db *DB) Close() error { return guard(db.db.Close) }
