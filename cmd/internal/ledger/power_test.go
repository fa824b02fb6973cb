package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"cakupan/eventstore/durable"
	"cakupan/eventstore/durable/durabletest"
	"cakupan/projections/coverage"
)

// TestPowerCutAtTheIdentity cuts the power while a new folder gets its identity, and while it is
// noted that the log is there: the folder is new, or has the identity, and opens.
func TestPowerCutAtTheIdentity(t *testing.T) {
	for _, cut := range durabletest.Cuts() {
		for _, made := range []bool{false, true} {
			t.Run(cut.Name, func(t *testing.T) {
				dir := t.TempDir()
				f, err := openFolder(dir, true)
				if err != nil {
					t.Fatal(err)
				}
				do := func() { _ = f.makeIdentity(wallClock()) }
				if made {
					do()
					do = func() { _ = f.logMade() }
				}
				if !cut.Run(t, dir, do) {
					t.Fatal("was not cut")
				}
				want := f.meta
				if cut.Step != durable.Done && (cut.Step != durable.BeforeFolder || cut.Lost) {
					want = folderMeta{}
					if made {
						want.Format, want.Identity = f.meta.Format, f.meta.Identity
					}
				}
				if err := f.close(); err != nil {
					t.Fatal(err)
				}
				again, err := openFolder(dir, true)
				if err != nil {
					t.Fatal(err)
				}
				if again.meta != want {
					t.Errorf("the folder says %+v, want %+v", again.meta, want)
				}
				if err := errors.Join(again.logMade(), again.close()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestFailedSwap fails before a rebuilt projection has its name, and after: it is in place or not
// as the error says, nothing is left over, and the ledger answers either way, also after a start.
func TestFailedSwap(t *testing.T) {
	for _, step := range []durable.Step{durable.BeforeRename, durable.BeforeFolder, durable.Done} {
		t.Run(string(step), func(t *testing.T) {
			dir := t.TempDir()
			fillLedger(t, dir, 0, 60)
			want := digestOf(t, dir)
			live := filepath.Join(dir, viewsFolder, coverageFile)
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
