package packs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
)

// pollEvery is how often a follower asks whether something was appended of which it was not told.
const pollEvery = time.Second

// errStop ends an iteration because the loop did.
var errStop = errors.New("loop has ended")

// Get returns the record of a number. The error wraps ErrNoRecord when the stream has none.
func (s *Stream) Get(ctx context.Context, number uint64) (Record, error) {
	r, err := s.find(ctx, number, func(r *Record) bool {
		return r.Number == number && !s.isReplaced(ctx, r)
	})
	if err != nil {
		return Record{}, fmt.Errorf("read record %d of %s: %w", number, s.opts.Stream, err)
	}
	return r, nil
}

// find looks for it in the copy of the server that leads, and then in the others, of which fits
// says whether a record is the one.
func (s *Stream) find(ctx context.Context, number uint64, fits func(*Record) bool,
) (Record, error) {
	state, err := s.state(ctx)
	if err != nil {
		return Record{}, err
	}
	r, after, err := s.locate(ctx, state, number)
	last := state.Last
	switch {
	case err == nil && r.Number == number:
		return r, nil
	case err == nil:
		last = r.message - 1
	case !isUnreadable(err):
		return Record{}, err
	}
	r, found, err := s.elsewhere(ctx, after, last, fits)
	if err == nil && !found {
		err = ErrNoRecord
	}
	return r, err
}

// locate returns the first readable record whose number is at least the given one; errNoMessage
// when there is none. All messages below low hold earlier ones. Numbers and messages grow together,
// nearly always by one, so the first or second question hits; halving bounds how many there are.
func (s *Stream) locate(ctx context.Context, state state, number uint64,
) (best Record, low uint64, err error) {
	low, high := max(state.First, 1), state.Last
	middle := number // where nothing else was ever in the stream
	for found := false; low <= high; {
		middle = min(max(middle, low), high)
		r, at, err := s.readable(ctx, middle, high)
		switch {
		case errors.Is(err, errNoMessage):
			high = middle - 1
		case err != nil:
			return Record{}, low, err
		case r.Number < number:
			low = at + 1
		default:
			best, found = r, true
			if r.Number == number {
				return best, at, nil
			}
			high = middle - 1
		}
		middle = low + (high-low)/2
		if low > high && found {
			return best, low, nil
		}
	}
	return Record{}, low, errNoMessage
}

// readable returns the first readable record among the messages from `low` to `high`, and its
// message; errNoMessage when there is none.
func (s *Stream) readable(ctx context.Context, low, high uint64) (Record, uint64, error) {
	for low <= high {
		r, at, err := s.from(ctx, low)
		if at > high {
			break
		}
		if !errors.Is(err, ErrRecord) {
			return r, at, err
		}
		low = at + 1
	}
	return Record{}, 0, errNoMessage
}

// lastReadable returns the last record that can be read, or the zero one.
func (s *Stream) lastReadable(ctx context.Context, state state) (last Record, err error) {
	low, high := max(state.First, 1), state.Last
	for low <= high {
		middle := low + (high-low)/2
		r, at, err := s.readable(ctx, middle, high)
		switch {
		case err == nil:
			last, low = r, at+1
		case errors.Is(err, errNoMessage):
			high = middle - 1
		default:
			return Record{}, err
		}
	}
	return last, nil
}

// Read yields the records from a number on to the end as of the call. Where records cannot be read,
// and no later one stands in their place, it yields a *DamageError that names them once it has
// come to the end. Any other error ends the iteration.
//
// Who has read up to a number and reads on from the next one misses nothing: what replaces an
// earlier record comes later, and names it.
func (s *Stream) Read(ctx context.Context, from uint64) iter.Seq2[Record, error] {
	return s.records(ctx, from, false)
}

// Follow yields the same and goes on with new records, shortly after they were stored, until the
// loop or ctx ends.
func (s *Stream) Follow(ctx context.Context, from uint64) iter.Seq2[Record, error] {
	return s.records(ctx, from, true)
}

func (s *Stream) records(ctx context.Context, from uint64, follow bool) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		r := &reader{
			stream: s, want: max(from, 1), yield: yield, before: s.opts.Witness.seen(),
		}
		err := r.run(ctx, follow)
		if err != nil && !errors.Is(err, errStop) {
			yield(Record{}, fmt.Errorf("read stream %s: %w", s.opts.Stream, err))
		}
	}
}

// reader is one run of Read or Follow.
type reader struct {
	stream *Stream
	yield  func(Record, error) bool

	next    uint64 // message to come; 0: not known yet
	want    uint64 // number to come
	missing []uint64
	reason  string // why the first of them is
	lostEnd bool   // so are those from want on
	before  mark   // as it was seen when the reading began
}

