package vault

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/eventstore/merkle"
	"cakupan/eventstore/packs"
)

// commit is a set of ids that become durable together. ids and taught are guarded by mu while it is
// next; once it is flying, ids is not changed, and taught is its leader's.
type commit struct {
	ids    map[handle]id
	taught uint64        // the vault's, as of which the look-up table has none of them
	done   chan struct{} // closed when it is over; err is valid then
	err    error
}

// newCommit returns a commit of no ids, which gathers those of whoever comes until it is written.
func newCommit(taught uint64) *commit {
	return &commit{ids: map[handle]id{}, taught: taught, done: make(chan struct{})}
}

// Persist returns when every id that Resolve gave out before the call is on stable storage. Callers
// that wait at the same time share a pack. When it fails, nothing may be recorded under those ids;
// they stay tentative, and calling again tries again, unless the error is ErrOvertaken. When ctx
// ends first, they may or may not have become durable. It is called before an event is appended
// that names one of them, by each who has resolved. Where nobody has anything tentative it returns
// at once.
//
// since is what Overtaken said before the first of the ids was resolved: where ids were overtaken
// since, for whoever, the error is ErrOvertaken, as they may be among them.
func (v *Vault) Persist(ctx context.Context, since uint64) error {
	err := v.persist(ctx)
	if err == nil && v.Overtaken() != since {
		err = fmt.Errorf("persist vault: %w", ErrOvertaken)
	}
	return err
}

// Overtaken returns how often ids were given up, as another ledger had given others to the same
// people.
func (v *Vault) Overtaken() uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.overtaken
}

// persist is Persist without the question whether some were overtaken before.
func (v *Vault) persist(ctx context.Context) error {
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
// leads: he writes for all who wait. A commit is next, then flying, then over; mine is the same in
// all three.
func (v *Vault) join(mine *commit) (wait <-chan struct{}, lead bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.next != mine: // under way, or over
		return mine.done, false
	case v.flying != nil:
		return v.flying.done, false
	}
	v.flying, v.next = mine, newCommit(v.taught)
	return mine.done, true
}

// lead writes the ids of the commit under way, and tells everybody. It belongs to all who wait, so
// no caller's context ends it; the patience of the stream does.
func (v *Vault) lead(c *commit) {
	v.writing.Lock()
	defer v.writing.Unlock()
	left, err := v.store(context.Background(), c)
	v.mu.Lock()
	defer v.mu.Unlock()
	// If we crash after store, the ids are durable and nobody has used them: no harm.
	if err != nil {
		c.err = fmt.Errorf("persist vault: %w", err)
		if errors.Is(err, ErrOvertaken) {
			v.overtaken++
		} else {
			maps.Copy(v.next.ids, left) // still tentative, for another attempt
			v.next.taught = min(v.next.taught, c.taught)
		}
	}
	v.flying = nil
	// Also after an error: part of the ids may be in the table.
	v.changes++
	close(c.done)
}

// store appends packs with the ids of a commit, and returns those that are in none. The caller
// holds writing. With an error those in no pack may be in the stream all the same, where its
// outcome is not known: unsure says so, and the next call finds out first. Map order decides which
// of them share a pack; nothing depends on it.
func (v *Vault) store(ctx context.Context, c *commit) (left map[handle]id, err error) {
	left = maps.Clone(c.ids)
	for len(left) > 0 {
		// Somebody who was erased may be in the table still: then that is made anew first, as there
		// must be room for who comes with his number.
		if v.unsure || len(v.gone) > 0 {
			if err := v.readOn(ctx); err != nil {
				return left, err
			}
		}
		// Some of them may be in the stream already, by an append whose answer was lost, or by
		// another ledger, whoever has read that: to append them again would be one person twice.
		v.mu.Lock()
		taught := v.taught
		v.mu.Unlock()
		if c.taught != taught {
			err := v.reconcile(left)
			if errors.Is(err, index.ErrDamaged) {
				if err = v.renewHeld(ctx, v.lookup); err == nil {
					continue
				}
			}
			if err != nil {
				return left, err
			}
			c.taught = taught
			continue
		}
		p := &pack{first: v.state.Workers + 1}
		for h, worker := range left {
			if len(p.pairs) == packMax {
				break
			}
			p.pairs = append(p.pairs, pair{h, worker})
		}
		p.count = len(p.pairs)
		// The table must be able to take them before the stream does: afterwards there is no way
		// back.
		if err := v.lookup.Reserve(p.count); err != nil && !errors.Is(err, index.ErrDamaged) {
			return left, err
		}
		err := v.append(ctx, nil, func(number uint64) ([]byte, error) {
			return v.keys.packData(p, number)
		})
		if errors.Is(err, eventstore.ErrFenced) {
			continue // unsure is set
		}
		if err != nil {
			return left, err
		}
		for _, one := range p.pairs {
			delete(left, one.handle)
		}
		// They are durable here, whatever becomes of the table: a damaged one is made anew when it
		// is asked.
		if err := v.addWorkers(v.lookup, p); err != nil && !errors.Is(err, index.ErrDamaged) {
			return left, err
		}
		v.state.Workers += uint64(p.count)
		v.state.noted()
		v.saveAtTimes()
	}
	return left, nil
}

