package findings

import (
	"cmp"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
	"cakupan/projections/facts"
)

// settle looks at all who were touched, and notes what is found now.
//
// Those that an event has touched are a handful; when a month has come they are all who waited for
// it. The order is that of numbers, so that the records come in the same order from the same log,
// whatever order they were touched in.
func (f *fold) settle() {
	f.settleEnrolments()
	for _, w := range sortedNumbers(f.touched.workers) {
		f.note(owner{kind: ofWorker, number: w}, f.checkWorker(w))
	}
	f.settleCommitments()
	f.do(step{do: check})
	t := &f.touched
	t.enrolments, t.workers, t.commitments = t.enrolments[:0], t.workers[:0], t.commitments[:0]
	t.counted, t.due, t.after = t.counted[:0], t.due[:0], 0
}

// settleEnrolments looks at those that an event has touched, and at those for whom a month has
// come.
func (f *fold) settleEnrolments() {
	t := &f.touched
	touched := sortedNumbers(t.enrolments)
	after := cmp.Or(t.after, anything)
	if len(touched) == 1 && len(t.due) == 0 { // nearly always
		f.settleEnrolment(touched[0], after)
		return
	}
	all := touched
	if len(t.due) > 0 {
		t.due = append(t.due, touched...)
		all = sortedNumbers(t.due)
	}
	for some := range slices.Chunk(all, facts.Together) {
		f.s.Prefetch(f.unforeseen(some)) // nobody has looked at them lately
		for _, e := range some {
			if _, found := slices.BinarySearch(touched, e); found {
				f.settleEnrolment(e, after)
			} else if !f.settleForeseen(e) {
				f.settleEnrolment(e, newMonth)
			}
		}
	}
}

// plan is what a month brings to an enrolment with which nothing is wrong, unless an event touches
// it before: one finding. Most of what time raises is foreseen so, and nothing is read for it.
type plan struct {
	month, next temporal.Month // when; when it must be looked at again after that
	code        Code
}

// planned returns what was foreseen of an enrolment for this month; nil: nothing was.
func (f *fold) planned(e uint32) *plan {
	if int(e) >= len(f.plans) || f.plans[e].month != f.month || f.noted[ofEnrolment].has(e) {
		return nil
	}
	return &f.plans[e]
}

// plan foresees what the next month to wait for brings. What the two rules find that time alone may
// raise is what they would find then, as long as nothing else happens.
func (f *fold) plan(c *course, turn temporal.Month) {
	for int(c.e) >= len(f.plans) {
		f.plans = append(f.plans, plan{month: enrolment.NeverMonth})
	}
	f.plans[c.e] = plan{month: enrolment.NeverMonth}
	if turn == enrolment.NeverMonth {
		return
	}
	_, unfunded := without(c.unfunded(), turn)
	_, stopped := without(c.stopped(), turn)
	if unfunded != stopped {
		code := NeverFunded
		if stopped {
			code = ContributionsStopped
		}
		f.plans[c.e] = plan{month: turn, next: c.turn(turn), code: code}
	}
}

// settleForeseen notes what was foreseen, and returns false where nothing was.
func (f *fold) settleForeseen(e uint32) bool {
	is := f.planned(e)
	if is == nil {
		return false
	}
	f.bare.reset()
	f.bare.found = append(f.bare.found, found{code: is.code})
	f.note(owner{kind: ofEnrolment, number: e}, f.bare.found)
	f.wait(e, is.next)
	is.month = enrolment.NeverMonth
	return true
}

// unforeseen returns those of whom nothing was foreseen, in memory that is used again.
func (f *fold) unforeseen(some []uint32) []uint32 {
	f.unplanned = f.unplanned[:0]
	for _, e := range some {
		if f.planned(e) == nil {
			f.unplanned = append(f.unplanned, e)
		}
	}
	return f.unplanned
}

// settleEnrolment looks at one enrolment, without details: which rules find something is all that
// is noted. With one of which something was wrong that may be so no more: all rules are asked.
func (f *fold) settleEnrolment(e uint32, after cause) {
	if l := f.longOf(e); l != nil {
		f.settleLong(l)
		return
	}
	c := f.courseOf(e)
	if f.noted[ofEnrolment].has(e) {
		after = anything
	}
	f.bare.reset()
	f.bare.checkEnrolment(&f.view, c, after)
	f.note(owner{kind: ofEnrolment, number: e}, f.bare.sorted())
	turn := c.turn(f.month)
	f.plan(c, turn)
	f.wait(e, turn)
	if l := f.lengthen(c); l != nil {
		for _, person := range f.persons(nil, l.workers) {
			if f.crowds[person] == nil {
				f.keepBut(person, facts.NoEnrolment)
			}
		}
	}
}

// settleCommitments looks at those that were touched, and of those of which only enrolments were
// counted at the ones where the numbers may matter.
func (f *fold) settleCommitments() {
	for _, c := range f.touched.counted {
		if f.fundOf(c).differs() {
			f.touched.commitments = append(f.touched.commitments, c)
		}
	}
	for _, c := range sortedNumbers(f.touched.commitments) {
		a := f.account(c)
		found := checkCommitment(&f.view, &a)
		f.note(owner{kind: ofCommitment, number: c}, found)
		f.days.set(c, waitFor(a.turn(f.today), enrolment.Never))
	}
}

// account returns a commitment as it is now, without the events of an answer. Its numbers are those
// that are counted, not worked out anew. What was spent is the ledger's own number, to be read
// only.
func (f *fold) account(c uint32) account {
	a := account{
		number: c, budget: f.budget(c), closed: enrolment.NeverMonth, spent: noMoney,
	}
	if books := f.l.account(c); books != nil {
		a.spent = &books.spent
		if first := a.budget.first; first != 0 {
			a.foreign = books.foreign(f.l.publisherOf(first))
		}
	}
	purse := f.s.Purse(c)
	a.closed, a.paid = purse.ClosedFrom, purse.Disbursed
	fund := f.fundOf(c)
	if over := int64(fund.heads.most()) - a.budget.heads; over > 0 {
		a.over = over
	}
	fund.watch(f, &a)
	a.losing = int64(fund.losing.len()) // or more: one is enough for the rule to find it
	fund.looked, fund.limit = true, a.budget.heads
	fund.over, fund.loses = a.over > 0, a.losing > 0
	return a
}

// watch notes enrolments that lose cover at the end of a commitment, while that is near. When the
// end becomes near, or another one, those who are granted something are unseen: from then on events
// note it. As long as one is known, the others need not be looked at, and each of them is once.
func (d *fund) watch(f *fold, a *account) {
	near := a.ending(f.today)
	f.watched.set(a.number, near)
	switch {
	case !near:
		d.losing, d.unseen = nil, nil
		return
	case d.losing == nil || d.end != a.end():
		d.losing, d.unseen, d.end = newNumbers(), f.granted(a.number), a.end()
	}
	for d.losing.len() == 0 && len(d.unseen) > 0 {
		some := d.unseen[:min(len(d.unseen), unseenTogether)]
		d.unseen = d.unseen[len(some):]
		f.s.Prefetch(some)
		for _, e := range some {
			d.losing.set(e, f.losesCover(e, a.number, d.end))
		}
	}
}

// unseenTogether is how many enrolments are looked at for one that loses cover: mostly it is the
// first.
const unseenTogether = 8

// granted returns the enrolments that a commitment is granted to. Some may not be granted it any
// more: whoever reads their courses sees that.
func (f *fold) granted(c uint32) (all []uint32) {
	for some := range f.s.Granted(c) {
		all = append(all, some...)
	}
	return sortedNumbers(all)
}
