package facts

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// TestCutRevoked: grants end where they do when all revocations are looked at for each of them, in
// whatever order these are.
func TestCutRevoked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g Gathered
		months := rapid.IntRange(0, 6)
		for seq := range rapid.IntRange(0, 12).Draw(t, "facts") {
			fact := Grant{
				Sequence: eventstore.Sequence(seq + 1), Commitment: uint32(rapid.IntRange(0, 2).Draw(t, "of")),
				From: temporal.Month(months.Draw(t, "from")),
			}
			if rapid.Bool().Draw(t, "revokes") {
				g.revokes = append(g.revokes, fact)
				continue
			}
			fact.Until = fact.From + temporal.Month(months.Draw(t, "months"))
			g.grants = append(g.grants, fact)
		}
		slices.Reverse(g.grants)
		if rapid.Bool().Draw(t, "newest first") {
			slices.Reverse(g.revokes)
		}
		want := slices.Clone(g.grants)
		for i := range want {
			want[i].Until = g.endOf(&want[i])
		}
		g.cutRevoked()
		if !slices.Equal(g.grants, want) || len(g.revokes) > 0 {
			t.Errorf("%v, want %v", g.grants, want)
		}
	})
}
