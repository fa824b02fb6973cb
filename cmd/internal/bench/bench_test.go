package bench

import (
	"os"
	"strconv"
	"testing"
)

// TestBench runs the whole benchmark over few events: that it works, not how fast it is.
func TestBench(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	report, err := Run(t.Context(), t.TempDir(), benchTestEvents(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if !report.DigestsAgree {
		t.Error("the replay's digest is another than the live one")
	}
	for _, f := range report.Figures {
		t.Logf("%-70s %s", f.Name, f.row()[1:])
	}
}

// benchTestEvents is how many events TestBench uses; BENCH_EVENTS says otherwise.
func benchTestEvents() int {
	if n, err := strconv.Atoi(os.Getenv("BENCH_EVENTS")); err == nil {
		return n
	}
	return 4_000
}
