package findings

import (
	"cmp"
	"math"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
	"cakupan/projections/spans"
	"cakupan/projections/steps"
)

// payer is a commitment as a long course sees it: what it has granted, and what of that it pays.
type payer struct {
	commitment uint32
	place      uint64      // among payers
	grants     []longGrant // in order of the log, as revokes
	revokes    []facts.Grant
	revoked    spans.Set // their months, by where they are in the log
	closed     temporal.Month

	given steps.Counts // how many grants pay each month
	paid  rows

	again           int   // grants that pay a month which was revoked before they came
	unbudgeted, asn int64 // paid months on no day of which payer is APBD; on some day of which ASN
	abroad          int64 // that lie outside of the funder's region on some day
	outside         *abroad

	looked bool  // it is among those who must be looked at again
	wrong  codes // what was noted last
}

// longGrant is a grant, and what ends it.
type longGrant struct {
	sequence    eventstore.Sequence
	from, until temporal.Month
	revoked     temporal.Month // the earliest month of a revocation that came after it
	end         temporal.Month // it pays no more: it may lie before from
	again       bool           // it pays a month that was revoked before it came
}

// payer returns a commitment as the course sees it, with nothing where nothing was granted.
func (l *long) payer(c uint32) *payer {
	p := l.payerOf[c]
	if p == nil {
		p = &payer{commitment: c, place: uint64(len(l.payers)), closed: l.f.closedFrom(c)}
		l.payerOf[c], l.payers = p, append(l.payers, p)
		l.fund(p)
	}
	return p
}

// fund takes over who funds a commitment: where that is another one, the months are counted anew.
func (l *long) fund(p *payer) {
	b := l.f.budget(p.commitment)
	var outside *abroad
	if b.known && b.funder != region.Nation {
		outside = l.abroadOf(b.funder)
	}
	if outside == p.outside {
		return
	}
	p.outside, p.abroad = outside, 0
	if outside != nil {
		p.paid.set.Each(func(from, until int32) {
			l.f.course.looked++
			p.abroad += shared(&outside.months, spanOf(from, until))
		})
	}
}

// look has a payer looked at again when the event is over.
func (l *long) look(p *payer) {
	if !p.looked {
		p.looked = true
		l.looked = append(l.looked, p)
	}
}

// fill takes over all grants and revocations, which are gathered the newest first.
func (l *long) fill(g *facts.Gathered) {
	for _, r := range slices.Backward(g.Revokes()) {
		p := l.payer(r.Commitment)
		p.revokes = append(p.revokes, r)
		p.revoked.Add(spans.Span{From: int32(r.From), ID: uint64(r.Sequence)})
	}
	for _, g := range slices.Backward(g.Grants()) {
		p := l.payer(g.Commitment)
		p.grants = append(p.grants, longGrant{
			sequence: g.Sequence, from: g.From, until: g.Until, revoked: enrolment.NeverMonth,
			end: g.From, // it pays nothing yet
		})
	}
	for _, p := range l.payers {
		earliest, later := enrolment.NeverMonth, len(p.revokes)
		for i := range slices.Backward(p.grants) {
			g := &p.grants[i]
			for ; later > 0 && p.revokes[later-1].Sequence > g.sequence; later-- {
				earliest = min(earliest, p.revokes[later-1].From)
			}
			g.revoked = earliest
			l.endGrant(p, g)
		}
	}
}

// grant adds a grant, which came after all revocations.
func (l *long) grant(g *facts.Grant) {
	p := l.payer(g.Commitment)
	is := longGrant{
		sequence: g.Sequence, from: g.From, until: g.Until, revoked: enrolment.NeverMonth,
		end: g.From,
	}
	p.grants = append(p.grants, is)
	p.closed = l.f.closedFrom(g.Commitment) // nobody says so before the first grant
	l.endGrant(p, &p.grants[len(p.grants)-1])
	l.look(p)
}

// ungrant takes a grant out of force.
func (l *long) ungrant(g *facts.Grant) {
	p := l.payer(g.Commitment)
	i, found := slices.BinarySearchFunc(p.grants, g.Sequence,
		func(g longGrant, s eventstore.Sequence) int { return cmp.Compare(g.sequence, s) })
	if !found {
		return // damaged: what is stored says otherwise
	}
	l.endAt(p, &p.grants[i], p.grants[i].from)
	p.grants = slices.Delete(p.grants, i, i+1)
	l.look(p)
}

