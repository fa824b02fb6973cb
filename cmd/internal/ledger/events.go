package ledger

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sort"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/codec"
	"cakupan/projections"
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
func (l *Ledger) Events(ctx context.Context, f EventFilter,
	yield func(line []byte) error,
) error {
	if damage := l.damage.Load(); damage != nil {
		return *damage
	}
	if f.Last > 0 {
		var err error
		if f, err = l.last(ctx, f); err != nil {
			return err
		}
	}
	s := &selection{filter: f, yield: yield}
	return l.events(ctx, s)
}

// events passes on what a selection lets through. It reads in the order of the log, first what the
// history knows, then the rest.
func (l *Ledger) events(ctx context.Context, s *selection) error {
	from := max(s.filter.From, 1)
	if subject, named := subjectOf(s.filter); named {
		var err error
		if from, err = l.readKnown(ctx, subject, s); err != nil || s.done {
			return err
		}
	}
	return l.readAll(ctx, from, s)
}

// subjectOf returns whom the filter names; the one with the fewest events when it names several.
func subjectOf(f EventFilter) (s history.Subject, named bool) {
	switch {
	case f.Enrolment != "":
		return history.Subject{Kind: history.Enrolment, Name: f.Enrolment}, true
	case f.Worker != "":
		return history.Subject{Kind: history.Worker, Name: f.Worker}, true
	case f.Commitment != "":
		return history.Subject{Kind: history.Commitment, Name: f.Commitment}, true
	case f.List != "":
		return history.Subject{Kind: history.List, Name: f.List}, true
	}
	return s, false
}

// selection is the events that a filter lets through, as they are passed on. It is of one
// goroutine. The event that each gets, and its texts, are valid during the call: who keeps any of
// it copies it.
type selection struct {
	filter EventFilter
	yield  func(line []byte) error
	each   func(record eventstore.Record, e *event.Event) error // instead of yield, if it is set
	sent   uint64
	last   eventstore.Sequence // that was passed on
	done   bool                // there is no more to come

	event event.Event // memory
	line  []byte
}

// take passes an event on, if the filter lets it through. Bounds are looked at before the event is
// decoded, which costs most. done is set at the first event that is too many.
func (s *selection) take(record eventstore.Record) error {
	f := &s.filter
	switch {
	case record.Sequence < f.From, record.Sequence <= s.last:
		return nil // of a frame that is read whole, it was passed on as the history said
	case f.To != 0 && record.Sequence > f.To || f.Limit != 0 && s.sent == f.Limit:
		s.done = true
		return nil
	}
	if _, err := codec.Decode(record.Event, &s.event); err != nil {
		return fmt.Errorf("read event %d: %w", record.Sequence, err)
	}
	if !passes(f, &s.event) {
		return nil
	}
	s.sent++
	s.last = record.Sequence
	if s.each != nil {
		return s.each(record, &s.event)
	}
	s.line = cloudevents.AppendJSON(s.line[:0], &s.event, uint64(record.Sequence),
		record.RecordedAt)
	return s.yield(s.line)
}

// passes reports whether the event's data are what the filter asks for. What it lets through the
// history must find: a field that is compared here must be one that history.Projection.Apply adds.
// A worker is meant by the id as reported, on either side of a merge; merges are not followed.
func passes(f *EventFilter, e *event.Event) bool {
	return (f.Type == 0 || f.Type == e.Type) &&
		(f.Enrolment == "" || f.Enrolment == e.Data.Enrolment) &&
		(f.Worker == "" || f.Worker == e.Data.Worker || f.Worker == e.Data.Into) &&
		(f.Commitment == "" || f.Commitment == e.Data.Commitment) &&
		(f.Source == "" || f.Source == e.Source) &&
		(f.List == "" || f.List == history.ListOf(e)) &&
		(f.Publisher == "" || f.Publisher == cmp.Or(e.Publisher, e.Source))
}

// last turns a filter for the last events into one for all from the first of them on. With Follow
// the end stays open, and what comes meanwhile is one more.
func (l *Ledger) last(ctx context.Context, f EventFilter) (EventFilter, error) {
	_, tail, err := l.log.Last(ctx)
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
	if f.From, err = l.lastFrom(ctx, f, until); err != nil {
		return f, err
	}
	f.Last = 0
	return f, nil
}

