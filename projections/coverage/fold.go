package coverage

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/counts"
	"cakupan/projections/facts"
)

// fold works out what events change about the days of workers. Only the state outlives an event;
// all else is memory that is used again, and means nothing between two events.
type fold struct {
	state  *facts.State
	others *facts.Reader // of the enrolments that an event is not about

	own     change
	days    comparison
	granted []uint32 // enrolments that a commitment is granted to
	several []uint32 // workers whose enrolments must be looked at together

	// longWay says that no event takes one of the two short ways: they must lead to the same.
	longWay bool
}

// change is one enrolment before and after an event.
type change struct {
	facts         facts.Gathered
	before, after facts.Course
	workers       []uint32 // for whom it was opened
}

func newFold(s *facts.State) *fold { return &fold{state: s, others: facts.NewReader(s)} }

// apply adds one event of the batch to the state and appends what it changes to the edges.
func (p *Projection) apply(e *facts.Event, b *Batch, edges []counts.Change) []counts.Change {
	f := p.fold
	if f.state.AddRetracted(e, &b.facts) {
		b.never = append(b.never, e.Sequence)
		return edges
	}
	switch e.Kind {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated, event.FundingGranted, event.FundingRevoked:
		return f.fact(e, edges)
	case event.WorkerDied:
		return f.death(e, edges)
	case event.FundingCommitted, event.FundingClosed:
		was := f.state.Purse(e.Commitment)
		f.state.Add(e)
		return f.comparePurses(e.Commitment, was, edges)
	case event.WorkforcePublished, event.TargetSet:
		f.state.AddOther(p.publications.add(e.Sequence, &b.facts.Rare(e).Event))
	case event.EventRetracted:
		r, gone := b.facts.Rare(e), facts.PackedTerms(0)
		if owner := f.state.OwnerOf(r.Retracts); owner.Kind() == facts.OfOther {
			p.publications.retract(owner.Index(), e.Sequence)
		}
		edges, gone = f.retract(e, r, edges)
		b.gone = append(b.gone, gone)
	default: // amended and disbursed money changes no day of anybody's coverage
		f.state.Add(e)
	}
	return edges
}

// fact adds a fact about an enrolment. Its facts are gathered once: what they come to after the
// event follows from what they came to before it.
func (f *fold) fact(e *facts.Event, edges []counts.Change) []counts.Change {
	if !f.longWay {
		var done bool
		if edges, done = f.first(e, edges); done {
			return edges
		}
		if edges, done = f.second(e, edges); done {
			return edges
		}
	}
	own, purses := &f.own, f.state.Purses()
	f.state.Gather(&own.facts, e.Enrolment)
	own.before.Follow(&own.facts, purses)
	if e.Kind == event.FundingGranted {
		own.after.Copy(&own.before)
		own.after.Grant(e, purses)
	} else {
		own.facts.Add(e)
		own.after.Follow(&own.facts, purses)
	}
	own.workers = own.facts.AppendWorkers(own.workers[:0])
	for _, w := range own.workers {
		edges = f.compareCourses(w, e.Enrolment, edges)
	}
	f.state.AddFact(e)
	return edges
}

// first adds the opened event that is the first fact about its enrolment, of a worker of whom no
// enrolment is known. So are more than half of all events, and before them there was nothing to
// compare with. It returns false, and has done nothing, for any other fact.
func (f *fold) first(e *facts.Event, edges []counts.Change) ([]counts.Change, bool) {
	if e.Kind != event.EnrolmentOpened || !f.state.IsFirst(e) {
		return edges, false
	}
	if terms, _ := e.Terms.Unpack(); terms.Payer != event.APBD { // else nothing is paid yet
		edges = appendEdges(edges, openSpan(e.From, f.state.DiedOn(e.Worker), terms), +1)
	}
	f.state.AddFact(e)
	return edges, true
}

// second adds the second fact about an enrolment, when the first one opened it and the worker has
// no other enrolment: the first grant of those on the budget, the first change of others. It
// returns false, and has done nothing, for any other fact.
func (f *fold) second(e *facts.Event, edges []counts.Change) ([]counts.Change, bool) {
	if e.Kind == event.EnrolmentOpened {
		return edges, false
	}
	opening, only := f.state.OnlyOpening(e.Enrolment)
	if !only {
		return edges, false
	}
	own, days, died := &f.own, &f.days, f.state.DiedOn(opening.Worker)
	stretch := enrolment.Stretch{
		From: opening.On, Until: enrolment.Never, Worker: opening.Worker, Terms: opening.Terms,
	}
	days.were = enrolment.AppendSpells(days.were[:0], stretch, died, nil)
	switch e.Kind {
	case event.FundingGranted:
		own.after.Paid = enrolment.AddPaid(own.after.Paid[:0], f.state.Purses().PaidBy(e))
		days.are = enrolment.AppendSpells(days.are[:0], stretch, died, own.after.Paid)
	case event.FundingRevoked: // of nothing
		days.are = append(days.are[:0], days.were...)
	default:
		own.facts.Pair(opening, e.Change())
		own.after.Follow(&own.facts, f.state.Purses())
		days.are = own.after.AppendSpells(days.are[:0], opening.Worker, died)
	}
	edges = compareOwn(days.were, days.are, edges)
	f.state.AddFact(e)
	return edges, true
}

