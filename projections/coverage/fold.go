package coverage

import (
	"sync"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/counts"
	"cakupan/projections/facts"
)

// fold works out what events change about the days of persons. Only the state outlives an event;
// all else is memory that is used again, or derived from the state: see heavy.
//
// It belongs to the goroutine that applies. Own and days hold one comparison at a time: whoever
// compares must have appended its edges before the next one begins.
type fold struct {
	state        *facts.State
	publications *publications

	own    change
	days   comparison
	heavy  heavy
	sums   edgeSums
	paid   []enrolment.Span // months that a commitment pays of one enrolment
	later  *later           // what is left to Show, of the batch that is applied
	laden  *laden           // whom it makes dear, of that batch too
	looked int              // at how many enrolments and spells of others: its work

	reading sync.Locker // held while an event is applied; see letIn
	open    bool        // readers are let in

	// longWay says that no event takes one of the short ways: they must lead to the same.
	longWay bool
}

// change is one enrolment before and after an event. Before is as the state says, after what it
// will come to; the slices of both are used again.
type change struct {
	facts         facts.Gathered
	before, after facts.Course
	workers       []uint32 // for whom it was opened
}

// newFold returns the fold of a projection, which lets its readers in during long loops.
func newFold(s *facts.State, p *Projection) *fold {
	return &fold{
		state: s, publications: p.publications, heavy: heavy{limits: p.limits}, reading: &p.reading,
	}
}

// letIn lets readers read the state, until shutOut, while the fold only reads it too. The state has
// the event that is applied already, or not yet; what is worked out of it is the fold's own until
// the event is shown. Whoever does much without changing the state must let them in: with the lock
// held they would wait not for a slice of the work but, where the system has given the fold's
// processor to others, for its next turn there.
//
// It is for the fold alone, and nothing that was read of the state before need be read again: only
// the fold changes it. Within a loop that has let them in it does nothing.
func (f *fold) letIn() (shutOut func()) {
	if f.open {
		return func() {}
	}
	f.open = true
	f.reading.Unlock()
	return func() {
		f.reading.Lock()
		f.open = false
	}
}

// apply adds one event of the batch to the state and appends what it changes to the edges.
//
// What differs is worked out before the state has the event, where the state must say how it was,
// or after it from what was noted before. An event that was retracted before it came changes
// nothing.
func (f *fold) apply(e *facts.Event, b *Batch, edges []counts.Change) []counts.Change {
	if f.state.AddRetracted(e, b.frame) {
		b.never = append(b.never, e.Sequence)
		return edges
	}
	switch e.Kind {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated, event.FundingGranted, event.FundingRevoked,
		event.ContributionCredited:
		edges = f.fact(e, edges)
		if e.Kind == event.EnrolmentOpened && f.hasMany(e.Worker) {
			b.many = append(b.many, e.Tag())
		}
	case event.WorkerDied:
		return f.death(e, b.frame, edges)
	case event.WorkerMerged:
		return f.merge(e, b.frame, edges)
	case event.FundingCommitted, event.FundingClosed, event.FundingDisbursed:
		was := f.state.Purse(e.Commitment)
		f.state.Add(e, b.frame)
		f.ladeCommitment(e.Commitment)
		return f.comparePurses(e.Commitment, &was, edges)
	case event.WorkforcePublished, event.TargetSet:
		f.state.AddOther(f.publications.add(e.Sequence, &b.frame.Rare(e).Event))
	case event.EventRetracted:
		r, gone := b.frame.Rare(e), facts.PackedTerms(0)
		if owner := f.state.OwnerOf(r.Retracts); owner.Kind() == facts.OfOther {
			f.publications.retract(owner.Index(), e.Sequence)
		}
		edges, gone = f.retract(e, r, edges)
		b.gone = append(b.gone, gone)
	default: // amended money changes no day of anybody's coverage
		f.state.Add(e, b.frame)
	}
	return edges
}

