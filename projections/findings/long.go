package findings

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/projections/facts"
	"cakupan/projections/spans"
	"cakupan/projections/timeline"
)

// fewFacts is up to how many facts about an enrolment are read anew for each event, once for each
// worker for whom it is opened. What those of others come to is kept. Either way leads to the same:
// few are cheaper to read than to keep.
const fewFacts = 512

// What is kept is bounded: by how many facts there are in all courses that are kept, and by how
// many of an enrolment's there are of money, for each worker for whom it is opened: it counts for
// all of these. What is beyond is read anew.
const (
	factsKept = 1 << 20
	moneyKept = 1 << 18
)

// long is the course of an enrolment with many facts. What the rules look at is counted, so that an
// event about it costs what it changes and not what was reported before.
//
// It is derived from the state, and goes on with each fact that comes or goes. What it says must be
// what the rules say of the course that is read: tests compare both. Persons for whom it is opened
// are crowds, however few enrolments they have.
type long struct {
	f    *fold
	e    uint32
	line *timeline.Timeline

	changes

	open, budget, others, asn, covered when
	outside                            []*abroad // by funder, of those that were asked for

	payers  []*payer
	payerOf map[uint32]*payer // by commitment
	pieces  spans.Set         // what each payer pays: months, by its place among payers

	paid, credited tally
	credits        int // credits that give no month too
	unfunded, idle lack

	crowds []*crowd // of those for whom it is opened
	quiet  bool     // nobody is told of anything: it is being made

	looked []*payer // who must be looked at again
	wrong  codes    // what is wrong with the enrolment as was noted last; of pairs see payer
	marks  int      // how much is wrong, with pairs
	ends   ending
}

// abroad are the months on some day of which an enrolment does not lie in a funder's region.
type abroad struct {
	funder region.Code
	when
}

// newLong makes the course of an enrolment, which was just read, a long one.
func (f *fold) newLong(c *course) *long {
	l := &long{
		f: f, e: c.e, payerOf: map[uint32]*payer{}, quiet: true,
		changes: changes{openings: map[uint32]int{}, senders: map[uint32]int{}},
	}
	l.workers = append(l.workers, c.workers...)
	l.open.through = true
	purse := func(c uint32) *enrolment.Purse { return purseOf(f.closedFrom(c)) }
	l.line = timeline.New(c.facts.Changes(), lineGrants(c.facts.Grants()),
		lineGrants(c.facts.Revokes()), lineGrants(c.facts.Credits()), purse)
	for i := range c.facts.Changes() {
		l.count(f, &c.facts.Changes()[i], +1)
	}
	l.turn(nil, c.stretches)
	l.cover(nil, c.spells())
	l.fill(&c.facts)
	for i := range c.facts.Credits() {
		l.credit(&c.facts.Credits()[i], +1)
	}
	l.refresh()
	l.wrong = l.found()
	l.marks = l.wrong.count()
	for _, p := range l.payers {
		p.looked, p.wrong = false, l.foundOf(p)
		l.marks += p.wrong.count()
	}
	l.looked, l.quiet = nil, false
	return l
}

// lineGrants returns grants, which are gathered the newest first, as a timeline takes them.
func lineGrants(grants []facts.Grant) []timeline.Grant {
	all := make([]timeline.Grant, len(grants))
	for i := range grants {
		all[len(all)-1-i] = lineGrant(&grants[i])
	}
	return all
}

func lineGrant(g *facts.Grant) timeline.Grant {
	return timeline.Grant{
		Sequence: uint64(g.Sequence), Commitment: g.Commitment, From: g.From, Until: g.Until,
	}
}

// purseOf returns the purse of a commitment as spells of findings need it: see course.spells.
func purseOf(closedFrom temporal.Month) *enrolment.Purse {
	purse := enrolment.EmptyPurse()
	purse.ClosedFrom = closedFrom
	return &purse
}

// longOf returns the course of an enrolment that is long, nil for others.
func (f *fold) longOf(e uint32) *long {
	if !f.isLong.has(e) {
		return nil
	}
	return f.longs[e]
}

// short returns those of the enrolments whose courses are not long: nearly always all of them.
func (f *fold) short(enrolments []uint32) []uint32 {
	if len(f.longs) == 0 {
		return enrolments
	}
	var short []uint32
	for _, e := range enrolments {
		if !f.isLong.has(e) {
			short = append(short, e)
		}
	}
	return short
}

// lengthen makes a course long that was just read, if it has many facts now; nil: it has not. All
// of it must be counted, and what is wrong with it be noted.
func (f *fold) lengthen(c *course) *long {
	n := c.facts.Len()
	money := n - len(c.facts.Changes())
	if n*max(1, len(c.workers)) <= f.brief || money*len(c.workers) > moneyKept ||
		f.kept+n > factsKept {
		return nil
	}
	l := f.newLong(c)
	f.longs[c.e] = l
	f.isLong.set(c.e, true)
	f.kept += n
	if int(c.e) < len(f.plans) {
		f.plans[c.e].month = enrolment.NeverMonth
	}
	return l
}

// shorten makes a long course one that is read anew.
func (f *fold) shorten(l *long) {
	f.isLong.set(l.e, false)
	f.kept -= l.line.Len()
	delete(f.longs, l.e)
}

