package timeline_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/projections/timeline"
)

// days is how many days the tests look at, one by one; facts lie on or before them.
const days = 500

// fact is one that was reported; which of its fields count depends on its kind.
type fact struct {
	kind   event.Type
	change enrolment.Change
	grant  timeline.Grant
}

// slow works everything out anew from the facts, with the rules of the domain.
type slow struct {
	facts  []fact
	purses []enrolment.Purse
	died   [3]temporal.Date
}

func (s *slow) diedOn(worker uint32) temporal.Date { return s.died[worker] }

// spells returns the spells of all workers.
func (s *slow) spells() (spells []enrolment.Spell) {
	var changes []enrolment.Change
	money := enrolment.NoMoney(nil)
	for i, f := range s.facts {
		switch f.kind {
		case event.FundingGranted:
			until := f.grant.Until
			for _, r := range s.facts[i+1:] {
				if r.kind == event.FundingRevoked && r.grant.Commitment == f.grant.Commitment {
					until = min(until, r.grant.From)
				}
			}
			money.Grant(f.grant.From, until, &s.purses[f.grant.Commitment])
		case event.FundingRevoked:
		case credited:
			money.Credit(f.grant.From, f.grant.Until)
		default:
			changes = append(changes, f.change)
		}
	}
	slices.SortFunc(changes, func(a, b enrolment.Change) int {
		if a.Before(&b) {
			return -1
		}
		return 1
	})
	for _, stretch := range enrolment.AppendStretches(nil, changes) {
		spells = enrolment.AppendSpells(spells, stretch, s.died[stretch.Worker], &money)
	}
	return spells
}

// credited stands for the type of a credit.
const credited = event.Type(100)

// status is what counts on a day: one enrolment has one at most.
type status struct {
	on       bool
	worker   uint32
	terms    enrolment.Terms
	sources  enrolment.Sources
	evidence enrolment.Evidence
}

func statusOf(s *enrolment.Spell) status {
	return status{true, s.Worker, s.Terms, s.Sources, s.Evidence}
}

func calendar(spells []enrolment.Spell) (all [days]status) {
	for i := range spells {
		for day := max(spells[i].From, 0); day < min(spells[i].Until, days); day++ {
			all[day] = statusOf(&spells[i])
		}
	}
	return all
}

// source gives numbers from a seed: rapid's shrinking is of no use where facts depend on others.
type source struct{ *rand.Rand }

func (r source) fact(sequence uint64) (f fact) {
	kinds := []event.Type{
		event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentAmended,
		event.EnrolmentTerminated, event.EnrolmentReinstated, event.FundingGranted,
		event.FundingGranted, event.FundingRevoked, credited,
	}
	f.kind = kinds[r.IntN(len(kinds))]
	f.change = enrolment.Change{
		Kind: f.kind, On: temporal.Date(r.IntN(40) * 12), Sequence: sequence,
		Worker: r.Uint32N(3), Named: enrolment.Named(1 + r.IntN(31)),
		Terms: enrolment.Terms{
			Region:     []region.Code{7503, 7571}[r.IntN(2)],
			Segment:    event.Segment(1 + r.IntN(2)),
			Category:   event.Private,
			Programmes: event.ProgrammeSet(2 + 2*r.IntN(2)),
			Payer:      event.Payer(1 + r.IntN(3)),
		},
	}
	from := temporal.Month(r.IntN(14))
	f.grant = timeline.Grant{
		Sequence: sequence, Commitment: r.Uint32N(3), From: from,
		Until: from + 1 + temporal.Month(r.IntN(4)),
	}
	return f
}

func (r source) purse() enrolment.Purse {
	p := enrolment.EmptyPurse()
	p.Source = enrolment.SourceOf(event.Funding(r.IntN(3)))
	if r.IntN(2) == 0 {
		p.ClosedFrom = temporal.Month(r.IntN(18))
	}
	for month := temporal.Month(0); month < 18; month += 2 {
		if r.IntN(2) == 0 {
			p.Disbursed = append(p.Disbursed, enrolment.Span{From: month, Until: month + 1})
		}
	}
	return p
}

// TestTimelineIsWhatTheFactsComeTo adds and removes facts, and compares after each what differs
// with what the rules say of all facts before and after.
func TestTimelineIsWhatTheFactsComeTo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		steps := rapid.IntRange(1, 60).Draw(t, "steps")
		check(t, source{rand.New(rand.NewPCG(seed, 1))}, steps)
	})
}

