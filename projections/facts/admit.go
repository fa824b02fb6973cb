package facts

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/projections/pages"
)

// Together is how many events are best admitted at once: enough for cache misses to overlap, few
// enough for what was touched to stay in the caches of data and of addresses.
const Together = 128

// ahead is what the next events name and what that leads to: memory of admitting. It says nothing
// from one call to the next.
type ahead struct {
	enrolments, workers, links []uint32
	granted                    []*granted // that a grant will be added to
	ends                       []*uint32  // of their lists
}

// Admit makes room in the tables for what the events name, and has brought into the cache what is
// read when they are added. Events must be admitted before they are added. Numbers have to be
// admitted in the order in which they were given out: room is made up to each of them. That an
// event was admitted does not show in the file but for empty records.
func (s *State) Admit(events []Event) {
	a := &s.ahead
	a.enrolments, a.workers, a.granted = a.enrolments[:0], a.workers[:0], a.granted[:0]
	for i := range events {
		e := &events[i]
		if e.Enrolment != unnamed {
			if int(e.Enrolment) < s.enrolments.Len() { // of others nothing is known
				a.enrolments = append(a.enrolments, e.Enrolment)
			}
			s.admitEnrolment(e.Enrolment)
		}
		if e.Worker != unnamed {
			if int(e.Worker) < s.workers.Len() {
				a.workers = append(a.workers, e.Worker)
			}
			s.admitWorker(e.Worker)
		}
		if e.Kind == event.WorkerMerged {
			s.admitWorker(e.Into())
		}
		if e.Commitment != unnamed {
			s.admitCommitment(e.Commitment)
			if g := s.granted[e.Commitment]; g != nil && e.Kind == event.FundingGranted {
				a.granted = append(a.granted, g)
			}
		}
	}
	pages.Prefetch(a.granted)
	s.prefetch(a, a.enrolments)
	s.prefetchOthers(a)
	a.prefetchEnds()
}

// prefetchEnds has the ends of the lists of grants brought into the cache.
func (a *ahead) prefetchEnds() {
	a.ends = a.ends[:0]
	for _, g := range a.granted {
		if n := len(g.enrolments); n > 0 {
			a.ends = append(a.ends, &g.enrolments[n-1])
		}
	}
	pages.Prefetch(a.ends)
}

// admitEnrolment makes room for an enrolment. An empty record is what is known of an enrolment that
// grants or credits name and nobody has opened.
func (s *State) admitEnrolment(e uint32) {
	for int(e) >= s.enrolments.Len() {
		s.enrolments.Append(about{})
	}
	for int(e>>6) >= len(s.steady) {
		s.steady = append(s.steady, 0)
	}
}

// admitWorker makes room for a worker.
func (s *State) admitWorker(w uint32) {
	for int(w) >= s.workers.Len() {
		s.workers.Append(workerLinks{})
	}
	for int(w>>6) >= len(s.several) {
		s.several = append(s.several, 0)
	}
}

// admitCommitment makes room for a commitment.
func (s *State) admitCommitment(c uint32) {
	for int(c) >= s.grantsOf.Len() {
		s.grantsOf.Append(0)
		s.accounts = append(s.accounts, nil)
		s.purses = append(s.purses, enrolment.EmptyPurse())
		s.granted = append(s.granted, nil)
	}
}

// Prefetch has the facts of the enrolments brought into the cache, and what is known of their
// workers. It changes nothing, and has to be done in time to be of any use: some hundred events
// before they are looked at.
func (s *State) Prefetch(enrolments []uint32) {
	s.ahead.workers = s.ahead.workers[:0]
	s.prefetch(&s.ahead, enrolments)
	s.workers.Prefetch(s.ahead.workers)
}

// prefetch has the facts of the enrolments brought into the cache, and appends their workers that
// have others to those ahead. What one step reads says where the next one reads, so each is taken
// for all of them before the next. Behind factsMax facts it stops; what it has missed is read when
// it is needed, only later.
func (s *State) prefetch(a *ahead, enrolments []uint32) {
	const factsMax = 6 // nearly all enrolments have fewer
	s.enrolments.Prefetch(enrolments)
	at := a.links[:0]
	for _, e := range enrolments {
		switch a := s.enrolments.At(int(e)); {
		case a.opening != 0: // nobody looks at the credits behind it
			at = append(at, a.opening-1)
		case a.newest != 0:
			at = append(at, a.newest-1)
		}
	}
	a.links = at
	for n := 0; len(at) > 0 && n < factsMax; n++ {
		s.facts.Prefetch(at)
		older := at[:0]
		for _, index := range at {
			f := s.facts.At(int(index))
			if f.opens() && s.Several(f.subject) { // else nobody looks at the worker's links
				a.workers = append(a.workers, f.subject)
			}
			if f.next != 0 {
				older = append(older, f.next-1)
			}
		}
		at = older
	}
}

// prefetchOthers has the workers ahead brought into the cache, and the facts about all enrolments
// of those who have several.
func (s *State) prefetchOthers(a *ahead) {
	s.workers.Prefetch(a.workers)
	a.links, a.enrolments = a.links[:0], a.enrolments[:0]
	for _, w := range a.workers {
		if l := s.workers.At(int(w)); l.more != 0 {
			a.links = append(a.links, l.more-1)
			a.enrolments = append(a.enrolments, l.first-1)
		}
	}
	s.memberships.Prefetch(a.links)
	for _, at := range a.links {
		a.enrolments = append(a.enrolments, s.memberships.At(int(at)).enrolment)
	}
	s.prefetch(a, a.enrolments)
}
