// Package story tells what was ever reported about an enrolment, a worker or a commitment, in order
// of the log: each event in words, what it changed, and what was taken back (contract, section 8,
// history).
//
// What the facts of the coverage know finds the events, the log has their words. Nothing is kept: a
// story is worked out anew for each question.
package story

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/cloudevents"
	"cakupan/projections/facts"
	"cakupan/projections/history"
	"cakupan/projections/standing"
)

// ErrUnknown is returned for a subject that no event names. It is no failure: who asked has
// misspelled it, or nothing was said of it as known then.
var ErrUnknown = errors.New("no event names it")

// Query asks for the story of a subject. Known must be applied. What is said of a worker is said of
// the person: of all ids that merges ever joined with that one. What came behind Known is not told,
// nor that it took anything back.
type Query struct {
	About history.Subject
	Known eventstore.Sequence
}

// Log tells events. It belongs to whoever asks: a log that is read under another lock or over a
// network will do, so long as it is the one that the facts were folded from.
type Log interface {
	// Reported calls yield with each event about a subject up to a place in the log, in its order,
	// but for those that want leaves out; nil leaves out none.
	Reported(ctx context.Context, about history.Subject, known eventstore.Sequence,
		want func(some []eventstore.Sequence) ([]eventstore.Sequence, error),
		yield func(*history.Reported) error) error

	// EventsAt calls yield with the events of sequences, which ascend.
	EventsAt(ctx context.Context, sequences []eventstore.Sequence,
		yield func(*history.Reported) error) error
}

// Line is one event of a story. The fields are those of the contract's answer, also where they are
// empty: only takes is left out. What it points to is its own.
type Line struct {
	Event    json.RawMessage      `json:"event"` // as the log has it
	Sequence eventstore.Sequence  `json:"sequence"`
	Text     Words                `json:"text"`
	TakenBy  *eventstore.Sequence `json:"takenBy"` // the retraction; null: in force
	Takes    []Taken              `json:"takes,omitempty"`
	Changes  []Change             `json:"changes"`
}

// Taken is an event of the story that a retraction takes out of force.
type Taken = eventstore.Sequence

// entry is an event of a story before it is read. Some bytes are all that is held of events that
// are not told yet, however many there are.
type entry struct {
	sequence eventstore.Sequence
	takenBy  eventstore.Sequence // 0: in force
	takes    []eventstore.Sequence
	of       uint32 // the enrolment that it is about, or one of these two
}

// everyEnrolment says of an event that it may change all enrolments of the story; everybodysLife
// that it is a merge or a death, which changes those alone whose worker dies on another day by it.
// Enrolments have other numbers: they count up.
const (
	everyEnrolment = facts.NoEnrolment
	everybodysLife = everyEnrolment - 1
)

// teller is a question in work. It lasts for one question, and belongs to one goroutine.
type teller struct {
	Query
	source standing.Source
	log    Log

	entries    []entry
	enrolments []uint32 // of the story: all that it may change
	// By enrolment: how it stood as known at the event told last that may change it. Events that
	// are not told change nothing of it: it is what was known before the next one too.
	were map[uint32]courses

	// By enrolment of the story: the workers it was ever opened for. Mortal says that one of them,
	// or of those who are or were one with them, is said to have died: else nobody's life changes
	// anything. Deaths are as known at the event told last.
	openers map[uint32][]uint32
	mortal  bool
	deaths  *facts.Deaths
}

// together is how many events are told at a time: read of the log at once, and held in memory. The
// facts are read once for each of them, so that the fold waits for one event's worth and not for a
// story's. It bounds memory; more at once would hardly be quicker.
const together = 64

// Each calls yield with each event of the story. It is valid during the call. Memory holds some
// bytes for each of the events.
//
// An error of yield ends it and is returned, as those of the log, of the source and of the context
// are. What was told before stays told: nothing is held back until the end.
func Each(ctx context.Context, source standing.Source, log Log, q Query, yield func(*Line) error,
) error {
	t := &teller{
		Query: q, source: source, log: log, were: map[uint32]courses{},
		openers: map[uint32][]uint32{}, deaths: facts.DeathsAsOf(0),
	}
	if err := t.gather(ctx); err != nil {
		return err
	}
	if len(t.entries) == 0 {
		return ErrUnknown
	}
	for some := range slices.Chunk(t.entries, together) {
		if err := t.tell(ctx, some, yield); err != nil {
			return err
		}
	}
	return nil
}

// add adds an event, if it is known, and the retraction of it, which has no records of its own. The
// same event may be added by several ways, and is told once: see settle. Retractions that came
// first, before what they take back, are told at their own place in the log.
func (t *teller) add(seq, takenBy eventstore.Sequence, of uint32) {
	if seq > t.Known {
		return
	}
	if takenBy > t.Known {
		takenBy = 0
	}
	t.entries = append(t.entries, entry{sequence: seq, takenBy: takenBy, of: of})
	if takenBy != 0 {
		t.entries = append(t.entries, entry{
			sequence: takenBy, takes: []eventstore.Sequence{seq}, of: of,
		})
	}
}

// settle brings the events in order, each once. A retraction of several events of the story is an
// entry for each. It comes behind all gathering, and before the first event is told: what an event
// changes is told against the one before.
func (t *teller) settle() {
	slices.SortFunc(t.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.sequence, b.sequence), cmp.Compare(len(a.takes), len(b.takes)),
			slices.Compare(a.takes, b.takes))
	})
	t.entries = slices.CompactFunc(t.entries, func(a, b entry) bool {
		return a.sequence == b.sequence && slices.Equal(a.takes, b.takes)
	})
}

// tell reads some events, says them in words, works out what they change, and passes them on.
// Several entries in a row may be of one sequence, which is read once.
func (t *teller) tell(ctx context.Context, some []entry, yield func(*Line) error) error {
	sequences := make([]eventstore.Sequence, len(some))
	for i := range some {
		sequences[i] = some[i].sequence
	}
	sequences = slices.Compact(sequences)
	lines, i := make([]Line, 0, len(some)), 0
	err := t.log.EventsAt(ctx, sequences, func(r *history.Reported) error {
		for ; i < len(some) && some[i].sequence == r.Sequence; i++ {
			lines = append(lines, lineOf(&some[i], r))
		}
		return nil
	})
	if err != nil {
		return err
	}
	// In the order of the log: each is told against what the one before has left in were.
	for i := range lines {
		if lines[i].Changes, err = t.changes(&some[i]); err != nil {
			return err
		}
		if err := yield(&lines[i]); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// lineOf makes the line of an event that was read, but for what it changes.
func lineOf(e *entry, r *history.Reported) Line {
	line := Line{
		Event: cloudevents.AppendJSON(nil, r.Event, uint64(r.Sequence), r.RecordedAt),
		Text:  wordsOf(r.Event), Sequence: r.Sequence, Takes: e.takes,
	}
	if e.takenBy != 0 {
		by := e.takenBy
		line.TakenBy = &by
	}
	return line
}

// isAbout reports whether an event of a commitment is about one enrolment. Those change that
// enrolment alone; all others of a commitment all that it pays.
func isAbout(kind event.Type) bool {
	return kind == event.FundingGranted || kind == event.FundingRevoked
}