// TestLongTimeline does the same with enough facts to fill many blocks.
func TestLongTimeline(t *testing.T) {
	check(t, source{rand.New(rand.NewPCG(7, 5))}, 1_500)
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func check(t failer, r source, steps int) {
	t.Helper()
	model := slow{died: [3]temporal.Date{enrolment.Never, enrolment.Never, 300}}
	for range 3 {
		model.purses = append(model.purses, r.purse())
	}
	var line timeline.Timeline
	var d timeline.Difference
	was := calendar(nil)
	for sequence := uint64(1); sequence <= uint64(steps); sequence++ {
		what := "adding"
		switch roll := r.IntN(10); {
		case roll < 2 && len(model.facts) > 0:
			what = "removing"
			i := r.IntN(len(model.facts))
			remove(&line, model.facts[i], &model, &d)
			model.facts = slices.Delete(model.facts, i, i+1)
		case roll < 3:
			what = "a purse"
			c := r.Uint32N(3)
			before, after := model.purses[c], r.purse()
			purses := timeline.Purses{
				Was: &before, Is: &after, Paid: before.DisbursedByOne(&after),
			}
			line.Repurse(c, purses, model.diedOn, &d)
			model.purses[c] = after
		default:
			f := r.fact(sequence)
			add(&line, f, &model, &d)
			model.facts = append(model.facts, f)
		}
		if sequence%7 == 0 {
			line = *rebuilt(&model)
		}
		is := calendar(model.spells())
		compare(t, was, is, &d, what)
		was = is
		checkSpells(t, &line, &model, r, &d)
		if line.Len() != len(model.facts) {
			t.Fatalf("%s: it has %d facts of %d", what, line.Len(), len(model.facts))
		}
	}
}

func add(line *timeline.Timeline, f fact, m *slow, d *timeline.Difference) {
	of := &m.purses[f.grant.Commitment]
	switch f.kind {
	case event.FundingGranted:
		line.Grant(f.grant, of, m.diedOn, d)
	case event.FundingRevoked:
		line.Revoke(f.grant, of, m.diedOn, d)
	case credited:
		line.Credit(f.grant.From, f.grant.Until, m.diedOn, d)
	default:
		line.Change(f.change, m.diedOn, d)
	}
}

func remove(line *timeline.Timeline, f fact, m *slow, d *timeline.Difference) {
	of := &m.purses[f.grant.Commitment]
	switch f.kind {
	case event.FundingGranted:
		line.Ungrant(f.grant, of, m.diedOn, d)
	case event.FundingRevoked:
		line.Unrevoke(f.grant, of, m.diedOn, d)
	case credited:
		line.Uncredit(f.grant.From, f.grant.Until, m.diedOn, d)
	default:
		line.Unchange(f.change.On, f.change.Sequence, m.diedOn, d)
	}
}

// rebuilt returns the timeline of all facts at once.
func rebuilt(m *slow) *timeline.Timeline {
	var changes []enrolment.Change
	var grants, revokes, credits []timeline.Grant
	for _, f := range m.facts {
		switch f.kind {
		case event.FundingGranted:
			grants = append(grants, f.grant)
		case event.FundingRevoked:
			revokes = append(revokes, f.grant)
		case credited:
			credits = append(credits, f.grant)
		default:
			changes = append(changes, f.change)
		}
	}
	slices.SortFunc(changes, func(a, b enrolment.Change) int {
		if a.Before(&b) {
			return -1
		}
		return 1
	})
	return timeline.New(changes, grants, revokes, credits, func(c uint32) *enrolment.Purse {
		return &m.purses[c]
	})
}

// compare takes what differs from what was, and checks that it makes what is.
func compare(t failer, was, is [days]status, d *timeline.Difference, what string) {
	t.Helper()
	for i := range d.Were {
		s := &d.Were[i]
		for day := max(s.From, 0); day < min(s.Until, days); day++ {
			if was[day] != statusOf(s) {
				t.Fatalf("%s: day %d was %+v, told %+v", what, day, was[day], *s)
			}
			was[day] = status{}
		}
	}
	for i := range d.Are {
		s := &d.Are[i]
		for day := max(s.From, 0); day < min(s.Until, days); day++ {
			if was[day].on {
				t.Fatalf("%s: day %d is told twice", what, day)
			}
			was[day] = statusOf(s)
		}
	}
	for day := range is {
		if was[day] != is[day] {
			t.Fatalf("%s: day %d is %+v, told %+v", what, day, is[day], was[day])
		}
	}
}

// checkSpells compares the spells of some days.
func checkSpells(t failer, line *timeline.Timeline, m *slow, r source, d *timeline.Difference) {
	t.Helper()
	from := temporal.Date(r.IntN(days))
	until := from + 1 + temporal.Date(r.IntN(days))
	got := calendar(line.AppendSpells(nil, from, until, m.diedOn, d))
	want := calendar(m.spells())
	for day := range temporal.Date(days) {
		if day < from || until <= day {
			want[day] = status{}
		}
	}
	if got != want {
		t.Fatalf("spells of %d–%d are %+v, want %+v", from, until, got, want)
	}
}
