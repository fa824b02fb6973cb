package facts

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// Apply adds an admitted event of the batch, or takes what it retracts out of force. The events of
// a batch have to come in order, none left out: places in tables stand for sequences.
func (s *State) Apply(e *Event, b *Batch) {
	switch {
	case s.AddRetracted(e, b):
	case e.Kind == event.EventRetracted:
		s.Retract(e, b.Rare(e))
	default:
		s.Add(e, b)
	}
}

// Add brings an event of the batch into force that is no retraction. Each way through it adds one
// owner.
func (s *State) Add(e *Event, b *Batch) {
	switch e.Kind {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated, event.FundingGranted, event.FundingRevoked,
		event.ContributionCredited:
		s.AddFact(e)
	case event.WorkerDied:
		s.addDeath(e)
	case event.WorkerMerged:
		s.addMerge(e)
	case event.FundingCommitted, event.FundingClosed, event.FundingDisbursed:
		s.addMoney(e, b)
	default: // says nothing that is kept here
		s.owners.Append(0)
	}
}

// AddOther adds an event that is about something kept elsewhere, under an index there: OwnerOf
// tells it. What the index means is the caller's business, and a retraction is too: Retract takes
// away the owner alone.
func (s *State) AddOther(index uint32) { s.owners.Append(newOwner(OfOther, index)) }

// factOf returns the fact about an enrolment that an event is, linked to nothing.
func factOf(e *Event) (f fact) {
	f.setTo(e)
	return f
}

// setTo makes f the fact about an enrolment that an event is, linked to nothing. It must be zero.
func (f *fact) setTo(e *Event) {
	f.kind, f.from, f.until, f.detail = uint8(e.Kind), e.From, e.Until, uint32(e.Terms)
	switch e.Kind {
	case event.EnrolmentOpened:
		f.subject = e.Worker
	case event.FundingGranted, event.FundingRevoked:
		f.subject = e.Commitment
	default:
	}
	f.setSequence(e.Sequence)
}

// AddFact brings a fact about an enrolment into force. It keeps up what spares others the way
// through all facts: the opening that is alone with credits, the last credited month, and whether
// credits came in order.
func (s *State) AddFact(e *Event) {
	s.owners.Append(newOwner(OfEnrolment, e.Enrolment))
	s.link(e)
}

// link does so for an event that has its owner.
func (s *State) link(e *Event) {
	a, newest := s.enrolments.Edit(int(e.Enrolment)), link(s.facts.Len()+1)
	f := s.facts.AppendZero()
	f.setTo(e)
	f.next, a.newest = a.newest, newest
	switch {
	case e.Kind == event.ContributionCredited:
		// A credit out of order, or without months, ends the short way of GatherSince for this
		// enrolment.
		if e.From < a.credited || e.From >= e.Until {
			s.steady[e.Enrolment>>6] &^= 1 << (e.Enrolment & 63)
		}
		if e.From < e.Until {
			a.credited = max(a.credited, e.Until)
		}
	// The first fact of an enrolment that opens it: all quick ways begin here.
	case e.Kind == event.EnrolmentOpened && f.next == 0:
		a.opening, a.credited = newest, noMonth
		s.steady[e.Enrolment>>6] |= 1 << (e.Enrolment & 63)
	// Any other fact has effect by its day, so the opening alone does not tell the terms any more.
	default:
		a.opening = 0
	}
	switch e.Kind {
	case event.EnrolmentOpened:
		s.join(f.subject, e.Enrolment)
	case event.FundingGranted:
		// Grants are linked by their commitment too, the newest first, through detail, which they
		// do not need.
		before := s.grantsOf.Edit(int(f.subject))
		f.detail, *before = *before, newest
		if asked := s.granted[f.subject]; asked != nil {
			asked.add(e.Enrolment)
		}
	default:
	}
}

// fewEnrolments is how many further enrolments of a worker are looked at one by one. Nearly
// everybody has fewer; behind that a map costs less than the look at all of them.
const fewEnrolments = 16

