package findings

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// patience is how many months without money make a finding. The contract's number of calendar
// months (section 8, NEVER_FUNDED and CONTRIBUTIONS_STOPPED).
const patience = 4

// enrolmentRules are about one enrolment, each with the traits one of which it needs to have for
// the rule to find anything: most enrolments have few, and most rules are not asked. The order says
// nothing: what is found is sorted by code.
//
// After tells after what a rule may find something of an enrolment with which nothing was wrong.
// So what a new grant, credit or end and the months that pass cannot make wrong is not asked.
var enrolmentRules = [...]struct {
	needs traits
	after cause
	find  func(*view, *course, *sink)
}{
	{granted, anything, checkGrants},
	{granted, newGrant, checkNewGrant},
	{granted, newEnd, checkEndedGrants},
	{unopened, anything | newEnd, endUnknown},
	{unopened, anything, amendmentUnknown},
	{unopened, anything | newCredit, creditUnknown},
	{changed, anything, openedTwice},
	{changed, anything | newEnd, endedTwice},
	{budgeted, anything | newGrant | newCredit | newEnd | newMonth, neverFunded},
	{credited, anything | newGrant | newCredit | newEnd | newMonth, contributionsStopped},
	{changed, anything | newEnd, changedByOthers},
}

// cause says what has happened to an enrolment since it was looked at, as bits.
type cause uint8

const (
	anything  cause = 1 << iota // nobody knows what: all rules are asked
	newGrant                    // just one grant, the last one of the course
	newCredit                   // just a credit
	newEnd                      // just a termination: it is open on fewer days, or as many
	newMonth                    // just time
)

// traits say what an enrolment has, as bits. They are found once when a course is read, and say
// only what may be wrong, never what is.
type traits uint8

const (
	granted  traits = 1 << iota // grants
	credited                    // credits
	unopened                    // no opening
	changed                     // two changes or more, of which one may be the opening
	budgeted                    // days on which it is open with payer APBD
	isASN                       // days on which its category is ASN
)

func (c *course) findTraits() (t traits) {
	if len(c.grants) > 0 {
		t |= granted
	}
	if len(c.facts.Credits()) > 0 {
		t |= credited
	}
	if !c.opened() {
		t |= unopened
	}
	if len(c.facts.Changes()) > 1 {
		t |= changed
	}
	for i := range c.stretches {
		if c.stretches[i].Terms.Payer == event.APBD {
			t |= budgeted
		}
		if c.stretches[i].Terms.Category == event.ASN {
			t |= isASN
		}
	}
	return t
}

// checkEnrolment returns what is wrong with an enrolment.
func checkEnrolment(v *view, c *course) []found {
	var k sink
	k.checkEnrolment(v, c, anything)
	return k.done()
}

// checkEnrolment adds what the rules find that may find something. It is the same for the fold,
// which is bare, and for an answer.
func (k *sink) checkEnrolment(v *view, c *course, after cause) {
	for i := range enrolmentRules {
		if rule := &enrolmentRules[i]; rule.needs&c.traits != 0 && rule.after&after != 0 {
			rule.find(v, c, k)
		}
	}
}

// A termination or reinstatement of an enrolment never opened.
func endUnknown(_ *view, c *course, k *sink) {
	if n := c.count(event.EnrolmentTerminated) + c.count(event.EnrolmentReinstated); n > 0 {
		k.add(EndUnknown, 0, nil,
			k.events(c, event.EnrolmentTerminated, event.EnrolmentReinstated)...)
	}
}

// An amendment of an enrolment never opened.
func amendmentUnknown(_ *view, c *course, k *sink) {
	if c.count(event.EnrolmentAmended) > 0 {
		k.add(AmendmentUnknown, 0, nil, k.events(c, event.EnrolmentAmended)...)
	}
}

// A credit of an enrolment never opened.
func creditUnknown(_ *view, c *course, k *sink) {
	if len(c.facts.Credits()) == 0 {
		return
	}
	f := k.add(CreditUnknown, 0, c.credited())
	for _, credit := range c.facts.Credits() {
		f.events = append(f.events, credit.Sequence)
	}
}

// Two openings of one enrolment.
func openedTwice(_ *view, c *course, k *sink) {
	if c.count(event.EnrolmentOpened) > 1 {
		k.add(OpenedTwice, 0, nil, k.events(c, event.EnrolmentOpened)...)
	}
}

// Two terminations with no opening or reinstatement in force between them by effective date. The
// later one is named with the one before it: of three in a row each two.
func endedTwice(_ *view, c *course, k *sink) {
	ended := eventstore.Sequence(0)
	changes := c.facts.Changes()
	for i := range changes {
		switch sequence := eventstore.Sequence(changes[i].Sequence); changes[i].Kind {
		case event.EnrolmentTerminated:
			if ended != 0 {
				k.add(EndedTwice, 0, nil, ended, sequence)
			}
			ended = sequence
		case event.EnrolmentOpened, event.EnrolmentReinstated:
			ended = 0
		default:
		}
	}
}

// Payer APBD, open through the four calendar months before the month of K's record time or longer,
// and none of them paid or credited.
func neverFunded(v *view, c *course, k *sink) {
	if run, found := without(c.unfunded(), v.month); found {
		k.addSpan(NeverFunded, run, k.events(c, event.EnrolmentOpened, event.EnrolmentAmended,
			event.EnrolmentReinstated)...)
	}
}

