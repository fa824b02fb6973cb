package enrolment_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// The tests compare with the definitions of the contract, evaluated day by day and month by
// month, over the first 400 days of the calendar's epoch.
const days = 400

func drawTerms(t *rapid.T) enrolment.Terms {
	return enrolment.Terms{
		Region:     rapid.SampledFrom([]region.Code{7503, 7571, 7101}).Draw(t, "region"),
		Segment:    rapid.SampledFrom([]event.Segment{event.PU, event.BPU}).Draw(t, "segment"),
		Category:   event.Category(rapid.IntRange(1, 7).Draw(t, "category")),
		Programmes: event.ProgrammeSet(rapid.IntRange(1, 31).Draw(t, "programmes") << 1),
		Payer:      event.Payer(rapid.IntRange(1, 3).Draw(t, "payer")),
	}
}

func drawChanges(t *rapid.T) []enrolment.Change {
	var changes []enrolment.Change
	for i := range rapid.IntRange(0, 12).Draw(t, "changes") {
		changes = append(changes, enrolment.Change{
			Kind:     event.Type(rapid.IntRange(1, 4).Draw(t, "kind")),
			On:       temporal.Date(rapid.IntRange(0, 20).Draw(t, "on") * 10),
			Sequence: uint64(i + 1),
			Worker:   uint32(rapid.IntRange(0, 2).Draw(t, "worker")),
			Terms:    drawTerms(t),
			Named:    enrolment.Named(rapid.IntRange(1, 31).Draw(t, "named")),
		})
	}
	slices.SortFunc(changes, func(a, b enrolment.Change) int {
		if a.Before(&b) {
			return -1
		}
		return 1
	})
	return changes
}

// termsOn transcribes "Terms of an enrolment on day D".
func termsOn(changes []enrolment.Change, day temporal.Date) (s enrolment.Stretch, open bool) {
	has := false
	for _, c := range changes {
		if c.On > day {
			break
		}
		switch c.Kind {
		case event.EnrolmentOpened:
			s.Worker, s.Terms, has, open = c.Worker, c.Terms, true, true
		case event.EnrolmentAmended:
			if !has {
				continue
			}
			if c.Named&enrolment.NamesRegion != 0 {
				s.Terms.Region = c.Terms.Region
			}
			if c.Named&enrolment.NamesSegment != 0 {
				s.Terms.Segment = c.Terms.Segment
			}
			if c.Named&enrolment.NamesCategory != 0 {
				s.Terms.Category = c.Terms.Category
			}
			if c.Named&enrolment.NamesProgrammes != 0 {
				s.Terms.Programmes = c.Terms.Programmes
			}
			if c.Named&enrolment.NamesPayer != 0 {
				s.Terms.Payer = c.Terms.Payer
			}
		case event.EnrolmentTerminated:
			open = false
		case event.EnrolmentReinstated:
			open = has
		default:
			panic("not a change")
		}
	}
	return s, open
}

func TestStretchesAreTheTermsOfEveryDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		changes := drawChanges(t)
		stretches := enrolment.AppendStretches(nil, changes)
		for day := range temporal.Date(days) {
			want, open := termsOn(changes, day)
			var on []enrolment.Stretch
			for _, s := range stretches {
				if s.From <= day && day < s.Until {
					on = append(on, s)
				}
			}
			switch {
			case !open && len(on) != 0, open && len(on) != 1:
				t.Fatalf("day %d: open %v, %d stretches", day, open, len(on))
			case open && (on[0].Terms != want.Terms || on[0].Worker != want.Worker):
				t.Fatalf("day %d: %+v, want %+v", day, on[0], want)
			}
		}
	})
}

func drawPaid(t *rapid.T) []enrolment.Paid {
	var paid []enrolment.Paid
	for range rapid.IntRange(0, 5).Draw(t, "grants") {
		from := temporal.Month(rapid.IntRange(0, 12).Draw(t, "from"))
		paid = append(paid, enrolment.Paid{
			From: from, Until: from + temporal.Month(rapid.IntRange(-1, 6).Draw(t, "months")),
			Sources: enrolment.SourceOf(event.Funding(rapid.IntRange(0, 7).Draw(t, "source"))),
		})
	}
	return paid
}

