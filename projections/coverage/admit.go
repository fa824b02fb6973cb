package coverage

import "cakupan/domain/event"

// foldTogether is how many events are admitted to the fold at once: enough for cache misses to
// overlap, few enough for what was touched to stay in the caches of data and of addresses.
const foldTogether = 128

// admit makes room in the tables for what the events name, and has brought into the cache what
// their fold will read.
func (s *state) admit(events []prepared) {
	x := &s.scratch
	x.enrolments, x.workers = x.enrolments[:0], x.workers[:0]
	for i := range events {
		e := &events[i]
		if e.enrolment != unnamed {
			x.enrolments = append(x.enrolments, e.enrolment)
			for int(e.enrolment) >= s.enrolments.Len() {
				s.enrolments.Append(0)
			}
		}
		if e.worker != unnamed {
			x.workers = append(x.workers, e.worker)
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
	s.prefetchOthers()
}

// prefetch has the facts of the enrolments brought into the cache, and appends their workers to the
// scratch's. What one step reads says where the next one reads, so each is taken for all of them
// before the next.
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
	for n := 0; len(at) > 0 && n < factsMax; n++ {
		s.facts.Prefetch(at)
		older := at[:0]
		for _, index := range at {
			f := s.facts.At(int(index))
			if event.Type(f.kind) == event.EnrolmentOpened {
				x.workers = append(x.workers, f.subject)
			}
			if f.next != 0 {
				older = append(older, f.next-1)
			}
		}
		at = older
	}
}

// prefetchOthers has the scratch's workers brought into the cache, and the facts about all
// enrolments of those who have several.
func (s *state) prefetchOthers() {
	x := &s.scratch
	s.workers.Prefetch(x.workers)
	x.links, x.enrolments = x.links[:0], x.enrolments[:0]
	for _, w := range x.workers {
		if l := s.workers.At(int(w)); l.more != 0 {
			x.links = append(x.links, l.more-1)
			x.enrolments = append(x.enrolments, l.first-1)
		}
	}
	s.memberships.Prefetch(x.links)
	for _, at := range x.links {
		x.enrolments = append(x.enrolments, s.memberships.At(int(at)).enrolment)
	}
	s.prefetch(x.enrolments)
}