// run yields records until the end, or for ever when following.
func (r *reader) run(ctx context.Context, follow bool) error {
	hint := make(chan struct{}, 1)
	if follow {
		stop, err := r.stream.hear(hint)
		if err != nil {
			return err
		}
		defer stop()
	}
	for {
		err := r.toEnd(ctx)
		if err != nil || !follow {
			return err
		}
		timer := time.NewTimer(pollEvery)
		select {
		case <-hint:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// toEnd yields what there is, and names what is lost. Whatever is missing may have been replaced
// since the server was asked for the end: then the record in its place is there, further on.
func (r *reader) toEnd(ctx context.Context) error {
	for {
		state, err := r.stream.state(ctx)
		if err != nil {
			return err
		}
		if r.next == 0 {
			if err := r.begin(ctx, state); err != nil {
				return err
			}
		}
		if r.next > state.Last { // nothing has come that could explain it
			if err := r.nameLost(); err != nil {
				return err
			}
			return r.before.checkEnd(r.stream.opts.Stream, r.want-1)
		}
		for r.next <= state.Last {
			if err := r.step(ctx, state.Last); err != nil {
				return err
			}
		}
		if len(r.missing) == 0 && !r.lostEnd {
			return r.before.checkEnd(r.stream.opts.Stream, r.want-1)
		}
	}
}

// step takes the next message, of those up to the end.
func (r *reader) step(ctx context.Context, end uint64) error {
	record, at, err := r.stream.from(ctx, r.next)
	if isUnreadable(err) || err == nil && at > r.next && record.Number > r.want {
		last := end
		switch {
		case err == nil:
			last = min(end, at-1)
		case at > 0: // what is there is no record
			last = min(end, at)
		}
		other, found, failed := r.stream.elsewhere(ctx, r.next, last, func(o *Record) bool {
			return o.Number >= r.want && !r.stream.isReplaced(ctx, o)
		})
		if found || failed != nil {
			record, at, err = other, other.message, failed
		}
	}
	switch {
	case errors.Is(err, errNoMessage), isUnreadable(err) && at > end, err == nil && at > end:
		r.lose(r.next, end, errNoMessage)
		r.next = end + 1
		return nil
	case errors.Is(err, ErrRecord):
		r.lose(at, at, err)
		r.next = at + 1
		return nil
	case err != nil:
		return err
	}
	r.next = at + 1
	return r.accept(record)
}

// begin finds the message of the first record that is wanted.
func (r *reader) begin(ctx context.Context, state state) error {
	_, low, err := r.stream.locate(ctx, state, r.want)
	switch {
	case err == nil:
		r.next = low
	case errors.Is(err, errNoMessage):
		last, err := r.stream.lastReadable(ctx, state)
		if err == nil {
			err = r.before.checkEnd(r.stream.opts.Stream, last.Number)
		}
		if err != nil {
			return err
		}
		r.next = last.message + 1
		r.want = max(r.want, last.Number+1)
	default:
		return err
	}
	return nil
}

// lose notes why messages cannot be read.
func (r *reader) lose(first, last uint64, why error) {
	r.lostEnd = true
	if r.reason == "" {
		r.reason = fmt.Sprintf("message %d: %v", first, why)
		if last > first {
			r.reason = fmt.Sprintf("messages %d to %d: %v", first, last, why)
		}
	}
}

// accept takes a record as the next one and yields it. Numbers that are missing before it may have
// been replaced by one that is yet to come.
func (r *reader) accept(record Record) error {
	if err := r.before.check(r.stream.opts.Stream, &record); err != nil {
		return r.emit(Record{}, err)
	}
	if record.Number < r.want {
		return r.emit(Record{}, &DamageError{
			Stream: r.stream.opts.Stream, From: record.Number, To: record.Number,
			Reason: fmt.Sprintf("message %d holds it a second time", record.message),
		})
	}
	if record.Number-r.want > missingMax {
		return r.emit(Record{}, &DamageError{
			Stream: r.stream.opts.Stream, From: r.want, To: record.Number - 1,
			Reason: fmt.Sprintf("message %d is far beyond them", record.message),
		})
	}
	for ; r.want < record.Number; r.want++ {
		r.missing = append(r.missing, r.want)
	}
	r.want, r.lostEnd = record.Number+1, false
	r.missing = slices.DeleteFunc(r.missing, func(number uint64) bool {
		_, replaced := slices.BinarySearch(record.Replaces, number)
		return replaced
	})
	if len(r.missing) == 0 {
		r.reason = ""
	}
	return r.emit(record, nil)
}

// missingMax bounds the numbers that are remembered as missing.
const missingMax = 1 << 22

// nameLost yields a *DamageError for each run of numbers that are missing, and for what was lost at
// the end of the stream.
func (r *reader) nameLost() error {
	for len(r.missing) > 0 {
		n := 1
		for n < len(r.missing) && r.missing[n] == r.missing[0]+uint64(n) {
			n++
		}
		damage := r.damage(r.missing[0], r.missing[n-1])
		r.missing = r.missing[n:]
		if err := r.emit(Record{}, damage); err != nil {
			return err
		}
	}
	lostEnd, damage := r.lostEnd, r.damage(r.want, 0)
	r.lostEnd, r.reason = false, ""
	if !lostEnd {
		return nil
	}
	return r.emit(Record{}, damage)
}

// damage is the error for a range of numbers.
func (r *reader) damage(from, to uint64) error {
	reason := r.reason
	if reason == "" {
		reason = "no message holds them, and no later record stands in their place"
	}
	return &DamageError{Stream: r.stream.opts.Stream, From: from, To: to, Reason: reason}
}

// emit yields to the loop; errStop when the loop has ended itself.
func (r *reader) emit(record Record, err error) error {
	if !r.yield(record, err) {
		return errStop
	}
	return nil
}

// hear has a hint given when something is published to the stream. It may be given for nothing, or
// not at all.
func (s *Stream) hear(hint chan<- struct{}) (stop func(), err error) {
	sub, err := s.conn.Subscribe(s.opts.Subject, func(*nats.Msg) {
		select {
		case hint <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return nil, fmt.Errorf("follow: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}
