package ledger

import (
	"os"
	"path/filepath"
	"testing"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/vault"
)

// TestSuspect: what says that the log, or what is beside it, is damaged has all be read again at once,
// and as often as it is found; what says nothing about them has not.
func TestSuspect(t *testing.T) {
	t.Parallel()
	l := openToTest(t, Options{Dir: filepath.Join(t.TempDir(), "data"), Create: true})
	for code, want := range map[problem.Code]int{
		problem.LogDamaged: 1, problem.VaultLost: 1, problem.RegisterLost: 1, problem.LogUnavailable: 0,
	} {
		_ = l.suspected(problem.New(code, "found"))
		_ = l.suspected(problem.New(code, "found again"))
		if got := len(l.lookAgain); got != want {
			t.Errorf("%s: %d, not %d", code, got, want)
		}
		for len(l.lookAgain) > 0 {
			<-l.lookAgain
		}
	}
}

// TestVaultWithoutBlock: a vault of which there is no block is no empty one.
func TestVaultWithoutBlock(t *testing.T) {
	t.Parallel()
	l := openAt(t, filepath.Join(t.TempDir(), "data"))
	submit(t, l, [][]byte{nobodys(1)})
	dir := l.folder.StreamFolder(vault.StreamName)
	closeNow(t, l)
	look := func(want inspect.State) {
		t.Helper()
		report, err := natsd.InspectStream(dir,
			func(natsd.StoredStream, *inspect.Report) func(natsd.StoredMessage) {
				return func(natsd.StoredMessage) {}
			})
		if err != nil || report.State != want {
			t.Errorf("%s, not %s: %v, %v", report.State, want, report.Findings, err)
		}
	}
	look(inspect.Whole)
	if err := os.Remove(filepath.Join(dir, "msgs", "1.blk")); err != nil {
		t.Fatal(err)
	}
	look(inspect.Damaged)
}
