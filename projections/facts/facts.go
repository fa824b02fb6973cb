// Package facts keeps what the log says about every enrolment, worker and commitment: what is in
// force, and what was, with the event that took it away.
//
// [Names] numbers what events name, [Batch] is a frame decoded, [State] is what was said. Who asks
// what an event changes looks at the state before [State.Add] or [State.Retract], and after it.
//
// What the facts mean is not here: whether a day is covered, package enrolment says, and the
// projections that hold a State count it. Nor are publications, targets and terms of money here; of
// those a State has no more than their places in the log.
package facts

import (
	"math"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/pages"
	"cakupan/projections/persons"
)

// State is what the log says, up to the last event that was added. It is for one goroutine.
//
// Numbers (of enrolments, workers, commitments) are given out in log order, so that the same log
// makes the same bytes. What is in force is linked from its enrolment, worker or commitment; what
// is not any more is in a table of its own, which nobody meets who does not ask for it.
//
// Persisted are the tables and the lines of early. All else is derived from them when loaded, but
// for ahead, which is memory, and for steady and granted, which say nothing then. It is the
// projection's that holds it, and is as durable as that: a crash loses what was added since the
// last commit, and the same events are folded again from the log.
type State struct {
	enrolments  *pages.Table[about]       // by number
	steady      []uint64                  // a bit an enrolment, derived: see GatherSince
	workers     *pages.Table[workerLinks] // by number
	several     []uint64                  // a bit a worker, derived: has memberships
	memberships *pages.Table[membership]  // second and further enrolments of a worker
	facts       *pages.Table[fact]
	owners      *pages.Table[Owner] // by sequence: what the event is about

	joined   map[uint32]map[uint32]bool // of workers with many enrolments: which; see join
	deaths   *pages.Table[death]
	deathsOf map[uint32][]uint32 // worker → indexes in deaths, of those in force, earliest first
	mortal   []uint64            // a bit a worker: may be in deathsOf; spares the look-up
	merges   *pages.Table[merge]
	mergesOf map[uint32][]uint32 // worker → indexes in merges, of those in force
	persons  persons.Persons     // of merges in force
	unions   unions              // of those whom they join
	money    *pages.Table[moneyFact]
	accounts []*account           // by commitment: what its money in force is; nil: none
	purses   []enrolment.Purse    // by commitment: what its account comes to
	grantsOf *pages.Table[uint32] // by commitment: its newest granted fact, as link
	granted  []*granted           // by commitment; nil: nobody has asked

	former  *pages.Table[former]
	formers formerLinks
	early   earlyRetractions

	movedFacts, movedDeaths moved // from another state; see MoveTo

	ahead ahead
}

// A link is an index plus one; 0 is none. Zeros in a table so mean that nothing is linked.
type link = uint32

// about is what is known of an enrolment at a glance. Of a number that was admitted and never named
// by a fact in force it is zero.
type about struct {
	newest link // fact
	// opening is the first fact, while it is the only one that is not a credit and all of them are
	// in force; else 0.
	opening  link
	credited int32 // the month after the last credited one, noMonth before there is one
}

// noMonth is before every month. The zero of credited would be a real month; it says nothing while
// opening is 0.
const noMonth = math.MinInt32

// workerLinks are a worker's enrolments: the first, and the rest in memberships. An enrolment that
// was opened for the worker stays among them when the opening is retracted: without facts for the
// worker it adds nothing.
type workerLinks struct{ first, more link }

type membership struct {
	enrolment uint32
	next      link
}

// fact is one fact about an enrolment, linked to the next older one that is in force. Facts never
// move, and their order is that of the log, by which a retraction finds its target. Sequences have
// 48 bits. What is stored of a fact is its memory: whoever changes a field changes the format of
// the file.
type fact struct {
	sequenceLow  uint32
	sequenceHigh uint16
	kind         uint8 // an event.Type; 0 once retracted
	_            uint8
	next         link
	subject      uint32 // opened: worker; granted, revoked: commitment
	detail       uint32 // opened, amended: packed terms; granted: link to the commitment's next
	from         int32  // effective day; granted, revoked, credited: month
	until        int32  // granted, credited: month
}

