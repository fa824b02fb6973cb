// Package coverage answers how many workers of a region are covered, on any day, as known at any
// moment of the log (contract, sections 3 and 4).
//
// It folds the log: for each event it works out what the event changes about the days of its
// workers, and counts the difference (package counts).
package coverage

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/counts"
	"cakupan/projections/pages"
)

// Name is the projection's name, in file names, health and digests.
const Name = "coverage"

// version is that of the rules and of what the file holds. A file of another version is not
// migrated but rebuilt from the log.
const version = 2

// rules is the version of the rules alone. It is part of every digest, so that digests that were
// noted stay good when only the file changes.
const rules = 1

// Projection is the fold and its file. One goroutine applies and stores; any number read through
// [Projection.View].
type Projection struct {
	db    *bbolt.DB
	state *state // nil until the first Apply after Load: reading needs none of it

	counts        *counts.Cube       // of workers and enrolments; see cell
	recorded      *pages.History     // record time of each event, 8 bytes
	firstRecorded []temporal.Instant // of each page of recorded; derived when loaded

	publications *publications
	presence     presence
	retracted    earlyRetractions // of Apply only, like the state

	names *names
	view  atomic.Pointer[View]
}

// A page of record times holds 4,096.
const recordedPageShift = 12

// New returns the projection of an empty log, to be kept in the database.
func New(db *bbolt.DB) *Projection { return newProjection(db, counts.FullLayout()) }

func newProjection(db *bbolt.DB, l counts.Layout) *Projection {
	p := &Projection{
		db: db,
		counts: counts.New(db, counts.Rule{
			Layout: l, RowsOf: rowsOf, Deltas: "deltas", Cells: "cells", Runs: "runs",
		}),
		recorded:     pages.NewHistory(8, recordedPageShift),
		publications: &publications{},
		presence:     newPresence(),
	}
	p.names, p.state = newNames(), newState()
	p.names.loaded = true // there are none
	p.publish()
	return p
}

// Version returns the version of the rules and of the file.
func (p *Projection) Version() uint32 { return version }

// Apply folds the events of a frame into the state, and leaves in the batch what they change.
// Frames come whole, in order, each once; see projections.Runner.
func (p *Projection) Apply(b *Batch) error {
	if err := p.loadState(); err != nil {
		return err
	}
	x := &p.state.scratch
	x.edges = b.edges[:0]
	for events := range slices.Chunk(b.events, foldTogether) {
		p.state.admit(events)
		for i := range events {
			p.apply(&events[i], b)
			events[i].edges = uint32(len(x.edges))
		}
	}
	b.edges, x.edges = x.edges, nil
	return nil
}

// Show adds what the events of an applied batch change to what readers see. It does not look at
// the state, so that it may run behind Apply in another goroutine: a fifth of the work of a replay
// is done there.
func (p *Projection) Show(b *Batch) {
	from := uint32(0)
	for events := range slices.Chunk(b.events, foldTogether) {
		p.counts.Prefetch(b.edges[from:events[len(events)-1].edges])
		for i := range events {
			e := &events[i]
			p.show(e, b.edges[from:e.edges])
			from = e.edges
			if e.kind == event.EventRetracted {
				p.presence.named(e.sequence, b.rare[e.rare].gone, -1)
			}
		}
	}
	p.publish()
}

// show adds what an event changes.
func (p *Projection) show(e *prepared, changed []counts.Change) {
	p.counts.Append(e.sequence, changed)
	if e.terms != 0 {
		p.presence.named(e.sequence, e.terms, +1)
	}
	p.addRecorded(e.recorded)
}

func (p *Projection) addRecorded(at temporal.Instant) {
	if p.recorded.Len()&(1<<recordedPageShift-1) == 0 {
		p.firstRecorded = append(p.firstRecorded, at)
	}
	binary.LittleEndian.PutUint64(p.recorded.Append(), uint64(at))
}

// publish lets readers see what was applied.
func (p *Projection) publish() {
	p.view.Store(&View{
		p:             p,
		known:         eventstore.Sequence(p.recorded.Len()),
		counts:        p.counts.View(),
		recorded:      p.recorded.View(),
		firstRecorded: p.firstRecorded,
		flips:         p.presence.flips,
	})
}

// View returns what has been applied so far, to ask as often as one likes.
func (p *Projection) View() *View { return p.view.Load() }

// Workers returns the number of workers the fold knows; 0 before the first Prepare after Load.
func (p *Projection) Workers() int {
	p.names.mu.Lock()
	defer p.names.mu.Unlock()
	return p.names.workers.Len()
}