// revoke adds a revocation, which is of all grants that are there. Those that were revoked from an
// earlier month on stay so, and so do all before them: what revokes one of these came later.
func (l *long) revoke(r *facts.Grant) {
	p := l.payer(r.Commitment)
	p.revokes = append(p.revokes, *r)
	p.revoked.Add(spans.Span{From: int32(r.From), ID: uint64(r.Sequence)})
	for i := len(p.grants) - 1; i >= 0 && p.grants[i].revoked > r.From; i-- {
		l.f.course.looked++
		p.grants[i].revoked = r.From
		l.endGrant(p, &p.grants[i])
	}
	l.look(p)
}

// unrevoke takes a revocation out of force. Months of grants before it come back, as far as no
// other one takes them that came after the grant; those that came after it may be again no more.
func (l *long) unrevoke(r *facts.Grant) {
	p := l.payer(r.Commitment)
	at, found := slices.BinarySearchFunc(p.revokes, r.Sequence,
		func(r facts.Grant, s eventstore.Sequence) int { return cmp.Compare(r.Sequence, s) })
	if !found {
		return // damaged: what is stored says otherwise
	}
	p.revokes = slices.Delete(p.revokes, at, at+1)
	p.revoked.Remove(int32(r.From), uint64(r.Sequence))
	l.look(p)
	i := len(p.grants) - 1
	for ; i >= 0 && p.grants[i].sequence > r.Sequence; i-- {
		l.f.course.looked++
		l.endGrant(p, &p.grants[i])
	}
	earliest := enrolment.NeverMonth
	for _, later := range p.revokes[at:] {
		l.f.course.looked++
		earliest = min(earliest, later.From)
	}
	for later := at; i >= 0; i-- {
		g := &p.grants[i]
		for ; later > 0 && p.revokes[later-1].Sequence > g.sequence; later-- {
			earliest = min(earliest, p.revokes[later-1].From)
		}
		if earliest <= r.From { // it was not this one that ended it, nor those before it
			break
		}
		l.f.course.looked++
		g.revoked = earliest
		l.endGrant(p, g)
	}
}

// endGrants ends the grants of a payer where its closing has moved.
func (l *long) endGrants(p *payer) {
	for i := range p.grants {
		l.endGrant(p, &p.grants[i])
	}
	l.f.course.looked += len(p.grants)
}

func (l *long) endGrant(p *payer, g *longGrant) {
	l.endAt(p, g, min(g.until, g.revoked, p.closed))
}

// endAt has a grant pay up to another month than before. Of the revocations in force the first one
// from its beginning on tells whether it is again: one that came later has ended it by then.
func (l *long) endAt(p *payer, g *longGrant, end temporal.Month) {
	was := g.end
	first, found := p.revoked.From(int32(g.from), 0)
	if again := found && first.From < int32(end); again != g.again {
		g.again = again
		p.again--
		if again {
			p.again += 2
		}
	}
	if g.end = end; was != end {
		l.give(p, enrolment.Span{From: max(g.from, was), Until: end}, +1)
		l.give(p, enrolment.Span{From: max(g.from, end), Until: was}, -1)
	}
}

// give counts months that one grant more of a payer pays, or with weight -1 one less.
func (l *long) give(p *payer, s enrolment.Span, weight int64) {
	pays := func(from, until int32) { l.pays(p, spanOf(from, until), weight) }
	if weight > 0 {
		p.given.Add(int32(s.From), int32(s.Until), pays)
	} else {
		p.given.Remove(int32(s.From), int32(s.Until), pays)
	}
}

// pays tells all who count them of months that a commitment has come to pay, or pays no more.
func (l *long) pays(p *payer, s enrolment.Span, weight int64) {
	l.f.course.looked++
	p.paid.change(s, weight > 0, func(s enrolment.Span, weight int64) {
		if weight > 0 {
			l.pieces.Add(spans.Span{From: int32(s.From), Until: int32(s.Until), ID: p.place})
		} else {
			l.pieces.Remove(int32(s.From), p.place)
		}
	})
	l.paid.give(s, weight, l.lacking)
	n := int64(s.Until) - int64(s.From)
	p.unbudgeted += weight * (n - shared(&l.budget.months, s))
	p.asn += weight * shared(&l.asn.months, s)
	if p.outside != nil {
		p.abroad += weight * shared(&p.outside.months, s)
	}
	if l.quiet {
		return
	}
	l.f.fundOf(p.commitment).heads.add(int32(s.From), int32(s.Until), int32(weight))
	l.f.touched.count(p.commitment)
	for _, crowd := range l.crowds {
		crowd.pay(p.commitment, s, int32(weight))
		crowd.moneyed.add(int32(s.From), int32(s.Until), int32(weight))
	}
}

