package facts

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// What follows works out from records what a fold had as known at some place in the log. It costs
// as much as there are records: it is for explanations, not for counting.

// GatherAsOf collects the facts about an enrolment that are in force as known at k.
func (s *State) GatherAsOf(g *Gathered, e uint32, k eventstore.Sequence) {
	g.reset()
	for _, r := range AsOf(s.AppendEnrolment(nil, e), k) {
		switch r.Kind {
		case event.FundingGranted:
			g.grants = append(g.grants, r.grant())
		case event.FundingRevoked:
			g.revokes = append(g.revokes, r.grant())
		default:
			g.changes = append(g.changes, r.change())
		}
	}
	slices.Reverse(g.grants) // the newest first
	sortChanges(g.changes)
}

func (r *Record) grant() grant { return grant{r.Sequence, r.Commitment, r.From, r.Until} }

func (r *Record) change() enrolment.Change {
	return enrolment.Change{
		Kind: r.Kind, On: r.On, Sequence: uint64(r.Sequence), Worker: r.Worker,
		Terms: r.Terms, Named: r.Named,
	}
}

// PurseAsOf returns what the facts about a commitment come to as known at k.
func (s *State) PurseAsOf(c uint32, k eventstore.Sequence) Purse {
	purse := emptyPurse()
	for _, r := range AsOf(s.AppendMoney(nil, c), k) {
		purse.add(r.Kind, r.Funding, r.From)
	}
	return purse
}

// DiedAsOf returns the worker's last day of life as known at k, or Never.
func (s *State) DiedAsOf(w uint32, k eventstore.Sequence) temporal.Date {
	died := enrolment.Never
	for _, r := range AsOf(s.AppendWorker(nil, w), k) {
		if r.Kind == event.WorkerDied {
			died = min(died, r.On)
		}
	}
	return died
}

// CourseAsOf returns what the facts about an enrolment come to as known at k.
func (s *State) CourseAsOf(e uint32, k eventstore.Sequence) Course {
	var g Gathered
	s.GatherAsOf(&g, e, k)
	var c Course
	c.Follow(&Gathered{changes: g.changes}, s.Purses())
	if !c.onBudget() {
		return c
	}
	for i := range slices.Backward(g.grants) {
		commitment := g.grants[i].commitment
		purses := s.Purses().With(commitment, s.PurseAsOf(commitment, k))
		c.Paid = enrolment.AddPaid(c.Paid, purses.paidBy(&g.grants[i], g.revokes))
	}
	return c
}
