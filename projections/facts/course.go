package facts

import (
	"iter"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// Course is what the facts about an enrolment come to, over all days. It belongs to its caller, and
// its memory is used again by the next course that it follows.
type Course struct {
	Stretches []enrolment.Stretch
	Money     enrolment.Money // grants are left out when no stretch has the payer APBD
}

// Follow makes c what the facts come to.
func (c *Course) Follow(g *Gathered, purses Purses) { c.FollowDuring(g, purses, AllMonths()) }

// FollowDuring makes c what the facts come to as far as the money of some months is concerned. It
// costs no more than these months, however many have money. Covered days outside them, and within
// three months behind their end, are not to be asked for: the money that decides them may be left
// out.
func (c *Course) FollowDuring(g *Gathered, purses Purses, during enrolment.Span) {
	c.Stretches = enrolment.AppendStretches(c.Stretches[:0], g.changes)
	c.FollowMoney(g, purses, during)
}

// FollowMoney does so for a course whose stretches are known.
func (c *Course) FollowMoney(g *Gathered, purses Purses, during enrolment.Span) {
	c.Money = enrolment.NoMoney(c.Money.Months)
	if c.onBudget() {
		for i := len(g.grants) - 1; i >= 0; i-- { // the oldest first: mostly in order of time
			purses.pay(&c.Money, &g.grants[i], g, during)
		}
	}
	for i := len(g.credits) - 1; i >= 0; i-- {
		// Credits speak from the first one on, wherever that lies (contract, section 3): of those
		// outside the months asked for that much is kept.
		from, until := g.credits[i].From, g.credits[i].Until
		c.Money.Speaks = min(c.Money.Speaks, from)
		c.Money.Credit(max(from, during.From), min(until, during.Until))
	}
}

// FollowTerms makes c what the facts come to, which came to another course before one of them that
// is no money came or went. Money is worked out anew only where payer APBD came or went, since that
// decides whether grants count.
func (c *Course) FollowTerms(before *Course, g *Gathered, purses Purses, during enrolment.Span) {
	c.Stretches = enrolment.AppendStretches(c.Stretches[:0], g.changes)
	if c.onBudget() != before.onBudget() {
		c.FollowMoney(g, purses, during)
		return
	}
	c.copyMoney(before)
}

// AllMonths are those that there are.
func AllMonths() enrolment.Span {
	return enrolment.Span{From: -enrolment.NeverMonth, Until: enrolment.NeverMonth}
}

// Copy makes c the same as another one.
func (c *Course) Copy(other *Course) {
	// Nothing is shared, so that either may change afterwards.
	c.Stretches = append(c.Stretches[:0], other.Stretches...)
	c.copyMoney(other)
}

func (c *Course) copyMoney(other *Course) {
	c.Money.Speaks = other.Money.Speaks
	c.Money.Months = append(c.Money.Months[:0], other.Money.Months...)
}

// onBudget reports whether grants are what a stretch is paid from.
func (c *Course) onBudget() bool {
	for i := range c.Stretches {
		if c.Stretches[i].Terms.Payer == event.APBD {
			return true
		}
	}
	return false
}

// Add adds the money of a granted or credited event that came after all other facts: no revocation
// is of it. The stretches must be those that the other facts come to: a grant is left out as long
// as none of them is on the budget.
func (c *Course) Add(e *Event, purses Purses) {
	g := e.Grant()
	switch {
	case e.Kind == event.ContributionCredited:
		c.Money.Credit(g.From, g.Until)
	case c.onBudget():
		c.Money.Grant(g.From, g.Until, purses.Of(g.Commitment, e.Enrolment))
	}
}

// pay adds the months among some that a grant of an enrolment pays.
func (p *Purses) pay(money *enrolment.Money, grant *Grant, g *Gathered, during enrolment.Span) {
	until := min(g.endOf(grant), during.Until)
	if from := max(grant.From, during.From); from < until {
		money.Grant(from, until, p.Of(grant.Commitment, g.enrolment))
	}
}

// AppendSpells appends the spells of a worker's id on the days [from, until), given the person's
// last day of life. Days outside are cut off, and stretches of other workers left out: an enrolment
// may have been opened for several.
func (c *Course) AppendSpells(spells []enrolment.Spell, w uint32, died temporal.Date, days Days,
) []enrolment.Spell {
	for i := range c.Stretches {
		if stretch := c.Stretches[i]; stretch.Worker == w {
			stretch.From = max(stretch.From, days.From)
			stretch.Until = min(stretch.Until, days.Until)
			spells = enrolment.AppendSpells(spells, stretch, died, &c.Money)
		}
	}
	return spells
}

// Days are the days from From on and before Until.
type Days struct{ From, Until temporal.Date }

// AllDays are those that there are.
func AllDays() Days { return Days{-enrolment.Never, enrolment.Never} }

// NoEnrolment excepts none.
const NoEnrolment = unnamed

// Enrolments returns the enrolments that were ever opened for the worker's id, all but one. The one
// opened first comes first, and then the newest. The state must not change meanwhile.
func (s *State) Enrolments(w, except uint32) iter.Seq[uint32] {
	return func(yield func(e uint32) bool) {
		if int(w) >= s.workers.Len() {
			return
		}
		links := *s.workers.At(int(w))
		if links.first != 0 && links.first-1 != except && !yield(links.first-1) {
			return
		}
		for at := links.more; at != 0; {
			m := s.memberships.At(int(at - 1))
			if at = m.next; m.enrolment != except && !yield(m.enrolment) {
				return
			}
		}
	}
}
