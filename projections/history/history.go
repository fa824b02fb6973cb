// Package history finds what was reported about one enrolment, worker or commitment: an index from
// its name to the sequences of the events whose data name it, and from an event to the retractions
// that name that.
//
// The index is made of runs, sorted lists of (number of a name, event), which are written once:
// the last events as they come, then one run for 65,536 events, then one for 1,048,576. Adding an
// event costs the same however long the log is, and a name is found with one look into each run.
package history

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"go.etcd.io/bbolt"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections"
)

// Name is the projection's name, in file names, health and commands.
const Name = "history"

// version is that of the rules and of what the file holds.
const version = 1

// Kind says what a name is that of.
type Kind byte

// The kinds of names, as the file has them.
const (
	Enrolment  Kind = 1
	Worker     Kind = 2
	Commitment Kind = 3
)

// Subject is what events are about.
type Subject struct {
	Kind Kind
	Name string
}

// Projection is the index in its file. One goroutine applies; any number ask.
type Projection struct {
	db     *bbolt.DB
	layout layout

	entries []entry // memory that Apply uses again
}

// New returns the projection that is kept in the database.
func New(db *bbolt.DB) *Projection { return newProjection(db, fullLayout) }

func newProjection(db *bbolt.DB, l layout) *Projection { return &Projection{db: db, layout: l} }

// Version returns the version of the rules and of the file.
func (p *Projection) Version() uint32 { return version }

// Apply adds the events of a frame to the index.
func (p *Projection) Apply(tx *bbolt.Tx, events []projections.Event) error {
	for len(events) > 0 {
		// Runs end at the same events however the log is cut into frames.
		first := events[0].Sequence
		n := min(len(events), int(p.layout.chunkEnd(first)-first)+1)
		p.entries = p.entries[:0]
		for i := range events[:n] {
			p.addNames(&events[i])
			if err := putRetraction(tx, &events[i]); err != nil {
				return err
			}
		}
		if err := p.putTail(tx, first); err != nil {
			return err
		}
		if err := p.closeRuns(tx, events[n-1].Sequence); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

// addNames adds an entry for each name in the event's data.
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
}

// About returns, in ascending order, up to limit of the sequences from `from` on of events about
// the subject, and how far the index has come. Fewer than limit are all there are up to there.
//
// A name is known by a number of 44 bits, which some other name may share: the caller looks at the
// events, and leaves out those that do not name the subject.
func (p *Projection) About(s Subject, from eventstore.Sequence, limit int,
) (about []eventstore.Sequence, known eventstore.Sequence, err error) {
	err = p.db.View(func(tx *bbolt.Tx) error {
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

// Retractions returns, in ascending order, the sequences of the retractions that name an event,
// also of those that came before it.
func (p *Projection) Retractions(seq eventstore.Sequence, key event.Key,
) (retractions []eventstore.Sequence, err error) {
	err = p.db.View(func(tx *bbolt.Tx) error {
		early := earlyKey(key)
		if b := tx.Bucket(earlyBucket); b != nil {
			c := b.Cursor()
			for k, v := c.Seek(early); bytes.HasPrefix(k, early); k, v = c.Next() {
				if string(v) == earlyValue(key) {
					retractions = append(retractions, sequenceAt(k[8:]))
				}
			}
		}
		if b := tx.Bucket(retractionsBucket); b != nil {
			c := b.Cursor()
			target := binary.BigEndian.AppendUint64(nil, uint64(seq))
			for k, _ := c.Seek(target); bytes.HasPrefix(k, target); k, _ = c.Next() {
				retractions = append(retractions, sequenceAt(k[8:]))
			}
		}
		return nil
	})
	return retractions, err
}

// The buckets of retractions: by the event that they name, and, where it had not come yet, by the
// number of its key. Both keys end with the sequence of the retraction.
var (
	retractionsBucket = []byte("retractions")
	earlyBucket       = []byte("early-retractions")
)

func putRetraction(tx *bbolt.Tx, e *projections.Event) error {
	if e.Type != event.EventRetracted {
		return nil
	}
	name, key, value := retractionsBucket, []byte(nil), ""
	if e.Retracts != 0 {
		key = binary.BigEndian.AppendUint64(nil, uint64(e.Retracts))
	} else {
		of := event.Key{Source: e.Data.RetractedSource, ID: e.Data.RetractedID}
		name, key, value = earlyBucket, earlyKey(of), earlyValue(of)
	}
	b, err := tx.CreateBucketIfNotExists(name)
	if err != nil {
		return err
	}
	key = binary.BigEndian.AppendUint64(key, uint64(e.Sequence))
	if err := b.Put(key, []byte(value)); err != nil {
		return fmt.Errorf("put retraction: %w", err)
	}
	return nil
}

// earlyKey begins the key of a retraction of an event that has not come yet.
func earlyKey(k event.Key) []byte {
	return binary.BigEndian.AppendUint64(nil, xxhash.Sum64String(earlyValue(k)))
}

// earlyValue has the event's key in full. No source has a line feed.
func earlyValue(k event.Key) string { return k.Source + "\n" + k.ID }

func sequenceAt(b []byte) eventstore.Sequence {
	return eventstore.Sequence(binary.BigEndian.Uint64(b))
}
