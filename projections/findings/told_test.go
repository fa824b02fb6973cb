package findings_test

import (
	"fmt"
	"slices"
	"testing"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/findings"
	st "cakupan/projections/standingtest"
)

// TestToldOnce: of an enrolment or a person with very many facts, each of which is a finding, it
// is looked once at what there is, and not once for each finding.
func TestToldOnce(t *testing.T) {
	kinds := map[string]func(i int) event.Event{
		"grants of one month": func(i int) event.Event {
			return st.Granted(fmt.Sprint("c", i), "e", 600, 601)
		},
		"amendments": longCourses["amendments"],
		"deaths":     func(i int) event.Event { return st.Died("w", dayOf(i)) },
	}
	for name, fact := range kinds {
		t.Run(name, func(t *testing.T) {
			one, two := lookedToTell(t, fact, 400), lookedToTell(t, fact, 800)
			if float64(two) > 2.5*float64(one) {
				t.Errorf("findings of 400 facts look at %d, of 800 at %d", one, two)
			}
		})
	}
}

// lookedToTell reports facts, and returns at how many the open findings look.
func lookedToTell(t *testing.T, fact func(i int) event.Event, n int) int {
	t.Helper()
	plain := []event.Event{st.Opened("e", "w", st.Terms(7503, event.APBD), 0)}
	for i := 1; i < n; i++ {
		plain = append(plain, fact(i))
	}
	events := st.Logged(plain)
	for i := range events {
		events[i].RecordedAt = 1_600_000_000_000_000_000
	}
	p := open(t, longKind(16), events, 100)
	looked, told, err := findings.LookedToTell(p,
		findings.Query{Known: eventstore.Sequence(n), Open: true})
	if err != nil || told < n/4 {
		t.Fatalf("%d findings of %d facts: too few to tell; %v", told, n, err)
	}
	return looked
}

// TestKeptIsTold: what is kept of an enrolment or a person from one finding to the next is what is
// worked out for each of them.
func TestKeptIsTold(t *testing.T) {
	for seed := range uint64(4) {
		events := history(seed, 260, 60)
		anew, kept := open(t, theKind(), events, 20), open(t, longKind(0), events, 20)
		for _, known := range []eventstore.Sequence{60, 130, 259, 260} {
			for _, only := range []bool{false, true} {
				q := findings.Query{Known: known, Open: only}
				if want, got := ask(t, anew, q), ask(t, kept, q); !slices.Equal(want, got) {
					t.Errorf("seed %d, known %d: %s", seed, known, differ(got, want))
				}
			}
		}
	}
}
