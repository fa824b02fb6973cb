package findings

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// view is what is in force: now, for the fold, or as known at an event, for an answer. The rules
// look at nothing else, so that both say the same.
//
// As known at an event it works out what the fold keeps, which costs what the names have to do
// with. It belongs to one goroutine, which holds reading: the state must not change while it is
// used. What it returns may be memory of the state, to be read only.
type view struct {
	s     *facts.State
	l     *ledger
	k     eventstore.Sequence // latest: now
	today temporal.Date       // the day on which the last event known was recorded; see setToday
	month temporal.Month      // that of today

	closings map[uint32]temporal.Month // as known at k: those that were needed so far
	deaths   *facts.Deaths             // as known at k
	leasts   map[uint32]uint32         // as known at k, by id; see teller.least
	lives    []facts.Record            // memory
	looked   int                       // how many facts were gathered: who holds a lock asks
	none     budget                    // of what was never committed
}

// setToday is the one place where a view learns of time: of record times, never of the clock.
func (v *view) setToday(day temporal.Date) { v.today, v.month = day, day.Month() }

// gather collects the facts about an enrolment.
func (v *view) gather(g *facts.Gathered, e uint32) {
	if v.k == latest {
		v.s.Gather(g, e)
		return
	}
	v.s.GatherAsOf(g, e, v.k)
	v.looked += 1 + g.Len()
}

// closedFrom returns the first month that a commitment no longer pays. That is NeverMonth for one
// that is open. An answer asks for the same ones many times, which is why they are kept.
func (v *view) closedFrom(c uint32) temporal.Month {
	if v.k == latest {
		return v.s.Purse(c).ClosedFrom
	}
	from, found := v.closings[c]
	if !found {
		from = v.s.ClosedAsOf(c, v.k)
		v.closings[c] = from
	}
	return from
}

// budget returns what a commitment comes to. It is only read.
func (v *view) budget(c uint32) *budget {
	if v.k != latest {
		b := v.l.budgetAsOf(c, v.k)
		return &b
	}
	if books := v.l.account(c); books != nil {
		return &books.budget
	}
	return &v.none
}

// members tells the ids of one person from those of others.
type members func(w uint32) bool

// ids returns the ids that are one person with a worker. As known at k the merges are followed one
// by one: those of the state are of now.
func (v *view) ids(w uint32) []uint32 {
	if v.k == latest {
		return v.s.IDs(nil, w)
	}
	var ids facts.IDs
	ids.Reset(w)
	for i := 0; i < ids.Len(); i++ {
		for _, r := range v.livesOf(ids.At(i)) {
			if r.Kind == event.WorkerMerged {
				ids.Add(r.Worker, r.Into)
			}
		}
	}
	return ids.All()
}

// homes returns those of the ids that are one person with a worker for whom enrolments were ever
// opened, or more of the ids. Others of them have nothing that is counted, however many they are.
func (v *view) homes(w uint32) []uint32 {
	if v.k == latest {
		return v.s.Homes(nil, w)
	}
	return v.ids(w)
}

// members returns the ids that are one person with a worker now, until a merge comes or goes.
func (f *fold) members(w uint32) members {
	person := f.s.Person(w)
	return func(w uint32) bool { return f.s.Person(w) == person }
}

// livesOf returns the deaths and merges of a worker's id, until it is called again.
func (v *view) livesOf(w uint32) []facts.Record {
	v.lives = facts.AsOf(v.s.AppendLives(v.lives[:0], w), v.k)
	v.looked += len(v.lives)
	return v.lives
}

// died returns the last day of life of the person that a worker is, or Never.
func (v *view) died(w uint32) temporal.Date {
	if v.k == latest {
		return v.s.DiedOn(w)
	}
	return v.deaths.Of(v.s, w)
}

// death returns the last day of life of a person, or Never, and the event that says so. The
// earliest counts; of several of the same day the one that is found first names the event.
func (v *view) death(ids []uint32) (died temporal.Date, seq eventstore.Sequence) {
	died = enrolment.Never
	for _, id := range ids {
		for _, r := range v.livesOf(id) {
			if r.Kind == event.WorkerDied && r.On < died {
				died, seq = r.On, r.Sequence
			}
		}
	}
	return died, seq
}

// enrolments returns the enrolments that were ever opened for a person, in order of their numbers.
// That may be more than those that are opened for the person as known at k: isOf tells.
func (v *view) enrolments(ids []uint32) (all []uint32) {
	for _, id := range ids {
		all = slices.AppendSeq(all, v.s.Enrolments(id, facts.NoEnrolment))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
