package facts

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// Apply adds an admitted event of the batch, or takes what it retracts out of force.
func (s *State) Apply(e *Event, b *Batch) {
	switch {
	case s.AddRetracted(e, b):
	case e.Kind == event.EventRetracted:
		s.Retract(e, b.Rare(e))
	default:
		s.Add(e)
	}
}

// Add brings an event into force that is no retraction.
func (s *State) Add(e *Event) {
	switch e.Kind {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated, event.FundingGranted, event.FundingRevoked:
		s.AddFact(e)
	case event.WorkerDied:
		s.addDeath(e)
	case event.FundingCommitted, event.FundingClosed:
		s.addMoney(e)
	default: // says nothing that is kept here
		s.owners.Append(0)
	}
}

// AddOther adds an event that is about something kept elsewhere, under an index there: OwnerOf
// tells it.
func (s *State) AddOther(index uint32) { s.owners.Append(newOwner(OfOther, index)) }

// factOf returns the fact about an enrolment that an event is, linked to nothing.
func factOf(e *Event) fact {
	f := fact{kind: uint8(e.Kind), from: e.From, until: e.Until, detail: uint32(e.Terms)}
	switch e.Kind {
	case event.EnrolmentOpened:
		f.subject = e.Worker
	case event.FundingGranted, event.FundingRevoked:
		f.subject = e.Commitment
	default:
	}
	f.setSequence(e.Sequence)
	return f
}

// AddFact brings a fact about an enrolment into force.
func (s *State) AddFact(e *Event) {
	s.owners.Append(newOwner(OfEnrolment, e.Enrolment))
	f := factOf(e)
	head, newest := s.enrolments.Edit(int(e.Enrolment)), link(s.facts.Len()+1)
	f.next, *head = *head, newest
	switch e.Kind {
	case event.EnrolmentOpened:
		s.join(f.subject, e.Enrolment)
	case event.FundingGranted:
		before := s.grantsOf.Edit(int(f.subject))
		f.detail, *before = *before, newest
	default:
	}
	s.facts.Append(f)
}

