package findings

import (
	"math/rand/v2"
	"testing"
)

// TestNumbers: a set of numbers is what a map of them is.
func TestNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	is, model := newNumbers(), map[uint32]bool{}
	for i := range 20_000 {
		number, to := uint32(rng.IntN(300)), rng.IntN(2) == 0
		if rng.IntN(10) == 0 {
			number = 1<<32 - 1 - number
		}
		if i > 15_000 {
			to = false // it becomes empty
		}
		if changed := is.set(number, to); changed != (model[number] != to) {
			t.Fatalf("step %d: setting %d to %v changed %v", i, number, to, changed)
		}
		if model[number] = to; !to {
			delete(model, number)
		}
		if is.len() != len(model) {
			t.Fatalf("step %d: %d numbers, not %d", i, is.len(), len(model))
		}
	}
	for number := range model {
		is.set(number, false)
	}
	if is.len() != 0 || len(is.words) != 0 {
		t.Errorf("%d numbers in %d words are left of none", is.len(), len(is.words))
	}
	var none *numbers
	if none.set(7, false) || none.len() != 0 {
		t.Error("none at all is not empty")
	}
}
