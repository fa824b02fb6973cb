package steps_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cakupan/projections/steps"
)

type span struct{ from, until int32 }

const points = 60

// TestCountsAreThoseOfEveryPoint adds and removes spans and compares with a count for each point.
func TestCountsAreThoseOfEveryPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c steps.Counts
		var slow [points]int32
		var added []span
		for range rapid.IntRange(1, 60).Draw(t, "changes") {
			weight := int32(1)
			var s span
			if len(added) > 0 && rapid.IntRange(0, 2).Draw(t, "remove") == 0 {
				weight = -1
				i := rapid.IntRange(0, len(added)-1).Draw(t, "which")
				s = added[i]
				added = slices.Delete(added, i, i+1)
			} else {
				s.from = int32(rapid.IntRange(0, points-1).Draw(t, "from"))
				s.until = int32(rapid.IntRange(0, points).Draw(t, "until"))
				if rapid.IntRange(0, 5).Draw(t, "endless") == 0 {
					s.until = steps.End
				}
				added = append(added, s)
			}
			change(t, &c, &slow, s, weight)
		}
		for _, s := range added {
			change(t, &c, &slow, s, -1)
		}
		if c.Len() != 0 {
			t.Fatalf("%d steps of nothing", c.Len())
		}
	})
}

func change(t *rapid.T, c *steps.Counts, slow *[points]int32, s span, weight int32) {
	var told, want [points]bool
	last := int32(-1)
	tell := func(from, until int32) {
		if from >= until || from <= last {
			t.Fatalf("told %d–%d after %d", from, until, last)
		}
		last = until
		for p := from; p < min(until, points); p++ {
			told[p] = true
		}
	}
	for p := s.from; p < min(s.until, points); p++ {
		want[p] = slow[p] == max(-weight, 0)
		slow[p] += weight
	}
	if weight > 0 {
		c.Add(s.from, s.until, tell)
	} else {
		c.Remove(s.from, s.until, tell)
	}
	if told != want {
		t.Fatalf("%+v by %d told %v, want %v", s, weight, told, want)
	}
	for p := range int32(points) {
		count, until := c.At(p)
		if count != slow[p] || until <= p {
			t.Fatalf("count at %d is %d until %d, want %d", p, count, until, slow[p])
		}
	}
	first, found := c.First()
	want1 := int32(slices.IndexFunc(slow[:], func(n int32) bool { return n > 0 }))
	if found != (want1 >= 0) || found && first != want1 {
		t.Fatalf("first is %d %v, want %d", first, found, want1)
	}
}

// TestManySpans does the same with enough spans to fill many blocks.
func TestManySpans(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const days = 5_000
	var c steps.Counts
	var slow [days]int32
	var added []span
	for i := range 6_000 {
		s, weight := span{}, int32(1)
		if i%3 == 2 {
			at := random.IntN(len(added))
			s, weight = added[at], -1
			added = slices.Delete(added, at, at+1)
		} else {
			s.from = random.Int32N(days)
			s.until = s.from + 1 + random.Int32N(days-s.from)
			added = append(added, s)
		}
		want, got := 0, 0
		for p := s.from; p < s.until; p++ {
			if slow[p] == max(-weight, 0) {
				want++
			}
			slow[p] += weight
		}
		count := func(from, until int32) { got += int(until - from) }
		if weight > 0 {
			c.Add(s.from, s.until, count)
		} else {
			c.Remove(s.from, s.until, count)
		}
		if got != want {
			t.Fatalf("change %d told %d points, want %d", i, got, want)
		}
	}
	for p := range int32(days) {
		if count, _ := c.At(p); count != slow[p] {
			t.Fatalf("count at %d is %d, want %d", p, count, slow[p])
		}
	}
}

// BenchmarkScatteredDays adds endless spans that begin on scattered days.
func BenchmarkScatteredDays(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	var c steps.Counts
	told := 0
	for b.Loop() {
		if c.Len() >= 20_000 {
			c = steps.Counts{}
		}
		c.Add(random.Int32N(1_000_000), steps.End, func(int32, int32) { told++ })
	}
}
