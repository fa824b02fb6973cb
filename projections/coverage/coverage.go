// Package coverage answers how many workers of a region are covered, on any day, as known at any
// moment of the log (contract, sections 3 and 4).
//
// It folds the log: for each event it works out what the event changes about the days of its
// workers, and counts the difference (package counts).
//
// What an event changes are edges: in a cell (a region, measures, and who counts) from a day on so
// many more or fewer. Edges are never changed again, so that the sum of those up to any event is
// the answer as known at it. A person who is in several enrolments counts once in each number: to
// find what differs, the days of the person before the event are counted out and those after it in.
//
// Two halves run at the same time: Apply has the state of package facts and makes edges; Show adds
// them to the counts, and readers see only views of what was shown. Who makes a figure up, and why
// two figures differ, is told by packages explain and difference, over the state that Read gives.
// The file is a cache (contract, section 10); its bytes are in FORMAT.md.
package coverage

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/checked"
	"cakupan/projections/counts"
	"cakupan/projections/facts"
	"cakupan/projections/pages"
)

// Name is the projection's name, in file names, health and digests.
const Name = "coverage"

// version is that of the rules and of what the file holds. A file of another version is not
// migrated but rebuilt from the log.
const version = 9

// rules is the version of the rules alone. It is part of every digest, so that digests that were
// noted stay good when only the file changes.
//
// It is counted up only when the same log gives other numbers: all digests that were noted differ
// then.
const rules = 2

// Projection is the fold and its file. One goroutine applies and stores; any number read through
// [Projection.View] and [Projection.Read].
//
// Of the fields the state in fold belongs to Apply, and counts, recorded, firstRecorded, chain,
// presence and costs to Show; publications have a lock of their own, as Apply adds and readers ask.
// What readers see of Show's is in the view, which is replaced as a whole.
type Projection struct {
	db     *checked.DB
	names  *facts.Names
	limits limits

	// reading guards the fold and its state against those who read them beside the fold, which
	// holds it for some events at a time, and lets go of it in the middle of dear ones: see letIn.
	// The fold's goroutine itself reads both without it.
	reading sync.RWMutex
	// fold is nil until the first Apply or Read after Load: answering needs none of it.
	fold *fold

	counts        *counts.Cube       // of workers and enrolments; see cell
	recorded      *pages.History     // record time of each event, 8 bytes
	firstRecorded []temporal.Instant // of each page of recorded; derived when loaded
	chain         chain              // of what the digest is made of
	digestOnly    bool               // see DigestOnly
	lanes         *lanes             // that fold for the digest alone; nil: there is one fold

	publications *publications
	presence     *presence
	costs        costs

	view atomic.Pointer[View]
}

// A page of record times holds 4,096. That is part of what a digest is, by digestShift, and 32 KiB
// at most for a reader to unpack.
const recordedPageShift = 12

// New returns the projection of an empty log, to be kept in the database.
func New(db *checked.DB) *Projection { return newProjection(db, counts.FullLayout(), fullLimits()) }

// newProjection also says how the counts are laid out and what is heavy: tests cut both small, so
// that few events meet what else takes millions. The answers do not depend on it.
func newProjection(db *checked.DB, l counts.Layout, heavy limits) *Projection {
	p := &Projection{
		db:     db,
		names:  facts.NewNames(db),
		limits: heavy,
		counts: counts.New(db, counts.Rule{
			Layout: l, RowsOf: rowsOf, Deltas: "deltas", Cells: "cells", Runs: "runs",
		}),
		recorded:     pages.NewChained(8, recordedPageShift, 2),
		chain:        newChain(),
		publications: newPublications(),
		presence:     newPresence(),
		costs:        newCosts(),
	}
	p.fold = newFold(facts.New(), p)
	p.publish()
	return p
}

// Rules returns the version of the rules that figures are counted by, as it is published with them.
// It is written into events of the log with the figures (contract, section 8, attest), and must
// never mean other rules.
func Rules() string { return Name + "/" + strconv.Itoa(rules) }

// Version returns the version of the rules and of the file.
func (p *Projection) Version() uint32 { return version }

// Batch is the events of a frame, and once a part of them is applied what that changes. It belongs
// to one goroutine at a time: Prepare, Apply and Show take it in turns. What is left in it of
// events is for Show, which does not see the state.
type Batch struct {
	facts facts.Batch
	frame *facts.Batch    // what of them is rare is in: facts, but of a share the frame's
	part  []facts.Event   // that was applied last
	edges []counts.Change // of all its events, in their order
	ends  []uint32        // where those of each event end

	later later // what they change that Show works out

	never []eventstore.Sequence // events that were retracted before they came
	gone  []facts.PackedTerms   // what each retraction took out of force named, in their order
	many  []facts.Tag           // of workers who got an enrolment and had many
	laden laden

	shares []*share // of a projection that is folded in lanes, one for each
	turns  []turn   // of the events
}

// begin begins another part, which the fold is to leave in the batch.
func (b *Batch) begin(f *fold) {
	b.edges, b.ends = b.edges[:0], b.ends[:0]
	b.later.reset(f.heavy.later)
	f.later = &b.later
	b.laden.reset()
	f.laden = &b.laden
	b.never, b.gone, b.many = b.never[:0], b.gone[:0], b.many[:0]
	f.looked = 0
}

// edgesKept is how many edges a batch has memory for at most while it waits to be used again. Few
// events make more: the memory of those is given back.
const edgesKept = 1 << 16

// Prepare decodes a frame into the batch, whose memory it uses again, and numbers its names. It
// may run ahead of Apply in another goroutine.
func (p *Projection) Prepare(frame eventstore.Frame, b *Batch) error {
	return p.names.Prepare(frame, &b.facts)
}