// sourcesOf returns who pays a month, 0 for nobody.
func sourcesOf(paid []enrolment.Paid, m temporal.Month) (sources enrolment.Sources) {
	for _, p := range paid {
		if p.From <= m && m < p.Until {
			sources |= p.Sources
		}
	}
	return sources
}

// added adds the spans one by one.
func added(paid []enrolment.Paid) (disjoint []enrolment.Paid) {
	for _, p := range paid {
		disjoint = enrolment.AddPaid(disjoint, p)
	}
	return disjoint
}

func TestAddPaidKeepsEveryMonth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		paid := drawPaid(t)
		disjoint := added(paid)
		for i, p := range disjoint {
			if p.Until <= p.From || i > 0 && p.From < disjoint[i-1].Until {
				t.Fatalf("not disjoint and in order: %v", disjoint)
			}
		}
		for m := range temporal.Month(24) {
			if got, want := sourcesOf(disjoint, m), sourcesOf(paid, m); got != want {
				t.Fatalf("month %d: sources %b, want %b", m, got, want)
			}
		}
	})
}

func TestPaidUntil(t *testing.T) {
	never := enrolment.NeverMonth
	for _, c := range []struct{ until, revoked, closed, want temporal.Month }{
		{12, never, never, 12}, {12, 5, never, 5}, {12, never, 7, 7}, {12, 9, 7, 7}, {12, 20, 30, 12},
	} {
		if got := enrolment.PaidUntil(c.until, c.revoked, c.closed); got != c.want {
			t.Errorf("PaidUntil(%d, %d, %d) = %d, want %d", c.until, c.revoked, c.closed, got, c.want)
		}
	}
}

func TestSpellsAreTheStatusOfEveryDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stretch := enrolment.Stretch{
			From: temporal.Date(rapid.IntRange(0, 200).Draw(t, "from")), Until: enrolment.Never,
			Terms: drawTerms(t),
		}
		if rapid.Bool().Draw(t, "ends") {
			stretch.Until = stretch.From + temporal.Date(rapid.IntRange(1, 150).Draw(t, "length"))
		}
		died := enrolment.Never
		if rapid.Bool().Draw(t, "dies") {
			died = temporal.Date(rapid.IntRange(0, 380).Draw(t, "died"))
		}
		paid := added(drawPaid(t))
		spells := enrolment.AppendSpells(nil, stretch, died, paid)
		for day := range temporal.Date(days) {
			covered, inGrace, sources := statusOn(stretch, died, paid, day)
			var on []enrolment.Spell
			for _, s := range spells {
				if s.From <= day && day < s.Until {
					on = append(on, s)
				}
			}
			if len(on) > 1 || (len(on) == 1) != (covered || inGrace) {
				t.Fatalf("day %d: %d spells, covered %v, in grace %v", day, len(on), covered, inGrace)
			}
			if len(on) == 1 && (on[0].InGrace != inGrace || on[0].Sources != sources) {
				t.Fatalf("day %d: %+v, in grace %v, sources %b", day, on[0], inGrace, sources)
			}
		}
	})
}

// statusOn transcribes "Covered on D" and "In grace on D".
func statusOn(s enrolment.Stretch, died temporal.Date, paid []enrolment.Paid, day temporal.Date,
) (covered, inGrace bool, sources enrolment.Sources) {
	open, alive := s.From <= day && day < s.Until, died >= day
	if !open || !alive {
		return false, false, 0
	}
	if s.Terms.Payer != event.APBD {
		return true, false, 0
	}
	m := day.Month()
	if sources = sourcesOf(paid, m); sources != 0 {
		return true, false, sources
	}
	before := sourcesOf(paid, m-1) | sourcesOf(paid, m-2) | sourcesOf(paid, m-3)
	return false, before != 0, 0
}
