package coverage

import "cakupan/domain/event"

// admit makes room in the tables for what the events name, and reads what their fold will read,
// one step for all of them before the next. It returns the scratch of the fold.
func (s *state) admit(events []prepared) *scratch {
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
	return x
}

// touch reads the newest facts of the enrolments, and their workers.
func (s *state) touch(enrolments []uint32) {
	const factsMax = 6 // nearly all enrolments have fewer
	x := &s.scratch
	at, workers := x.links[:0], x.workers[:0]
	for _, e := range enrolments {
		if head := *s.enrolments.At(int(e)); head != 0 {
			at = append(at, head)
		}
	}
	x.links = at
	for n := 0; len(at) > 0 && n < factsMax; n++ {
		older := at[:0]
		for _, link := range at {
			f := s.facts.At(int(link - 1))
			x.touched += uint32(f.until) // a fact may lie in two lines of the cache
			if event.Type(f.kind) == event.EnrolmentOpened {
				workers = append(workers, f.subject)
			}
			if f.next != 0 {
				older = append(older, f.next)
			}
		}
		at = older
	}
	for _, w := range workers {
		x.touched += s.workers.At(int(w)).first
	}
	for _, w := range workers {
		if word := int(w >> 6); word < len(s.mortal) {
			x.touched += uint32(s.mortal[word])
		}
	}
	x.workers = workers
}
