package coverage

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/counts"
	"cakupan/projections/pages"
)

// state is what the fold must remember to know what the next event changes: the facts in force
// about every enrolment, worker and commitment. Numbers (of enrolments, workers, commitments)
// are given out in log order, so that the same log makes the same bytes.
//
// The hot path, by profile (two million events of all regencies; BenchmarkFold reports it): an
// event takes about 1.6 µs of processor time, of which 0.55 µs are here, in Apply. Beside it run
// Prepare (0.4: a third of it scanning the bytes, the rest numbering names), Show (0.2: adding up
// what an event changes, and numbering cells), the sums of chunks with the collector of garbage
// (0.25), and what settles in the file (0.1). The commit at the end takes 0.1 µs, and nothing else
// goes on meanwhile; a replay that is not kept has none. Reading the log adds 0.1 µs. On two cores
// a replay takes half of the sum.
//
// What made it faster, one by one, from 3.0 µs at first, 1.6 of them in Apply:
//   - Names are numbered for a frame at once and ahead of the fold, and facts are brought into the
//     cache for 128 events before they are folded, each step for all before the next: cache misses
//     overlap. A prefetch overlaps more of them than a read does.
//   - What an event changes is written down behind the fold, in a goroutine of its own, and full
//     pages go to the file from there.
//   - The bytes of an event are scanned for the few fields that coverage needs, not decoded.
//   - A name's number lies with its text, so that finding a name reads two places, not three.
//   - What the fold needs of an event is taken out of it ahead, in a tenth of the room.
//   - The facts of an enrolment are gathered once an event, not before and after it. A first
//     enrolment, half of all events, is compared with nothing, the second fact about one with the
//     first alone.
//   - Only the days on which a worker's spells differ are worked out and compared: most events sort
//     nothing, and of most workers with two enrolments only one matters.
//   - What a commitment's facts come to is kept (its purse); months that grants pay are added up
//     without sorting.
//   - Chunks are sorted by counting days, once; their rows are kept from chunk to chunk, and the
//     last step of each is at hand.
//   - Records have no pointers, links take 4 bytes, and an ordinary event meets no map.
//
// What did not: huge pages under the tables; facts of 32 bytes, each in one line of the cache; a
// hash table in place of the sort of many edges; fewer collections of garbage.
type state struct {
	enrolments  *pages.Table[uint32]      // by number: its newest fact, as link
	workers     *pages.Table[workerLinks] // by number
	memberships *pages.Table[membership]  // second and further enrolments of a worker
	facts       *pages.Table[fact]
	owners      *pages.Table[uint32] // by sequence: what the event is about; see owner

	deaths   *pages.Table[death]
	deathsOf map[uint32][]uint32 // worker → indexes in deaths, of those in force
	mortal   []uint64            // a bit a worker: may be in deathsOf; spares the look-up
	money    *pages.Table[moneyFact]
	moneyOf  [][]uint32           // commitment → indexes in money; derived when loaded
	purses   []purse              // by commitment; derived from its money
	grantsOf *pages.Table[uint32] // by commitment: its newest granted fact, as link

	scratch scratch
}

// A link is an index plus one; 0 is none.
type link = uint32

// workerLinks are a worker's enrolments: the first, and the rest in memberships.
type workerLinks struct{ first, more link }

type membership struct {
	enrolment uint32
	next      link
}

// fact is one fact in force about an enrolment, linked to the next older one.
type fact struct {
	sequenceLow  uint32
	sequenceHigh uint16
	kind         uint8 // an event.Type; 0 once retracted
	_            uint8
	next         link
	subject      uint32 // opened: worker; granted, revoked: commitment
	detail       uint32 // opened, amended: packed terms; granted: link to the commitment's next
	from         int32  // effective day; granted, revoked: month
	until        int32  // granted: month
}

func (f *fact) sequence() eventstore.Sequence {
	return eventstore.Sequence(f.sequenceHigh)<<32 | eventstore.Sequence(f.sequenceLow)
}

func (f *fact) setSequence(seq eventstore.Sequence) {
	f.sequenceLow, f.sequenceHigh = uint32(seq), uint16(seq>>32)
}

type death struct {
	worker       uint32
	on           temporal.Date
	sequenceLow  uint32
	sequenceHigh uint32 // retracted: all ones
}

// moneyFact is a committed or closed event of a commitment.
type moneyFact struct {
	commitment   uint32
	sequenceLow  uint32
	sequenceHigh uint16
	kind         uint8 // event.FundingCommitted or FundingClosed; 0 once retracted
	funding      event.Funding
	from         temporal.Month // closed
}

// owner says what an event in force is about, so that its retraction finds it: three bits of
// kind, the rest an index.
type owner = uint32

const (
	ownedByNothing     owner = 0 // retracted, inert, or a fact that coverage does not use
	ownedByEnrolment   owner = 1
	ownedByWorker      owner = 2
	ownedByCommitment  owner = 3
	ownedByPublication owner = 4

	ownerKindBits = 3
)

func newOwner(kind owner, index uint32) owner { return index<<ownerKindBits | kind }

