package facts

import (
	"cmp"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/steps"
)

// What follows works out from records what a fold had as known at some place in the log. It costs
// as much as there are records: it is for explanations, not for counting.

// GatherAsOf collects the facts about an enrolment that are in force as known at k. They come in
// the order in which [State.Gather] has them, so that the same rules work on both.
func (s *State) GatherAsOf(g *Gathered, e uint32, k eventstore.Sequence) {
	g.reset(e)
	for _, r := range AsOf(s.AppendEnrolment(nil, e), k) {
		switch r.Kind {
		case event.FundingGranted:
			g.grants = append(g.grants, r.Grant())
		case event.FundingRevoked:
			g.revokes = append(g.revokes, r.Grant())
		case event.ContributionCredited:
			g.credits = append(g.credits, r.Grant())
		default:
			g.changes = append(g.changes, r.Change())
		}
	}
	slices.Reverse(g.grants) // the newest first
	slices.Reverse(g.credits)
	sortChanges(g.changes)
}

// cutRevoked ends each grant where a revocation ends it, and leaves out the revocations. There may
// be thousands of both: each is looked at once, from the newest on.
func (g *Gathered) cutRevoked() {
	slices.SortFunc(g.revokes, func(a, b Grant) int { return cmp.Compare(b.Sequence, a.Sequence) })
	ends := map[uint32]temporal.Month{} // of grants before here, by commitment
	for i := range g.grants {
		grant := &g.grants[i]
		for len(g.revokes) > 0 && g.revokes[0].Sequence > grant.Sequence {
			r := &g.revokes[0]
			if end, known := ends[r.Commitment]; !known || r.From < end {
				ends[r.Commitment] = r.From
			}
			g.revokes = g.revokes[1:]
		}
		if end, known := ends[grant.Commitment]; known {
			grant.Until = min(grant.Until, end)
		}
	}
	g.revokes = nil // what is left came before all grants
}

// Grant returns a granted, revoked or credited event. Its commitment is 0 for a credit, which has
// none.
func (r *Record) Grant() Grant { return Grant{r.Sequence, r.Commitment, r.From, r.Until} }

// Change returns an event that opens, amends, closes or reopens an enrolment. Its worker is 0 but
// for an opening.
func (r *Record) Change() enrolment.Change {
	return enrolment.Change{
		Kind: r.Kind, On: r.On, Sequence: uint64(r.Sequence), Worker: r.Worker,
		Terms: r.Terms, Named: r.Named,
	}
}

// PurseAsOf returns what the facts about a commitment come to as known at k. It has to give the
// same as reckon gives at the end of the log.
func (s *State) PurseAsOf(c uint32, k eventstore.Sequence) enrolment.Purse {
	if int(c) < len(s.purses) && k >= s.Events() {
		return s.purses[c]
	}
	purse := enrolment.EmptyPurse()
	purse.ClosedFrom = s.ClosedAsOf(c, k)
	var (
		paid      steps.Counts
		committed eventstore.Sequence
	)
	s.EachMoney(c, func(r *Record) {
		if !r.InForce(k) {
			return
		}
		switch r.Kind {
		case event.FundingCommitted:
			if r.Sequence > committed {
				purse.Source, committed = enrolment.SourceOf(r.Funding), r.Sequence
			}
		case event.FundingDisbursed:
			paid.Add(int32(r.From), int32(r.Until), ignore)
		default: // closed
		}
	})
	purse.Disbursed = spansOf(&paid)
	return purse
}

// ClosedAsOf returns the first month that a commitment no longer pays as known at k, or NeverMonth.
// It looks at no disbursement, of which there may be millions of rows.
func (s *State) ClosedAsOf(c uint32, k eventstore.Sequence) temporal.Month {
	from := enrolment.NeverMonth
	if int(c) < len(s.accounts) && s.accounts[c] != nil {
		for _, i := range s.accounts[c].closed { // in order of the month
			if m := s.money.At(int(i)); m.sequence() <= k {
				from = m.from
				break
			}
		}
	}
	s.eachFormer(newOwner(OfCommitment, c), func(r *Record) {
		if r.Kind == event.FundingClosed && r.InForce(k) {
			from = min(from, r.From)
		}
	})
	return from
}

