package coverage_test

import (
	"testing"

	"cakupan/eventstore"
	"cakupan/projections/checked"
)

// TestDigestOnly makes the digest alone as known at and around the end of a block, while the fold
// goes on behind that event: it is that of a projection that answers too. Nothing else is told.
func TestDigestOnly(t *testing.T) {
	const block, each = 4096, 7
	history := Generate(6, block+300)
	var frames []eventstore.Frame
	full := foldOnce(t, t.TempDir(), nil, false)
	for from := 0; from < len(history); from += each {
		frame, err := frameOf(history, from, min(from+each, len(history)))
		if err == nil {
			frames, err = append(frames, frame), apply(full.p, frame)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range []eventstore.Sequence{0, 9, block, block + 1, block + 290} {
		alone := foldOnce(t, t.TempDir(), nil, false)
		alone.p.DigestOnly(k)
		for _, frame := range frames {
			if frame.First() > k {
				break
			}
			if _, err := alone.p.Digest(k); err == nil {
				t.Fatalf("the digest at %d is told before event %d", k, frame.First())
			}
			if err := apply(alone.p, frame); err != nil {
				t.Fatal(err)
			}
		}
		want, err := full.p.Digest(k)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := alone.p.Digest(k); err != nil || got != want {
				t.Fatalf("the digest at %d alone is %s, %v; it is %s", k, got, err, want)
			}
		}
		if _, err := alone.p.Digest(k + 1); err == nil {
			t.Errorf("the digest at %d is told of a fold for that at %d", k+1, k)
		}
		err = alone.db.Update(func(tx *checked.Tx) error { return alone.p.Store(tx) })
		if err == nil {
			t.Error("what was not kept is stored")
		}
		if known := alone.p.View().Known(); known != 0 {
			t.Errorf("a view knows %d events of a fold for the digest alone", known)
		}
	}
}
