package excerpt

import (
	"context"
	"fmt"
	"log/slog"
	"sort"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/codec"
	"cakupan/projections/history"
)

const (
	// aboutMax is how many sequences are taken from the history at once.
	aboutMax = 4_096
	// nearby is how many events are passed over rather than begin to read the log anew, which
	// costs about as much.
	nearby = 3_000
)

// Events calls yield with each event that the filter lets through. Of those about one enrolment,
// worker, commitment or list the history knows where they are, as far as it has come; the rest of
// the log is read.
//
// Who follows gets those to come too, until ctx ends; yield is called with nil when there is no
// more for now.
//
// A line is an event in JSON as section 1 of the contract has it, without an end of line, and
// belongs to the call: it is used again for the next one. An error of yield ends it and is returned
// as it is. It may be called by many at once; it holds nothing meanwhile, so a slow yield keeps
// nobody else waiting.
func (r *Reader) Events(ctx context.Context, f Filter,
	yield func(line []byte) error,
) error {
	if f.Last > 0 {
		var err error
		if f, err = r.last(ctx, f); err != nil {
			return err
		}
	}
	s := &Selection{Filter: f, yield: yield}
	return r.Select(ctx, s)
}

// Select passes on what a selection lets through. It reads in the order of the log, first what the
// history knows, then the rest.
func (r *Reader) Select(ctx context.Context, s *Selection) error {
	from := max(s.Filter.From, 1)
	if subject, named := s.Filter.subject(); named {
		var err error
		if from, err = r.Known(ctx, subject, s); err != nil || s.Done {
			return err
		}
	}
	return r.All(ctx, from, s)
}

// Selection is the events that a filter lets through, as they are passed on. It is used once, by
// one goroutine. The event that Each gets, and its texts, are valid during the call: who keeps any
// of it copies it. An error of Each ends it and is returned as it is.
type Selection struct {
	Filter Filter
	Each   func(record eventstore.Record, e *event.Event) error
	Done   bool // there is no more to come; Each may say so too

	yield func(line []byte) error // instead of Each, which is nil then
	sent  uint64
	last  eventstore.Sequence // that was passed on

	event event.Event // memory
	line  []byte
}

// take passes an event on, if the filter lets it through. Bounds are looked at before the event is
// decoded, which costs most. Done is set at the first event that is too many.
func (s *Selection) take(record eventstore.Record) error {
	f := &s.Filter
	switch {
	case record.Sequence < f.From, record.Sequence <= s.last:
		return nil // of a frame that is read whole, it was passed on as the history said
	case f.To != 0 && record.Sequence > f.To || f.Limit != 0 && s.sent == f.Limit:
		s.Done = true
		return nil
	}
	if _, err := codec.Decode(record.Event, &s.event); err != nil {
		return fmt.Errorf("read event %d: %w", record.Sequence, err)
	}
	if !f.Passes(&s.event) {
		return nil
	}
	s.sent++
	s.last = record.Sequence
	if s.Each != nil {
		return s.Each(record, &s.event)
	}
	s.line = cloudevents.AppendJSON(s.line[:0], &s.event, uint64(record.Sequence),
		record.RecordedAt)
	return s.yield(s.line)
}

// last turns a filter for the last events into one for all from the first of them on. With Follow
// the end stays open, and what comes meanwhile is one more.
func (r *Reader) last(ctx context.Context, f Filter) (Filter, error) {
	_, tail, err := r.Log.Last(ctx)
	if err != nil {
		return f, err
	}
	until := max(tail.Sequence, 1)
	if f.To != 0 {
		until = min(until, f.To)
	}
	if !f.Follow {
		f.To = until // what comes meanwhile would be one more
	}
	if f.From, err = r.lastFrom(ctx, f, until); err != nil {
		return f, err
	}
	f.Last = 0
	return f, nil
}

