package vault

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"go.etcd.io/bbolt"
)

// commit is a set of ids that become durable together.
type commit struct {
	ids  map[handle]id
	done chan struct{} // closed when it is over; err is valid then
	err  error
}

// newCommit returns a commit of no ids, which gathers those of whoever comes until it is written.
func newCommit() *commit { return &commit{ids: map[handle]id{}, done: make(chan struct{})} }

// Persist returns when every id that Resolve gave out before the call is on stable storage.
// Callers that wait at the same time share a transaction. When it fails, nothing may be recorded
// under those ids; they stay tentative, and calling again tries again. When ctx ends first, they
// may or may not have become durable.
func (v *Vault) Persist(ctx context.Context) error {
	v.mu.Lock()
	mine := v.next
	if len(mine.ids) == 0 {
		mine = v.flying // the caller's ids may be among those that are on their way
	}
	v.mu.Unlock()
	if mine == nil {
		return nil
	}
	for {
		wait, lead := v.join(mine)
		if lead {
			v.lead(mine)
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return fmt.Errorf("persist vault: %w", ctx.Err())
		}
		select {
		case <-mine.done:
			return mine.err
		default: // that was the commit before mine
		}
	}
}

// join returns what to wait for on behalf of a commit. The first to come while none is under way
// leads: he writes for all who wait.
func (v *Vault) join(mine *commit) (wait <-chan struct{}, lead bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.next != mine: // under way, or over
		return mine.done, false
	case v.flying != nil:
		return v.flying.done, false
	}
	v.flying, v.next = mine, newCommit()
	return mine.done, true
}

// lead writes the ids of the commit under way, and tells everybody.
func (v *Vault) lead(c *commit) {
	err := v.write(c.ids)
	v.mu.Lock()
	defer v.mu.Unlock()
	// If we crash after write, the ids are durable and nobody has used them: no harm.
	if err != nil {
		maps.Copy(v.next.ids, c.ids) // still tentative, for another attempt
		c.err = fmt.Errorf("persist vault: %w", err)
	} else {
		maps.Copy(v.recent, c.ids)
	}
	v.flying = nil
	close(c.done)
}

// mergeMin is how many ids are moved from the journal to the database at once. In the database they
// lie in the order of their hashes, so that each one of a few is a page of its own to be written;
// of so many, each page gets several.
const mergeMin = 1 << 17

// write makes ids durable in the journal. Whoever calls it is the only one to.
func (v *Vault) write(ids map[handle]id) (err error) {
	if err := v.makeRoom(); err != nil {
		return err
	}
	if v.journal == nil {
		number := 1
		if numbers, err := journals(v.dir); err != nil {
			return err
		} else if len(numbers) > 0 {
			number = numbers[len(numbers)-1] + 1
		}
		v.journal, err = createJournal(journalPath(v.dir, number), v.owner)
		if err != nil {
			return err
		}
		v.journal.number = number
	}
	return v.journal.append(ids)
}

// makeRoom begins to move the ids of the journal to the database when they are many. Ids that
// come meanwhile go into another journal; when they too become many, it waits.
func (v *Vault) makeRoom() error {
	for {
		v.mu.Lock()
		many, next, busy, failed := len(v.recent), v.nextMerge, v.merged, v.mergeErr
		v.mu.Unlock()
		switch {
		case many < next:
			return nil
		case busy != nil && many < 2*v.mergeMin:
			return nil // there is room for as many again
		case busy != nil:
			<-busy
		case failed != nil && many >= recentMax*v.mergeMin:
			v.mu.Lock()
			v.mergeErr = nil // the next one tries again
			v.mu.Unlock()
			return failed
		default:
			return v.beginMerge()
		}
	}
}

// recentMax is how many times the ids of a merge are held when the database takes none.
const recentMax = 4

// beginMerge seals the journal and moves its ids to the database while others are given out.
func (v *Vault) beginMerge() error {
	sealed := 0
	if v.journal != nil {
		if err := v.journal.seal(); err != nil {
			return err
		}
		sealed, v.journal = v.journal.number, nil
	}
	over := make(chan struct{})
	v.mu.Lock()
	ids := v.recent
	v.merging, v.recent, v.merged = ids, make(map[handle]id, v.mergeMin), over
	v.nextMerge = v.mergeMin
	v.mu.Unlock()
	go func() {
		defer close(over)
		err := v.merge(ids)
		if err == nil {
			// If we crash before this, the journal is read again: the same ids for the same
			// people.
			err = removeJournals(v.dir, sealed)
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		if err != nil { // they are durable in their journal, and stay known from there
			maps.Copy(v.recent, ids)
			v.nextMerge = len(v.recent) + v.mergeMin/4 + 1
			err = fmt.Errorf("merge vault: %w", err)
		}
		v.merging, v.merged, v.mergeErr = nil, nil, err
		v.merges++
	}()
	return nil
}

// merge puts ids into the database in one transaction. In the order of keys bbolt touches each
// page once.
func (v *Vault) merge(ids map[handle]id) error {
	handles := slices.SortedFunc(maps.Keys(ids), func(a, b handle) int {
		return bytes.Compare(a[:], b[:])
	})
	return v.db.Update(func(tx *bbolt.Tx) error {
		workers := tx.Bucket(workersBucket())
		for _, h := range handles {
			worker := ids[h]
			if err := workers.Put(h[:], worker[:]); err != nil {
				return err
			}
		}
		return nil
	})
}
