// Package standingtest makes, for tests, facts out of a few events: what standing and the rooms
// above it read. The facts are those of a coverage that has folded the events, not a stand-in.
//
// It is for tests alone: nothing that is part of the program may use it. What it makes of a list of
// events is the same each time.
package standingtest

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/checked"
	"cakupan/projections/coverage"
	"cakupan/projections/projtest"
)

// firstRecorded is 2021-01-01T00:00:00Z; each event is recorded an hour after the one before.
const (
	firstRecorded temporal.Instant = 1_609_459_200_000_000_000
	hour          temporal.Instant = 3_600_000_000_000
)

// Source returns the coverage of a log of the events: the first has the sequence 1. The database is
// a scratch one of the test's, and is closed when the test ends. Any failure ends the test.
func Source(t *testing.T, events ...event.Event) *coverage.Projection {
	t.Helper()
	db, err := checked.Open(filepath.Join(t.TempDir(), "facts.db"), checked.Options{Scratch: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	p := coverage.New(db)
	if len(events) == 0 {
		return p
	}
	if err := fold(p, projtest.FrameOf(t, Logged(events))); err != nil {
		t.Fatal(err)
	}
	return p
}

// fold applies one frame, and shows it to readers. The budget is the size of the frame, which no
// test's events reach at once; where they do, they are shown in parts as in earnest.
func fold(p *coverage.Projection, frame eventstore.Frame) error {
	var batch coverage.Batch
	err := p.Prepare(frame, &batch)
	for last := eventstore.Sequence(0); err == nil && last < frame.Last(); {
		part, failed := p.Apply(&batch, len(frame.Raw()))
		err, last = errors.Join(err, failed), part.Last
		p.Show(&batch)
	}
	return err
}

// Logged returns events as a log tells them. Source and id are given out by place, so that a
// retraction can name any of them before or after it. A retraction of one that comes later names
// nothing that the log has.
func Logged(events []event.Event) []projections.Event {
	all := make([]projections.Event, len(events))
	before := map[event.Key]eventstore.Sequence{}
	for i := range events {
		e := &all[i]
		e.Event, e.Sequence = events[i], eventstore.Sequence(i+1)
		e.RecordedAt = firstRecorded + temporal.Instant(i)*hour
		e.Key = KeyOf(e.Sequence)
		if e.Type == event.EventRetracted {
			e.Retracts = before[event.Key{Source: e.Data.RetractedSource, ID: e.Data.RetractedID}]
		}
		before[e.Key] = e.Sequence
	}
	return all
}

// KeyOf returns the source and id that an event of a source has by its place. It need not be there:
// an event may be retracted that never comes.
func KeyOf(seq eventstore.Sequence) event.Key {
	return event.Key{Source: "urn:test", ID: fmt.Sprintf("event-%d", seq)}
}
