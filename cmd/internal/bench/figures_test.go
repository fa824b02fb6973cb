package bench

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestPercentiles: at least so large a share is at or below a percentile, and it is one of the
// durations.
func TestPercentiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(0, 1_000), 1, 300).Draw(t, "ms")
		var d []time.Duration
		for _, ms := range all {
			d = append(d, time.Duration(ms)*time.Millisecond)
		}
		p50, p99 := percentiles(d)
		for share, p := range map[int]float64{50: p50, 99: p99} {
			below := 0
			for _, ms := range all {
				if float64(ms) <= p {
					below++
				}
			}
			if below*100 < share*len(all) || !slices.Contains(all, int64(p)) {
				t.Fatalf("%d %%: %v of %v", share, p, all)
			}
		}
		if p50 > p99 {
			t.Fatalf("the median %v is above %v", p50, p99)
		}
	})
}

// TestMeasured finds a figure by its name; one that was not measured is 0, which no ratio is made
// of.
func TestMeasured(t *testing.T) {
	b := &benchmark{}
	b.add(Figure{Name: "one", Value: 1})
	b.add(Figure{Name: "two", Value: 2})
	for name, want := range map[string]float64{"one": 1, "two": 2, "three": 0, "": 0} {
		if got := b.measured(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

// TestRow says of a figure whether it meets its target, whichever way is better, and what it is
// beside the floor.
func TestRow(t *testing.T) {
	for _, c := range []struct {
		figure Figure
		want   []string
	}{
		{
			Figure{Name: "a", Value: 1234567, Unit: "events/s", More: true, Target: 50_000},
			[]string{"a", "1,234,567 events/s", "≥ 50,000", "✓", "", ""},
		},
		{
			Figure{Name: "b", Value: 49_999, Unit: "events/s", More: true, Target: 50_000},
			[]string{"b", "49,999 events/s", "≥ 50,000", "✗", "", ""},
		},
		{
			Figure{Name: "c", Value: 1.5, Unit: "ms", Target: 2, Floor: 3, FloorName: "ms"},
			[]string{"c", "1.5 ms", "≤ 2", "✓", "3 ms", "0.5×"},
		},
		{Figure{Name: "d", Value: 2.001, Unit: "ms", Target: 2}, []string{"d", "2.001 ms", "≤ 2", "✗", "", ""}},
		{Figure{Name: "e", Value: 0, Unit: "MB"}, []string{"e", "0 MB", "", "", "", ""}},
	} {
		if got := c.figure.row(); !slices.Equal(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	for value, want := range map[float64]string{
		0: "0", 0.1234: "0.123", 1: "1", 999: "999", 1000: "1,000", 1e6: "1,000,000", 1234.6: "1,235",
		-2.5: "-2.5",
	} {
		if got := grouped(value); got != want {
			t.Errorf("%v: %q, want %q", value, got, want)
		}
	}
}
