package coverage

import (
	"slices"

	"cakupan/domain/event"
)

// foldTogether is how many events are admitted to the fold at once: enough for cache misses to
// overlap, few enough for what was touched to stay in the caches of data and of addresses.
const foldTogether = 128

// admit makes room in the tables for what the events name, and reads what their fold will read,
// one step for all of them before the next.
func (s *state) admit(events []prepared) {
	x := &s.scratch
	x.enrolments = x.enrolments[:0]
	for i := range events {
		e := &events[i]
		if e.enrolment != unnamed {
			x.enrolments = append(x.enrolments, e.enrolment)
			for int(e.enrolment) >= s.enrolments.Len() {
				s.enrolments.Append(0)
			}
		}
		if e.worker != unnamed {
			for int(e.worker) >= s.workers.Len() {
				s.workers.Append(workerLinks{})
			}
		}
		if e.commitment != unnamed {
			for int(e.commitment) >= s.grantsOf.Len() {
				s.grantsOf.Append(0)
				s.moneyOf = append(s.moneyOf, nil)
				s.purses = append(s.purses, purse{})
				s.reckon(uint32(len(s.purses) - 1))
			}
		}
	}
	s.touch(x.enrolments)
}

// touch reads the newest facts of the enrolments, and their workers.
//
// What is read in one step says where the next one reads. No step branches on what it reads: the
// processor would have to guess, and for each wrong guess wait for the very read that is to overlap
// with the others.
func (s *state) touch(enrolments []uint32) {
	const factsMax = 6 // nearly all enrolments have fewer
	x := &s.scratch
	at := slices.Grow(x.links[:0], len(enrolments))[:len(enrolments)]
	x.links = at
	for i, e := range enrolments {
		at[i] = *s.enrolments.At(int(e))
	}
	workers := x.workers[:0]
	for range factsMax {
		if at = s.linked(at); len(at) == 0 {
			break
		}
		workers = s.touchFacts(at, workers)
	}
	x.workers = workers
	sum := uint32(0)
	for _, w := range workers {
		sum += s.workers.At(int(w)).first
	}
	for _, w := range workers {
		if word := int(w >> 6); word < len(s.mortal) {
			sum += uint32(s.mortal[word])
		}
	}
	x.touched += sum
}

// linked keeps the links that are not 0.
func (s *state) linked(links []link) []link {
	n := 0
	for _, l := range links {
		links[n] = l
		n += int((l | -l) >> 31) // 1 unless l is 0
	}
	return links[:n]
}

// touchFacts reads the facts, puts the links to the next older ones in their place, and appends the
// workers of those that open an enrolment.
func (s *state) touchFacts(links []link, workers []uint32) []uint32 {
	x := &s.scratch
	first := len(workers)
	workers = slices.Grow(workers, len(links))[:first+len(links)]
	x.facts = slices.Grow(x.facts[:0], len(links))[:len(links)]
	for i, l := range links {
		f := s.facts.At(int(l - 1))
		x.facts[i] = f
		links[i] = f.next
	}
	n := first
	for _, f := range x.facts {
		workers[n] = f.subject
		if event.Type(f.kind) == event.EnrolmentOpened {
			n++
		}
	}
	return workers[:n]
}