// reconcile takes out of the ids those that turned out to be in the stream. Where the stream has
// other ids for the same people, those that were given out here must not be used. left then has
// those that are in no record. The caller holds writing, and has read on; so nobody is being
// forgotten, who would be in the table still.
func (v *Vault) reconcile(left map[handle]id) error {
	overtaken := false
	for h, worker := range left {
		found, ok, err := stored(v.lookup, h)
		if err != nil {
			return err
		}
		if ok {
			delete(left, h)
			overtaken = overtaken || found != worker
		}
	}
	if overtaken {
		return ErrOvertaken
	}
	return nil
}

// append stores a record behind the end, in place of another one if it is given, and goes on to the
// new end. After an error that leaves that open, unsure is set. The caller holds writing. data gets
// the number that the record will have, to seal for it. When the error says that the record is not
// there, nothing has changed; when it says that the old one is still there, the record is.
func (v *Vault) append(
	ctx context.Context, old *packs.Record, data func(number uint64) ([]byte, error),
) error {
	content, err := data(v.end.Number + 1)
	if err != nil {
		return err
	}
	var end packs.End
	if old == nil {
		end, err = v.stream.Append(ctx, content, v.end)
	} else {
		end, err = v.stream.Replace(ctx, *old, content, v.end)
	}
	if end.Number == 0 {
		v.unsure = v.unsure || errors.Is(err, eventstore.ErrUnknownOutcome) ||
			errors.Is(err, eventstore.ErrFenced)
		return err
	}
	v.setEnd(end)
	return err // of the erasing of the old one, which is tried again
}

// setEnd goes on to a new end. The caller holds writing.
func (v *Vault) setEnd(end packs.End) {
	v.end = end
	v.state.Number = end.Number
	v.mu.Lock()
	defer v.mu.Unlock()
	v.position = end.Number
}

// addWorkers adds the workers of a pack to a look-up table that has all before them; those that it
// has are passed over. The caller holds writing. A crash in between is made good by reading the
// stream on: the table knows how many workers it has.
func (v *Vault) addWorkers(lookup *index.Index, p *pack) error {
	last := uint64(lookup.Last())
	if p.first+uint64(p.count)-1 <= last {
		return nil
	}
	pairs := p.pairs[last+1-p.first:]
	if err := lookup.Reserve(len(pairs)); err != nil {
		return err
	}
	entries := make([]index.Entry, len(pairs))
	tree := lookup.Tree()
	for i := range pairs {
		last++
		entries[i] = index.Entry{
			Key: index.Key(pairs[i].handle), Sequence: eventstore.Sequence(last),
			Digest: [16]byte(pairs[i].id),
		}
		var leaf merkle.Hash // stands for the worker as it is: the tree proves nothing here
		copy(leaf[copy(leaf[:], pairs[i].handle[:]):], pairs[i].id[:])
		tree.Append(leaf)
	}
	return lookup.Add(entries, &tree)
}

// saveAtTimes writes the state when much has changed since it was written. It is a cache: that it
// cannot be written costs the next start some time.
func (v *Vault) saveAtTimes() {
	if v.state.Number < v.saved+saveEvery {
		return
	}
	v.saved = v.state.Number
	if err := v.state.write(v.opts.Dir); err != nil {
		v.dropped = append(v.dropped, err)
	}
}