// lastFrom returns the first of the last events up to one that the filter lets through. Only their
// sequences are kept meanwhile. They are in a ring that grows to so many at most; fewer than that
// begin where the filter does.
func (l *Ledger) lastFrom(ctx context.Context, f EventFilter, until eventstore.Sequence,
) (eventstore.Sequence, error) {
	all := EventFilter{From: f.From, To: f.To, Last: f.Last, Follow: f.Follow}
	if f == all { // each passes
		first := eventstore.Sequence(1)
		if n := eventstore.Sequence(f.Last); n <= until {
			first = until - n + 1
		}
		return max(f.From, first), nil
	}
	n := f.Last
	f.To, f.Last, f.Follow = until, 0, false
	ring := make([]eventstore.Sequence, 0, min(n, 1<<10))
	s := &selection{filter: f}
	s.yield = func([]byte) error {
		if uint64(len(ring)) < n {
			ring = append(ring, s.last)
		} else {
			ring[(s.sent-1)%n] = s.last
		}
		return nil
	}
	if err := l.events(ctx, s); err != nil {
		return 0, err
	}
	switch {
	case s.sent < n:
		return f.From, nil
	}
	return ring[s.sent%n], nil // the oldest: the next to be replaced
}

// readAll reads the log from an event on. The first frame may begin before it: only what the
// filter's own bounds leave out is left out. With Follow it ends with ctx, or with an error of the
// log.
func (l *Ledger) readAll(ctx context.Context, from eventstore.Sequence, s *selection) error {
	read := l.log.Read
	if s.filter.Follow {
		read = l.log.Follow
	}
	for frame, err := range read(ctx, from) {
		if err != nil {
			return err
		}
		for record := range frame.Records() {
			if err := s.take(record); err != nil || s.done {
				return err
			}
		}
		if !s.filter.Follow {
			continue
		}
		if err := s.yield(nil); err != nil {
			return err
		}
	}
	return nil
}

// readKnown reads the events about the subject that the history knows of, and returns the event
// from which on the log must be read. A history that does not answer is no reason to give none: the
// log has it all. From there on the history has seen nothing, so none is left out. done says that
// the filter ends before.
func (l *Ledger) readKnown(ctx context.Context, subject history.Subject, s *selection,
) (from eventstore.Sequence, err error) {
	from = max(s.filter.From, 1)
	p, err := l.historyFor(ctx, &s.filter)
	for err == nil {
		var about []eventstore.Sequence
		var known eventstore.Sequence
		if about, known, err = p.About(subject, from, aboutMax); err != nil {
			break
		}
		if err := l.readSome(ctx, about, s); err != nil || s.done {
			return from, err
		}
		if len(about) < aboutMax {
			from = max(from, known+1)
			s.done = s.filter.To != 0 && from > s.filter.To
			return from, nil
		}
		from = about[len(about)-1] + 1
	}
	if ctx.Err() != nil {
		return from, ctx.Err()
	}
	l.opts.Log.WarnContext(ctx, "the history does not answer: the whole log is read",
		slog.Any("error", err))
	return from, nil
}

// historyFor returns the history. Where nothing follows the log it catches up first, if that is
// less than there is to read otherwise. A history that is known to be wrong is not asked.
func (l *Ledger) historyFor(ctx context.Context, f *EventFilter) (*history.Projection, error) {
	kept, err := l.shelf.Open(ctx, history.Name)
	if err == nil {
		err = l.watchman.drifted(history.Name, kept)
	}
	if err != nil {
		return nil, err
	}
	if !l.serving {
		_, tail, err := l.log.Last(ctx)
		if err != nil {
			return nil, err
		}
		until := tail.Sequence
		if f.To != 0 {
			until = min(until, f.To)
		}
		applied, _ := kept.Applied()
		// Catching up reads and folds what is missing; it pays when that is no more than what would
		// be read.
		if until >= f.From && tail.Sequence-applied <= until-f.From+1 {
			if err := l.shelf.CatchUp(ctx, history.Name, tail.Sequence); err != nil {
				return nil, err
			}
		}
	}
	p, ok := projections.Answers[*history.Projection](kept)
	if !ok {
		return nil, errOtherKind(history.Name)
	}
	return p, nil
}

// readSome reads the events with the sequences, which ascend. It returns a damage error when the
// log has not got them: they were in it when they were noted.
func (l *Ledger) readSome(ctx context.Context, sequences []eventstore.Sequence, s *selection,
) error {
	for len(sequences) > 0 && !s.done {
		rest, err := l.readNearby(ctx, sequences, s)
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

// readNearby reads the first of the events and those that follow soon, and returns the others. It
// returns all of them only where the log has none of them.
func (l *Ledger) readNearby(ctx context.Context, sequences []eventstore.Sequence, s *selection,
) ([]eventstore.Sequence, error) {
	for frame, err := range l.log.Read(ctx, sequences[0]) {
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
			if err := s.take(record); err != nil || s.done {
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
