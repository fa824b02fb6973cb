package coverage

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/pages"
)

// state is what the fold must remember to know what the next event changes: the facts in force
// about every enrolment, worker and commitment. Numbers (of enrolments, workers, commitments)
// are given out in log order, so that the same log makes the same bytes.
//
// The hot path, by profile (two million events of all regencies, two cores): a replay
// takes about 3.7 µs of processor time an event. Half is here, in Apply: a quarter of that waits
// for facts and workers that are in no cache, another works out months and spells before and
// after the event, the rest is thinly spread. A quarter is in Prepare, on the second core:
// decoding, and numbering names. A tenth sums up chunks. What made it faster, one by one:
// names are numbered for a frame at once and ahead of the fold, so that cache misses overlap;
// only what differs between a worker's spans before and after becomes edges, so that most events
// sort nothing; runs are sorted by counting rows; records have no pointers, links take 4 bytes,
// and an ordinary event meets no map. Huge pages under the tables changed nothing.
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
	changes   []enrolment.Change
	stretches []enrolment.Stretch
	grants    []*fact
	revokes   []*fact
	paid      []enrolment.Paid
	spells    []enrolment.Spell
	before    []span // of all workers; each one's end at the place in ends
	ends      []int
	after     []span // of one worker
	edges     []edge
	workers   []uint32
	days      []temporal.Date
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
func (s *state) addFact(e uint32, seq eventstore.Sequence, f fact) {
	f.sequenceLow, f.sequenceHigh = uint32(seq), uint16(seq>>32)
	f.next = *s.enrolments.At(int(e))
	index := s.facts.Append(f)
	*s.enrolments.Edit(int(e)) = link(index + 1)
	switch event.Type(f.kind) {
	case event.EnrolmentOpened:
		s.join(f.subject, e)
	case event.FundingGranted:
		s.facts.Edit(index).detail = *s.grantsOf.At(int(f.subject))
		*s.grantsOf.Edit(int(f.subject)) = link(index + 1)
	default:
	}
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

// workersOf appends the workers for whom the enrolment was ever opened, each once.
func (s *state) workersOf(dst []uint32, e uint32) []uint32 {
	for at := *s.enrolments.At(int(e)); at != 0; {
		f := s.facts.At(int(at - 1))
		if event.Type(f.kind) == event.EnrolmentOpened && !slices.Contains(dst, f.subject) {
			dst = append(dst, f.subject)
		}
		at = f.next
	}
	return dst
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

// fundingOf returns the source of the commitment's money: that of its committed fact with the
// highest sequence.
func (s *state) fundingOf(c uint32) event.Funding {
	facts := s.moneyOf[c]
	for i := len(facts) - 1; i >= 0; i-- {
		if f := s.money.At(int(facts[i])); event.Type(f.kind) == event.FundingCommitted {
			return f.funding
		}
	}
	return event.UnknownFunding
}

// closedFrom returns the first month the commitment no longer pays, or NeverMonth.
func (s *state) closedFrom(c uint32) temporal.Month {
	from := enrolment.NeverMonth
	for _, i := range s.moneyOf[c] {
		if f := s.money.At(int(i)); event.Type(f.kind) == event.FundingClosed {
			from = min(from, f.from)
		}
	}
	return from
}
