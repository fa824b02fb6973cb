package index_test

import (
	"errors"
	"path/filepath"
	"testing"

	"cakupan/eventstore/durable"
	"cakupan/eventstore/durable/durabletest"
	"cakupan/eventstore/index"
)

// TestPowerCut cuts the power while runs become one: the index holds what it held, and the next
// open leaves nothing of the cut.
func TestPowerCut(t *testing.T) {
	const last = 20_000
	for _, cut := range durabletest.Cuts() {
		if cut.Step == durable.BeforeWrite {
			continue // a run is written by the index, not by durable
		}
		t.Run(cut.Name, func(t *testing.T) {
			dir := t.TempDir()
			x, err := index.OpenSmall(dir, ledger, limit)
			if err != nil {
				t.Fatal(err)
			}
			fill(t, x, last)
			x.Quiet()
			if !cut.Run(t, dir, func() { _ = x.Rewrite() }) {
				t.Fatal("was not cut")
			}
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			again := open(t, dir)
			check(t, again, 13)
			if left, err := filepath.Glob(filepath.Join(dir, "*.tmp")); err != nil || len(left) > 0 {
				t.Errorf("left over: %v (%v)", left, err)
			}
			fill(t, again, last)
			check(t, again, 13)
		})
	}
}

// TestStepFails fails each step of the runs that are written behind: whoever reserves room hears of
// it, and can go on once it has passed.
func TestStepFails(t *testing.T) {
	for _, step := range durable.Steps()[1:] {
		t.Run(string(step), func(t *testing.T) {
			dir := t.TempDir()
			x := open(t, dir)
			heal := durabletest.Fail(t, dir, step)
			fill(t, x, 8100) // two tables in memory
			err := x.Reserve(frameSize)
			if heal() == 0 || !errors.Is(err, durabletest.ErrInjected) {
				t.Fatalf("reserved room: %v", err)
			}
			check(t, x, 41)
			fill(t, x, 20_000)
			x.Quiet()
			check(t, x, 13)
		})
	}
}
