package facts

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// Course is what the facts about an enrolment come to, over all days.
type Course struct {
	Stretches []enrolment.Stretch
	Paid      []enrolment.Paid // when a stretch has the payer APBD
}

// Follow makes c what the facts come to.
func (c *Course) Follow(g *Gathered, purses Purses) {
	c.Stretches = enrolment.AppendStretches(c.Stretches[:0], g.changes)
	c.Paid = c.Paid[:0]
	if !c.onBudget() {
		return
	}
	for i := len(g.grants) - 1; i >= 0; i-- { // the oldest first: mostly in order of time
		c.Paid = enrolment.AddPaid(c.Paid, purses.paidBy(&g.grants[i], g.revokes))
	}
}

// Copy makes c the same as another one.
func (c *Course) Copy(other *Course) {
	c.Stretches = append(c.Stretches[:0], other.Stretches...)
	c.Paid = append(c.Paid[:0], other.Paid...)
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

// Grant adds what a granted event pays that came after all other facts: no revocation is of it.
func (c *Course) Grant(e *Event, purses Purses) {
	if c.onBudget() {
		c.Paid = enrolment.AddPaid(c.Paid, purses.PaidBy(e))
	}
}

// PaidBy returns the months that a granted event pays, unless it is revoked.
func (p Purses) PaidBy(e *Event) enrolment.Paid {
	granted := e.grant()
	return p.paidBy(&granted, nil)
}

// paidBy returns the months that a grant pays.
func (p *Purses) paidBy(g *grant, revokes []grant) enrolment.Paid {
	revokedFrom := enrolment.NeverMonth
	for i := range revokes {
		if r := &revokes[i]; r.commitment == g.commitment && r.sequence > g.sequence {
			revokedFrom = min(revokedFrom, r.from)
		}
	}
	purse := p.Of(g.commitment)
	return enrolment.Paid{
		From:    g.from,
		Until:   enrolment.PaidUntil(g.until, revokedFrom, purse.closedFrom),
		Sources: purse.source,
	}
}

// AppendSpells appends the spells of a worker, whose last day of life is given.
func (c *Course) AppendSpells(spells []enrolment.Spell, w uint32, died temporal.Date,
) []enrolment.Spell {
	for i := range c.Stretches {
		if stretch := &c.Stretches[i]; stretch.Worker == w {
			spells = enrolment.AppendSpells(spells, *stretch, died, c.Paid)
		}
	}
	return spells
}

// Reader reads the spells of workers from a state, in memory that it uses again.
type Reader struct {
	state    *State
	gathered Gathered
	course   Course
}

// NewReader returns a reader of the state.
func NewReader(s *State) *Reader { return &Reader{state: s} }

// NoEnrolment excepts none.
const NoEnrolment = unnamed

// AppendSpells appends the spells that a worker's enrolments give, all but one.
func (r *Reader) AppendSpells(spells []enrolment.Spell, w, except uint32, purses Purses,
) []enrolment.Spell {
	died := r.state.DiedOn(w)
	links := *r.state.workers.At(int(w))
	if links.first != 0 && links.first-1 != except {
		r.follow(links.first-1, purses)
		spells = r.course.AppendSpells(spells, w, died)
	}
	for at := links.more; at != 0; {
		m := r.state.memberships.At(int(at - 1))
		if at = m.next; m.enrolment != except {
			r.follow(m.enrolment, purses)
			spells = r.course.AppendSpells(spells, w, died)
		}
	}
	return spells
}

func (r *Reader) follow(e uint32, purses Purses) {
	r.state.Gather(&r.gathered, e)
	r.course.Follow(&r.gathered, purses)
}
