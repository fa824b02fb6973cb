package facts

import (
	"cmp"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// addDeath adds a died event. The earliest in force counts (contract, section 3), but all are kept:
// any of them may be retracted.
func (s *State) addDeath(e *Event) {
	s.owners.Append(newOwner(OfWorker, e.Worker))
	i := s.deaths.Append(death{
		worker: e.Worker, on: temporal.Date(e.From),
		sequenceLow: uint32(e.Sequence), sequenceHigh: uint32(e.Sequence >> 32),
	})
	s.noteDeath(e.Worker, uint32(i))
}

// noteDeath notes that deaths holds a death of the worker at the index. A bit of mortal is never
// cleared again, which costs a look-up in vain.
func (s *State) noteDeath(w, index uint32) {
	for int(w>>6) >= len(s.mortal) {
		s.mortal = append(s.mortal, 0)
	}
	s.mortal[w>>6] |= 1 << (w & 63)
	at, _ := s.findDeath(w, s.deaths.At(int(index)).on, index)
	s.deathsOf[w] = slices.Insert(s.deathsOf[w], at, index)
	if !s.persons.Alone(w) {
		u := s.unionOf(w)
		u.died = min(u.died, s.deaths.At(int(index)).on)
	}
}

// findDeath returns where among the deaths of a worker one is, or belongs.
func (s *State) findDeath(w uint32, on temporal.Date, index uint32) (int, bool) {
	return slices.BinarySearchFunc(s.deathsOf[w], index, func(other, index uint32) int {
		return cmp.Or(cmp.Compare(s.deaths.At(int(other)).on, on), cmp.Compare(other, index))
	})
}

// DiedOn returns the last day of life of the person that the worker is, or Never.
func (s *State) DiedOn(w uint32) temporal.Date {
	if s.persons.Alone(w) {
		return s.diedOn(w)
	}
	return s.unionOf(w).died
}

// diedOn returns the last day of life that is reported of the worker's own id.
func (s *State) diedOn(w uint32) temporal.Date {
	if word := int(w >> 6); word >= len(s.mortal) || s.mortal[word]&(1<<(w&63)) == 0 {
		return enrolment.Never
	}
	if deaths := s.deathsOf[w]; len(deaths) > 0 {
		return s.deaths.At(int(deaths[0])).on
	}
	return enrolment.Never
}

// addMerge adds a merged event. Which of the two is merged into which says nothing (contract,
// section 3).
func (s *State) addMerge(e *Event) {
	i := s.merges.Append(merge{
		worker: e.Worker, into: e.Into(),
		sequenceLow: uint32(e.Sequence), sequenceHigh: uint32(e.Sequence >> 32),
	})
	s.owners.Append(newOwner(OfMerge, uint32(i)))
	s.noteMerge(uint32(i))
}

// noteMerge notes that merges holds one in force at the index.
func (s *State) noteMerge(index uint32) {
	m := s.merges.At(int(index))
	s.unite(m.worker, m.into)
	for _, w := range [2]uint32{m.worker, m.into} {
		s.mergesOf[w] = append(s.mergesOf[w], index)
	}
}

// takeMerge takes a merge out of force. It returns the ids that leave a person by that. A link
// between the two may stay by other merges, or by a way round. The lists of indexes ascend, as
// merges are noted in the order of the log.
func (s *State) takeMerge(owner Owner, by eventstore.Sequence) (leaving []uint32) {
	index := owner.Index()
	m := s.merges.Edit(int(index))
	f := fact{kind: uint8(event.WorkerMerged), subject: m.worker, detail: m.into}
	f.setSequence(m.sequence())
	s.keep(former{fact: f, owner: newOwner(OfWorker, m.worker)}, by)
	m.sequenceHigh |= retracted
	for _, w := range [2]uint32{m.worker, m.into} {
		at, found := slices.BinarySearch(s.mergesOf[w], index)
		if found {
			s.mergesOf[w] = slices.Delete(s.mergesOf[w], at, at+1)
		}
		if len(s.mergesOf[w]) == 0 {
			delete(s.mergesOf, w)
		}
	}
	return s.divide(m.worker, m.into)
}

// Merge returns the two workers of a merge, given its owner. It does not matter whether the merge
// is in force.
func (s *State) Merge(owner Owner) (worker, into uint32) {
	m := s.merges.At(int(owner.Index()))
	return m.worker, m.into
}

// IDs appends the ids that are one person with a worker, the worker's among them.
func (s *State) IDs(dst []uint32, w uint32) []uint32 {
	// They are in no order, and which come first depends on the order in which merges came.
	return slices.AppendSeq(dst, s.persons.All(w))
}

// OtherIDs returns how many ids beside a worker's are one person with the worker.
func (s *State) OtherIDs(w uint32) int { return s.persons.Count(w) - 1 }

// Person returns a number by which a person is known for as long as no merge of the person comes
// or goes.
func (s *State) Person(w uint32) uint32 { return s.persons.Key(w) }

// Opened returns for how many enrolments the person that a worker is was ever in an opening, or
// most when there are as many or more. It stops there: a person may have very many, and who asks
// wants to know whether they are few.
func (s *State) Opened(w uint32, most int) (n int) {
	if s.persons.Alone(w) {
		return s.openedFor(w, 0, most)
	}
	for _, id := range s.unionOf(w).homes {
		if n = s.openedFor(id, n, most); n == most {
			break
		}
	}
	return n
}

// openedFor adds to n, up to most, how many enrolments were opened for the worker's own id.
func (s *State) openedFor(w uint32, n, most int) int {
	for range s.Enrolments(w, NoEnrolment) {
		if n++; n >= most {
			return most
		}
	}
	return n
}
