// Package findings tells what the events of the log contradict, each of them and the world
// (contract, section 8): which findings there are as known at any event, since which one, and until
// which.
//
// It folds the log. What is wrong with an enrolment, a person, a commitment or a region follows
// from the events in force by rules, a small function for each code; the fold looks again at whom
// an event touches, or time, and notes since when something is found there and until when. All else
// of a finding is worked out by the same rules, from what was in force then, when somebody asks.
//
// What lasts is the state of package facts, the ledger (what findings need of the log beside it)
// and the records: from which event to which one each finding is there, and no more of it. Counts,
// calendars and what is known of crowds and regions are derived from these when the file is loaded.
//
// Apply works out what is wrong and leaves that as steps; Show, which may run behind it, does the
// steps to the records and to the percents of regions, and readers see only these. The rules are
// pure functions over a view of what is in force, now or as known at an event: so the fold and an
// answer about the past cannot disagree. Who asks over HTTP or at the command line is not known
// here, nor who may: see packages under cmd.
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
// migrated but rebuilt from the log. It is counted up when a rule finds something else in the same
// log, too: the records of older rules would be told by newer ones, which find nothing for them.
const version = 2

// Projection is the fold and its file. One goroutine applies and stores; any number ask.
//
// The file is a cache (contract, section 10): it is rebuilt when it is damaged or of another
// version, and nothing is lost with it.
type Projection struct {
	db    *checked.DB
	names *facts.Names
	few   int // see fold.fewest
	brief int // see fold.brief
	most  int // see fold.most

	senders senders // of whoever prepares

	// reading guards the fold against those who ask, and showing what Show makes: they hold both
	// for some findings at a time, reading first. Apply takes only reading, and Show only showing,
	// so that neither waits for the other.
	//
	// No field of the fold is read without reading; of shown, without showing. An answer needs
	// both, because it works findings out of the fold's state for the records that were shown.
	reading sync.RWMutex
	showing sync.RWMutex
	fold    *fold // nil until the first Apply or question after Load

	// An event that changes much is shown while it is applied; see showPart. Unshown are the parts
	// between Apply and Show, and begun, which is Apply's, tells that it holds showing.
	unshown sync.WaitGroup
	begun   bool
}

// New returns the projection of an empty log, to be kept in the database. It reads nothing yet: a
// file that is there is taken over by Load.
func New(db *checked.DB) *Projection {
	return newProjection(db, fewEnrolments, fewFacts, stepsMost)
}

// newProjection also says up to how many enrolments a person has few, up to how many facts an
// enrolment has, and how many steps a batch holds: tests make them small, so that crowds, long
// courses and events that change much are met in a log of a hundred events. The outcome depends on
// none of them.
func newProjection(db *checked.DB, few, brief, most int) *Projection {
	p := &Projection{
		db: db, names: facts.NewNames(db), few: few, brief: brief, most: most, senders: senders{},
	}
	p.fold = newFold(facts.New(), newLedger(), newRecords(), p)
	return p
}

// Version returns the version of the rules and of the file.
func (p *Projection) Version() uint32 { return version }

// Apply folds events of a frame into the state, from the first that is not in it; see
// projections.Projection. An event that the batch has and the state has already is skipped, as when
// a part of a frame was committed and the program started again; a batch that does not go on from
// the state is ErrFile, and nothing is changed. The work is counted in courses that were read and
// steps that were left, so that where it stops follows from the events and not from the clock.
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
	// The steps are the batch's memory: they belong to it again once this returns, so that the next
	// frame can be applied while Show does these.
	f.steps, f.spill = b.steps[:0], p.showPart
	events, extras := all[first:], b.extras[first:]
	for some := range slices.Chunk(events, facts.Together) {
		n := p.applySome(some, extras, b, &part, budget)
		if n < len(some) || part.Work >= budget {
			break
		}
		extras = extras[n:]
		runtime.Gosched() // a frame of usual events takes a millisecond and more
	}
	b.steps, f.steps, f.spill = f.steps, nil, nil
	p.unshown.Add(1)
	return part, nil
}

// applySome folds some events until the budget is spent, and returns how many. Readers wait for as
// long: some events at a time, that they need not wait for a whole frame. An event is never left
// half-folded, whatever it costs: the budget is looked at behind it.
func (p *Projection) applySome(events []facts.Event, extras []extra, b *Batch,
	part *projections.Part, budget int,
) int {
	p.reading.Lock()
	defer p.reading.Unlock()
	f := p.fold
	f.admit(events)
	for i := range events {
		f.work, f.left, f.course.looked = 0, 0, 0
		f.apply(&events[i], &b.facts, &extras[i])
		p.showRest()
		f.work += f.course.looked / lookedTogether
		// What is left for Show counts too: it takes memory until that is through with it.
		part.Last, part.Work = events[i].Sequence, part.Work+1+f.work+f.left
		if part.Work >= budget {
			return i + 1
		}
	}
	return len(events)
}

// lookedTogether is how many facts, stretches and grants that are looked at count as one course
// that is read: nearly all enrolments have fewer.
const lookedTogether = 64

// read takes hold of what readers see, and returns what lets it go. The order is that of the
// fields: everybody who takes both must take them so.
func (p *Projection) read() (letGo func()) {
	p.reading.RLock()
	p.showing.RLock()
	return func() {
		p.showing.RUnlock()
		p.reading.RUnlock()
	}
}

// Digest is a SHA-256, in hexadecimal digits, over the version of the rules, k, a hash over the
// events up to k, and all findings as known at k. It leaves out what findings say beyond that,
// which the rules work out of the same events. A k beyond what was shown means all of it. What was
// raised after k is no part of it, and what was resolved after k counts as open: so the digest at k
// stays the same for ever.
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
		// The records are in the order in which they were raised: those after k are all at the end.
		r := records.At(i)
		if r.since > k {
			break
		}
		until := r.until
		if until > k {
			until = 0
		}
		// 64-bit numbers of fixed width need no lengths between them. The order and the bits are
		// part of what a digest is: other ones need another version.
		numbers(uint64(r.since), uint64(until), uint64(r.number)<<32|uint64(r.second),
			uint64(uint32(r.month))<<16|uint64(r.code)<<8|uint64(r.kind))
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