// EachMoney calls yield with the committed, closed and disbursed events of a commitment, all there
// ever were, in no order. A disbursed event may be several records, and all of them millions: none
// is kept.
func (s *State) EachMoney(c uint32, yield func(r *Record)) {
	if int(c) < len(s.accounts) && s.accounts[c] != nil {
		a := s.accounts[c]
		for _, kind := range [...][]uint32{a.committed, a.closed, a.disbursed} {
			for _, i := range kind {
				r := s.moneyAt(i)
				yield(&r)
			}
		}
	}
	s.eachFormer(newOwner(OfCommitment, c), yield)
}

// PersonAsOf returns the ids that are one person with a worker as known at k, in order.
func (s *State) PersonAsOf(w uint32, k eventstore.Sequence) []uint32 {
	ids, _ := s.lifeAsOf(w, k)
	slices.Sort(ids)
	return ids
}

// DiedAsOf returns the last day of life of the person that a worker is, as known at k, or Never.
// The earliest counts (contract, section 3).
func (s *State) DiedAsOf(w uint32, k eventstore.Sequence) temporal.Date {
	_, died := s.lifeAsOf(w, k)
	return died
}

// lifeAsOf returns both, the ids in the order in which merges lead to them.
func (s *State) lifeAsOf(w uint32, k eventstore.Sequence) (_ []uint32, died temporal.Date) {
	died = enrolment.Never
	var ids IDs
	ids.Reset(w)
	var lives []Record
	for i := 0; i < ids.Len(); i++ {
		lives = AsOf(s.AppendLives(lives[:0], ids.At(i)), k)
		for _, r := range lives {
			if r.Kind == event.WorkerDied {
				died = min(died, r.On)
				continue
			}
			ids.Add(r.Worker, r.Into)
		}
	}
	return ids.All(), died
}

// Deaths are the last days of life of workers as known at one place in the log. What was known then
// stays as it is while the state goes on. It is memory for whoever asks of many: each person is
// walked once, however many ids and enrolments.
type Deaths struct {
	known eventstore.Sequence
	of    map[uint32]temporal.Date // by each id of those whom it takes long to read
}

// DeathsAsOf returns those as known at k. None is read yet.
func DeathsAsOf(k eventstore.Sequence) *Deaths { return &Deaths{known: k} }

// Of returns what [State.DiedAsOf] does.
func (d *Deaths) Of(s *State, w uint32) temporal.Date {
	if died, read := d.of[w]; read {
		return died
	}
	ids, died := s.lifeAsOf(w, d.known)
	if len(ids) > 1 || len(s.mergesOf[w])+len(s.deathsOf[w]) > 0 {
		if d.of == nil {
			d.of = make(map[uint32]temporal.Date, len(ids))
		}
		for _, id := range ids {
			d.of[id] = died
		}
	}
	return died
}

// CourseAsOf returns what the facts about an enrolment come to as known at k. All days and months
// are in it.
func (s *State) CourseAsOf(e uint32, k eventstore.Sequence) Course {
	var g Gathered
	s.GatherAsOf(&g, e, k)
	var c Course
	// Grants are left out here, since Follow would see the purses as they are now. They are paid
	// below, each by its commitment as known at k.
	c.Follow(&Gathered{changes: g.changes, credits: g.credits}, s.Purses())
	if !c.onBudget() {
		return c
	}
	g.cutRevoked()
	known := map[uint32]enrolment.Purse{} // one commitment may have granted thousands of times
	for i := range slices.Backward(g.grants) {
		commitment := g.grants[i].Commitment
		purse, read := known[commitment]
		if !read {
			purse = s.PurseAsOf(commitment, k)
			known[commitment] = purse
		}
		// From enrolment 0 on: everybody sees it so.
		purses := s.Purses().With(commitment, &purse, 0)
		purses.pay(&c.Money, &g.grants[i], &g, AllMonths())
	}
	return c
}