func (f *fact) sequence() eventstore.Sequence {
	return eventstore.Sequence(f.sequenceHigh)<<32 | eventstore.Sequence(f.sequenceLow)
}

// setSequence sets the 48 bits that a sequence has.
func (f *fact) setSequence(seq eventstore.Sequence) {
	f.sequenceLow, f.sequenceHigh = uint32(seq), uint16(seq>>32)
}

// opens reports whether the fact opens its enrolment.
func (f *fact) opens() bool { return event.Type(f.kind) == event.EnrolmentOpened }

// death is a died event. One that is retracted stays where it is, marked, since indexes lead to
// others behind it.
type death struct {
	worker       uint32
	on           temporal.Date
	sequenceLow  uint32
	sequenceHigh uint32 // and retracted
}

// retracted in the high half of a sequence says that the event is not in force.
const retracted = 1 << 31

func (d *death) sequence() eventstore.Sequence {
	return sequenceOf(d.sequenceHigh&^retracted, d.sequenceLow)
}

// merge is a merged event: the two workers are one person. One that is retracted stays where it is,
// marked: owners and mergesOf have indexes of others.
type merge struct {
	worker, into uint32
	sequenceLow  uint32
	sequenceHigh uint32 // and retracted
}

func (m *merge) sequence() eventstore.Sequence {
	return sequenceOf(m.sequenceHigh&^retracted, m.sequenceLow)
}

// Owner says what an event in force is about, so that its retraction finds it. The index is above
// the bits of the kind, which leaves it 29 bits: numbers of 2^29 and more would lose their highest.
// The zero value is of nothing.
type Owner uint32

// OwnerKind is the kind of an owner.
type OwnerKind uint8

// The kinds of owners. They are stored: never renumber.
const (
	OfNothing    OwnerKind = 0 // retracted, inert, or nothing that is kept here
	OfEnrolment  OwnerKind = 1
	OfWorker     OwnerKind = 2
	OfCommitment OwnerKind = 3
	OfOther      OwnerKind = 4 // of whoever called AddOther
	OfMerge      OwnerKind = 5 // of two workers

	ownerKindBits = 3
)

// newOwner puts an owner together. The index must be less than 2^29.
func newOwner(kind OwnerKind, index uint32) Owner {
	return Owner(index)<<ownerKindBits | Owner(kind)
}

// Kind returns what the index is of.
func (o Owner) Kind() OwnerKind { return OwnerKind(o & (1<<ownerKindBits - 1)) }

// Index returns the number of the enrolment, worker, commitment, other or merge.
func (o Owner) Index() uint32 { return uint32(o >> ownerKindBits) }

// New returns the state of an empty log.
func New() *State {
	return &State{
		enrolments:  pages.NewTable[about](10),
		workers:     pages.NewTable[workerLinks](11),
		memberships: pages.NewTable[membership](10),
		facts:       pages.NewTable[fact](10),
		owners:      pages.NewTable[Owner](12),
		deaths:      pages.NewTable[death](10),
		deathsOf:    map[uint32][]uint32{},
		merges:      pages.NewTable[merge](10),
		mergesOf:    map[uint32][]uint32{},
		money:       pages.NewTable[moneyFact](8),
		grantsOf:    pages.NewTable[uint32](10),
		former:      pages.NewTable[former](7),
		formers:     formerLinks{ofOwner: map[Owner]link{}, ofSubject: map[Owner]link{}},
		early:       earlyRetractions{lines: NewLines()},
	}
}

// Events returns how many events were added: the sequence of the last one. Each event that was
// admitted adds one owner, also where it says nothing here: else owners of those behind it would be
// those of others.
func (s *State) Events() eventstore.Sequence { return eventstore.Sequence(s.owners.Len()) }

// OwnerOf returns what the event with the sequence is about, if it is in force; 0 is no event. The
// sequence must not be above [State.Events].
func (s *State) OwnerOf(seq eventstore.Sequence) Owner {
	if seq == 0 {
		return 0
	}
	return *s.owners.At(int(seq - 1))
}
