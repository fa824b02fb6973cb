package ledger_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"cakupan/cmd/internal/ledger"
	"cakupan/eventstore/durable"
)

// TestKeysCutShort: a copy of the keys that is cut at any step has the name of a copy only when it
// is whole, and the next one goes through. A folder in the way that is somebody's own is left.
func TestKeysCutShort(t *testing.T) {
	l := newLedger(t)
	keys, err := l.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	to := filepath.Join(dir, "keys")
	cuts := 0
	for cutAt := 1; backUpCut(t, l, to, cutAt); cutAt++ {
		cuts++
		entries, err := os.ReadDir(to)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err == nil && len(entries) != len(keys)+1 {
			t.Fatalf("cut at %d: %d files have the name of a copy", cutAt, len(entries))
		}
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range keys {
		want, err := os.ReadFile(k.File)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(to, filepath.Base(k.File)))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: %v", k.File, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.tmp"))
	if err != nil || len(left) > 0 || cuts < 10 {
		t.Errorf("%v: %v is left after %d cuts", err, left, cuts)
	}
	kept := filepath.Join(durable.Temporary(filepath.Join(dir, "own")), "letter.txt")
	if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = l.BackupKeys(t.Context(), filepath.Join(dir, "own"))
	if err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Error(err)
	}
	if _, err := os.Lstat(kept); err != nil {
		t.Error(err)
	}
}

// backUpCut copies the keys until a step of a file, where it ends as in a power cut. It tells
// whether there was such a step; without one the copy must be made.
func backUpCut(t *testing.T, l *ledger.Ledger, to string, cutAt int) (cut bool) {
	t.Helper()
	steps := 0
	remove := durable.Inject(filepath.Dir(to), func(durable.Step, string) error {
		if steps++; steps == cutAt {
			cut = true
			runtime.Goexit()
		}
		return nil
	})
	defer remove()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := l.BackupKeys(t.Context(), to); err != nil {
			t.Errorf("cut at %d: %v", cutAt, err)
		}
	}()
	<-done
	return cut
}
