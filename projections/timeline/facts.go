package timeline

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
)

// Credit adds the months [from, until) of a credit. They count for as long as one credit is left
// that has them.
func (t *Timeline) Credit(from, until temporal.Month, died Died, d *Difference) {
	t.credit(from, until, +1, died, d)
}

// Uncredit removes the months of a credit.
func (t *Timeline) Uncredit(from, until temporal.Month, died Died, d *Difference) {
	t.credit(from, until, -1, died, d)
}

// credit takes a credit in or away. Credits have to be counted by themselves before it is asked
// when they speak: a first month may come earlier by this one, or later.
func (t *Timeline) credit(from, until temporal.Month, weight int, died Died, d *Difference) {
	d.Clear()
	t.facts += weight
	spoke := t.money.speaks()
	t.money.count(creditedClass, from, until, weight, d)
	t.spellsOfMoney(spoke, died, d)
}

// Grant is a granted event as a timeline takes it, or a revoked one: that has no Until.
type Grant struct {
	Sequence    uint64
	Commitment  uint32
	From, Until temporal.Month
}

// New returns the timeline of facts: of changes in order, and of the others in order of sequence.
// Purse returns the purse of a commitment. It costs what the facts are; nothing is compared, as
// there is nobody yet to whom a difference would be told.
func New(changes []enrolment.Change, grants, revokes, credits []Grant,
	purse func(commitment uint32) *enrolment.Purse,
) *Timeline {
	t := &Timeline{facts: len(changes) + len(grants) + len(revokes) + len(credits)}
	t.terms.fill(changes)
	for _, r := range revokes {
		p := t.money.pair(r.Commitment)
		p.revokes = append(p.revokes, revoke{r.Sequence, r.From})
	}
	for _, g := range grants {
		p := t.money.pair(g.Commitment)
		p.grants = append(p.grants, grant{g.Sequence, g.From, g.Until, enrolment.NeverMonth})
	}
	var d Difference
	for c, p := range t.money.pairs { // counts do not tell in which order they were counted
		p.revokeAll()
		for i := range p.grants {
			t.money.countGrant(p.grants[i].from, p.grants[i].end(purse(c)), purse(c), +1, &d)
		}
		// What has flipped is of no interest here.
		d.Clear()
	}
	for _, c := range credits {
		t.money.count(creditedClass, c.From, c.Until, +1, &d)
	}
	return t
}

// revokeAll works out from when on each grant is revoked. They are gone through from the newest on,
// since a revocation takes away from all grants that came before it (contract, section 3).
func (p *pair) revokeAll() {
	earliest, later := enrolment.NeverMonth, len(p.revokes)
	for i := len(p.grants) - 1; i >= 0; i-- {
		for ; later > 0 && p.revokes[later-1].sequence > p.grants[i].sequence; later-- {
			earliest = min(earliest, p.revokes[later-1].from)
		}
		p.grants[i].revoked = earliest
	}
}

// Grant adds a grant of a commitment with the purse. No fact has a higher sequence. So no
// revocation is of it.
func (t *Timeline) Grant(g Grant, of *enrolment.Purse, died Died, d *Difference) {
	d.Clear()
	p := t.money.pair(g.Commitment)
	added := grant{g.Sequence, g.From, g.Until, enrolment.NeverMonth}
	p.grants = append(p.grants, added)
	t.facts++
	t.money.countGrant(added.from, added.end(of), of, +1, d)
	t.spellsOfMoney(t.money.speaks(), died, d)
}

// Ungrant removes a grant. It is the one with the sequence; of one that is not there nothing
// changes. The purse is the one it was counted with.
func (t *Timeline) Ungrant(g Grant, of *enrolment.Purse, died Died, d *Difference) {
	d.Clear()
	p := t.money.pair(g.Commitment)
	i, found := slices.BinarySearchFunc(p.grants, g.Sequence, func(g grant, sequence uint64) int {
		return compare(g.sequence, sequence)
	})
	if !found {
		return
	}
	gone := p.grants[i]
	p.grants = slices.Delete(p.grants, i, i+1)
	t.facts--
	t.money.countGrant(gone.from, gone.end(of), of, -1, d)
	t.spellsOfMoney(t.money.speaks(), died, d)
}

