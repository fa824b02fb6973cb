package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"cakupan/cmd/internal/folder"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/durable/durabletest"
	"cakupan/projections/coverage"
)

// TestFailedSwap fails before a rebuilt projection has its name, and after: it is in place or not
// as the error says, nothing is left over, and the ledger answers either way, also after a start.
func TestFailedSwap(t *testing.T) {
	for _, step := range []durable.Step{durable.BeforeRename, durable.BeforeFolder, durable.Done} {
		t.Run(string(step), func(t *testing.T) {
			dir := t.TempDir()
			fillLedger(t, dir, 0, 60)
			want := digestOf(t, dir)
			live := filepath.Join(dir, folder.Views, coverageFile)
			before, err := os.Stat(live)
			if err != nil {
				t.Fatal(err)
			}
			l, err := Open(t.Context(), Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			heal := durabletest.Fail(t, filepath.Dir(live), step)
			_, err = l.Replay(t.Context(), ReplayOptions{Swap: true}, nil)
			if heal() == 0 || !errors.Is(err, durabletest.ErrInjected) {
				t.Errorf("swap: %v", err)
			}
			after, statErr := os.Stat(live)
			if swapped := errors.Is(err, durable.ErrUnsynced); statErr != nil ||
				swapped != (step != durable.BeforeRename) || swapped == os.SameFile(before, after) {
				t.Errorf("after %v the file is swapped: %t", err, !os.SameFile(before, after))
			}
			if view, err := l.View(t.Context(), 0); err != nil {
				t.Error(err)
			} else if got, err := view.Digest(coverage.Everything); err != nil || got != want {
				t.Errorf("digest %s (%v), want %s", got, err, want)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if got := digestOf(t, dir); got != want {
				t.Errorf("after a start: digest %s, want %s", got, want)
			}
			left, err := os.ReadDir(filepath.Dir(live))
			if err != nil || len(left) != 1 {
				t.Errorf("files: %v, %v", left, err)
			}
		})
	}
}
