package facts

import (
	"math/rand/v2"
	"slices"
	"testing"

	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
)

// TestGrantedIsSorted adds enrolments in any order, some again and again, and sorts them at random
// moments: each is there once, in order.
func TestGrantedIsSorted(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var g granted
		var all []uint32
		for range rng.IntN(60) {
			e := rng.Uint32N(40)
			g.add(e)
			all = append(all, e)
			if rng.IntN(4) > 0 {
				continue
			}
			g.sort()
			want := slices.Compact(slices.Sorted(slices.Values(all)))
			if !slices.Equal(g.enrolments, want) {
				t.Fatalf("of %v: %v, want %v", all, g.enrolments, want)
			}
		}
	}
}

// TestAppendSpan adds spans of months: a month is in one of them exactly when one that was added
// has it, and in no two.
func TestAppendSpan(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		var added, spans []enrolment.Span
		for range rng.IntN(8) {
			from := temporal.Month(rng.IntN(30))
			add := enrolment.Span{From: from, Until: from + temporal.Month(rng.IntN(8)-2)}
			added, spans = append(added, add), appendSpan(spans, add)
		}
		for month := range temporal.Month(40) {
			has := func(s enrolment.Span) bool { return s.From <= month && month < s.Until }
			n := 0
			for _, s := range spans {
				if has(s) {
					n++
				}
			}
			if want := slices.ContainsFunc(added, has); want != (n == 1) || n > 1 {
				t.Fatalf("of %v: %v have month %d %d times", added, spans, month, n)
			}
		}
	}
}