// Apply folds events of a frame into the state, from the first that is not in it, and leaves in the
// batch what they change; see projections.Projection.
//
// The work is counted in edges and in what was looked at, never in time, so that frames are cut at
// the same event whatever the machine. A batch that does not go on from the state is ErrFile, and
// nothing is changed.
func (p *Projection) Apply(b *Batch, budget int) (projections.Part, error) {
	if p.lanes != nil {
		return p.lanes.apply(b, budget)
	}
	if err := p.loadState(); err != nil {
		return projections.Part{}, err
	}
	all, f := b.facts.Events(), p.fold
	first := f.state.Events() + 1 - all[0].Sequence
	if first >= eventstore.Sequence(len(all)) { // before the batch, too: it is no small number
		return projections.Part{}, fmt.Errorf("%w: it has %d events already, these begin with %d",
			ErrFile, f.state.Events(), all[0].Sequence)
	}
	b.frame = &b.facts
	b.begin(f)
	for events := range slices.Chunk(all[first:], facts.Together) {
		if p.applySome(events, b, budget) {
			break
		}
		runtime.Gosched() // a frame of usual events takes a millisecond and more
	}
	b.part = all[first:][:len(b.ends)]
	return projections.Part{Last: b.part[len(b.part)-1].Sequence, Work: b.work(f)}, nil
}

// applySome folds some of a batch's events, of which readers see all or none, until the work of the
// batch has come to the budget, and reports whether it has.
func (p *Projection) applySome(events []facts.Event, b *Batch, budget int) (spent bool) {
	p.reading.Lock()
	defer p.reading.Unlock()
	p.fold.state.Admit(events)
	for i := range events {
		b.later.event = uint32(len(b.ends))
		b.edges = p.fold.apply(&events[i], b, b.edges)
		b.ends = append(b.ends, uint32(len(b.edges)))
		if b.work(p.fold) >= budget {
			return true
		}
	}
	return false
}

// work is what the fold of the batch has cost so far.
func (b *Batch) work(f *fold) int {
	return len(b.ends) + len(b.edges) + len(b.later.courses) + f.looked
}

// Read calls f with the state, which has at least the events of every view that was got before, and
// does not change during the call. The fold waits meanwhile: who reads much reads it in slices,
// each of which takes less than a millisecond. What is in force as known at an event stays so from
// one slice to the next.
//
// The state is not to be kept, or anything of it, after the call. An error that is not the one of f
// says that the file is damaged.
func (p *Projection) Read(f func(s *facts.State) error) error {
	if err := p.loadState(); err != nil {
		return err
	}
	p.reading.RLock()
	defer p.reading.RUnlock()
	return f(p.fold.state)
}

// Names returns the names of what the state numbers.
func (p *Projection) Names() *facts.Names { return p.names }

// Show adds what the events of an applied part change to what readers see. It does not look at
// the state, so that it may run behind Apply in another goroutine: a fifth of the work of a replay
// is done there. A view holds on to what was shown before it, so that readers ask on meanwhile.
func (p *Projection) Show(b *Batch) {
	if p.lanes != nil {
		p.hashShares(b)
		return
	}
	edges, ends := b.later.workOut(b.edges, b.ends)
	if p.digestOnly {
		p.hash(b, edges, ends)
	} else {
		p.count(b, edges, ends)
		p.publish()
	}
	if cap(b.edges) > edgesKept {
		b.edges = nil
	}
	if cap(b.later.edges) > edgesKept {
		b.later.edges = nil
	}
}

// count counts what an applied part changes. An event that never came into force is recorded,
// hashed and numbered all the same: its changes are none.
func (p *Projection) count(b *Batch, edges []counts.Change, ends []uint32) {
	from, rest := uint32(0), placing{b.never, b.gone}
	for events := range slices.Chunk(b.part, facts.Together) {
		p.counts.Prefetch(edges[from:ends[len(events)-1]])
		for i := range events {
			e := &events[i]
			p.chain.add(e.Recorded, p.counts.Append(e.Sequence, edges[from:ends[i]]))
			p.addRecorded(e.Recorded)
			from = ends[i]
			if rest.place(p.presence, e) && e.Kind == event.FundingGranted {
				count(p.costs.grants, e.Tag())
			}
		}
		ends = ends[len(events):]
	}
	for _, tag := range b.many {
		count(p.costs.enrolments, tag)
	}
	p.countLaden(&b.laden)
}

// addRecorded keeps when the next event was recorded, and of each page the first time, by which
// KnownAt finds the page without reading any.
func (p *Projection) addRecorded(at temporal.Instant) {
	if p.recorded.Len()&(1<<recordedPageShift-1) == 0 {
		p.firstRecorded = append(p.firstRecorded, at)
	}
	binary.LittleEndian.PutUint64(p.recorded.Append(), uint64(at))
}

// publish lets readers see what was applied. Counts and all else in the view are of the same
// events: a reader takes one view for one answer.
func (p *Projection) publish() {
	p.view.Store(&View{
		p:             p,
		known:         eventstore.Sequence(p.recorded.Len()),
		counts:        p.counts.View(),
		recorded:      p.recorded.View(),
		heads:         p.chain.heads.View(),
		firstRecorded: p.firstRecorded,
		flips:         p.presence.flips.View(),
	})
}

// View returns what has been applied so far, to ask as often as one likes. It never waits, and is
// right for as long as the reader keeps it.
func (p *Projection) View() *View { return p.view.Load() }

// Workers returns the number of workers the fold knows; 0 before the first Prepare after Load.
func (p *Projection) Workers() int { return p.names.Workers() }
