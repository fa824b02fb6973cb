package findings

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// patience is how many months without money make a finding.
const patience = 4

// enrolmentRules are about one enrolment.
var enrolmentRules = [...]func(*view, *course, *sink){
	checkGrants, endUnknown, amendmentUnknown, creditUnknown, openedTwice, endedTwice,
	neverFunded, contributionsStopped, changedByOthers,
}

// checkEnrolment returns what is wrong with an enrolment.
func checkEnrolment(v *view, c *course) []found {
	var k sink
	k.checkEnrolment(v, c)
	return k.done()
}

func (k *sink) checkEnrolment(v *view, c *course) {
	for _, rule := range enrolmentRules {
		rule(v, c, k)
	}
}

// grantsOf returns the grants of a commitment.
func (c *course) grantsOf(commitment uint32) (all []eventstore.Sequence) {
	for i := range c.grants {
		if c.grants[i].Commitment == commitment {
			all = append(all, c.grants[i].Sequence)
		}
	}
	return all
}

// A termination or reinstatement of an enrolment never opened.
func endUnknown(_ *view, c *course, k *sink) {
	if c.opened() {
		return
	}
	if all := c.events(event.EnrolmentTerminated, event.EnrolmentReinstated); len(all) > 0 {
		k.add(EndUnknown, 0, nil, all...)
	}
}

// An amendment of an enrolment never opened.
func amendmentUnknown(_ *view, c *course, k *sink) {
	if c.opened() {
		return
	}
	if all := c.events(event.EnrolmentAmended); len(all) > 0 {
		k.add(AmendmentUnknown, 0, nil, all...)
	}
}

// A credit of an enrolment never opened.
func creditUnknown(_ *view, c *course, k *sink) {
	if c.opened() || len(c.facts.Credits()) == 0 {
		return
	}
	f := k.add(CreditUnknown, 0, c.credited())
	for _, credit := range c.facts.Credits() {
		f.events = append(f.events, credit.Sequence)
	}
}

// Two openings of one enrolment.
func openedTwice(_ *view, c *course, k *sink) {
	if len(c.facts.Changes()) < 2 {
		return
	}
	if all := c.events(event.EnrolmentOpened); len(all) > 1 {
		k.add(OpenedTwice, 0, nil, all...)
	}
}

// Two terminations with no opening or reinstatement in force between them by effective date.
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
	if run, found := without(c.unfunded(), v.month()); found {
		k.add(NeverFunded, 0, run, c.events(event.EnrolmentOpened, event.EnrolmentAmended,
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

// lacks are the months of an enrolment that lack money, once they are known.
type lacks struct {
	known             bool
	unfunded, stopped months
}

func (c *course) findUnfunded(in months) months {
	onBudget, m := c.budgetMonths(), &c.mem
	if len(onBudget) == 0 {
		return in
	}
	m.a = c.openThroughIn(m.a[:0])
	m.b = onBudget.appendAnd(m.b[:0], m.a)
	m.a = c.paidIn(m.a[:0])
	m.c = m.b.appendMinus(m.c[:0], m.a)
	m.a = c.creditedIn(m.a[:0])
	return m.c.appendMinus(in, m.a)
}

// Payer SELF or EMPLOYER, open, credited once, and covered on no day of the four calendar months
// before the month of K's record time.
func contributionsStopped(v *view, c *course, k *sink) {
	if run, found := without(c.stopped(), v.month()); found {
		f := k.add(ContributionsStopped, 0, run,
			c.events(event.EnrolmentOpened, event.EnrolmentReinstated)...)
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

func (c *course) findStopped(in months) months {
	if c.money.Speaks == enrolment.NeverMonth {
		return in
	}
	m := &c.mem
	m.a = c.openWhereIn(m.a[:0], func(t *enrolment.Terms) bool { return t.Payer != event.APBD })
	m.b = c.coveredIn(m.b[:0])
	return m.a.appendMinus(in, m.b)
}

// without returns the months of a set that are in a row up to the one before the given month, if
// they are as many as patience allows.
func without(m months, month temporal.Month) (months, bool) {
	run, found := m.ending(month)
	if !found || month-run.From < patience {
		return nil, false
	}
	return span(run.From, month), true
}

// nextTurn returns the first month after the given one in which patience with a set of months may
// end, or begin again: NeverMonth when there is none.
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
// with the enrolment.
func (c *course) turn(month temporal.Month) temporal.Month {
	return min(nextTurn(c.unfunded(), month), nextTurn(c.stopped(), month))
}

// An event about an enrolment by another publisher than the one that opened it. Grants and credits
// do not count, nor do revocations: those are of who committed.
func changedByOthers(v *view, c *course, k *sink) {
	changes := c.facts.Changes()
	if len(changes) < 2 {
		return
	}
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