// packTerms packs terms and which of them are named into 31 bits.
func packTerms(t enrolment.Terms, named enrolment.Named) uint32 {
	return uint32(t.Region) | uint32(t.Segment&3)<<14 | uint32(t.Category)<<16 |
		uint32(t.Programmes>>1)<<19 | uint32(t.Payer)<<24 | uint32(named)<<26
}

func unpackTerms(p uint32) (enrolment.Terms, enrolment.Named) {
	t := enrolment.Terms{
		Region:     region.Code(p & (1<<14 - 1)),
		Segment:    event.Segment(p >> 14 & 3),
		Category:   event.Category(p >> 16 & 7),
		Programmes: event.ProgrammeSet(p >> 19 & 31 << 1),
		Payer:      event.Payer(p >> 24 & 3),
	}
	if t.Segment == 0 {
		t.Segment = 4 // two bits for 1–4
	}
	return t, enrolment.Named(p >> 26)
}

// scratch is memory that is used again for every event.
type scratch struct {
	own           gathered // the enrolment that an event is about
	before, after view     // of it
	other         gathered // another one of the same worker
	otherView     view

	were, are                    []enrolment.Spell // of one worker, before and after an event
	others                       []enrolment.Spell // those that are there before and after
	spells                       []enrolment.Spell
	spans                        []span
	days                         []temporal.Date
	workers, several, enrolments []uint32

	links []uint32

	// edges are those of the events that were folded last; ends says where those of each end.
	edges []counts.Change
}

func newState() *state {
	return &state{
		enrolments:  pages.NewTable[uint32](12),
		workers:     pages.NewTable[workerLinks](11),
		memberships: pages.NewTable[membership](10),
		facts:       pages.NewTable[fact](9),
		owners:      pages.NewTable[uint32](12),
		deaths:      pages.NewTable[death](10),
		deathsOf:    map[uint32][]uint32{},
		money:       pages.NewTable[moneyFact](8),
		grantsOf:    pages.NewTable[uint32](10),
	}
}

// addFact links a new fact to its enrolment.
func (s *state) addFact(e uint32, f fact) {
	head, newest := s.enrolments.Edit(int(e)), link(s.facts.Len()+1)
	f.next, *head = *head, newest
	switch event.Type(f.kind) {
	case event.EnrolmentOpened:
		s.join(f.subject, e)
	case event.FundingGranted:
		before := s.grantsOf.Edit(int(f.subject))
		f.detail, *before = *before, newest
	default:
	}
	s.facts.Append(f)
}

// removeFact unlinks the fact with the sequence from its enrolment and returns it as it was.
func (s *state) removeFact(e uint32, seq eventstore.Sequence) (fact, bool) {
	for at, before := *s.enrolments.At(int(e)), link(0); at != 0; {
		f := s.facts.At(int(at - 1))
		if f.sequence() != seq {
			before, at = at, f.next
			continue
		}
		gone := *f
		if before == 0 {
			*s.enrolments.Edit(int(e)) = gone.next
		} else {
			s.facts.Edit(int(before - 1)).next = gone.next
		}
		// A commitment may still link to it: the kind tells that it is gone.
		s.facts.Edit(int(at - 1)).kind = 0
		return gone, true
	}
	return fact{}, false
}

// join notes that the enrolment was opened for the worker. It stays noted when the opening is
// retracted: an enrolment without facts for the worker adds nothing.
func (s *state) join(w, e uint32) {
	links := s.workers.At(int(w))
	if links.first == 0 {
		s.workers.Edit(int(w)).first = e + 1
		return
	}
	if links.first == e+1 {
		return
	}
	for at := links.more; at != 0; at = s.memberships.At(int(at - 1)).next {
		if s.memberships.At(int(at-1)).enrolment == e {
			return
		}
	}
	more := s.memberships.Append(membership{enrolment: e, next: links.more})
	s.workers.Edit(int(w)).more = link(more + 1)
}

// noteDeath notes that deaths holds a death of the worker at the index.
func (s *state) noteDeath(w, index uint32) {
	for int(w>>6) >= len(s.mortal) {
		s.mortal = append(s.mortal, 0)
	}
	s.mortal[w>>6] |= 1 << (w & 63)
	s.deathsOf[w] = append(s.deathsOf[w], index)
}

// diedOn returns the worker's last day of life, or Never.
func (s *state) diedOn(w uint32) temporal.Date {
	died := enrolment.Never
	if word := int(w >> 6); word >= len(s.mortal) || s.mortal[word]&(1<<(w&63)) == 0 {
		return died
	}
	for _, i := range s.deathsOf[w] {
		died = min(died, s.deaths.At(int(i)).on)
	}
	return died
}

// purse is what the facts about a commitment come to.
type purse struct {
	closedFrom temporal.Month    // the first month that it no longer pays, or NeverMonth
	source     enrolment.Sources // of its committed fact with the highest sequence
}

// reckon works out the purse of a commitment.
func (s *state) reckon(c uint32) {
	closedFrom, funding := enrolment.NeverMonth, event.UnknownFunding
	for _, i := range s.moneyOf[c] {
		switch f := s.money.At(int(i)); event.Type(f.kind) {
		case event.FundingCommitted:
			funding = f.funding
		case event.FundingClosed:
			closedFrom = min(closedFrom, f.from)
		default: // retracted
		}
	}
	s.purses[c] = purse{closedFrom, enrolment.SourceOf(funding)}
}
