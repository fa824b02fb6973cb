package coverage

import "cakupan/domain/event"

// foldTogether is how many events are admitted to the fold at once: enough for cache misses to
// overlap, few enough for what was touched to stay in the caches of data and of addresses.
const foldTogether = 128

// admit makes room in the tables for what the events name, and has brought into the cache what
// their fold will read.
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
	s.prefetch(x.enrolments)
}

// prefetch has the facts of the enrolments brought into the cache, and their workers. What one step
// reads says where the next one reads, so each is taken for all of them before the next.
func (s *state) prefetch(enrolments []uint32) {
	const factsMax = 6 // nearly all enrolments have fewer
	x := &s.scratch
	s.enrolments.Prefetch(enrolments)
	at := x.links[:0]
	for _, e := range enrolments {
		if head := *s.enrolments.At(int(e)); head != 0 {
			at = append(at, head-1)
		}
	}
	x.links = at
	workers := x.workers[:0]
	for n := 0; len(at) > 0 && n < factsMax; n++ {
		s.facts.Prefetch(at)
		older := at[:0]
		for _, index := range at {
			f := s.facts.At(int(index))
			if event.Type(f.kind) == event.EnrolmentOpened {
				workers = append(workers, f.subject)
			}
			if f.next != 0 {
				older = append(older, f.next-1)
			}
		}
		at = older
	}
	x.workers = workers
	s.workers.Prefetch(workers)
}