// Revoke adds a revocation of a commitment with the purse. No fact has a higher sequence. It takes
// months away from all grants of the pair that are there: each came before it.
func (t *Timeline) Revoke(r Grant, of *enrolment.Purse, died Died, d *Difference) {
	d.Clear()
	p := t.money.pair(r.Commitment)
	p.revokes = append(p.revokes, revoke{r.Sequence, r.From})
	t.facts++
	for i := range slices.Backward(p.grants) {
		g := &p.grants[i]
		if g.revoked <= r.From { // so are all before it
			break
		}
		was := g.end(of)
		g.revoked = r.From
		// What the grant has paid from its new end on is not paid by it any more.
		t.money.countGrant(max(g.from, g.end(of)), was, of, -1, d)
	}
	t.spellsOfMoney(t.money.speaks(), died, d)
}

// Unrevoke removes a revocation. Months come back to a grant as far as no other revocation behind
// it takes them.
func (t *Timeline) Unrevoke(r Grant, of *enrolment.Purse, died Died, d *Difference) {
	d.Clear()
	p := t.money.pair(r.Commitment)
	p.revokes = slices.DeleteFunc(p.revokes, func(other revoke) bool {
		return other.sequence == r.Sequence
	})
	t.facts--
	earliest, later := enrolment.NeverMonth, len(p.revokes)
	for i := len(p.grants) - 1; i >= 0; i-- {
		g := &p.grants[i]
		for ; later > 0 && p.revokes[later-1].sequence > g.sequence; later-- {
			earliest = min(earliest, p.revokes[later-1].from)
		}
		if g.sequence < r.Sequence && earliest <= r.From { // it had no part in it, nor before
			break
		}
		was := g.end(of)
		g.revoked = earliest
		t.money.countGrant(max(g.from, was), g.end(of), of, +1, d)
	}
	t.spellsOfMoney(t.money.speaks(), died, d)
}

// Purses are the purse of a commitment before an event and after it.
type Purses struct {
	Was, Is *enrolment.Purse
	Paid    []enrolment.Span // the months that one of the two has disbursed and the other has not
}

// Repurse takes another purse for the grants of a commitment. Only the grants of that commitment
// are counted anew, and of them only the months that differ: the end, where a closing has moved;
// all of them, where the source is another; else those that were disbursed or are not any more.
func (t *Timeline) Repurse(c uint32, purses Purses, died Died, d *Difference) {
	was, is, paid := purses.Was, purses.Is, purses.Paid
	d.Clear()
	for i := range t.money.pair(c).grants {
		g := &t.money.pairs[c].grants[i]
		before, after := g.end(was), g.end(is)
		both := max(g.from, min(before, after))
		t.money.countGrant(both, before, was, -1, d)
		t.money.countGrant(both, after, is, +1, d)
		if was.Source != is.Source {
			t.money.countGrant(g.from, both, was, -1, d)
			t.money.countGrant(g.from, both, is, +1, d)
			continue
		}
		for k := enrolment.EndingAfter(paid, g.from); k < len(paid) && paid[k].From < both; k++ {
			from, until := max(g.from, paid[k].From), min(both, paid[k].Until)
			t.money.countGrant(from, until, was, -1, d)
			t.money.countGrant(from, until, is, +1, d)
		}
	}
	t.spellsOfMoney(t.money.speaks(), died, d)
}

// end returns the first month that the grant no longer pays, given its commitment's purse. From
// before its beginning it pays nothing: who counts it takes care of that.
func (g *grant) end(of *enrolment.Purse) temporal.Month {
	return min(g.until, g.revoked, of.ClosedFrom)
}

// pair returns what was reported of a commitment. It makes an empty one where nothing was reported.
func (m *money) pair(c uint32) *pair {
	p := m.pairs[c]
	if p == nil {
		p = &pair{}
		if m.pairs == nil {
			m.pairs = map[uint32]*pair{}
		}
		m.pairs[c] = p
	}
	return p
}

// compare tells sequences apart in order.
func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
