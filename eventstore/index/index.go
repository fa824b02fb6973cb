package index

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"sync"

	"cakupan/eventstore"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/merkle"
)

// Index is an open index. Lookup may be called at any time from any goroutine; Reserve and Add
// belong to one goroutine, the writer's.
type Index struct {
	dir      string
	identity eventstore.Identity
	limit    int // entries of a table
	form     form
	cipher   cipher.Block // see Kept

	// mu guards what follows. Lookups hold it for reading, so whoever holds it for writing may
	// take runs out of use; the slow work on files is done without it.
	mu      sync.RWMutex
	changed *sync.Cond // something that Reserve or Close waits for has happened
	runs    []*run     // oldest first, without a hole from event 1 on
	sealed  *table     // full, being written as a run; nil: none
	active  *table     // takes new entries
	spare   *table     // the memory of active or sealed that is not in use
	last    eventstore.Sequence
	tree    merkle.Tree // after last

	writing, merging bool  // a goroutine is at it
	writeErr         error // why sealed is not a run yet, after the last attempt
	mergeErr         error // why the last merge failed; tried again after a pause
	damage           error // wraps ErrDamaged; until Renew
	broken           *run  // why
	renewing         bool  // between Renew and Renewed
	dropped          []error
	closed           bool
}

// Dir returns the folder of the index.
func (x *Index) Dir() string { return x.dir }

// Identity returns the ledger that the index belongs to.
func (x *Index) Identity() eventstore.Identity { return x.identity }

// Last returns the last event that was added, 0 for none.
func (x *Index) Last() eventstore.Sequence {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.last
}

// Tree returns the frontier of the Merkle tree after Last.
func (x *Index) Tree() merkle.Tree {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.tree
}

// Runs returns the number of files that a lookup asks.
func (x *Index) Runs() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.runs)
}

// Lookup sets found[i] to the entry of keys[i], or to the zero Entry when no event has that key.
// found must be as long as keys. Asking for many keys at once is cheaper than one by one.
func (x *Index) Lookup(keys []Key, found []Entry) error {
	clear(found)
	x.mu.RLock()
	err := x.lookup(keys, found)
	x.mu.RUnlock()
	if broken := new(runError); errors.As(err, &broken) {
		x.mu.Lock()
		defer x.mu.Unlock()
		return x.setAside(broken)
	}
	return err
}

// lookup asks everything that holds entries. The caller holds mu, for reading at least, so no run
// can be closed meanwhile. Older entries are asked first, and each fills in only what is not found
// yet: of a key that a log holds twice, the first event counts.
func (x *Index) lookup(keys []Key, found []Entry) error {
	switch {
	case x.closed:
		return ErrClosed
	case x.damage != nil:
		return x.damage
	}
	for _, r := range x.runs {
		if err := r.lookup(keys, found); err != nil {
			return &runError{run: r, err: err}
		}
	}
	x.sealed.lookup(keys, found)
	x.active.lookup(keys, found)
	return nil
}

// state returns why nothing can be added to the index.
func (x *Index) state() error {
	switch {
	case x.closed:
		return ErrClosed
	case x.renewing:
		return nil
	}
	return x.damage
}

// setAside takes a damaged run out of the way of the next Open, and ends the use of the index until
// Renew: without that run it could no longer tell a new event from a duplicate.
func (x *Index) setAside(broken *runError) error {
	if x.damage == nil {
		x.broken = broken.run
		err := durable.Rename(broken.run.path, broken.run.path+damagedSuffix)
		x.damage = errors.Join(fmt.Errorf("%w: %w", ErrDamaged, broken), err)
		x.changed.Broadcast()
	}
	return x.damage
}

// Reserve makes sure that Add can take so many entries (at most those of one frame) without
// waiting and without an error. It may have to wait for a table to be written. When that fails,
// as on a full disk, it returns why; calling again tries again. Call it before the frame is
// appended to the log: afterwards there is no way back.
func (x *Index) Reserve(entries int) error {
	if entries > x.limit {
		return fmt.Errorf("reserve room in index: %d entries are over the limit", entries)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for {
		switch err := x.state(); {
		case err != nil:
			return err
		case x.active.room() >= entries:
			return nil
		case x.sealed == nil && (len(x.runs) < runsMax || !x.merging):
			x.seal()
		default:
			if err := x.await(); err != nil {
				return fmt.Errorf("make room in index: %w", err)
			}
		}
	}
}

// seal begins a new table and has the full one written in the background.
func (x *Index) seal() {
	x.active.tree = x.tree
	x.sealed, x.active, x.spare = x.active, x.spare, nil
	x.startWrite()
}

// await waits until the sealed table is a run and there is room for another, and tries once more
// when writing has failed before.
func (x *Index) await() error {
	if x.sealed != nil && !x.writing {
		x.startWrite()
	}
	for x.state() == nil && (x.writing || x.sealed == nil && x.merging && len(x.runs) >= runsMax) {
		x.changed.Wait()
	}
	if x.sealed != nil {
		return errors.Join(x.state(), x.writeErr)
	}
	return nil
}

// Add takes the entries of one frame, in order, and the frontier of the tree after it. They must
// follow Last; Reserve must have made room.
func (x *Index) Add(entries []Entry, tree *merkle.Tree) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.state(); err != nil {
		return err
	}
	if len(entries) > x.active.room() {
		return fmt.Errorf("add %d entries to index: room for %d", len(entries), x.active.room())
	}
	for i := range entries {
		if entries[i].Sequence != x.last+eventstore.Sequence(i)+1 {
			return fmt.Errorf("add event %d to index: event %d is its last",
				entries[i].Sequence, x.last+eventstore.Sequence(i))
		}
	}
	end := x.last + eventstore.Sequence(len(entries))
	if tree.Size() != uint64(end) {
		return fmt.Errorf("add events up to %d to index: tree has %d", end, tree.Size())
	}
	for i := range entries {
		x.active.add(entries[i])
	}
	x.last, x.tree = end, *tree
	return nil
}

// Close waits for what is being written, abandons a merge, and closes the files. The entries in
// memory are not written: the next start reads them from the log again, as it does after a crash,
// so that there is one way to start and it is always exercised.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	x.changed.Broadcast()
	for x.writing || x.merging {
		x.changed.Wait()
	}
	err := closeRuns(x.runs)
	x.runs = nil
	if err != nil {
		return fmt.Errorf("close index: %w", err)
	}
	return nil
}
