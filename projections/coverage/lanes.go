package coverage

import (
	"fmt"
	"runtime"
	"slices"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/facts"
	"cakupan/projections/groups"
)

// lanes fold for the digest alone, several at the same time: each has the workers and enrolments of
// some groups, with a state and a fold of its own, and is told of all money.
//
// Lanes share nothing but what is read, so that each folds a frame's events as if there were no
// others, and goes on with the next frame without waiting for them. What an event changes is the
// sum of what it changes in each lane, and all else is in the order of the log: the digest is the
// one of a single fold.
//
// Two groups of different lanes that an event joins are brought together before the frame that has
// the event, when all lanes have folded the frames before: see groups.
type lanes struct {
	groups *groups.Groups
	all    []*lane
	last   eventstore.Sequence // that was handed out
	ahead  []uint32            // see prefetch
	run    func(func())        // beside all else; in benchmarks at once, to time each
}

// lane is a fold of its own. Its goroutines, one for each frame, follow each other.
type lane struct {
	fold *fold
	done chan struct{} // closed once all that was handed to it is folded
}

// mostLanes is how many lanes are worth it: then preparing frames takes longer than each of them.
const mostLanes = 4

// newLanes returns so many lanes of a projection that has folded nothing.
func newLanes(p *Projection, n int) *lanes {
	all := &lanes{groups: groups.New(n), run: func(f func()) { go f() }}
	for range n {
		q := &lane{fold: newFold(facts.New(), p), done: make(chan struct{})}
		q.fold.reading = unread{}
		q.fold.heavy.limits = p.limits.shared(n)
		close(q.done)
		all.all = append(all.all, q)
	}
	return all
}

// unread is the lock of a state that nobody reads beside the fold.
type unread struct{}

func (unread) Lock()   {}
func (unread) Unlock() {}

// turn says which lane an event is for, or everyLane, or noLane.
type turn uint8

const (
	everyLane turn = groups.MostLanes + iota
	noLane
)

// share is what of a frame one lane folds: copies of the events, by the numbers of the lane. It
// goes from the goroutine that deals out to the lane's, and from that to the one that shows.
type share struct {
	Batch
	events []facts.Event

	// Where an event changes very much a share is folded in parts, as a frame is. Each is ready,
	// and then was taken before the next one; more says that there is one.
	ready, taken chan struct{}
	more         bool
}

// apply hands the events of a frame out. It does not wait until they are folded: who shows them
// does. There are only so many frames under way, and each lane has one goroutine at work.
func (ls *lanes) apply(b *Batch, budget int) (projections.Part, error) {
	all := b.facts.Events()
	if all[0].Sequence != ls.last+1 {
		return projections.Part{}, fmt.Errorf("%w: it has %d events already, these begin with %d",
			ErrFile, ls.last, all[0].Sequence)
	}
	for i := range all {
		ls.join(&all[i])
	}
	for len(b.shares) < len(ls.all) {
		b.shares = append(b.shares, &share{
			ready: make(chan struct{}, 1), taken: make(chan struct{}, 1),
		})
	}
	for _, s := range b.shares {
		s.events, s.frame = s.events[:0], &b.facts
	}
	b.turns = b.turns[:0]
	for some := range slices.Chunk(all, facts.Together) {
		ls.prefetch(some)
		for i := range some {
			b.turns = append(b.turns, ls.deal(&some[i], b.shares))
		}
	}
	moved := ls.move(ls.last)
	for i, q := range ls.all {
		start, done := q.done, make(chan struct{})
		if moved != nil {
			start = moved
		}
		q.done = done
		ls.run(func() { q.foldShare(b.shares[i], budget, start, done) })
	}
	ls.last = all[len(all)-1].Sequence
	return projections.Part{Last: ls.last, Work: len(all)}, nil
}

// join makes known what an event names, and joins what it joins. All events of a frame are joined
// before any is dealt out: to be in one lane early does no harm.
func (ls *lanes) join(e *facts.Event) {
	switch e.Kind {
	case event.EnrolmentOpened:
		ls.groups.Join(groups.Worker(e.Worker), groups.Enrolment(e.Enrolment))
	case event.EnrolmentAmended, event.EnrolmentTerminated, event.EnrolmentReinstated,
		event.FundingGranted, event.FundingRevoked, event.ContributionCredited:
		ls.groups.Know(groups.Enrolment(e.Enrolment))
	case event.WorkerDied:
		ls.groups.Know(groups.Worker(e.Worker))
	case event.WorkerMerged:
		ls.groups.Join(groups.Worker(e.Worker), groups.Worker(e.Into()))
	default:
	}
}

