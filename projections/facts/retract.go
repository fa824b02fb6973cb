package facts

import (
	"encoding/binary"
	"slices"

	"cakupan/domain/event"
	"cakupan/eventstore"
)

// Retract takes the event that a retraction names out of force, and adds the retraction. What is
// of others stays with them. It returns the terms that were named by what is gone, 0 for none.
func (s *State) Retract(e *Event, r *Rare) (gone PackedTerms) {
	if target := r.Retracts; target == 0 {
		s.early.add(&r.Event, e.Sequence)
	} else {
		gone = s.take(target, e.Sequence)
	}
	s.owners.Append(0)
	return gone
}

// take takes the event with the sequence target out of force.
func (s *State) take(target, by eventstore.Sequence) (gone PackedTerms) {
	owner := s.OwnerOf(target)
	switch owner.Kind() {
	case OfEnrolment:
		f, found := s.takeFact(owner.Index(), target)
		if !found {
			return 0 // damaged: what is stored says otherwise
		}
		s.keep(former{fact: f, owner: owner}, by)
		if event.Type(f.kind) != event.FundingGranted {
			gone = PackedTerms(f.detail)
		}
	case OfWorker:
		s.takeDeath(owner, target, by)
	case OfCommitment:
		s.takeMoney(owner, target, by)
		s.reckon(owner.Index())
	case OfNothing: // a retraction, an event retracted before, or one that says nothing
		return 0
	case OfOther:
	}
	*s.owners.Edit(int(target - 1)) = 0
	return gone
}

// takeFact unlinks the fact with the sequence from its enrolment and returns it as it was.
func (s *State) takeFact(e uint32, seq eventstore.Sequence) (fact, bool) {
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

func (s *State) takeDeath(owner Owner, target, by eventstore.Sequence) {
	w := owner.Index()
	s.deathsOf[w] = slices.DeleteFunc(s.deathsOf[w], func(i uint32) bool {
		d := s.deaths.At(int(i))
		if d.sequence() != target {
			return false
		}
		f := fact{kind: uint8(event.WorkerDied), subject: w, from: int32(d.on)}
		f.setSequence(target)
		s.keep(former{fact: f, owner: owner}, by)
		s.deaths.Edit(int(i)).sequenceHigh = retractedDeath
		return true
	})
	if len(s.deathsOf[w]) == 0 {
		delete(s.deathsOf, w)
	}
}

func (s *State) takeMoney(owner Owner, target, by eventstore.Sequence) {
	c := owner.Index()
	s.moneyOf[c] = slices.DeleteFunc(s.moneyOf[c], func(i uint32) bool {
		m := s.money.At(int(i))
		if m.sequence() != target {
			return false
		}
		f := fact{kind: m.kind, subject: c, from: int32(m.from), detail: uint32(m.funding)}
		f.setSequence(target)
		s.keep(former{fact: f, owner: owner}, by)
		s.money.Edit(int(i)).kind = 0
		return true
	})
}

// AddRetracted adds an event that was retracted before it came: it was never in force. It returns
// false, and has done nothing, for any other event.
func (s *State) AddRetracted(e *Event, b *Batch) bool {
	return s.early.marked(e.mark) && s.addRetracted(e, b)
}

func (s *State) addRetracted(e *Event, b *Batch) bool {
	by, named := s.early.keys[b.key(e)]
	if !named || e.Kind == event.EventRetracted {
		return false
	}
	s.keepNever(e, by)
	s.owners.Append(0)
	return true
}

// early is a retraction that came before the event it names: By is its sequence.
type early struct {
	event.Key
	By eventstore.Sequence
}

// earlyRetractions are the keys of events that were retracted before they came, and by which event
// first.
type earlyRetractions struct {
	keys  map[event.Key]eventstore.Sequence
	order []early // as they came, for the file

	changed bool // since the last Store

	marks [1 << markBits / 64]uint64 // a bit for the mark of each key: spares most look-ups
}

// mark is a few bits that keys of the same id share.
type mark uint16

const markBits = 16

// markOf returns the mark of the keys with an id.
func markOf(id string) mark {
	const mix = 0x9E3779B97F4A7C15 // 2^64 / golden ratio
	var end [8]byte                // where ids of a publisher mostly differ
	copy(end[:], id[max(0, len(id)-len(end)):])
	return mark(binary.LittleEndian.Uint64(end[:]) * mix >> (64 - markBits))
}

// marked reports whether a key with the mark may be among the keys.
func (r *earlyRetractions) marked(m mark) bool { return r.marks[m>>6]>>(m&63)&1 != 0 }

func (r *earlyRetractions) add(retraction *event.Event, by eventstore.Sequence) {
	k := event.Key{ // texts that outlive the frame
		Source: string([]byte(retraction.Data.RetractedSource)),
		ID:     string([]byte(retraction.Data.RetractedID)),
	}
	if _, named := r.keys[k]; named {
		return
	}
	r.insert(early{k, by})
	r.order = append(r.order, early{k, by})
	r.changed = true
}

func (r *earlyRetractions) insert(e early) {
	if r.keys == nil {
		r.keys = map[event.Key]eventstore.Sequence{}
	}
	r.keys[e.Key] = e.By
	m := markOf(e.ID)
	r.marks[m>>6] |= 1 << (m & 63)
}
