// Package findings tells what the events of the log contradict, each of them and the world
// (contract, section 8): which findings there are as known at any event, since which one, and until
// which.
//
// It folds the log. What is wrong with an enrolment, a person, a commitment or a region follows
// from the events in force by rules, a small function for each code; the fold looks again at whom
// an event touches, or time, and notes since when something is found there and until when. All else
// of a finding is worked out by the same rules, from what was in force then, when somebody asks.
package findings

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/checked"
	"cakupan/projections/facts"
)

// Name is the projection's name, in file names, health and digests.
const Name = "findings"

// version is that of the rules and of what the file holds. A file of another version is not
// migrated but rebuilt from the log.
const version = 2

// Projection is the fold and its file. One goroutine applies and stores; any number ask.
type Projection struct {
	db    *checked.DB
	names *facts.Names
	few   int // see fold.fewest

	// reading guards the fold against those who ask, and showing what Show makes: they hold both
	// for some findings at a time, reading first. Apply takes only reading, and Show only showing,
	// so that neither waits for the other.
	reading sync.RWMutex
	showing sync.RWMutex
	fold    *fold // nil until the first Apply or question after Load
}

// New returns the projection of an empty log, to be kept in the database.
func New(db *checked.DB) *Projection { return newProjection(db, fewEnrolments) }

func newProjection(db *checked.DB, few int) *Projection {
	p := &Projection{db: db, names: facts.NewNames(db), few: few}
	p.fold = newFold(facts.New(), newLedger(), newRecords(), p)
	return p
}

// Version returns the version of the rules and of the file.
func (p *Projection) Version() uint32 { return version }

// Apply folds events of a frame into the state, from the first that is not in it; see
// projections.Projection.
func (p *Projection) Apply(b *Batch, budget int) (projections.Part, error) {
	if err := p.load(); err != nil {
		return projections.Part{}, err
	}
	all, f := b.facts.Events(), p.fold
	first := f.s.Events() + 1 - all[0].Sequence
	if first >= eventstore.Sequence(len(all)) { // before the batch, too: it is no small number
		return projections.Part{}, fmt.Errorf("%w: it has %d events already, these begin with %d",
			ErrFile, f.s.Events(), all[0].Sequence)
	}
	part := projections.Part{}
	f.steps = b.steps[:0]
	events, extras := all[first:], b.extras[first:]
	for some := range slices.Chunk(events, facts.Together) {
		n := p.applySome(some, extras, b, &part, budget)
		if n < len(some) || part.Work >= budget {
			break
		}
		extras = extras[n:]
		runtime.Gosched() // a frame of usual events takes a millisecond and more
	}
	b.steps, f.steps = f.steps, nil
	return part, nil
}

// applySome folds some events until the budget is spent, and returns how many.
func (p *Projection) applySome(events []facts.Event, extras []extra, b *Batch,
	part *projections.Part, budget int,
) int {
	p.reading.Lock()
	defer p.reading.Unlock()
	f := p.fold
	f.admit(events)
	for i := range events {
		f.work = 0
		f.apply(&events[i], &b.facts, &extras[i])
		part.Last, part.Work = events[i].Sequence, part.Work+1+f.work
		if part.Work >= budget {
			return i + 1
		}
	}
	return len(events)
}

// read takes hold of what readers see, and returns what lets it go.
func (p *Projection) read() (letGo func()) {
	p.reading.RLock()
	p.showing.RLock()
	return func() {
		p.showing.RUnlock()
		p.reading.RUnlock()
	}
}

// Digest is a SHA-256, in hexadecimal digits, over the version of the rules, k, a hash over the
// events up to k, and all findings as known at k.
func (p *Projection) Digest(k eventstore.Sequence) (string, error) {
	if err := p.load(); err != nil {
		return "", err
	}
	defer p.read()()
	f := p.fold
	k = min(k, f.shown.last)
	var head uint64
	err := p.db.View(func(tx *checked.Tx) (err error) {
		head, err = f.l.headAt(tx, int(k))
		return err
	})
	if err != nil {
		return "", err
	}
	h := sha256.New()
	numbers := func(all ...uint64) {
		for _, n := range all {
			_, _ = h.Write(binary.BigEndian.AppendUint64(nil, n))
		}
	}
	numbers(version, uint64(k), head)
	records := f.shown.records.table
	for i := range records.Len() {
		r := records.At(i)
		if r.since > k {
			break
		}
		until := r.until
		if until > k {
			until = 0
		}
		numbers(uint64(r.since), uint64(until), uint64(r.number)<<32|uint64(r.second),
			uint64(uint32(r.month))<<16|uint64(r.code)<<8|uint64(r.kind))
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
