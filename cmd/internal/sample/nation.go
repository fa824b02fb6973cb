package sample

import (
	"iter"
	"strconv"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

const (
	nationYears = 10 // 2015 to 2024
	// Offices that report, each a source of its own.
	branches     = 120
	secondJobs   = 3  // of 100 enrolments belong to a worker who has another
	onBudgetPart = 30 // of 100 enrolments have payer APBD
)

// Nation returns n events of all 514 regencies over the years 2015 to 2024, in the order of their
// record times, for measuring: a mixture as a national ledger would see it, mostly reported within
// a month. Nothing is remembered from one event to the next: what an event refers to is computed
// again, so any n costs the same memory.
//
// The budgets of a year are the first events of that year: one commitment a regency, fewer when n
// is small (then the grants elsewhere name commitments that the ledger does not know). The same
// seed and n give the same events; another n gives other ones from the start, as the years are
// divided by it. With n of 0 there are none. It may be ranged over again.
func Nation(seed uint64, n int) iter.Seq[Dated] {
	return func(yield func(Dated) bool) {
		g := newNation(seed, n)
		for i := range n {
			if !yield(Dated{Event: g.event(i), RecordedAt: g.recordedAt(i)}) {
				return
			}
		}
	}
}

// nation makes the i-th event from i alone. It holds nothing that grows with n. It is not changed
// once it is made.
type nation struct {
	seed       uint64
	schedule   *schedule
	carries    [event.TypeEnd]event.FieldSet
	regencies  []region.Code
	sources    [branches]string
	prefixes   [branches]string // of ids
	perYear    int              // events a year
	committed  int              // commitments a year, the first events of it
	start      temporal.Instant
	interval   temporal.Instant // between two events
	onBudget   []int32          // which of a hundred enrolments have payer APBD
	budgetRank [100]int32       // how many of them come before one, -1 for the others
}

// newNation works out what does not depend on a single event.
func newNation(seed uint64, n int) *nation {
	g := &nation{seed: seed, schedule: newSchedule(), carries: carries()}
	for _, code := range region.All() {
		if code.Level() == region.RegencyLevel {
			g.regencies = append(g.regencies, code)
		}
	}
	for b := range branches {
		// A letter from A to L and two digits: 12 × 2 × 5.
		name := string(rune('A'+b/10)) + strconv.Itoa(b/5%2) + strconv.Itoa(b%5)
		g.sources[b], g.prefixes[b] = "urn:bpjs:cabang:"+name, name+"-"
	}
	g.perYear = max(1, (n+nationYears-1)/nationYears)
	// At most one in a hundred of a year's events: a small nation is not all budgets.
	g.committed = min(len(g.regencies), g.perYear/100)
	g.start = clock(day(2015, 1, 5), 8*hour)
	g.interval = (clock(day(2024, 12, 30), 8*hour) - g.start) / temporal.Instant(max(1, n))
	for e := range g.budgetRank {
		g.budgetRank[e] = -1
		if (e*37)%100 < onBudgetPart { // 37 and 100 have no common divisor: spread evenly
			g.budgetRank[e] = int32(len(g.onBudget))
			g.onBudget = append(g.onBudget, int32(e))
		}
	}
	return g
}

// recordedAt spreads the events evenly over the years. i counts from 0. Nothing shares a record
// time, so that each event is known by it.
func (g *nation) recordedAt(i int) temporal.Instant {
	return g.start + temporal.Instant(i)*g.interval
}

// day returns the day on which the i-th event is recorded, in Asia/Makassar.
func (g *nation) day(i int) temporal.Date { return g.recordedAt(i).Date() }

// year returns the year of the i-th event, from 0. The last one may be shorter than the others.
func (g *nation) year(i int) int { return i / g.perYear }

// key returns the key of the i-th event. The number is in the id, so that no two events share a
// key, from whichever branch they come.
func (g *nation) key(i int) event.Key {
	branch := mix(g.seed^1, uint64(i)) % branches
	buf := append(make([]byte, 0, 24), g.prefixes[branch]...)
	return event.Key{
		Source: g.sources[branch],
		ID:     string(appendPadded(buf, uint64(i)+1, 8)),
	}
}

// scheduled returns how many events of the schedule come before the i-th event, and whether that
// one is of the schedule: the others are the commitments at the start of each year.
func (g *nation) scheduled(i int) (before int, ok bool) {
	y, k := g.year(i), i%g.perYear
	before = y * (g.perYear - g.committed)
	if k < g.committed {
		return before, false
	}
	return before + k - g.committed, true
}

// index returns where the p-th event of the schedule stands among all events. It is the inverse of
// scheduled.
func (g *nation) index(p int) int {
	y, k := p/(g.perYear-g.committed), p%(g.perYear-g.committed)
	return y*g.perYear + g.committed + k
}

// earlier draws one of the first count, and 0 when there is none. 0 may then name something that
// comes later, or never: facts arrive in any order, so that is no fault.
func earlier(draw uint64, count int) int {
	if count == 0 {
		return 0
	}
	return int(draw % uint64(count))
}

// reportedLate returns how many days before its report something happened: mostly less than a
// month, seldom up to two years. 85 of a hundred within 31 days, 12 within 120, 3 within 720.
func reportedLate(draw uint64) int {
	switch part := draw % 100; {
	case part < 85:
		return int(draw >> 8 % 31)
	case part < 97:
		return int(draw >> 8 % 120)
	default:
		return int(draw >> 8 % 720)
	}
}

// event makes the i-th event. All draws are of its own number, under a bit of the seed for each
// purpose; what it refers to is drawn again by the number of that event.
func (g *nation) event(i int) event.Event {
	p, ok := g.scheduled(i)
	if !ok {
		return g.commitment(i)
	}
	what := g.schedule.types[p%blockEvents]
	e := event.Event{Key: g.key(i), Type: what}
	e.Data.Has = g.carries[what]
	d, draw := &e.Data, mix(g.seed^2, uint64(i))
	opened := g.schedule.count(event.EnrolmentOpened, p)
	someone := earlier(draw>>20, opened)
	happened := g.day(i).AddDays(-reportedLate(mix(g.seed^3, uint64(i))))
	switch what {
	case event.EnrolmentOpened:
		g.open(d, opened, happened)
	case event.FundingGranted:
		g.grant(d, i, draw, opened)
	case event.EnrolmentTerminated:
		d.Enrolment, d.Until = enrolmentID(someone), happened
		d.Reason = event.Reason(1 + draw%12)
	case event.EnrolmentAmended:
		g.amend(d, someone, happened, draw)
	case event.EnrolmentReinstated:
		d.Enrolment, d.From = enrolmentID(someone), happened
	case event.WorkerDied:
		d.Worker, d.On = g.worker(someone), happened
	case event.FundingRevoked:
		g.revoke(d, p, draw)
	// Only terminations are taken back; one may be twice, which changes nothing, contract, section
	// 2.
	case event.EventRetracted:
		wrong := earlier(draw>>20, g.schedule.count(event.EnrolmentTerminated, p))
		key := g.key(g.index(g.schedule.find(event.EnrolmentTerminated, wrong)))
		d.RetractedSource, d.RetractedID = key.Source, key.ID
		d.ReasonText = "reported for the wrong worker"
	default:
		g.public(d, what, i, draw)
	}
	return e
}