// unfunded returns the months through which the enrolment is open, with payer APBD, and that are
// neither paid nor credited.
func (c *course) unfunded() months {
	if !c.lacks.known {
		l := &c.lacks
		*l = lacks{true, c.findUnfunded(l.unfunded[:0]), c.findStopped(l.stopped[:0])}
	}
	return c.lacks.unfunded
}

// lacks are the months of an enrolment that lack money, once they are known. They are worked out
// together, once a course, when a rule or the calendar first asks: most enrolments are asked for
// neither.
type lacks struct {
	known             bool
	unfunded, stopped months
}

// findUnfunded works out what unfunded returns, in the memory given. An opening or end within a
// month does not count that month, as the enrolment is not open through it.
func (c *course) findUnfunded(in months) months {
	if c.traits&budgeted == 0 {
		return in
	}
	m := &c.mem
	m.a = c.openThroughIn(m.a[:0])
	m.b = c.budgetMonths().appendAnd(m.b[:0], m.a)
	if len(c.grants) > 0 && len(m.b) > 0 {
		m.a = c.paidIn(m.a[:0])
		m.c = m.b.appendMinus(m.c[:0], m.a)
		m.b, m.c = m.c, m.b
	}
	if len(c.facts.Credits()) == 0 {
		return append(in, m.b...)
	}
	m.a = c.creditedIn(m.a[:0])
	return m.b.appendMinus(in, m.a)
}

// Payer SELF or EMPLOYER, open, credited once, and covered on no day of the four calendar months
// before the month of K's record time.
func contributionsStopped(v *view, c *course, k *sink) {
	if run, found := without(c.stopped(), v.month); found {
		f := k.addSpan(ContributionsStopped, run,
			k.events(c, event.EnrolmentOpened, event.EnrolmentReinstated)...)
		if k.bare {
			return
		}
		// The last credit is what the finding rests on, beside what keeps the enrolment open.
		last := -enrolment.NeverMonth
		for _, credit := range c.facts.Credits() { // the last one says until when there was money
			if credit.From < credit.Until && credit.Until >= last {
				last = credit.Until
			}
		}
		for _, credit := range c.facts.Credits() {
			if credit.Until == last {
				f.events = append(f.events, credit.Sequence)
			}
		}
	}
}

// stopped returns the months in which the enrolment is open with payer SELF or EMPLOYER and is
// covered on no day, if any month was ever credited.
func (c *course) stopped() months {
	c.unfunded()
	return c.lacks.stopped
}

// findStopped works out what stopped returns. Before its first credit an enrolment is presumed to
// be paid (contract, section 3), so that one without credits has none.
func (c *course) findStopped(in months) months {
	if !c.speaks() {
		return in
	}
	m := &c.mem
	m.a = c.openWhereIn(m.a[:0], func(t *enrolment.Terms) bool { return t.Payer != event.APBD })
	m.b = c.coveredIn(m.b[:0])
	return m.a.appendMinus(in, m.b)
}

// without returns the months of a set that are in a row up to the one before the given month, if
// they are as many as patience allows. The row may have begun earlier, and all of it counts;
// one that ended before that month does not.
func without(m months, month temporal.Month) (enrolment.Span, bool) {
	run, found := m.ending(month)
	if !found || month-run.From < patience {
		return enrolment.Span{}, false
	}
	return enrolment.Span{From: run.From, Until: month}, true
}

// nextTurn returns the first month after the given one in which patience with a set of months may
// end, or begin again: NeverMonth when there is none. In the months between the answer stays
// the same, so that nobody need look.
func nextTurn(m months, month temporal.Month) temporal.Month {
	for _, run := range m {
		if begins := max(run.From+patience, month+1); begins <= run.Until &&
			(month < run.From+patience || month > run.Until) {
			return begins
		}
		if month >= run.From+patience && month <= run.Until && run.Until < enrolment.NeverMonth {
			return run.Until + 1
		}
	}
	return enrolment.NeverMonth
}

// turn returns the first month after the given one in which time alone may change what is wrong
// with the enrolment. Dates need none: they are judged when their event comes.
func (c *course) turn(month temporal.Month) temporal.Month {
	return min(nextTurn(c.unfunded(), month), nextTurn(c.stopped(), month))
}

// An event about an enrolment by another publisher than the one that opened it. Grants and credits
// do not count, nor do revocations: those are of who committed. The one that opened it first, as
// reported, is whose it is: by effective date a later report could take it over.
func changedByOthers(v *view, c *course, k *sink) {
	changes := c.facts.Changes()
	opened := eventstore.Sequence(0) // the first to be reported
	for i := range changes {
		sequence := eventstore.Sequence(changes[i].Sequence)
		if changes[i].Kind == event.EnrolmentOpened && (opened == 0 || sequence < opened) {
			opened = sequence
		}
	}
	if opened == 0 {
		return
	}
	publisher := v.l.publisherOf(opened)
	for i := range changes {
		sequence := eventstore.Sequence(changes[i].Sequence)
		if v.l.publisherOf(sequence) != publisher {
			k.add(ForeignChange, 0, nil, opened, sequence)
		}
	}
}
