//go:build unix

package pubsub

import (
	"os"
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/durable/durabletest"
)

// TestFailedStore fails to write the older line, which a failed write may spoil: the next write
// must be of the same line, because the other one is the only position there is.
func TestFailedStore(t *testing.T) {
	positions, err := NewFilePositions(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	key := PositionKey{Ledger: "ledger", Group: "group", Topic: "topic"}
	claimed, err := positions.Claim(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	p := claimed.(*filePosition)
	for handled := range eventstore.Sequence(2) {
		if err := p.Store(handled + 1); err != nil {
			t.Fatal(err)
		}
	}
	line, sound := p.line, p.file
	if p.file, err = os.Open(p.path); err != nil {
		t.Fatal(err)
	}
	if err := p.Store(3); err == nil {
		t.Fatal("a file that cannot be written took a position")
	}
	if err := p.file.Close(); err != nil {
		t.Fatal(err)
	}
	p.file = sound
	if p.line != line {
		t.Errorf("line %d is next after a failed write of line %d", p.line, line)
	}
	if _, err := sound.WriteAt([]byte("spoilt"), int64(line)*lineBytes); err != nil {
		t.Fatal(err)
	}
	if err := p.Store(3); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if _, ok := readLine(content[i*lineBytes : (i+1)*lineBytes]); !ok {
			t.Errorf("line %d is spoilt", i)
		}
	}
	if err := p.Release(); err != nil {
		t.Fatal(err)
	}
}

// TestPowerCutAtTheFirstStore cuts the power while the file of a position is made: then there is
// none, or a whole one.
func TestPowerCutAtTheFirstStore(t *testing.T) {
	key := PositionKey{Ledger: "ledger", Group: "group", Topic: "topic"}
	for _, cut := range durabletest.Cuts() {
		t.Run(cut.Name, func(t *testing.T) {
			dir := t.TempDir()
			positions, err := NewFilePositions(dir)
			if err != nil {
				t.Fatal(err)
			}
			first, err := positions.Claim(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if !cut.Run(t, dir, func() { _ = first.Store(7) }) {
				t.Fatal("was not cut")
			}
			if err := first.Release(); err != nil {
				t.Fatal(err)
			}
			next, err := positions.Claim(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			handled, found, err := next.Load()
			if err != nil || found && handled != 7 || found != (handled == 7) {
				t.Errorf("loaded %d, %t, %v", handled, found, err)
			}
			if err := next.Store(8); err != nil {
				t.Error(err)
			}
			if err := next.Release(); err != nil {
				t.Error(err)
			}
		})
	}
}
