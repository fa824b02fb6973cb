package writer

import (
	"context"
	"fmt"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/index"
	"cakupan/eventstore/merkle"
)

// CatchUp adds to the index what the log holds beyond it, and returns the end of the log, which the
// index has then too. It checks the way: that frames follow each other without a hole, and that
// each carries the root over the events before it. Open does it. It goes on for as long as somebody
// appends faster than it reads: it is for who appends himself, and no other may. [Follow] is for
// the others.
func CatchUp(
	ctx context.Context, log eventstore.Log, idx *index.Index,
) (tail eventstore.Tail, err error) {
	start := idx.Last()
	for ended := false; err == nil && !ended; {
		tail, ended, err = follow(ctx, log, idx, start)
	}
	return tail, err
}

// Follow does the same with what the log held when it was called, and ends then, however much is
// appended meanwhile.
func Follow(ctx context.Context, log eventstore.Log, idx *index.Index) error {
	_, _, err := follow(ctx, log, idx, idx.Last())
	return err
}

// follow looks where the log ends and adds to the index what it lacks, if anything; ended says that
// it lacked nothing. start is where the index ended at first: what was read since has been checked.
func follow(
	ctx context.Context, log eventstore.Log, idx *index.Index, start eventstore.Sequence,
) (tail eventstore.Tail, ended bool, err error) {
	if idx.Identity() != log.Identity() {
		return tail, false, &index.OtherLedgerError{
			Dir: idx.Dir(), Index: idx.Identity(), Log: log.Identity(),
		}
	}
	last, tail, err := log.Last(ctx)
	if err != nil {
		return tail, false, fmt.Errorf("read end of log: %w", err)
	}
	switch at := idx.Last(); {
	case at > tail.Sequence:
		return tail, false, &index.AheadError{Index: at, Log: tail.Sequence}
	case at == tail.Sequence && at == start:
		return tail, true, compareEnd(idx, last)
	case at == tail.Sequence:
		return tail, true, nil
	}
	c := catcher{index: idx, tree: idx.Tree(), next: idx.Last() + 1}
	if err := c.read(ctx, log); err != nil {
		return tail, false, err
	}
	if idx.Last() < tail.Sequence {
		return tail, false, &eventstore.DamageError{
			From: idx.Last() + 1, To: tail.Sequence, Reason: "the log does not deliver them",
		}
	}
	return tail, false, nil
}

// catcher reads the log into the index.
type catcher struct {
	index   *index.Index
	tree    merkle.Tree
	next    eventstore.Sequence
	entries []index.Entry
}

// read takes the frames from next to the end of the log.
func (c *catcher) read(ctx context.Context, log eventstore.Log) error {
	for frame, err := range log.Read(ctx, c.next) {
		if err == nil {
			err = c.add(frame)
		}
		if err != nil {
			return fmt.Errorf("read log from event %d: %w", c.next, err)
		}
	}
	return nil
}

// add takes a frame as the next one. Its root is compared before, so an index never goes on over a
// log that is not the one it began with.
func (c *catcher) add(frame eventstore.Frame) error {
	if reason := c.mismatch(frame); reason != "" {
		return &eventstore.DamageError{From: frame.First(), To: frame.Last(), Reason: reason}
	}
	if err := c.index.Reserve(frame.Count()); err != nil {
		return noRoom(err)
	}
	c.entries = c.entries[:0]
	for record := range frame.Records() {
		entry, err := entryOf(c.index, record)
		if err != nil {
			return err
		}
		c.entries = append(c.entries, entry)
		c.tree.Append(merkle.LeafHash(
			uint64(record.Sequence), int64(record.RecordedAt), record.Event))
	}
	c.next = frame.Last() + 1
	return c.index.Add(c.entries, &c.tree)
}

// mismatch says why the frame is not the one that comes next; empty when it is.
func (c *catcher) mismatch(frame eventstore.Frame) string {
	switch {
	case frame.First() != c.next:
		return fmt.Sprintf("event %d should come next", c.next)
	case frame.Root() != c.tree.Root():
		return "the frame's root is not that of the events before it"
	}
	return ""
}

// entryOf returns what the index keeps of a stored event.
func entryOf(idx *index.Index, record eventstore.Record) (index.Entry, error) {
	var e event.Event
	if _, err := codec.Decode(record.Event, &e); err != nil {
		return index.Entry{}, fmt.Errorf("decode event %d: %w", record.Sequence, err)
	}
	digest, err := codec.Digest(record.Event)
	if err != nil {
		return index.Entry{}, fmt.Errorf("digest event %d: %w", record.Sequence, err)
	}
	return index.Entry{
		Key: index.KeyOf(e.Key), Sequence: record.Sequence, Digest: idx.Kept(digest),
	}, nil
}

// compareEnd checks that the index knows the last frame of a log that ends exactly where the
// index does: there is no later root to show that both mean the same events.
func compareEnd(idx *index.Index, last eventstore.Frame) error {
	for record := range last.Records() {
		want, err := entryOf(idx, record)
		if err != nil {
			return err
		}
		found := make([]index.Entry, 1)
		if err := idx.Lookup([]index.Key{want.Key}, found); err != nil {
			return err
		}
		if found[0] != want {
			return &eventstore.DamageError{
				From: record.Sequence, To: record.Sequence,
				Reason: "it is not the event that the index " + idx.Dir() + " was made from",
			}
		}
	}
	return nil
}