// credit adds a credit, or with weight -1 takes one away.
func (l *long) credit(g *facts.Grant, weight int) {
	l.credits += weight
	l.credited.give(enrolment.Span{From: g.From, Until: g.Until}, int64(weight), l.lacking)
	if l.quiet {
		return
	}
	for _, crowd := range l.crowds {
		crowd.moneyed.add(int32(g.From), int32(g.Until), int32(weight))
	}
}

// overPieces tells of the payers who pay some of the months, and of how many these are. Each of
// them is looked at again.
func (l *long) overPieces(s enrolment.Span, tell func(p *payer, n int64)) {
	l.pieces.Over(int32(s.From), int32(s.Until), func(piece spans.Span) {
		l.f.course.looked++
		p := l.payers[piece.ID]
		tell(p, int64(min(piece.Until, int32(s.Until)))-int64(max(piece.From, int32(s.From))))
		l.look(p)
	})
}

// lacking has months looked at again of which it may be that they lack money, or no more.
func (l *long) lacking(s enrolment.Span, _ int64) { l.unfunded.stale = append(l.unfunded.stale, s) }

// idling does so where it may be that contributions have stopped.
func (l *long) idling(s enrolment.Span, _ int64) { l.idle.stale = append(l.idle.stale, s) }

// refresh works out which months lack money: see course.findUnfunded and findStopped.
func (l *long) refresh() {
	l.f.course.looked += l.unfunded.refresh(func(at, until int32) (bool, int32) {
		return l.all(at, until, []member{
			{&l.open.months, true},
			{&l.budget.months, true},
			{&l.paid.set, false},
			{&l.credited.set, false},
		})
	})
	l.f.course.looked += l.idle.refresh(func(at, until int32) (bool, int32) {
		return l.all(at, until, []member{{&l.others.months, true}, {&l.covered.months, false}})
	})
}

// member is a set of which a month is to be, or not to be.
type member struct {
	set *steps.Counts
	in  bool
}

// all reports whether a month is in some sets and not in others, and up to which month before until
// the answer holds at least.
func (l *long) all(at, until int32, sets []member) (bool, int32) {
	end := until
	for _, s := range sets {
		count, next := s.set.At(at)
		if count > 0 != s.in {
			return false, min(next, until)
		}
		end = min(end, next)
	}
	return true, end
}

// comes has the course count for the person that a worker is, for whom it was opened.
func (l *long) comes(w uint32) {
	person := l.f.s.Person(w)
	is := l.isOf(person)
	l.workers = append(l.workers, w)
	if is {
		return
	}
	crowd := l.f.crowds[person]
	if crowd == nil {
		crowd = l.f.keepBut(person, l.e)
	}
	l.giveAll(crowd, +1)
}

// goes has it count for the person no more, unless it was opened for another id of the person.
func (l *long) goes(w uint32) {
	if person := l.f.s.Person(w); !l.isOf(person) {
		l.giveAll(l.f.crowds[person], -1)
	}
}

func (l *long) isOf(person uint32) bool {
	return slices.ContainsFunc(l.workers, func(w uint32) bool { return l.f.s.Person(w) == person })
}

// giveAll counts all money for one crowd, or takes it away.
func (l *long) giveAll(crowd *crowd, weight int32) {
	for _, p := range l.payers {
		p.paid.set.Each(func(from, until int32) {
			l.f.course.looked++
			crowd.pay(p.commitment, spanOf(from, until), weight)
			crowd.moneyed.add(from, until, weight)
		})
	}
	for at := int32(math.MinInt32); at < steps.End; {
		credits, next := l.credited.given.At(at)
		l.f.course.looked++
		if credits > 0 {
			crowd.moneyed.add(at, next, weight*credits)
		}
		at = next
	}
}