// fact adds a fact about an enrolment. Its facts are gathered once: what they come to after the
// event follows from what they came to before it.
//
// The short ways say the same as the long one, for the events of which nearly all logs are made.
// They must not be taken where a timeline or a tally is kept, which would miss the event.
func (f *fold) fact(e *facts.Event, edges []counts.Change) []counts.Change {
	if e.Kind == event.ContributionCredited && isUnusual(e.From) {
		f.ladeCredited(e)
	}
	if !f.longWay {
		var done bool
		if edges, done = f.first(e, edges); done {
			return edges
		}
		if edges, done = f.second(e, edges); done {
			return edges
		}
		if edges, done = f.credit(e, edges); done {
			return edges
		}
	}
	// A timeline goes forward itself, and tells by what its spells differ.
	if line := f.line(e.Enrolment); line != nil {
		f.addTo(line, e)
		f.lade(line, e)
		edges = f.compareLine(line, e.Enrolment, f.state.Purses(), edges)
		f.state.AddFact(e)
		return edges
	}
	own, purses, days := &f.own, f.state.Purses(), daysSince(e)
	months := monthsOf(days)
	own.before.FollowDuring(&own.facts, purses, months)
	if line := f.lineOfMonths(e.Enrolment); line != nil {
		f.addTo(line, e)
		f.lade(line, e)
		edges = f.compareLine(line, e.Enrolment, purses, edges)
		f.state.AddFact(e)
		return edges
	}
	switch e.Kind {
	case event.FundingGranted, event.ContributionCredited:
		own.after.Copy(&own.before)
		own.after.Add(e, purses)
	case event.FundingRevoked:
		own.facts.Add(e)
		own.after.FollowDuring(&own.facts, purses, months)
	default:
		own.facts.Add(e)
		own.after.FollowTerms(&own.before, &own.facts, purses, months)
	}
	own.workers = own.facts.AppendWorkers(own.workers[:0])
	if e.Kind == event.EnrolmentOpened { // whose worker may have others
		edges = f.compareNow(e.Enrolment, purses, days, edges)
	} else {
		edges = f.compareCourses(e.Enrolment, purses, days, edges)
	}
	f.state.AddFact(e)
	return edges
}

// daysSince returns the days that a fact can change: none before it is effective. What a grant pays
// ends with the grace after it; of a credit that is the first one, days speak for ever. Grace lasts
// for three months after the last paid one (contract, section 3).
func daysSince(e *facts.Event) facts.Days {
	since := facts.Days{From: temporal.Date(e.From), Until: enrolment.Never}
	switch g := e.Grant(); e.Kind {
	case event.FundingGranted:
		since.From, since.Until = g.From.First(), (g.Until + moneyCounts).First()
	case event.FundingRevoked, event.ContributionCredited:
		since.From = g.From.First()
	default:
	}
	return since
}

// first adds the opened event that is the first fact about its enrolment, of a worker of whom no
// enrolment is known. So are many of all events, and before them there was nothing to compare with.
// It returns false, and has done nothing, for any other fact.
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
// no other enrolment: the first grant of those on the budget, the first credit or change of others.
// It returns false, and has done nothing, for any other fact.
//
// Before it there was the opening alone, so that both courses are known without gathering facts.
func (f *fold) second(e *facts.Event, edges []counts.Change) ([]counts.Change, bool) {
	if e.Kind == event.EnrolmentOpened {
		return edges, false
	}
	opening, only := f.state.OnlyOpening(e.Enrolment)
	if !only || f.heavy.lines[e.Enrolment] != nil {
		return edges, false
	}
	if _, heavy := f.hasTally(opening.Worker); heavy { // which must count it too
		return edges, false
	}
	own := &f.own
	stretch := enrolment.Stretch{
		From: opening.On, Until: enrolment.Never, Worker: opening.Worker, Terms: opening.Terms,
	}
	own.before.Stretches = append(own.before.Stretches[:0], stretch)
	own.before.Money = enrolment.NoMoney(own.before.Money.Months)
	switch e.Kind {
	case event.FundingGranted, event.ContributionCredited:
		own.after.Copy(&own.before)
		own.after.Add(e, f.state.Purses())
	case event.FundingRevoked: // of nothing
		own.after.Copy(&own.before)
	default:
		own.facts.Pair(opening, e.Change())
		own.after.Follow(&own.facts, f.state.Purses())
	}
	edges = f.compareOnly(opening.Worker, facts.AllDays(), edges)
	f.state.AddFact(e)
	return edges, true
}

// credit adds a contribution that is credited for an enrolment after all others, when nothing else
// is known of it but the opening, and the worker has not many: of a ledger that is told of
// contributions, nearly every event is one. Only what follows the last credited month differs.
// It returns false, and has done nothing, for any other fact.
func (f *fold) credit(e *facts.Event, edges []counts.Change) ([]counts.Change, bool) {
	if e.Kind != event.ContributionCredited || e.From >= e.Until {
		return edges, false
	}
	opening, until, only := f.state.OnlyCredited(e.Enrolment)
	g := e.Grant()
	if !only || g.From < until || f.heavy.lines[e.Enrolment] != nil {
		return edges, false
	}
	if _, heavy := f.hasTally(opening.Worker); heavy {
		return edges, false
	}
	if f.state.HasOthers(opening.Worker, e.Enrolment) {
		edges = f.creditOneOf(e, &opening, until, edges)
	} else {
		credited := enrolment.Span{From: g.From, Until: g.Until}
		edges = appendCredit(edges, &opening, f.state.DiedOn(opening.Worker), until, credited)
	}
	f.state.AddFact(e)
	return edges, true
}

