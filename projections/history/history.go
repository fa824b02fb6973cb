// Package history finds what was reported about one enrolment, worker or commitment, and what came
// with one list: an index from its name to the sequences of the events that name it, and from an
// event to the retractions that name that.
//
// The index is made of runs, sorted lists of (number of a name, event), which are written once:
// the last events as they come, then one run for 65,536 events, then one for 1,048,576. Adding an
// event costs the same however long the log is, and a name is found with one look into each run.
//
// It finds events by name and holds no facts: what they come to, package facts has; who reads an
// event reads it from the log. Names of workers are ids, so that no NIK is here.
package history

import (
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/checked"
)

// Name is the projection's name, in file names, health and commands. Renaming it would leave the
// old file behind.
const Name = "history"

// version is that of the rules and of what the file holds. Whoever changes what a bucket holds
// raises it, and each file is built anew.
const version = 3

// rules is the version of the rules alone, which is part of every digest. It is raised with what a
// digest is made of, so that two digests of different rules never agree.
const rules = 2

// Kind says what a name is that of.
type Kind byte

// The kinds of names, as the file has them. Each has its names for itself: the same text may be the
// name of all four. A list is named by its id alone, which several sources may use: the caller
// looks at the source.
const (
	Enrolment  Kind = 1
	Worker     Kind = 2
	Commitment Kind = 3
	List       Kind = 4 // of people: see [ListOf]
)

// Subject is what events are about. A worker is one id here; of a person somebody else finds the
// others.
type Subject struct {
	Kind Kind
	Name string
}

// Projection is the index in its file. One goroutine applies; any number ask. All state is in the
// file; what is in memory is room to work in.
type Projection struct {
	db     *checked.DB
	layout layout

	entries []entry // memory that Apply uses again
}

// New returns the projection that is kept in the database.
func New(db *checked.DB) *Projection { return newProjection(db, fullLayout) }

func newProjection(db *checked.DB, l layout) *Projection { return &Projection{db: db, layout: l} }

// Version returns the version of the rules and of the file.
func (p *Projection) Version() uint32 { return version }

// Apply adds the events of a frame to the index. It writes nothing outside the transaction, and
// after an error the frame comes again to one without it.
func (p *Projection) Apply(tx *checked.Tx, events []projections.Event) error {
	for len(events) > 0 {
		// Runs end at the same events however the log is cut into frames.
		first := events[0].Sequence
		n := min(len(events), int(p.layout.chunkEnd(first)-first)+1)
		p.entries = p.entries[:0]
		for i := range events[:n] {
			p.addNames(&events[i])
		}
		if err := putRetractions(tx, events[:n]); err != nil {
			return err
		}
		if err := p.putTail(tx); err != nil {
			return err
		}
		if err := p.closeRuns(tx, events[n-1].Sequence); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

// addNames adds an entry for each name in the event's data, and for the list that it came with. A
// name that the event does not have is empty.
func (p *Projection) addNames(e *projections.Event) {
	add := func(kind Kind, name string) {
		if name != "" {
			p.entries = append(p.entries, p.layout.entry(Subject{kind, name}, e.Sequence))
		}
	}
	add(Enrolment, e.Data.Enrolment)
	add(Worker, e.Data.Worker)
	add(Worker, e.Data.Into) // another one: nobody is merged into himself
	add(Commitment, e.Data.Commitment)
	add(List, ListOf(&e.Event))
}

// listAttribute is the extension attribute by which the rows of a list, and what corrects them, say
// of which list they are. Whoever makes events of lists sets it.
const listAttribute = "list"

// ListOf returns the id of the list that an event says it is of, "" where it says none. Nothing
// else of what the attributes of lists say is interpreted by a ledger.
func ListOf(e *event.Event) string {
	for i := range e.Extensions {
		if x := &e.Extensions[i]; x.Name == listAttribute && x.Value.Kind == event.String {
			return x.Value.Text
		}
	}
	return ""
}

// About returns, in ascending order, up to limit of the sequences from `from` on of events about
// the subject, and how far the index has come. Fewer than limit are all there are up to there.
//
// A name is known by a number of 44 bits, which some other name may share: the caller looks at the
// events, and leaves out those that do not name the subject.
//
// It is answered from one transaction, so that known goes with what was found. An error is that of
// reading, or the damage of the file; then nothing is known.
func (p *Projection) About(s Subject, from eventstore.Sequence, limit int,
) (about []eventstore.Sequence, known eventstore.Sequence, err error) {
	err = p.db.View(func(tx *checked.Tx) error {
		at, err := projections.PositionIn(tx)
		if err != nil {
			return err
		}
		known = at.Sequence
		about, err = p.about(tx, search{
			number: numberOf(s), from: max(from, 1), known: known, limit: limit,
		})
		return err
	})
	return about, known, err
}
