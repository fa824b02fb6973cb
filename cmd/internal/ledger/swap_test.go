package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/cmd/internal/folder"
	"cakupan/projections"
	"cakupan/projections/coverage"
)

// TestKilledSwap kills a replay just before and just after the rebuilt coverage takes the place
// of the live one. Either way the next start answers the same, and leaves one file.
func TestKilledSwap(t *testing.T) {
	for _, point := range []string{projections.FaultBeforeSwap, projections.FaultAfterSwap} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			fillLedger(t, dir, 0, 60)
			want := digestOf(t, dir)
			process, answers, output := startChild(t, childOrders{
				Task: swapTask, Dir: dir, Point: point, Hit: 1,
			})
			defer func() { _ = answers.Close() }()
			err := process.Wait()
			if err == nil || !strings.Contains(err.Error(), "killed") {
				t.Fatalf("the child was not killed: %v: %s", err, output)
			}
			files, err := filepath.Glob(filepath.Join(dir, folder.Views, rebuildPattern))
			if before := point == projections.FaultBeforeSwap; err != nil || (len(files) == 1) != before {
				t.Errorf("left over: %v, %v", files, err)
			}
			if got := digestOf(t, dir); got != want {
				t.Errorf("digest %s, want %s", got, want)
			}
			left, err := os.ReadDir(filepath.Join(dir, folder.Views))
			if err != nil || len(left) != 1 || left[0].Name() != coverageFile {
				t.Errorf("files: %v, %v", left, err)
			}
		})
	}
}

// digestOf returns the digest of a folder's coverage, which a replay confirms.
func digestOf(t *testing.T, dir string) string {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	view, err := l.View(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := view.Digest(coverage.Everything)
	if err != nil {
		t.Fatal(err)
	}
	result, err := l.Replay(t.Context(), ReplayOptions{}, nil)
	if err != nil || !result.Matches || result.Digest != digest {
		t.Errorf("replay: %+v, %v, want digest %s", result, err, digest)
	}
	return digest
}