// hasLong reports whether a long course was ever opened for a person.
func (f *fold) hasLong(person uint32) bool {
	if len(f.longs) == 0 {
		return false
	}
	if e, single := f.s.Single(person); single {
		return f.isLong.has(e)
	}
	for _, e := range f.enrolments(f.homes(person)) {
		if f.isLong.has(e) {
			return true
		}
	}
	return false
}

// addLong adds a fact about an enrolment whose course is long.
func (f *fold) addLong(l *long, e *facts.Event) {
	if e.Kind == event.FundingRevoked {
		f.noteRevocation(e)
	}
	f.s.AddFact(e)
	f.read = false
	f.kept++
	d, died, g := &f.difference, f.s.DiedOn, e.Grant()
	if isMoney(e.Kind) {
		l.begin()
	}
	switch e.Kind {
	case event.FundingGranted:
		l.line.Grant(lineGrant(&g), purseOf(f.closedFrom(e.Commitment)), died, d)
		l.grant(&g)
	case event.FundingRevoked:
		l.line.Revoke(lineGrant(&g), purseOf(f.closedFrom(e.Commitment)), died, d)
		l.revoke(&g)
	case event.ContributionCredited:
		l.line.Credit(g.From, g.Until, died, d)
		l.credit(&g, +1)
	default:
		c := e.Change()
		l.line.Change(c, died, d)
		l.change(&c, +1)
	}
	l.cover(d.Were, d.Are)
	l.end()
}

// isMoney reports whether a fact is about months that are paid, and not about terms.
func isMoney(kind event.Type) bool {
	return kind == event.FundingGranted || kind == event.FundingRevoked ||
		kind == event.ContributionCredited
}

// takeLong takes a fact of such an enrolment out of force, which the state has no more.
func (f *fold) takeLong(l *long, r *facts.Record) {
	f.read = false
	f.kept--
	d, died, g := &f.difference, f.s.DiedOn, r.Grant()
	if isMoney(r.Kind) {
		l.begin()
	}
	switch r.Kind {
	case event.FundingGranted:
		l.line.Ungrant(lineGrant(&g), purseOf(f.closedFrom(r.Commitment)), died, d)
		l.ungrant(&g)
	case event.FundingRevoked:
		l.line.Unrevoke(lineGrant(&g), purseOf(f.closedFrom(r.Commitment)), died, d)
		l.unrevoke(&g)
	case event.ContributionCredited:
		l.line.Uncredit(g.From, g.Until, died, d)
		l.credit(&g, -1)
	default:
		c := r.Change()
		l.line.Unchange(c.On, c.Sequence, died, d)
		l.change(&c, -1)
	}
	l.cover(d.Were, d.Are)
	l.end()
}

// changeLife does what changes the last day of life of the person that a worker is, all of whose
// enrolments may change. Of long courses the days between the two are looked at, and no others.
func (f *fold) changeLife(enrolments []uint32, worker uint32, do func()) {
	was, person := f.died(worker), f.s.Person(worker)
	f.change(f.short(enrolments), []uint32{worker}, do)
	is := f.died(worker)
	if len(f.longs) == 0 || was == is {
		return
	}
	from, until := min(was, is)+1, enrolment.Never
	if last := max(was, is); last < enrolment.Never {
		until = last + 1
	}
	before := func(w uint32) temporal.Date {
		if f.s.Person(w) == person {
			return was
		}
		return f.died(w)
	}
	for _, e := range enrolments {
		if l := f.longOf(e); l != nil {
			d := &f.difference
			were := l.line.AppendSpells(nil, from, until, before, d)
			l.cover(were, l.line.AppendSpells(nil, from, until, f.s.DiedOn, d))
			l.end()
		}
	}
}

// reclose takes another month from which on a commitment pays nothing.
func (l *long) reclose(c uint32) {
	p := l.payerOf[c]
	if p == nil {
		return // it was granted, and that was retracted before the course was made
	}
	l.begin()
	was, is, d := p.closed, l.f.closedFrom(c), &l.f.difference
	purses := timeline.Purses{Was: purseOf(was), Is: purseOf(is)}
	l.line.Repurse(c, purses, l.f.s.DiedOn, d)
	p.closed = is
	l.endGrants(p)
	l.look(p)
	l.cover(d.Were, d.Are)
	l.end()
}

// begin begins with what an event changes for all for whom it is opened, with money. Each
// of them is looked at again. What changes on some days is so for those alone who are named there.
func (l *long) begin() {
	l.crowds = l.crowds[:0]
	for _, person := range l.f.persons(nil, l.workers) {
		l.crowds = append(l.crowds, l.f.crowds[person])
		l.touch(person)
	}
	l.f.course.looked += len(l.crowds)
}

func (l *long) end() { l.f.touched.enrolments = append(l.f.touched.enrolments, l.e) }

// touch has a person looked at again: mostly the one before.
func (l *long) touch(person uint32) {
	t, least := &l.f.touched, l.f.leastOf(person)
	if n := len(t.workers); n == 0 || t.workers[n-1] != least {
		t.workers = append(t.workers, least)
	}
}
