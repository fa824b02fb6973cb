package findings

import (
	"cmp"
	"slices"
	"sort"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// course is one enrolment as the rules see it, in memory that is used again.
//
// It is what the rules on one enrolment need, read at once from a view, and good until the next
// read. Spans of days in stretches and spells are of the enrolment, whoever it is opened for; whose
// they are, they say themselves. Spells and months are worked out later, when somebody asks: see
// cover, lacks and budgetMonths.
type course struct {
	e         uint32
	facts     facts.Gathered
	stretches []enrolment.Stretch // on which it is open
	grants    []grant             // in order of the log
	died      []temporal.Date     // by stretch: the last day of its worker's life, or Never
	looked    int                 // at how many facts, stretches and grants, of all courses
	cover     cover
	workers   []uint32 // for whom openings in force are
	traits    traits
	lacks     lacks
	onBudget  months // on some day of which it is open with payer APBD; see budgetMonths
	reckoned  bool   // onBudget is known
	sides     sides
	elsewhere map[region.Code]months // by funder, of long courses: see monthsOutside
	public    struct {               // see monthsAsASN
		known  bool
		months months
	}
	mem memory
}

// cover is when an enrolment is covered or in grace, once that is known. Nobody asks it of most of
// those whom time alone has looked at again.
type cover struct {
	known  bool
	money  enrolment.Money
	spells []enrolment.Spell
}

// memory is what sets of months are made in. The sets that a rule works on are gone when the next
// one begins.
type memory struct {
	one     [1]enrolment.Span // of what the only grant pays
	a, b, c months
	paid    months
	pair    pair
}

// sides are the grants and revocations of an enrolment by commitment, once somebody asks: there may
// be thousands of either, and each commitment is asked for its own.
type sides struct {
	known   bool
	grants  []grant        // by commitment, then in order of the log
	revokes []facts.Grant  // the same
	until   temporal.Month // the first month after the last one that is paid
}

// grant is one in force, and what it pays of the months it was granted for.
//
// From which month on its grant was revoked decides the sequence (contract, section 3): only a
// revocation that came after the grant ends it. A closing ends all grants, whenever it came. Until
// may lie before from: then it pays nothing.
type grant struct {
	facts.Grant
	until temporal.Month // not paid any more: it was revoked, or the commitment closed
}

// pays returns the months that the grant pays.
func (g *grant) pays() months { return span(g.From, g.until) }

// read makes c the course of an enrolment. All that it takes from the view is copied or worked out:
// the state may go on afterwards.
func (c *course) read(v *view, e uint32) {
	c.e, c.lacks.known, c.reckoned, c.cover.known = e, false, false, false
	c.sides.known, c.public.known = false, false
	clear(c.elsewhere)
	v.gather(&c.facts, e)
	c.looked += c.facts.Len()
	c.stretches = enrolment.AppendStretches(c.stretches[:0], c.facts.Changes())
	c.workers = c.facts.AppendWorkers(c.workers[:0])
	c.readGrants(v)
	c.died = c.died[:0]
	for i := range c.stretches {
		c.died = append(c.died, v.died(c.stretches[i].Worker))
	}
	c.traits = c.findTraits()
}

// spells returns the spells on which it is covered or in grace, in order of its stretches. Whose
// money it is and what was disbursed makes no finding about an enrolment, so that an empty purse
// will do: otherwise a disbursement would touch everybody.
func (c *course) spells() []enrolment.Spell {
	if c.cover.known {
		return c.cover.spells
	}
	purse, money := enrolment.EmptyPurse(), enrolment.NoMoney(c.cover.money.Months)
	for i := range c.grants {
		money.Grant(c.grants[i].From, c.grants[i].until, &purse)
	}
	for _, credit := range c.facts.Credits() {
		money.Credit(credit.From, credit.Until)
	}
	spells := c.cover.spells[:0]
	c.looked += len(c.stretches) + len(c.grants) + len(c.facts.Credits())
	for i := range c.stretches {
		spells = enrolment.AppendSpells(spells, c.stretches[i], c.died[i], &money)
	}
	c.cover = cover{true, money, spells}
	return spells
}

// speaks reports whether anybody has reported payments: before the first credit they are presumed.
func (c *course) speaks() bool {
	return slices.ContainsFunc(c.facts.Credits(), func(g facts.Grant) bool {
		return g.From < g.Until
	})
}

// readGrants reads the grants, which are gathered the newest first, in order of the log.
func (c *course) readGrants(v *view) {
	c.grants = c.grants[:0]
	for _, g := range slices.Backward(c.facts.Grants()) {
		c.grants = append(c.grants, grant{g, min(g.Until, v.closedFrom(g.Commitment))})
	}
	if len(c.facts.Revokes()) == 0 {
		return
	}
	// From the newest on, the earliest month of the revocations that came after a grant ends it.
	revokes := slices.Clone(c.facts.Revokes())
	slices.SortFunc(revokes, func(a, b facts.Grant) int {
		return cmp.Compare(a.Sequence, b.Sequence)
	})
	ends := map[uint32]temporal.Month{}
	for i := len(c.grants) - 1; i >= 0; i-- {
		g := &c.grants[i]
		for n := len(revokes); n > 0 && revokes[n-1].Sequence > g.Sequence; n-- {
			r := &revokes[n-1]
			if end, known := ends[r.Commitment]; !known || r.From < end {
				ends[r.Commitment] = r.From
			}
			revokes = revokes[:n-1]
		}
		if end, known := ends[g.Commitment]; known {
			g.until = min(g.until, end)
		}
	}
}

// opened reports whether an opening is in force. Amendments and ends of an enrolment that is not
// are findings, and give it no stretch.
func (c *course) opened() bool { return len(c.workers) > 0 }

// pay is a span of months that a commitment pays an enrolment.
type pay struct {
	commitment uint32
	enrolment.Span
}

// appendPays appends what commitments pay, in order of their numbers and of time.
func (c *course) appendPays(all []pay) []pay {
	c.commitments(func(commitment uint32, pays months) {
		for _, s := range pays {
			all = append(all, pay{commitment, s})
		}
	})
	return all
}

// appendPaysOf appends what grants of one commitment pay. Of the enrolment's own they may be some:
// so what was paid before a grant came is known without reading the course twice.
func (c *course) appendPaysOf(all []pay, commitment uint32, grants []grant) []pay {
	c.mem.paid = appendPaid(c.mem.paid[:0], grants)
	for _, s := range c.mem.paid {
		all = append(all, pay{commitment, s})
	}
	return all
}

// commitments calls yield with each commitment that is granted to the enrolment and the months that
// it pays, in memory that is used again, in order of the numbers of the commitments.
//
// Grants of one commitment may overlap and pay the same month: it is one month of that commitment.
// One that pays no month is named too, with none.
func (c *course) commitments(yield func(commitment uint32, pays months)) {
	switch len(c.grants) {
	case 0:
		return
	case 1:
		g := &c.grants[0]
		c.mem.one[0] = enrolment.Span{From: g.From, Until: g.until}
		yield(g.Commitment, union(c.mem.one[:]))
		return
	}
	c.grantsOfEach(func(own []grant) {
		c.mem.paid = appendPaid(c.mem.paid[:0], own)
		yield(own[0].Commitment, c.mem.paid)
	})
}

// grantsOfEach calls yield with the grants of each commitment, in order of their numbers.
func (c *course) grantsOfEach(yield func(own []grant)) {
	for all := c.bySides().grants; len(all) > 0; {
		n := 1
		for n < len(all) && all[n].Commitment == all[0].Commitment {
			n++
		}
		c.looked += n
		yield(all[:n])
		all = all[n:]
	}
}

// bySides returns grants and revocations by commitment.
func (c *course) bySides() *sides {
	s := &c.sides
	if s.known {
		return s
	}
	s.known, s.until = true, -enrolment.NeverMonth
	c.looked += len(c.grants) + len(c.facts.Revokes())
	s.grants = append(s.grants[:0], c.grants...)
	for i := range s.grants {
		if g := &s.grants[i]; g.From < g.until {
			s.until = max(s.until, g.until)
		}
	}
	if c.several() {
		slices.SortStableFunc(s.grants, func(a, b grant) int {
			return cmp.Compare(a.Commitment, b.Commitment)
		})
	}
	s.revokes = append(s.revokes[:0], c.facts.Revokes()...)
	if len(s.revokes) > 1 {
		slices.SortFunc(s.revokes, func(a, b facts.Grant) int {
			return cmp.Or(cmp.Compare(a.Commitment, b.Commitment),
				cmp.Compare(a.Sequence, b.Sequence))
		})
	}
	return s
}

// grantsOf returns the grants of a commitment, in order of the log.
func (c *course) grantsOf(commitment uint32) []grant {
	own := side(c.bySides().grants, commitment, func(g *grant) uint32 { return g.Commitment })
	c.looked += len(own)
	return own
}

// revokesOf returns its revocations, in order of the log.
func (c *course) revokesOf(commitment uint32) []facts.Grant {
	all := c.bySides().revokes
	own := side(all, commitment, func(g *facts.Grant) uint32 { return g.Commitment })
	c.looked += len(own)
	return own
}

// side returns those of a commitment among all, which are in order of their commitments.
func side[T any](all []T, commitment uint32, of func(*T) uint32) []T {
	from := sort.Search(len(all), func(i int) bool { return of(&all[i]) >= commitment })
	all = all[from:]
	return all[:sort.Search(len(all), func(i int) bool { return of(&all[i]) > commitment })]
}

// paidBy returns the months that a commitment pays.
func (c *course) paidBy(commitment uint32) months { return c.paidByIn(nil, commitment) }

func (c *course) paidByIn(spans months, commitment uint32) months {
	return appendPaid(spans, c.grantsOf(commitment))
}

// appendPaid appends what grants pay to no months.
func appendPaid(spans months, grants []grant) months {
	for i := range grants {
		spans = append(spans, enrolment.Span{From: grants[i].From, Until: grants[i].until})
	}
	return union(spans)
}

// paid returns the months that any commitment pays.
func (c *course) paid() months { return c.paidIn(nil) }

// paidIn does so in memory, as those that follow. A month that several commitments pay is one. They
// append to spans and join them with what was there: give them empty memory.
func (c *course) paidIn(spans months) months {
	c.looked += len(c.grants)
	for i := range c.grants {
		spans = append(spans, enrolment.Span{From: c.grants[i].From, Until: c.grants[i].until})
	}
	return union(spans)
}

// credited returns the credited months.
func (c *course) credited() months { return c.creditedIn(nil) }

func (c *course) creditedIn(spans months) months {
	c.looked += len(c.facts.Credits())
	for _, g := range c.facts.Credits() {
		spans = append(spans, enrolment.Span{From: g.From, Until: g.Until})
	}
	return union(spans)
}

// openWhere returns the months on some day of which the enrolment is open under such terms. A month
// counts when it does on any day (contract, section 8).
func (c *course) openWhere(such func(t *enrolment.Terms) bool) months {
	return c.openWhereIn(nil, such)
}

func (c *course) openWhereIn(spans months, such func(t *enrolment.Terms) bool) months {
	c.looked += len(c.stretches)
	for i := range c.stretches {
		if s := &c.stretches[i]; such(&s.Terms) && s.From < s.Until {
			spans = append(spans, touched(s.From, s.Until))
		}
	}
	return union(spans)
}

// budgetMonths returns the months on some day of which it is open with payer APBD.
func (c *course) budgetMonths() months {
	if !c.reckoned {
		c.reckoned = true
		c.onBudget = c.openWhereIn(c.onBudget[:0], func(t *enrolment.Terms) bool {
			return t.Payer == event.APBD
		})
	}
	return c.onBudget
}

// anyTerms reports whether it is ever open under such terms.
func (c *course) anyTerms(such func(t *enrolment.Terms) bool) bool {
	c.looked += len(c.stretches)
	for i := range c.stretches {
		if such(&c.stretches[i].Terms) {
			return true
		}
	}
	return false
}

// monthsOutside returns the months on some day of which it is open and does not lie in a funder's
// region. Those of a course of many stretches are worked out once for each funder, of which there
// are no more than regions: each of thousands of commitments asks.
func (c *course) monthsOutside(funder region.Code) months {
	if m, known := c.elsewhere[funder]; known {
		return m
	}
	outside := func(t *enrolment.Terms) bool { return !lies(t.Region, funder) }
	if !c.anyTerms(outside) {
		return nil
	}
	m := c.openWhere(outside)
	if len(c.stretches) > fewStretches {
		if c.elsewhere == nil {
			c.elsewhere = map[region.Code]months{}
		}
		c.elsewhere[funder] = m
	}
	return m
}

// monthsAsASN returns the months on some day of which its category is ASN.
func (c *course) monthsAsASN() months {
	if !c.public.known {
		c.public.known = true
		c.public.months = c.openWhereIn(c.public.months[:0], func(t *enrolment.Terms) bool {
			return t.Category == event.ASN
		})
	}
	return c.public.months
}

// fewStretches is up to how many stretches a course is short.
const fewStretches = 8

// touched returns the months that have a day of [from, until). The span must have a day.
func touched(from, until temporal.Date) enrolment.Span {
	s := enrolment.Span{From: from.Month(), Until: enrolment.NeverMonth}
	if until < enrolment.Never {
		s.Until = (until - 1).Month() + 1
	}
	return s
}

// openThroughIn returns the months on all days of which the enrolment is open. Stretches that
// follow one another without a day between are one for this: what changes within them are terms,
// and the enrolment stays open.
func (c *course) openThroughIn(spans months) months {
	for i := 0; i < len(c.stretches); {
		from, until := c.stretches[i].From, c.stretches[i].Until
		for i++; i < len(c.stretches) && c.stretches[i].From <= until; i++ {
			until = max(until, c.stretches[i].Until)
		}
		s := enrolment.Span{From: from.Month(), Until: enrolment.NeverMonth}
		if s.From.First() < from {
			s.From++
		}
		if until < enrolment.Never {
			s.Until = until.Month()
		}
		spans = append(spans, s)
	}
	return union(spans)
}

// coveredIn returns the months on some day of which the enrolment is covered. Grace is no cover.
func (c *course) coveredIn(spans months) months {
	spells := c.spells()
	for i := range spells {
		if s := &spells[i]; !s.InGrace() {
			spans = append(spans, touched(s.From, s.Until))
		}
	}
	return union(spans)
}

// coveredOn reports whether the enrolment is covered on a day.
func (c *course) coveredOn(day temporal.Date) bool {
	spells := c.spells()
	after := sort.Search(len(spells), func(i int) bool { return spells[i].From > day })
	if after == 0 {
		return false
	}
	s := &spells[after-1] // they are in order of time, and apart
	return day < s.Until && !s.InGrace()
}

// monthEnds returns the months on whose last day a spell lies. Percents of regions are of those
// days, so that a spell within one month counts in none.
func monthEnds(s *enrolment.Spell) enrolment.Span {
	ends := enrolment.Span{From: s.From.Month(), Until: enrolment.NeverMonth}
	if s.Until < enrolment.Never {
		ends.Until = s.Until.Month()
	}
	return ends
}

// region returns the last one in which the enrolment lies as its terms say. It is that of the last
// opened or amended event by effective date; one that only amends an enrolment that was never
// opened says nothing. A finding about the enrolment is listed under it.
func (c *course) region() (r region.Code, known bool) {
	for i := range c.facts.Changes() {
		change := &c.facts.Changes()[i]
		switch {
		case change.Kind == event.EnrolmentOpened,
			change.Kind == event.EnrolmentAmended && known &&
				change.Named&enrolment.NamesRegion != 0:
			r, known = change.Terms.Region, true
		}
	}
	return r, known
}

// count returns how many changes are of a kind.
func (c *course) count(kind event.Type) (n int) {
	for i := range c.facts.Changes() {
		if c.facts.Changes()[i].Kind == kind {
			n++
		}
	}
	return n
}

// events returns the changes of such kinds.
func (c *course) events(kinds ...event.Type) (all []eventstore.Sequence) {
	for i := range c.facts.Changes() {
		if change := &c.facts.Changes()[i]; slices.Contains(kinds, change.Kind) {
			all = append(all, eventstore.Sequence(change.Sequence))
		}
	}
	return all
}

// isOf reports whether the enrolment was opened for one of the ids of a person.
func (c *course) isOf(is members) bool { return slices.ContainsFunc(c.workers, is) }

// several reports whether grants of several commitments are in force. With one commitment alone
// nobody is paid for twice.
func (c *course) several() bool {
	return len(c.grants) > 1 && slices.ContainsFunc(c.grants, func(g grant) bool {
		return g.Commitment != c.grants[0].Commitment
	})
}
