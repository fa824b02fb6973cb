package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// TestVerdicts: whoever asks at once, or soon after, has the answer of the one who looked; later it is
// looked at again, and each stream for itself.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	var known verdicts
	var up atomic.Int64
	var looked atomic.Int32
	ask := func(stream string) (bool, error) {
		return known.of(stream, func() time.Duration { return time.Duration(up.Load()) },
			func(of string) (bool, error) {
				looked.Add(1)
				if of == "B" {
					return false, errUnread
				}
				return true, nil
			})
	}
	for round, want := range []int32{1, 1, 2} {
		up.Store(int64(round) * int64(verdictFor) * 2 / 3)
		var asked sync.WaitGroup
		for range 20 {
			asked.Go(func() {
				if sound, err := ask("A"); !sound || err != nil {
					t.Errorf("%t, %v", sound, err)
				}
			})
		}
		asked.Wait()
		if looked.Load() != want {
			t.Errorf("round %d: looked %d times, not %d", round, looked.Load(), want)
		}
	}
	if sound, err := ask("B"); sound || !errors.Is(err, errUnread) {
		t.Errorf("another stream: %t, %v", sound, err)
	}
}

// TestUnreadBeside: where something beside the log could not be read, that is told to whoever decides
// when it is looked at again. It may be what was just found damaged.
func TestUnreadBeside(t *testing.T) {
	t.Parallel()
	l := openAt(t, filepath.Join(t.TempDir(), "data"))
	submit(t, l, [][]byte{nobodys(1)})
	if l.watchBeside(t.Context(), func() {}) {
		t.Error("all can be read")
	}
	for _, conn := range l.conns {
		conn.Close()
	}
	if !l.watchBeside(t.Context(), func() {}) {
		t.Error("nothing can be read")
	}
	if err := l.watchman.lost(); err != nil {
		t.Errorf("and that is called a loss: %v", err)
	}
}

// TestPaceOfWhatIsAsked: whoever has found damage does not wait for the pauses of a look that is in
// nobody's way.
func TestPaceOfWhatIsAsked(t *testing.T) {
	t.Parallel()
	l := openAt(t, filepath.Join(t.TempDir(), "data"))
	p := pace{ctx: t.Context(), urgent: l.isAsked, began: time.Now().Add(-time.Hour)}
	rested := make(chan struct{})
	go func() {
		defer close(rested)
		p.rest()
	}()
	_ = l.suspected(problem.New(problem.StreamLost, "found"))
	began := time.Now()
	<-rested
	if waited := time.Since(began); waited >= restMax {
		t.Errorf("it goes on after %s", waited)
	}
	if len(l.lookAgain) != 1 {
		t.Error("that it was asked for is forgotten")
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