// prefetch has the places brought into the cache of what events name.
func (ls *lanes) prefetch(events []facts.Event) {
	ls.ahead = ls.ahead[:0]
	for i := range events {
		switch e := &events[i]; e.Kind {
		case event.EnrolmentOpened: // mostly known since a moment ago
		case event.EnrolmentAmended, event.EnrolmentTerminated, event.EnrolmentReinstated,
			event.FundingGranted, event.FundingRevoked, event.ContributionCredited:
			ls.ahead = append(ls.ahead, e.Enrolment)
		default:
		}
	}
	ls.groups.PrefetchEnrolments(ls.ahead)
}

// deal gives an event to the lane that has what it names. Money is for every lane, and so are
// retractions: only the lane that has the target in force finds anything to take back. Of what is
// published the first lane keeps where it is, as all others would.
func (ls *lanes) deal(e *facts.Event, shares []*share) turn {
	mine := *e
	var place groups.Place
	switch e.Kind {
	case event.EnrolmentOpened:
		place = ls.groups.Place(groups.Enrolment(e.Enrolment))
		mine.Enrolment = place.Number()
		mine.Worker = ls.groups.Place(groups.Worker(e.Worker)).Number()
	case event.EnrolmentAmended, event.EnrolmentTerminated, event.EnrolmentReinstated,
		event.FundingGranted, event.FundingRevoked, event.ContributionCredited:
		place = ls.groups.Place(groups.Enrolment(e.Enrolment))
		mine.Enrolment = place.Number()
	case event.WorkerDied:
		place = ls.groups.Place(groups.Worker(e.Worker))
		mine.Worker = place.Number()
	case event.WorkerMerged:
		place = ls.groups.Place(groups.Worker(e.Worker))
		mine.SetWorkers(place.Number(), ls.groups.Place(groups.Worker(e.Into())).Number())
	case event.WorkforcePublished, event.TargetSet: // place is that of the first lane
	case event.FundingCommitted, event.FundingClosed, event.FundingDisbursed, event.EventRetracted:
		for _, s := range shares {
			s.events = append(s.events, mine)
		}
		return everyLane
	default: // amended money changes no day of anybody's coverage
		return noLane
	}
	s := shares[place.Lane()]
	s.events = append(s.events, mine)
	return turn(place.Lane())
}

// move moves the groups that go to other lanes, once all lanes have folded what was handed out
// before. It returns what is closed then, nil when there are none.
func (ls *lanes) move(last eventstore.Sequence) chan struct{} {
	moves := ls.groups.Moves()
	if len(moves) == 0 {
		return nil
	}
	var before []chan struct{}
	for _, q := range ls.all {
		before = append(before, q.done)
	}
	moved := make(chan struct{})
	ls.run(func() {
		defer close(moved)
		for i, done := range before {
			<-done
			ls.all[i].fold.state.Skip(last)
		}
		for i := range moves {
			m := &moves[i]
			ls.all[m.From].fold.moveTo(ls.all[m.To].fold, m.Nodes)
		}
	})
	return moved
}

// moveTo moves a group to the fold of another lane. What is kept of heavy ones is made again there.
func (f *fold) moveTo(to *fold, nodes []groups.Moved) {
	var workers, enrolments []facts.Renumbered
	for _, n := range nodes {
		r := facts.Renumbered{Was: n.Was, Is: n.Is}
		if n.Node.IsEnrolment() {
			delete(f.heavy.lines, n.Was)
			enrolments = append(enrolments, r)
		} else {
			f.heavy.drop(f.state.Person(n.Was))
			workers = append(workers, r)
		}
	}
	f.state.MoveTo(to.state, workers, enrolments)
}

// foldShare folds a share when start is closed, and closes done when the next one may be.
func (q *lane) foldShare(s *share, budget int, start, done chan struct{}) {
	<-start
	for rest := s.events; ; {
		rest = q.foldSome(rest, s, budget)
		s.more = len(rest) > 0
		last := !s.more
		if last {
			close(done)
		}
		s.ready <- struct{}{}
		if last {
			return
		}
		<-s.taken
	}
}

// foldSome folds events of a share until the work has come to the budget, and returns the others.
func (q *lane) foldSome(events []facts.Event, s *share, budget int) (rest []facts.Event) {
	f, b := q.fold, &s.Batch
	b.begin(f)
	for n := 0; n < len(events); n = len(b.ends) {
		some := events[n:min(n+facts.Together, len(events))]
		f.state.Admit(some)
		for i := range some {
			f.state.Skip(some[i].Sequence - 1)
			b.edges = f.apply(&some[i], b, b.edges)
			b.ends = append(b.ends, uint32(len(b.edges)))
			if b.work(f) >= budget {
				return events[len(b.ends):]
			}
		}
		runtime.Gosched() // see Apply
	}
	return nil
}
