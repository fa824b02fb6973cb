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
	}
	v.flying = nil
	v.commits++
	close(c.done)
}

// write makes ids durable in one transaction. In the order of keys bbolt touches each page once.
func (v *Vault) write(ids map[handle]id) error {
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
