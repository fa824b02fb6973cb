package findings

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// grantRules are about one enrolment and one commitment that is granted to it; a finding of them is
// about the pair.
var grantRules = [...]func(*view, *course, *pair, *sink){
	grantUnknownEnrolment, grantUnknownCommitment, grantNotAPBD, grantBeyondPeriod,
	grantAfterRevocation, funderOutside, asnFunded,
}

// pair is a commitment as an enrolment sees it. The months may be none, when what was granted was
// revoked or the commitment had closed: a grant to somebody unknown is a finding all the same.
type pair struct {
	commitment uint32
	pays       months // of the enrolment
	budget     *budget
}

// checkGrants applies the rules to all commitments of an enrolment.
func checkGrants(v *view, c *course, k *sink) {
	c.commitments(func(commitment uint32, pays months) { c.checkPair(v, commitment, pays, k) })
}

// checkNewGrant applies the rules to the commitment of the last grant. What others pay is as it
// was.
func checkNewGrant(v *view, c *course, k *sink) {
	commitment := c.grants[len(c.grants)-1].Commitment
	c.mem.paid = c.paidByIn(c.mem.paid[:0], commitment)
	c.checkPair(v, commitment, c.mem.paid, k)
}

// checkEndedGrants applies the one rule that asks whether a paid enrolment is open.
func checkEndedGrants(v *view, c *course, k *sink) {
	c.commitments(func(commitment uint32, pays months) {
		c.mem.pair = pair{commitment, pays, v.budget(commitment)}
		grantNotAPBD(v, c, &c.mem.pair, k)
	})
}

func (c *course) checkPair(v *view, commitment uint32, pays months, k *sink) {
	c.mem.pair = pair{commitment, pays, v.budget(commitment)}
	for _, rule := range grantRules {
		rule(v, c, &c.mem.pair, k)
	}
}

// raise adds a finding about a pair: some of the months that it pays, with the grants that do.
// Without months it rests on all grants of the pair. What is at stake is what the months cost by
// the commitment's tariff, which is 0 where nobody knows it.
func (p *pair) raise(c *course, k *sink, code Code, m months) *found {
	f := k.add(code, p.commitment, m)
	if k.bare {
		return f
	}
	f.events = append(f.events, paying(c.grantsOf(p.commitment), m)...)
	f.rupiah = times(f.months.count(), p.budget.tariff)
	return f
}

// raiseAll adds a finding about all grants of a pair, those too that pay no month. That may name a
// grant twice: done leaves it once.
func (p *pair) raiseAll(c *course, k *sink, code Code) {
	f := p.raise(c, k, code, p.pays)
	if !k.bare {
		f.events = append(f.events, paying(c.grantsOf(p.commitment), nil)...)
	}
}

// A grant whose enrolment was never opened.
func grantUnknownEnrolment(_ *view, c *course, p *pair, k *sink) {
	if c.traits&unopened != 0 {
		p.raiseAll(c, k, GrantUnknownEnrolment)
	}
}

// A grant whose commitment was never committed.
func grantUnknownCommitment(_ *view, c *course, p *pair, k *sink) {
	if !p.budget.known {
		p.raiseAll(c, k, GrantUnknownCommitment)
	}
}

// A paid month on no day of which the enrolment is open with payer APBD.
func grantNotAPBD(_ *view, c *course, p *pair, k *sink) {
	if m := p.pays.minus(c.budgetMonths()); len(m) > 0 {
		p.raise(c, k, GrantNotAPBD, m)
	}
}

// A paid month outside the commitment's from, until as last amended.
func grantBeyondPeriod(_ *view, c *course, p *pair, k *sink) {
	if !p.budget.known {
		return
	}
	if m := p.pays.outside(p.budget.from, p.budget.until); len(m) > 0 {
		f := p.raise(c, k, GrantBeyondPeriod, m)
		f.events = append(f.events, p.budget.committed, p.budget.last)
	}
}

// A grant recorded after a revocation of the same pair whose month it pays all the same. It need
// not be wrong: a revoked grant may be given anew on purpose. Its months count from the revoked
// one on.
func grantAfterRevocation(_ *view, c *course, p *pair, k *sink) {
	revokes := c.revokesOf(p.commitment)
	if len(revokes) == 0 {
		return
	}
	grants := c.grantsOf(p.commitment)
	all := grantedAgain(grants, revokes, k.bare)
	if len(all) == 0 {
		return
	}
	f := k.add(GrantAfterRevocation, p.commitment, nil)
	if k.bare {
		return
	}
	var m months
	for _, again := range all {
		m = append(m, enrolment.Span{From: again.from, Until: again.until})
		f.events = append(f.events, again.Sequence)
	}
	f.months = union(m)
	f.events = append(f.events, overruled(grants, revokes)...)
	f.rupiah = times(f.months.count(), p.budget.tariff)
}

// A paid month in which the enrolment's region does not lie in the funder's. In a month in which
// the enrolment moves, one of its regions outside will do (contract, section 8).
func funderOutside(_ *view, c *course, p *pair, k *sink) {
	if !p.budget.known || p.budget.funder == region.Nation {
		return
	}
	outside := c.monthsOutside(p.budget.funder)
	if len(outside) == 0 {
		return
	}
	if m := p.pays.and(outside); len(m) > 0 {
		f := p.raise(c, k, FunderOutside, m)
		f.events = append(f.events, p.budget.committed)
		f.events = append(f.events,
			k.events(c, event.EnrolmentOpened, event.EnrolmentAmended)...)
	}
}

// A paid month in which the category is ASN.
func asnFunded(_ *view, c *course, p *pair, k *sink) {
	if c.traits&isASN == 0 {
		return
	}
	if m := p.pays.and(c.monthsAsASN()); len(m) > 0 {
		f := p.raise(c, k, ASNFunded, m)
		f.events = append(f.events,
			k.events(c, event.EnrolmentOpened, event.EnrolmentAmended)...)
	}
}

// lies reports whether a region is another one or lies in it.
func lies(r, in region.Code) bool {
	return r == in || in == region.Nation || r.Parent() == in
}

// losesCover reports whether an enrolment that a commitment pays is covered on the last day before
// the commitment ends, and no commitment pays a later month. A grant that pays beyond the end is
// another commitment's, or one of this commitment that goes beyond its period.
func (c *course) losesCover(commitment uint32, end temporal.Month) bool {
	if c.bySides().until > end {
		return false
	}
	pays := slices.ContainsFunc(c.grantsOf(commitment), func(g grant) bool {
		return g.From < end && end <= g.until
	})
	return pays && c.coveredOn(end.First()-1)
}
