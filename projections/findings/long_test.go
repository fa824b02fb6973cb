package findings_test

import (
	"fmt"
	"os"
	"testing"

	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/findings"
	"cakupan/projections/projtest"
)

// longKind is one for which an enrolment has many facts when it has more than so many.
func longKind(brief int) projections.Kind {
	return projections.StagedKind[*findings.Projection, findings.Batch](
		findings.Name, findings.NewLong(brief))
}

// TestLongSuite: long courses come to the same over restarts, batches and kills.
func TestLongSuite(t *testing.T) { projtest.Run(t, longKind(2)) }

// TestLongIsShort: whether courses are long from the first fact on, become long or never do, the
// same is found, of every event.
func TestLongIsShort(t *testing.T) {
	seeds := uint64(12)
	if os.Getenv(projtest.LongEnv) != "" {
		seeds = 400
	}
	for seed := range seeds {
		compareLong(t, fmt.Sprint("seed ", seed), history(seed, 260, 60), 0, 1, 3, 8)
	}
	for seed := range seeds / 4 {
		compareLong(t, fmt.Sprint("heavy seed ", seed), heavy(seed, 700, 40), 0, 100)
	}
}

// compareLong compares with a fold for which no enrolment of the events has many facts.
func compareLong(t *testing.T, name string, events []projections.Event, briefs ...int) {
	t.Helper()
	want := digests(t, theKind(), events)
	for _, brief := range briefs {
		got := digests(t, longKind(brief), events)
		for k := range want {
			if got[k] != want[k] {
				t.Errorf("%s, more than %d facts: something else after event %d, %s",
					name, brief, k+1, events[k].Type)
				break
			}
		}
	}
}

// digests returns the digest after each event.
func digests(t *testing.T, kind projections.Kind, events []projections.Event) (all []string) {
	t.Helper()
	p := open(t, kind, events, 20)
	for k := range events {
		digest, err := p.Digest(eventstore.Sequence(k + 1))
		if err != nil {
			t.Fatal(fmt.Errorf("digest at %d: %w", k+1, err))
		}
		all = append(all, digest)
	}
	return all
}
