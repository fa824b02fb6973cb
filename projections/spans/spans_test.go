package spans_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"cakupan/projections/spans"
)

// list is the same as a set, as a list in order.
type list []spans.Span

func (l list) place(from int32, id uint64) (int, bool) {
	return slices.BinarySearchFunc(l, spans.Span{From: from, ID: id},
		func(a, b spans.Span) int {
			return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.ID, b.ID))
		})
}

// TestSet compares with a list, while spans come and go.
func TestSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var set spans.Set
	var all list
	most := 0
	for range 20_000 {
		from, id := int32(rng.IntN(60)-30), uint64(rng.IntN(12))
		at, is := all.place(from, id)
		switch {
		case !is && rng.IntN(3) > 0:
			span := spans.Span{From: from, Until: from + int32(rng.IntN(9)), ID: id}
			set.Add(span)
			all = slices.Insert(all, at, span)
		default:
			gone, found := set.Remove(from, id)
			if found != is || is && gone != all[at] {
				t.Fatal(gone, found)
			}
			if is {
				all = slices.Delete(all, at, at+1)
			}
		}
		most = max(most, len(all))
		compare(t, &set, all, rng)
	}
	if most < 200 {
		t.Errorf("there are never more than %d", most)
	}
}

func compare(t *testing.T, set *spans.Set, all list, rng *rand.Rand) {
	t.Helper()
	if set.Len() != len(all) {
		t.Fatalf("%d spans, want %d", set.Len(), len(all))
	}
	from, id := int32(rng.IntN(80)-40), uint64(rng.IntN(12))
	at, _ := all.place(from, id)
	if is, found := set.From(from, id); found != (at < len(all)) || found && is != all[at] {
		t.Fatal("from", from, id, is, found)
	}
	if is, found := set.Before(from, id); found != (at > 0) || found && is != all[at-1] {
		t.Fatal("before", from, id, is, found)
	}
	until := from + int32(rng.IntN(10))
	var got, want list
	set.Over(from, until, func(s spans.Span) { got = append(got, s) })
	for _, s := range all {
		if s.From < until && from < s.Until && s.From < s.Until {
			want = append(want, s)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("over [%d, %d): %v, want %v", from, until, got, want)
	}
}
