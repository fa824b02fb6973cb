//go:build unix

package pubsub

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/golden"
	"cakupan/eventstore/inspect"
)

// goldenPosition is the file of a group that has handled the events up to 7, and then up to 9.
const goldenPosition = "position-v1.hex"

func goldenKey() PositionKey {
	return PositionKey{
		Ledger: "abababababababababababababababab", Group: "notices", Topic: "cakupan.events",
	}
}

// TestGolden writes a position as ever, and goes on from one that another day's program wrote.
func TestGolden(t *testing.T) {
	dir := t.TempDir()
	positions, err := NewFilePositions(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := positions.Claim(t.Context(), goldenKey())
	if err != nil {
		t.Fatal(err)
	}
	for _, handled := range []eventstore.Sequence{7, 9} {
		if err := p.Store(handled); err != nil {
			t.Fatal(err)
		}
	}
	path := p.(*filePosition).path
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, goldenPosition, content)
	if err := p.Release(); err != nil {
		t.Fatal(err)
	}
	golden.Copy(t, goldenPosition, path)
	if p, err = positions.Claim(t.Context(), goldenKey()); err != nil {
		t.Fatal(err)
	}
	if handled, found, err := p.Load(); handled != 9 || !found || err != nil {
		t.Errorf("it is at %d, %t, %v", handled, found, err)
	}
	if err := p.Release(); err != nil {
		t.Fatal(err)
	}
}

// TestInspect inspects the golden position, whole, cut, and with one bit of every byte wrong.
func TestInspect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notices@cakupan.events.txt")
	sound := golden.Read(t, goldenPosition)
	look := func(content []byte) inspect.Report {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Inspect(path)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := look(sound); r.State != inspect.Whole || r.Ledger != goldenKey().Ledger || r.Last != 9 {
		t.Errorf("%+v", r)
	}
	for at := range sound {
		broken := slices.Clone(sound)
		broken[at] ^= 1 << (at % 8)
		if r := look(broken); r.State != inspect.Damaged {
			t.Errorf("byte %d is wrong: %+v", at, r)
		}
		if r := look(sound[:at]); r.State != inspect.Damaged {
			t.Errorf("cut at %d: %+v", at, r)
		}
	}
	if r := look(make([]byte, len(sound))); r.State != inspect.Damaged {
		t.Errorf("of zeros: %+v", r)
	}
}
