package shares

import (
	"runtime"
	"testing"
)

// TestSpare: there are places to run beyond the processors that are shared, unless somebody has said
// how many there are.
func TestSpare(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	t.Setenv("GOMAXPROCS", "1")
	Spare()
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("%d, and not what was set: %d", got, before)
	}
	t.Setenv("GOMAXPROCS", "")
	for range 2 {
		Spare()
		if got := runtime.GOMAXPROCS(0); got != Processors()+sparePlaces || Processors() < 1 {
			t.Errorf("%d places to run for %d processors", got, Processors())
		}
	}
}
