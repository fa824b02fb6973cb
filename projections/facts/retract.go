package facts

import (
	"encoding/binary"
	"slices"

	"cakupan/domain/event"
	"cakupan/eventstore"
)

// Gone is what is not in force any more once an event is retracted.
type Gone struct {
	// Folds work out from it what may have changed by that.
	Terms PackedTerms // that the event named; 0: none
	Left  []uint32    // of a merge: the ids of one of the two persons that it leaves; none: one
}

// Retract takes the event that a retraction names out of force, and adds the retraction. What is
// of others stays with them. A target of 0 is in no log yet: the retraction waits for it, for ever
// if need be (contract, section 2). It has an owner of nothing itself, so that to retract it
// changes nothing.
func (s *State) Retract(e *Event, r *Rare) (gone Gone) {
	if target := r.Retracts; target == 0 {
		s.early.add(&r.Event, e.Sequence)
	} else {
		gone = s.take(target, e.Sequence)
	}
	s.owners.Append(0)
	return gone
}

// take takes the event with the sequence target out of force. The sequence must be of an event that
// was added, as the decoder has seen to. Whatever it is about is kept as former; from then on it
// has no owner, so that a second retraction finds nothing to take.
func (s *State) take(target, by eventstore.Sequence) (gone Gone) {
	owner := s.OwnerOf(target)
	switch owner.Kind() {
	case OfEnrolment:
		f, found := s.takeFact(owner.Index(), target)
		if !found {
			return gone // damaged: what is stored says otherwise
		}
		s.keep(former{fact: f, owner: owner}, by)
		if event.Type(f.kind) != event.FundingGranted {
			gone.Terms = PackedTerms(f.detail)
		}
	case OfWorker:
		s.takeDeath(owner, target, by)
	case OfMerge:
		gone.Left = s.takeMerge(owner, by)
	case OfCommitment:
		s.takeMoney(owner, target, by)
	case OfNothing: // a retraction, an event retracted before, or one that says nothing
		return gone
	case OfOther:
	}
	*s.owners.Edit(int(target - 1)) = 0
	return gone
}

// factAt returns the index of the fact with the sequence. Facts are in the order of the log.
func (s *State) factAt(seq eventstore.Sequence) (int, bool) {
	return s.movedFacts.find(seq, s.facts.Len(), func(i int) eventstore.Sequence {
		return s.facts.At(i).sequence()
	})
}

// unlinkWithin is how many newer facts about its enrolment are looked at to unlink one that is not
// in force any more. One behind more of them stays linked: its kind tells that it is gone. The
// bound is there for an enrolment of very many facts, which would cost as many steps at each
// retraction. It is far above what else makes an enrolment dear, so that nobody makes long ways of
// facts that are taken back again while few are in force.
const unlinkWithin = 1 << 12

// takeFact takes the fact with the sequence out of force and returns it as it was.
func (s *State) takeFact(e uint32, seq eventstore.Sequence) (fact, bool) {
	i, found := s.factAt(seq)
	if !found {
		return fact{}, false
	}
	f := s.facts.Edit(i)
	gone := *f
	// A commitment may still link to it too.
	f.kind = 0
	before := link(0)
	// The short way over a single opening is not true any more, or not worth to be looked after.
	s.enrolments.Edit(int(e)).opening = 0
	for at, n := s.enrolments.At(int(e)).newest, 0; at != 0 && n < unlinkWithin; n++ {
		if at != link(i+1) {
			before, at = at, s.facts.At(int(at-1)).next
			continue
		}
		if before == 0 {
			s.enrolments.Edit(int(e)).newest = gone.next
		} else {
			s.facts.Edit(int(before - 1)).next = gone.next
		}
		break
	}
	return gone, true
}

// takeDeath takes a death out of force. The person's next earliest death counts from then on, if
// there is one.
func (s *State) takeDeath(owner Owner, target, by eventstore.Sequence) {
	w := owner.Index()
	i, found := s.movedDeaths.find(target, s.deaths.Len(), func(i int) eventstore.Sequence {
		return s.deaths.At(i).sequence()
	})
	if !found {
		return // damaged: what is stored says otherwise
	}
	at, found := s.findDeath(w, s.deaths.At(i).on, uint32(i))
	if !found {
		return // damaged: what is stored says otherwise
	}
	d := s.deaths.Edit(i)
	s.deathsOf[w] = slices.Delete(s.deathsOf[w], at, at+1)
	if len(s.deathsOf[w]) == 0 {
		delete(s.deathsOf, w)
	}
	if !s.persons.Alone(w) {
		if u := s.unionOf(w); u.died == d.on {
			u.died = s.firstDeath(w)
		}
	}
	f := fact{kind: uint8(event.WorkerDied), subject: w, from: int32(d.on)}
	f.setSequence(target)
	s.keep(former{fact: f, owner: owner}, by)
	d.sequenceHigh |= retracted
}

// AddRetracted adds an event that was retracted before it came: it was never in force. It returns
// false, and has done nothing, for any other event.
func (s *State) AddRetracted(e *Event, b *Batch) bool {
	return s.early.marked(e.mark) && s.addRetracted(e, b)
}

// addRetracted does so once the mark says that it may be one. A retraction is never kept from its
// effect: it cannot be retracted (contract, section 2).
func (s *State) addRetracted(e *Event, b *Batch) bool {
	by, named := s.early.keys[b.key(e)]
	if !named || e.Kind == event.EventRetracted {
		return false
	}
	s.keepNever(e, b, by)
	s.owners.Append(0)
	return true
}

// early is a retraction that came before the event it names: By is its sequence.
type early struct {
	// It is stored as a line, by these names of its fields.
	event.Key
	By eventstore.Sequence
}

// earlyRetractions are the keys of events that were retracted before they came, and by which event
// first.
type earlyRetractions struct {
	keys  map[event.Key]eventstore.Sequence
	lines Lines // of each, as they came

	marks [1 << markBits / 64]uint64 // a bit for the mark of each key: spares most look-ups
}

// mark is a few bits that keys of the same id share.
type mark uint16

// markBits makes the marks 8 KiB, which stay in the processor's cache.
const markBits = 16

// markOf returns the mark of the keys with an id. Ids of one publisher mostly begin alike, so their
// last bytes are mixed. It is never stored.
func markOf(id string) mark {
	const mix = 0x9E3779B97F4A7C15 // 2^64 / golden ratio
	var end [8]byte                // where ids of a publisher mostly differ
	copy(end[:], id[max(0, len(id)-len(end)):])
	return mark(binary.LittleEndian.Uint64(end[:]) * mix >> (64 - markBits))
}

// marked reports whether a key with the mark may be among the keys.
func (r *earlyRetractions) marked(m mark) bool { return r.marks[m>>6]>>(m&63)&1 != 0 }

// add notes a retraction whose event is not in the log. The first one counts, as an event is taken
// back once.
func (r *earlyRetractions) add(retraction *event.Event, by eventstore.Sequence) {
	k := event.Key{ // texts that outlive the frame
		Source: string([]byte(retraction.Data.RetractedSource)),
		ID:     string([]byte(retraction.Data.RetractedID)),
	}
	if _, named := r.keys[k]; named {
		return
	}
	e := early{k, by}
	r.insert(&e)
	r.lines.Add(e)
}

// insert notes one that is in the lines already.
func (r *earlyRetractions) insert(e *early) {
	if r.keys == nil {
		r.keys = map[event.Key]eventstore.Sequence{}
	}
	r.keys[e.Key] = e.By
	m := markOf(e.ID)
	r.marks[m>>6] |= 1 << (m & 63)
}