// join notes that the enrolment was opened for the worker. An enrolment that was opened for the
// same worker again is there once.
func (s *State) join(w, e uint32) {
	links := s.workers.At(int(w))
	if links.first == 0 {
		s.workers.Edit(int(w)).first = e + 1
		if !s.persons.Alone(w) {
			s.unions.house(s.unionOf(w), w)
		}
		return
	}
	if links.first == e+1 || s.isJoined(w, links.more, e) {
		return
	}
	more := s.memberships.Append(membership{enrolment: e, next: links.more})
	s.workers.Edit(int(w)).more = link(more + 1)
	s.noteSeveral(w)
	if many := s.joined[w]; many != nil {
		many[e] = true
	}
}

// isJoined reports whether the enrolment is among the further ones of a worker. Once these are
// many, they are in a map, so that each new one does not look at all the others. The map is made of
// what is linked, when it is first needed, and kept up from then on. It is never stored.
func (s *State) isJoined(w uint32, more link, e uint32) bool {
	if many := s.joined[w]; many != nil {
		return many[e]
	}
	at, n := more, 0
	for ; at != 0 && n <= fewEnrolments; n++ {
		m := s.memberships.At(int(at - 1))
		if m.enrolment == e {
			return true
		}
		at = m.next
	}
	if at == 0 {
		return false
	}
	many := map[uint32]bool{}
	for at = more; at != 0; at = s.memberships.At(int(at - 1)).next {
		many[s.memberships.At(int(at-1)).enrolment] = true
	}
	if s.joined == nil {
		s.joined = map[uint32]map[uint32]bool{}
	}
	s.joined[w] = many
	return many[e]
}

// Several reports whether enrolments were opened for the worker that differ, or the worker is one
// with others. What is retracted counts as opened: true may be said where the facts in force would
// say false.
func (s *State) Several(w uint32) bool {
	return s.several[w>>6]&(1<<(w&63)) != 0 || !s.persons.Alone(w)
}

// noteSeveral notes that the worker has a second enrolment. The bits of all workers stay in a cache
// of the processor, where their links do not.
func (s *State) noteSeveral(w uint32) { s.several[w>>6] |= 1 << (w & 63) }

// HasOthers reports whether another enrolment than e was opened for the worker, or the worker is
// one with others.
func (s *State) HasOthers(w, e uint32) bool {
	l := s.workers.At(int(w))
	return l.first != 0 && l.first != e+1 || l.more != 0 || !s.persons.Alone(w)
}

// IsOnly reports whether no other enrolment than e was opened for the worker. It does not look at
// merges.
func (s *State) IsOnly(e, w uint32) bool {
	l := s.workers.At(int(w))
	return l.more == 0 && (l.first == 0 || l.first == e+1)
}

// IsFirst reports whether an opened event, not added yet, is the first fact about its enrolment,
// of a worker for whom no enrolment was ever opened. Then nothing that is known can be changed by
// it: no other facts need be gathered.
func (s *State) IsFirst(e *Event) bool {
	return s.enrolments.At(int(e.Enrolment)).newest == 0 &&
		s.workers.At(int(e.Worker)).first == 0 && s.persons.Alone(e.Worker)
}

// OnlyOpening returns the opening of an enrolment when there is no other fact about it, and its
// worker has no other enrolment. It spares gathering them; for all others the way is through
// [State.Gather].
func (s *State) OnlyOpening(e uint32) (opening enrolment.Change, only bool) {
	head := s.enrolments.At(int(e)).newest
	if head == 0 {
		return opening, false
	}
	f := s.facts.At(int(head - 1))
	if f.next != 0 || !f.opens() {
		return opening, false
	}
	if s.Several(f.subject) { // else the only one that was opened for the worker is this one
		return opening, false
	}
	return f.change(), true
}

// OnlyCredited returns the opening of an enrolment and the month after the last credited one, when
// all other facts about it are credits, and there is one. The months between may have gaps: only
// the last is told.
func (s *State) OnlyCredited(e uint32) (opening enrolment.Change, until temporal.Month,
	only bool,
) {
	a := s.enrolments.At(int(e))
	if a.opening == 0 || a.credited == noMonth {
		return opening, 0, false
	}
	return s.facts.At(int(a.opening - 1)).change(), temporal.Month(a.credited), true
}

// sequenceOf puts a sequence together of its halves.
func sequenceOf(high, low uint32) eventstore.Sequence {
	return eventstore.Sequence(high)<<32 | eventstore.Sequence(low)
}