// join notes that the enrolment was opened for the worker.
func (s *State) join(w, e uint32) {
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

// Several reports whether enrolments were opened for the worker that differ.
func (s *State) Several(w uint32) bool { return s.workers.At(int(w)).more != 0 }

// IsOnly reports whether no other enrolment than e was opened for the worker.
func (s *State) IsOnly(e, w uint32) bool {
	l := s.workers.At(int(w))
	return l.more == 0 && (l.first == 0 || l.first == e+1)
}

// IsFirst reports whether an opened event, not added yet, is the first fact about its enrolment,
// of a worker for whom no enrolment was ever opened.
func (s *State) IsFirst(e *Event) bool {
	return *s.enrolments.At(int(e.Enrolment)) == 0 && s.workers.At(int(e.Worker)).first == 0
}

// OnlyOpening returns the opening of an enrolment when there is no other fact about it, and its
// worker has no other enrolment.
func (s *State) OnlyOpening(e uint32) (opening enrolment.Change, only bool) {
	head := *s.enrolments.At(int(e))
	if head == 0 {
		return opening, false
	}
	f := s.facts.At(int(head - 1))
	if f.next != 0 || !f.opens() {
		return opening, false
	}
	if l := s.workers.At(int(f.subject)); l.more != 0 || l.first != e+1 {
		return opening, false
	}
	return f.change(), true
}

func (s *State) addDeath(e *Event) {
	s.owners.Append(newOwner(OfWorker, e.Worker))
	i := s.deaths.Append(death{
		worker: e.Worker, on: temporal.Date(e.From),
		sequenceLow: uint32(e.Sequence), sequenceHigh: uint32(e.Sequence >> 32),
	})
	s.noteDeath(e.Worker, uint32(i))
}

// noteDeath notes that deaths holds a death of the worker at the index.
func (s *State) noteDeath(w, index uint32) {
	for int(w>>6) >= len(s.mortal) {
		s.mortal = append(s.mortal, 0)
	}
	s.mortal[w>>6] |= 1 << (w & 63)
	s.deathsOf[w] = append(s.deathsOf[w], index)
}

// DiedOn returns the worker's last day of life, or Never.
func (s *State) DiedOn(w uint32) temporal.Date {
	died := enrolment.Never
	if word := int(w >> 6); word >= len(s.mortal) || s.mortal[word]&(1<<(w&63)) == 0 {
		return died
	}
	for _, i := range s.deathsOf[w] {
		died = min(died, s.deaths.At(int(i)).on)
	}
	return died
}

// addMoney adds a committed or closed event. It can change every enrolment the commitment was ever
// granted to.
func (s *State) addMoney(e *Event) {
	c := e.Commitment
	s.owners.Append(newOwner(OfCommitment, c))
	f := moneyFact{
		commitment: c, kind: uint8(e.Kind), funding: e.Funding,
		sequenceLow: uint32(e.Sequence), sequenceHigh: uint16(e.Sequence >> 32),
	}
	if e.Kind == event.FundingClosed {
		f.from = temporal.Month(e.From)
	}
	i := s.money.Append(f)
	s.moneyOf[c] = append(s.moneyOf[c], uint32(i))
	s.reckon(c)
}

// Granted returns the enrolments that the commitment is granted to, each once, in order of their
// numbers, in the memory of dst.
func (s *State) Granted(dst []uint32, c uint32) []uint32 {
	dst = dst[:0]
	for at := *s.grantsOf.At(int(c)); at != 0; {
		f := s.facts.At(int(at - 1))
		if at = f.detail; f.kind != 0 {
			dst = append(dst, s.OwnerOf(f.sequence()).Index())
		}
	}
	slices.Sort(dst)
	return slices.Compact(dst)
}

// Purse is what the facts about a commitment come to.
type Purse struct {
	closedFrom temporal.Month    // the first month that it no longer pays, or NeverMonth
	source     enrolment.Sources // of its committed fact with the highest sequence
}

// emptyPurse is that of a commitment of which nothing is known.
func emptyPurse() Purse {
	return Purse{enrolment.NeverMonth, enrolment.SourceOf(event.UnknownFunding)}
}

// add takes in a committed or closed fact; facts come in the order of the log.
func (p *Purse) add(kind event.Type, funding event.Funding, from temporal.Month) {
	if kind == event.FundingCommitted {
		p.source = enrolment.SourceOf(funding)
	} else {
		p.closedFrom = min(p.closedFrom, from)
	}
}

// reckon works out the purse of a commitment.
func (s *State) reckon(c uint32) {
	purse := emptyPurse()
	for _, i := range s.moneyOf[c] {
		f := s.money.At(int(i))
		purse.add(event.Type(f.kind), f.funding, f.from)
	}
	s.purses[c] = purse
}

// Purse returns what the facts about a commitment come to.
func (s *State) Purse(c uint32) Purse { return s.purses[c] }

// Purses are what the commitments come to: all of them as they are now, but for one that may be
// seen as it was.
type Purses struct {
	now   []Purse
	other uint32 // the commitment that is seen otherwise; unnamed: none
	as    Purse
}

// Purses returns what the commitments come to. It stays true until money is added or retracted.
func (s *State) Purses() Purses { return Purses{now: s.purses, other: unnamed} }

// With returns the purses with one of them replaced.
func (p Purses) With(c uint32, as Purse) Purses { return Purses{p.now, c, as} }

// Of returns the purse of a commitment.
func (p *Purses) Of(c uint32) Purse {
	if c == p.other {
		return p.as
	}
	return p.now[c]
}

// sequenceOf puts a sequence together of its halves.
func sequenceOf(high, low uint32) eventstore.Sequence {
	return eventstore.Sequence(high)<<32 | eventstore.Sequence(low)
}