// compareCourses appends what differs for a worker between the course of one of its enrolments
// before and after.
func (f *fold) compareCourses(w, e uint32, edges []counts.Change) []counts.Change {
	days, died := &f.days, f.state.DiedOn(w)
	before, after := differing(&f.own.before, &f.own.after)
	days.were = before.AppendSpells(days.were[:0], w, died)
	days.are = after.AppendSpells(days.are[:0], w, died)
	if slices.Equal(days.were, days.are) {
		return edges
	}
	if f.state.IsOnly(e, w) {
		return compareOwn(days.were, days.are, edges)
	}
	days.others = f.others.AppendSpells(days.others[:0], w, e, f.state.Purses())
	if len(days.others) == 0 {
		return compareOwn(days.were, days.are, edges)
	}
	return days.compare(edges)
}

// differing returns two courses of one enrolment without the past in which they are the same. An
// event changes stretches or months, hardly ever both.
func differing(a, b *facts.Course) (before, after facts.Course) {
	stretches := common(a.Stretches, b.Stretches)
	if slices.Equal(a.Paid, b.Paid) {
		return facts.Course{Stretches: a.Stretches[stretches:], Paid: a.Paid},
			facts.Course{Stretches: b.Stretches[stretches:], Paid: b.Paid}
	}
	if stretches < max(len(a.Stretches), len(b.Stretches)) {
		return *a, *b
	}
	// How long it is in grace after a span of months depends on when the next one begins.
	paid := max(common(a.Paid, b.Paid)-1, 0)
	return facts.Course{Stretches: a.Stretches, Paid: a.Paid[paid:]},
		facts.Course{Stretches: b.Stretches, Paid: b.Paid[paid:]}
}

// common returns how many elements two slices have in common from their beginning.
func common[T comparable](a, b []T) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// appendAll appends all spells of a worker.
func (f *fold) appendAll(spells []enrolment.Spell, w uint32,
	purses facts.Purses,
) []enrolment.Spell {
	return f.others.AppendSpells(spells, w, facts.NoEnrolment, purses)
}

// compareAll appends what differs for a worker between the spells before, which are all that it
// had, and those that it has now.
func (f *fold) compareAll(w uint32, edges []counts.Change) []counts.Change {
	f.days.are = f.appendAll(f.days.are[:0], w, f.state.Purses())
	f.days.others = f.days.others[:0]
	return f.days.compare(edges)
}

// death adds a death of a worker.
func (f *fold) death(e *facts.Event, edges []counts.Change) []counts.Change {
	f.days.were = f.appendAll(f.days.were[:0], e.Worker, f.state.Purses())
	f.state.Add(e)
	return f.compareAll(e.Worker, edges)
}

// comparePurses appends what differs for the workers of a commitment's grants between the purse it
// was and the one it is: for those that have a single enrolment one enrolment after the other.
func (f *fold) comparePurses(c uint32, was facts.Purse, edges []counts.Change) []counts.Change {
	if f.state.Purse(c) == was {
		return edges
	}
	own, after := &f.own, f.state.Purses()
	before := after.With(c, was)
	f.granted = f.state.Granted(f.granted, c)
	f.state.Prefetch(f.granted)
	f.several = f.several[:0]
	for _, e := range f.granted {
		f.state.Gather(&own.facts, e)
		own.before.Follow(&own.facts, before)
		own.after.Follow(&own.facts, after)
		own.workers = own.facts.AppendWorkers(own.workers[:0])
		for _, w := range own.workers {
			if f.state.Several(w) { // another enrolment may have a grant of the same commitment
				f.several = append(f.several, w)
			} else {
				edges = f.compareCourses(w, e, edges)
			}
		}
	}
	slices.Sort(f.several)
	for _, w := range slices.Compact(f.several) {
		f.days.were = f.appendAll(f.days.were[:0], w, before)
		edges = f.compareAll(w, edges)
	}
	return edges
}

// retract takes the event that a retraction names out of force, and returns the terms it named.
func (f *fold) retract(e *facts.Event, r *facts.Rare,
	edges []counts.Change,
) (_ []counts.Change, gone facts.PackedTerms) {
	owner := f.state.OwnerOf(r.Retracts)
	switch index := owner.Index(); owner.Kind() {
	case facts.OfEnrolment:
		edges = f.compareWithout(index, r.Retracts, edges)
		return edges, f.state.Retract(e, r)
	case facts.OfWorker:
		f.days.were = f.appendAll(f.days.were[:0], index, f.state.Purses())
		gone = f.state.Retract(e, r)
		return f.compareAll(index, edges), gone
	case facts.OfCommitment:
		was := f.state.Purse(index)
		gone = f.state.Retract(e, r)
		return f.comparePurses(index, was, edges), gone
	default: // a retraction, an event retracted before, or one that changes no coverage
		return edges, f.state.Retract(e, r)
	}
}

// compareWithout appends what will differ once a fact about an enrolment is not in force any more.
func (f *fold) compareWithout(e uint32, fact eventstore.Sequence,
	edges []counts.Change,
) []counts.Change {
	own, purses := &f.own, f.state.Purses()
	f.state.Gather(&own.facts, e)
	own.workers = own.facts.AppendWorkers(own.workers[:0])
	own.before.Follow(&own.facts, purses)
	own.facts.Remove(fact)
	own.after.Follow(&own.facts, purses)
	for _, w := range own.workers {
		edges = f.compareCourses(w, e, edges)
	}
	return edges
}
