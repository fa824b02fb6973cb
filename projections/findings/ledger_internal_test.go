package findings

import (
	"math/rand/v2"
	"testing"

	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// TestWorkforce: what is found by a search is what a look at all publications finds.
func TestWorkforce(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	l, known := newLedger(), 0
	for seq := eventstore.Sequence(1); seq <= 2_000; seq++ {
		r := []region.Code{75, 7503}[rng.IntN(2)]
		if rng.IntN(3) == 0 {
			l.retractPublication(1+eventstore.Sequence(rng.IntN(int(seq))), seq)
		} else {
			l.addPublication(publication{
				sequence: seq, region: r, reference: temporal.Date(rng.IntN(60)), count: int64(seq),
			})
		}
		on := temporal.Date(rng.IntN(70) - 5)
		got, want := l.workforceAsOf(r, on, latest), l.workforceAsOf(r, on, latest-1)
		if got != want {
			t.Fatalf("after %d events: %v on %d, want %v", seq, got, on, want)
		}
		if got != nil {
			known++
		}
	}
	if known < 1_000 {
		t.Errorf("a workforce is known %d times", known)
	}
}