// creditOneOf does so for an enrolment that is not the only one of its worker. The past up to the
// last credited month is the same before and after, and left out of both.
func (f *fold) creditOneOf(e *facts.Event, opening *enrolment.Change, until temporal.Month,
	edges []counts.Change,
) []counts.Change {
	last := enrolment.Months{From: until - 1, Until: until, Evidence: enrolment.Credited}
	stretch := enrolment.Stretch{
		From: max(opening.On, until.First()), Until: enrolment.Never,
		Worker: opening.Worker, Terms: opening.Terms,
	}
	own, days, died := &f.own, &f.days, f.state.DiedOn(opening.Worker)
	before, after := &own.before.Money, &own.after.Money
	before.Speaks, before.Months = last.From, append(before.Months[:0], last)
	after.Speaks, after.Months = last.From, append(after.Months[:0], last)
	g := e.Grant()
	after.Credit(g.From, g.Until)
	days.were = enrolment.AppendSpells(days.were[:0], stretch, died, before)
	days.are = enrolment.AppendSpells(days.are[:0], stretch, died, after)
	return f.differ(person{opening.Worker, e.Enrolment, f.state.Purses(), nil}, edges)
}

// appendCredit appends the edges of months that are credited after all others, which ended with a
// month, for the only enrolment of a worker: they are covered, and the grace or the employer's due
// follows them.
//
// Until was the first month after the last credited one. What the months after it were, late, ends
// where the new ones begin; so is what follows these. A payer SELF who is late is in grace, an
// employer is due (contract, section 3), and covered.
func appendCredit(edges []counts.Change, opening *enrolment.Change, died temporal.Date,
	ended temporal.Month, credited enrolment.Span,
) []counts.Change {
	paid := enrolment.Spell{Terms: opening.Terms, Evidence: enrolment.Credited}
	late := enrolment.Spell{Terms: opening.Terms}
	switch opening.Terms.Payer {
	case event.APBD:
		paid.Sources = enrolment.SourceOf(event.UnknownFunding)
	case event.Employer:
		late.Evidence = enrolment.Due
	default:
	}
	add := func(s *enrolment.Spell, from, until temporal.Month, weight int32) {
		s.From, s.Until = max(opening.On, from.First()), until.First()
		if died < s.Until {
			s.Until = died + 1
		}
		if s.From < s.Until {
			edges = appendEdges(edges, spanOf(s), weight)
		}
	}
	if was := ended + moneyCounts; was > credited.From {
		add(&late, credited.From, was, -1)
	}
	add(&paid, credited.From, credited.Until, +1)
	add(&late, credited.Until, credited.Until+moneyCounts, +1)
	return edges
}

// compareCourses appends what differs on the days for the persons of an enrolment between its
// course before and after. The state must be as before, but for purses: those are as the other
// enrolments see them.
//
// Two ids of one person are compared together: their spells count once.
func (f *fold) compareCourses(e uint32, purses facts.Purses, days facts.Days,
	edges []counts.Change,
) []counts.Change {
	if f.leave(days) {
		return edges
	}
	return f.compareNow(e, purses, days, edges)
}

// compareNow does so without leaving anything to Show.
func (f *fold) compareNow(e uint32, purses facts.Purses, days facts.Days, edges []counts.Change,
) []counts.Change {
	before, after := differing(&f.own.before, &f.own.after)
	for i, w := range f.own.workers {
		if f.isOneOf(w, f.own.workers[:i]) {
			continue // was compared together with the other id
		}
		f.days.were = f.spellsOf(f.days.were[:0], &before, w, days)
		f.days.are = f.spellsOf(f.days.are[:0], &after, w, days)
		edges = f.differ(person{w, e, purses, nil}, edges)
	}
	return edges
}

// leave leaves the comparison to Show where the worker of the enrolment has no other, and reports
// whether it has. All workers must be known to be those of the enrolment: an opening that is not
// added yet is compared at once.
func (f *fold) leave(days facts.Days) bool {
	if f.longWay || len(f.own.workers) != 1 {
		return false
	}
	w := f.own.workers[0]
	if f.state.Several(w) {
		return false
	}
	before, after := differing(&f.own.before, &f.own.after)
	return f.later.leave(w, f.state.DiedOn(w), days, &before, &after)
}

// compareOnly appends what differs between the courses of the only enrolment of a worker, or leaves
// it to Show.
func (f *fold) compareOnly(w uint32, days facts.Days, edges []counts.Change) []counts.Change {
	own, died := &f.own, f.state.DiedOn(w)
	if f.later.leave(w, died, days, &own.before, &own.after) {
		return edges
	}
	f.days.were = own.before.AppendSpells(f.days.were[:0], w, died, days)
	f.days.are = own.after.AppendSpells(f.days.are[:0], w, died, days)
	return compareOwn(f.days.were, f.days.are, edges)
}

