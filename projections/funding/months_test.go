package funding_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/coverage"
	"cakupan/projections/facts"
	"cakupan/projections/funding"
	"cakupan/projections/projtest"
	"cakupan/projections/standing"
	"cakupan/projections/standingtest"
)

// histories is how many random histories are gone through.
func histories() uint64 {
	if os.Getenv(projtest.LongEnv) != "" {
		return 150
	}
	return 6
}

// inForce returns the events that are in force at a place in the log.
func inForce(all []projections.Event, k eventstore.Sequence) []projections.Event {
	return slices.DeleteFunc(slices.Clone(all[:k]), func(e projections.Event) bool {
		return slices.ContainsFunc(all[:k], func(r projections.Event) bool {
			return r.Type == event.EventRetracted && r.Data.RetractedSource == e.Source &&
				r.Data.RetractedID == e.ID && e.Type != event.EventRetracted
		})
	})
}

// pays reports whether a grant of a commitment pays a month of an enrolment.
func pays(events []projections.Event, c, e string, m temporal.Month) bool {
	return slices.ContainsFunc(events, func(g projections.Event) bool {
		d := &g.Data
		if g.Type != event.FundingGranted || d.Commitment != c || d.Enrolment != e ||
			m < d.FromMonth || d.UntilMonth <= m {
			return false
		}
		return !slices.ContainsFunc(events, func(s projections.Event) bool {
			ends := s.Type == event.FundingClosed ||
				s.Type == event.FundingRevoked && s.Data.Enrolment == e && s.Sequence > g.Sequence
			return ends && s.Data.Commitment == c && s.Data.FromMonth <= m
		})
	})
}

// TestMonths compares the heads of each month with the events: granted is who is paid, and covered
// who is paid, open for the budget and alive on one of its days.
func TestMonths(t *testing.T) {
	covered, closed := int64(0), 0
	for seed := range histories() {
		h := told(standingtest.Random(seed, 80))
		source := standingtest.Source(t, h...)
		all := standingtest.Logged(h)
		k := eventstore.Sequence(60 + seed%20)
		events := inForce(all, k)
		err := funding.Each(t.Context(), source, h, funding.Query{Known: k}, func(l *funding.Line) error {
			for m := month(2021, 1); m < month(2023, 3); m++ {
				want := count(t, source, events, l.Commitment, m, k)
				got := [2]int64{}
				for _, months := range l.Months {
					if text := m.String(); months.From <= text && text < months.Until {
						got = [2]int64{months.Granted, months.Covered}
					}
				}
				if got != want {
					t.Fatalf("seed %d, %s in %s known %d: granted and covered %v, want %v", seed,
						l.Commitment, m, k, got, want)
				}
				covered += want[1]
			}
			if got, want := textOf(l.Closed), closedFrom(events, l.Commitment); got != want {
				t.Errorf("seed %d, %s: closed from %s, want %s", seed, l.Commitment, got, want)
			}
			if l.Closed != nil {
				closed++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if covered == 0 || closed == 0 {
		t.Errorf("%d months covered, %d closed: too few to tell", covered, closed)
	}
}

// count counts the enrolments that a commitment pays in a month, and those that it covers.
func count(t *testing.T, source *coverage.Projection, events []projections.Event, c string,
	m temporal.Month, k eventstore.Sequence,
) (n [2]int64) {
	t.Helper()
	reader := standing.NewReader(standing.At(k))
	for i := range standingtest.Names {
		name := fmt.Sprint("e", i)
		if !pays(events, c, name, m) {
			continue
		}
		n[0]++
		number, _, err := source.Names().FindEnrolment(name)
		if err != nil {
			t.Fatal(err)
		}
		err = source.Read(func(s *facts.State) error {
			for day := m.First(); day <= m.Last(); day++ {
				st := reader.Stand(s, number, day, enrolment.Never)
				var p standing.Person
				if !st.Open || st.Terms.Payer != event.APBD {
					continue
				}
				if reader.Person(s, &p, st.Worker); day <= p.Died {
					n[1]++
					return nil
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func textOf(month *string) string {
	if month == nil {
		return "none"
	}
	return *month
}

func closedFrom(events []projections.Event, c string) string {
	first := "none"
	for i := range events {
		if d := &events[i].Data; events[i].Type == event.FundingClosed && d.Commitment == c &&
			(first == "none" || d.FromMonth.String() < first) {
			first = d.FromMonth.String()
		}
	}
	return first
}
