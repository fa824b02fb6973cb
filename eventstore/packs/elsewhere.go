package packs

import (
	"context"
	"errors"
	"sync"

	"cakupan/eventstore/jetstream/copies"
)

// elsewhere returns the first record that the other copies of the stream have, on a cluster, among
// the messages from first to last, of those that fit. It is asked for what the server that leads
// has lost; and for what was erased, which looks the same until a later record tells.
func (s *Stream) elsewhere(ctx context.Context, first, last uint64, fits func(*Record) bool,
) (r Record, found bool, err error) {
	if first > last {
		return Record{}, false, nil
	}
	m, found, err := s.copies.From(ctx, first, func(m copies.Message) bool {
		r, err := Parse(m.Data)
		r.message = m.Number
		return err == nil && m.Number <= last && fits(&r) && s.isOpen(&r)
	})
	if err != nil || !found {
		return Record{}, false, err
	}
	r, err = Parse(m.Data)
	r.message = m.Number
	return r, err == nil, err
}

// CompareCopies reads each server's copy of the stream, on a cluster, and notes what one lacks that
// another one has, or has otherwise; see [copies.Copies.Compare]. A record that was replaced and
// that a server has still, whose copy is an older one, is erased there. rest is called now and
// then.
func (s *Stream) CompareCopies(ctx context.Context, rest func()) error {
	is := s.check(ctx)
	is.Judge = copies.Opens(func(m copies.Message) bool {
		r, err := Parse(m.Data)
		return err == nil && s.isOpen(&r)
	})
	return s.copies.Compare(ctx, is, rest)
}

// RecheckCopies looks again at what is noted of them.
func (s *Stream) RecheckCopies(ctx context.Context) { s.copies.Recheck(ctx, s.check(ctx)) }

// check is what each copy of the stream must have.
func (s *Stream) check(ctx context.Context) copies.Check {
	isRecord := func(m copies.Message) bool {
		_, err := Parse(m.Data)
		return err == nil
	}
	is := copies.Check{Proven: isRecord, Missed: s.isMissed(ctx)}
	is.Gone = func(m copies.Message) bool {
		r, err := Parse(m.Data)
		r.message = m.Number
		if err != nil {
			return false
		}
		replaced, err := s.wasReplaced(ctx, &r)
		return err == nil && replaced
	}
	if s.opts.Erasable {
		is.Erase = s.eraseMessage
	}
	return is
}

// isMissed returns what tells whether a message holds a record that every copy must have.
func (s *Stream) isMissed(ctx context.Context) func(copies.Message) bool {
	return func(m copies.Message) bool {
		r, err := Parse(m.Data)
		r.message = m.Number
		return err == nil && !s.isReplaced(ctx, &r)
	}
}

// anyRecord fits every record.
func anyRecord(*Record) bool { return true }

// replaced knows which records of a part of the stream were replaced.
type replaced struct {
	mu          sync.Mutex
	first, last uint64 // messages that were read for it
	numbers     map[uint64]bool
}

// isReplaced tells whether a record that another copy has was replaced, and so is erased there too
// as soon as that server has caught up: such a one must not come back. Where that cannot be told,
// it is taken for replaced.
func (s *Stream) isReplaced(ctx context.Context, r *Record) bool {
	is, err := s.wasReplaced(ctx, r)
	return is || err != nil
}

// wasReplaced tells whether a record was replaced. It reads all that comes after it, once.
func (s *Stream) wasReplaced(ctx context.Context, r *Record) (bool, error) {
	known := &s.replaced
	known.mu.Lock()
	defer known.mu.Unlock()
	state, err := s.state(ctx)
	if err != nil {
		return false, err
	}
	if known.numbers == nil || r.message < known.first {
		known.first, known.last, known.numbers = r.message, r.message, map[uint64]bool{}
	}
	for known.last < state.Last {
		later, at, err := s.from(ctx, known.last+1)
		switch {
		case errors.Is(err, errNoMessage):
			at = state.Last
		case errors.Is(err, ErrRecord):
		case err != nil:
			return false, err
		}
		known.last = at
		for _, number := range later.Replaces {
			known.numbers[number] = true
		}
	}
	return known.numbers[r.Number], nil
}
