package coverage_test

import (
	"testing"

	"cakupan/eventstore"
	"cakupan/projections/checked"
)

// TestDigestOnly makes the digest alone as known at and around the ends of blocks, while the fold
// goes on behind that event: it is that of a projection that answers too. Nothing else is told.
func TestDigestOnly(t *testing.T) {
	const block, each = 4096, 7
	history := Generate(6, 2*block+300)
	full := foldOnce(t, t.TempDir(), history, false)
	for _, k := range []int{0, 1, block - 1, block, block + 1, 2*block - 3, 2 * block, 2*block + 299} {
		alone := foldOnce(t, t.TempDir(), nil, false)
		alone.p.DigestOnly(eventstore.Sequence(k))
		for from := 0; from < k; from += each {
			if _, err := alone.p.Digest(eventstore.Sequence(k)); err == nil {
				t.Fatalf("the digest at %d is told after %d events", k, from)
			}
			frame, err := frameOf(history, from, min(from+each, len(history)))
			if err == nil {
				err = apply(alone.p, frame)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		want, err := full.p.Digest(eventstore.Sequence(k))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := alone.p.Digest(eventstore.Sequence(k)); err != nil || got != want {
				t.Fatalf("the digest at %d alone is %s, %v; it is %s", k, got, err, want)
			}
		}
		if _, err := alone.p.Digest(eventstore.Sequence(k + 1)); err == nil {
			t.Errorf("the digest at %d is told of a fold for that at %d", k+1, k)
		}
		if err := alone.db.Update(func(tx *checked.Tx) error { return alone.p.Store(tx) }); err == nil {
			t.Error("what was not kept is stored")
		}
		if known := alone.p.View().Known(); known != 0 {
			t.Errorf("a view knows %d events of a fold for the digest alone", known)
		}
	}
}