// lastFrom returns the first of the last events up to one that the filter lets through. Only their
// sequences are kept meanwhile. They are in a ring that grows to so many at most; fewer than that
// begin where the filter does.
func (r *Reader) lastFrom(ctx context.Context, f Filter, until eventstore.Sequence,
) (eventstore.Sequence, error) {
	all := Filter{From: f.From, To: f.To, Last: f.Last, Limit: f.Limit, Follow: f.Follow}
	if f == all { // each passes
		first := eventstore.Sequence(1)
		if n := eventstore.Sequence(f.Last); n <= until {
			first = until - n + 1
		}
		return max(f.From, first), nil
	}
	n := f.Last
	f.To, f.Last, f.Limit, f.Follow = until, 0, 0, false
	ring := make([]eventstore.Sequence, 0, min(n, 1<<10))
	s := &Selection{Filter: f}
	s.Each = func(eventstore.Record, *event.Event) error {
		if uint64(len(ring)) < n {
			ring = append(ring, s.last)
		} else {
			ring[(s.sent-1)%n] = s.last
		}
		return nil
	}
	if err := r.Select(ctx, s); err != nil {
		return 0, err
	}
	switch {
	case s.sent < n:
		return f.From, nil
	}
	return ring[s.sent%n], nil // the oldest: the next to be replaced
}

// All reads the log from an event on. The first frame may begin before it: only what the
// filter's own bounds leave out is left out. With Follow it ends with ctx, or with an error of the
// log.
func (r *Reader) All(ctx context.Context, from eventstore.Sequence, s *Selection) error {
	read := r.Log.Read
	if s.Filter.Follow {
		read = r.Log.Follow
	}
	for frame, err := range read(ctx, from) {
		if err != nil {
			return err
		}
		for record := range frame.Records() {
			if err := s.take(record); err != nil || s.Done {
				return err
			}
		}
		if !s.Filter.Follow {
			continue
		}
		if err := s.yield(nil); err != nil {
			return err
		}
	}
	return nil
}

// Known reads the events about the subject that the history knows of, and returns the event
// from which on the log must be read. A history that does not answer is no reason to give none: the
// log has it all. From there on the history has seen nothing, so none is left out. Done says that
// the filter ends before.
func (r *Reader) Known(ctx context.Context, subject history.Subject, s *Selection,
) (from eventstore.Sequence, err error) {
	from = max(s.Filter.From, 1)
	p, err := r.History.For(ctx, &s.Filter)
	for err == nil {
		var about []eventstore.Sequence
		var known eventstore.Sequence
		if about, known, err = p.About(subject, from, aboutMax); err != nil {
			break
		}
		if err := r.Some(ctx, about, s); err != nil || s.Done {
			return from, err
		}
		if len(about) < aboutMax {
			from = max(from, known+1)
			s.Done = s.Filter.To != 0 && from > s.Filter.To
			return from, nil
		}
		from = about[len(about)-1] + 1
	}
	if ctx.Err() != nil {
		return from, ctx.Err()
	}
	r.Logger.WarnContext(ctx, "the history does not answer: the whole log is read",
		slog.Any("error", err))
	return from, nil
}

// Some reads the events with the sequences, which ascend. It returns a damage error when the
// log has not got them: they were in it when they were noted.
func (r *Reader) Some(ctx context.Context, sequences []eventstore.Sequence, s *Selection,
) error {
	for len(sequences) > 0 && !s.Done {
		rest, err := r.nearby(ctx, sequences, s)
		if err != nil {
			return err
		}
		if len(rest) == len(sequences) {
			return &eventstore.DamageError{
				From: sequences[0], Reason: "the log has lost what the history has seen",
			}
		}
		sequences = rest
	}
	return nil
}

// nearby reads the first of the events and those that follow soon, and returns the others. It
// returns all of them only where the log has none of them.
func (r *Reader) nearby(ctx context.Context, sequences []eventstore.Sequence, s *Selection,
) ([]eventstore.Sequence, error) {
	for frame, err := range r.Log.Read(ctx, sequences[0]) {
		if err != nil {
			return nil, err
		}
		for record := range frame.Records() {
			i := sort.Search(len(sequences), func(i int) bool {
				return sequences[i] >= record.Sequence
			})
			sequences = sequences[i:]
			if len(sequences) == 0 || sequences[0] > record.Sequence {
				continue
			}
			if err := s.take(record); err != nil || s.Done {
				return nil, err
			}
			sequences = sequences[1:]
		}
		if len(sequences) == 0 || sequences[0] > frame.Last()+nearby {
			break
		}
	}
	return sequences, nil
}