// isOneOf reports whether the worker is one person with one of the others.
func (f *fold) isOneOf(w uint32, others []uint32) bool {
	for _, other := range others {
		if f.state.Person(w) == f.state.Person(other) {
			return true
		}
	}
	return false
}

// spellsOf appends the spells that the course of an enrolment gives the person that a worker is, on
// the days.
func (f *fold) spellsOf(spells []enrolment.Spell, c *facts.Course, w uint32, days facts.Days,
) []enrolment.Spell {
	died := f.state.DiedOn(w)
	if len(f.own.workers) == 1 {
		return c.AppendSpells(spells, w, died, days)
	}
	first := len(spells)
	for _, other := range f.own.workers {
		if other == w || f.state.Person(other) == f.state.Person(w) {
			spells = c.AppendSpells(spells, other, died, days)
		}
	}
	sortSpells(spells[first:])
	return spells
}

// differing returns two courses of one enrolment without the past in which they are the same. An
// event changes stretches or months, hardly ever both. What is left out must be the same to the
// spell: so months are kept that may still count after their end.
func differing(a, b *facts.Course) (before, after facts.Course) {
	stretches := common(a.Stretches, b.Stretches)
	before, after = *a, *b
	months := common(a.Money.Months, b.Money.Months)
	switch {
	case a.Money.Speaks != b.Money.Speaks: // what nobody had reported is of another kind, too
	case months == max(len(a.Money.Months), len(b.Money.Months)):
		before.Stretches, after.Stretches = a.Stretches[stretches:], b.Stretches[stretches:]
	case stretches == max(len(a.Stretches), len(b.Stretches)):
		// Grace and due after a month last for some months, unless another one comes before.
		first := firstMonth(a.Money.Months[months:], b.Money.Months[months:]) - moneyCounts
		for months > 0 && a.Money.Months[months-1].Until > first {
			months--
		}
		before.Money.Months, after.Money.Months = a.Money.Months[months:], b.Money.Months[months:]
	}
	return before, after
}

// moneyCounts is for how many months after a month with money it still counts. So long last grace
// and due (contract, section 3).
const moneyCounts = 3

// firstMonth returns the first month of two lists in order.
func firstMonth(a, b []enrolment.Months) temporal.Month {
	first := enrolment.NeverMonth
	for _, months := range [2][]enrolment.Months{a, b} {
		if len(months) > 0 {
			first = min(first, months[0].From)
		}
	}
	return first
}

// common returns how many elements two slices have in common from their beginning.
func common[T comparable](a, b []T) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// retract takes the event that a retraction names out of force, and returns the terms it named.
//
// The terms are for Show, which counts where enrolments are; they are zero where it named none. A
// retraction of what is not in the log yet is noted by the state and has no edges.
func (f *fold) retract(e *facts.Event, r *facts.Rare,
	edges []counts.Change,
) (_ []counts.Change, gone facts.PackedTerms) {
	owner := f.state.OwnerOf(r.Retracts)
	switch index := owner.Index(); owner.Kind() {
	case facts.OfEnrolment:
		edges = f.compareWithout(index, r.Retracts, edges)
		return edges, f.state.Retract(e, r).Terms
	case facts.OfWorker:
		return f.unDeath(index, e, r, edges), 0
	case facts.OfMerge:
		return f.unmerge(owner, e, r, edges), 0
	case facts.OfCommitment:
		was := f.state.Purse(index)
		f.state.Retract(e, r)
		return f.comparePurses(index, &was, edges), 0
	default: // a retraction, an event retracted before, or one that changes no coverage
		return edges, f.state.Retract(e, r).Terms
	}
}

// compareWithout appends what will differ once a fact about an enrolment is not in force any more.
// The state must still have the fact.
func (f *fold) compareWithout(e uint32, fact eventstore.Sequence,
	edges []counts.Change,
) []counts.Change {
	own, purses := &f.own, f.state.Purses()
	if line := f.line(e); line != nil {
		f.takeFrom(line, fact)
		return f.compareLine(line, e, purses, edges)
	}
	own.before.Follow(&own.facts, purses)
	if line := f.lineOfMonths(e); line != nil {
		f.takeFrom(line, fact)
		return f.compareLine(line, e, purses, edges)
	}
	own.workers = own.facts.AppendWorkers(own.workers[:0])
	own.facts.Remove(fact)
	own.after.Follow(&own.facts, purses)
	return f.compareCourses(e, purses, facts.AllDays(), edges)
}
