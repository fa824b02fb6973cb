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
