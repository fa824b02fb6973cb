package findings

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestHeights compares with a count for each point, while spans come, and go in parts.
func TestHeights(t *testing.T) {
	const line = 50
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		var h heights
		var slow [line]int32
		for range 60 {
			from := rng.Int32N(line)
			until, weight := from+rng.Int32N(line-from)+1, int32(1)
			if rng.IntN(2) == 0 && slices.Min(slow[from:until]) > 0 {
				weight = -1
			}
			h.add(from, until, weight)
			for i := from; i < until; i++ {
				slow[i] += weight
			}
			if most := slices.Max(slow[:]); h.most() != most {
				t.Fatalf("at most %d, want %d", h.most(), most)
			}
			for at := range int32(line) {
				if want := slices.Max(slow[at:]) > 0; h.after(at) != want {
					t.Fatalf("from %d on %v: %v", at, h.after(at), slow)
				}
			}
		}
	}
}
