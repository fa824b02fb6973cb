package facts

import (
	"slices"
	"sort"

	"cakupan/domain/event"
	"cakupan/eventstore"
)

// Skip goes on to the event with the sequence, as if those up to it said nothing: they are another
// state's to know.
func (s *State) Skip(until eventstore.Sequence) {
	for s.Events() < until {
		*s.owners.AppendZero() = 0
	}
}

// Renumbered is a worker or an enrolment that goes from one state to another, and its numbers in
// both.
type Renumbered struct{ Was, Is uint32 }

// MoveTo moves what is in force about workers and enrolments to another state, which has as many
// events. They must be all that touch each other: whoever opened one of the enrolments, or is one
// with one of the workers, goes too. The numbers they had must not be named again.
//
// It is for states that live as long as a replay, and are neither stored nor asked for records:
// what is not in force any more stays behind.
func (s *State) MoveTo(to *State, workers, enrolments []Renumbered) {
	m := mover{s, to, map[uint32]uint32{}, map[uint32]uint32{}}
	// What is new since the last event that was added here has no record yet.
	workers = slices.DeleteFunc(workers, func(w Renumbered) bool {
		return int(w.Was) >= s.workers.Len()
	})
	enrolments = slices.DeleteFunc(enrolments, func(e Renumbered) bool {
		return int(e.Was) >= s.enrolments.Len()
	})
	for _, w := range workers {
		m.workers[w.Was] = w.Is
		to.admitWorker(w.Is)
	}
	for _, e := range enrolments {
		m.enrolments[e.Was] = e.Is
		to.admitEnrolment(e.Is)
	}
	for _, w := range workers {
		m.memberships(w)
	}
	for _, e := range enrolments {
		m.facts(e)
	}
	for _, w := range workers {
		m.deaths(w)
		m.merges(w)
	}
}

// mover moves from one state to another what is numbered otherwise there.
type mover struct {
	from, to            *State
	workers, enrolments map[uint32]uint32 // from, to
}

// memberships moves which enrolments were opened for a worker, in the order in which they were.
// Those whose opening was retracted are among them.
func (m *mover) memberships(w Renumbered) {
	opened := slices.Collect(m.from.Enrolments(w.Was, NoEnrolment))
	if len(opened) > 1 {
		slices.Reverse(opened[1:]) // the first comes first, then the newest
	}
	for _, e := range opened {
		m.to.join(w.Is, m.enrolments[e])
	}
	*m.from.workers.Edit(int(w.Was)) = workerLinks{}
	delete(m.from.joined, w.Was)
}

// facts moves the facts in force about an enrolment. Here they are marked as those that a
// commitment still links to and that are not in force.
func (m *mover) facts(e Renumbered) {
	var links []link
	for at := m.from.enrolments.At(int(e.Was)).newest; at != 0; {
		f := m.from.facts.At(int(at - 1))
		if f.kind != 0 {
			links = append(links, at)
		}
		at = f.next
	}
	*m.from.enrolments.Edit(int(e.Was)) = about{}
	for _, at := range slices.Backward(links) {
		f := m.from.facts.Edit(int(at - 1))
		fact := m.event(f, e.Is)
		f.kind = 0
		m.from.movedFacts.leave(fact.Sequence)
		if fact.Kind == event.FundingGranted || fact.Kind == event.FundingRevoked {
			m.to.admitCommitment(fact.Commitment)
		}
		m.to.movedFacts.come(m.to.facts.Len(), fact.Sequence, m.to.Events())
		m.owner(fact.Sequence, newOwner(OfEnrolment, e.Is))
		m.to.link(&fact)
	}
}

// event returns the event that a fact in force was, as the other state is to have it.
func (m *mover) event(f *fact, enrolment uint32) Event {
	e := Event{
		Sequence: f.sequence(), Kind: event.Type(f.kind), From: f.from, Until: f.until,
		Enrolment: enrolment, Worker: unnamed, Commitment: unnamed,
	}
	switch e.Kind {
	case event.EnrolmentOpened:
		e.Worker, e.Terms = m.workers[f.subject], PackedTerms(f.detail)
	case event.FundingGranted, event.FundingRevoked:
		e.Commitment = f.subject
	default:
		e.Terms = PackedTerms(f.detail)
	}
	return e
}

// owner says that an event is about something in the other state, and about nothing here.
func (m *mover) owner(seq eventstore.Sequence, owner Owner) {
	*m.from.owners.Edit(int(seq - 1)) = 0
	*m.to.owners.Edit(int(seq - 1)) = owner
}

// deaths moves the deaths of a worker that are in force.
func (m *mover) deaths(w Renumbered) {
	for _, i := range m.from.deathsOf[w.Was] {
		d := *m.from.deaths.At(int(i))
		d.worker = w.Is
		m.from.movedDeaths.leave(d.sequence())
		m.to.movedDeaths.come(m.to.deaths.Len(), d.sequence(), m.to.Events())
		m.owner(d.sequence(), newOwner(OfWorker, w.Is))
		m.to.noteDeath(w.Is, uint32(m.to.deaths.Append(d)))
	}
	delete(m.from.deathsOf, w.Was)
}

// merges moves the merges in force that name a worker first. The other one comes too.
func (m *mover) merges(w Renumbered) {
	for _, i := range m.from.mergesOf[w.Was] {
		joint := *m.from.merges.At(int(i))
		if joint.worker != w.Was {
			continue
		}
		joint.worker, joint.into = w.Is, m.workers[joint.into]
		at := uint32(m.to.merges.Append(joint))
		m.owner(joint.sequence(), newOwner(OfMerge, at))
		m.to.noteMerge(at)
	}
	delete(m.from.mergesOf, w.Was)
}

// moved finds records of a table whose order is that of the log, but for those that came from
// another state. The zero value has none that did.
type moved struct {
	places map[eventstore.Sequence]uint32 // of those that came
	runs   []movedRun                     // of them, in the order of the table
}

// movedRun is records that came together, when the state had the events up to one.
type movedRun struct {
	first, end int
	known      eventstore.Sequence
}

// come notes that a record comes to the end of the table, which is at a place.
func (m *moved) come(place int, seq, known eventstore.Sequence) {
	if m.places == nil {
		m.places = map[eventstore.Sequence]uint32{}
	}
	m.places[seq] = uint32(place)
	if n := len(m.runs); n > 0 && m.runs[n-1].end == place && m.runs[n-1].known == known {
		m.runs[n-1].end++
		return
	}
	m.runs = append(m.runs, movedRun{place, place + 1, known})
}

// leave notes that a record goes to another state.
func (m *moved) leave(seq eventstore.Sequence) { delete(m.places, seq) }

// find returns the place of the record with a sequence among so many, and whether there is one.
//
// A search takes those that came for as old as the newest that was there: so they are in order.
func (m *moved) find(seq eventstore.Sequence, n int, sequence func(i int) eventstore.Sequence,
) (int, bool) {
	if place, came := m.places[seq]; came {
		return int(place), true
	}
	i := sort.Search(n, func(i int) bool {
		if run := m.run(i); run != nil {
			return run.known >= seq
		}
		return sequence(i) >= seq
	})
	for i < n && m.run(i) != nil && m.run(i).known == seq {
		i = m.run(i).end // the one that is searched for never came
	}
	return i, i < n && sequence(i) == seq
}

// run returns the run that a record is in, nil when it did not come from elsewhere.
func (m *moved) run(i int) *movedRun {
	at := sort.Search(len(m.runs), func(at int) bool { return m.runs[at].end > i })
	if at == len(m.runs) || i < m.runs[at].first {
		return nil
	}
	return &m.runs[at]
}
