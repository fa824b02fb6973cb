package ledger

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/backups"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/lookups"
)

// TestUnnamed has a file of each stream be removed, or replaced by its copy, while the ledger runs: it
// says so and takes nothing in, and a backup has all that was acknowledged.
func TestUnnamed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what files are open is told on Linux alone")
	}
	t.Parallel()
	for name, harm := range map[string]func(path string) error{
		"CAKUPAN":       os.Remove,
		"CAKUPAN_VAULT": func(path string) error { return os.RemoveAll(filepath.Dir(filepath.Dir(path))) },
		"CAKUPAN_REGISTER": func(path string) error {
			content, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path+".copy", content, 0o600)
			}
			if err == nil {
				err = os.Rename(path+".copy", path)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := openToTest(t, Options{Dir: filepath.Join(t.TempDir(), "data"), Create: true})
			if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
				t.Fatal(err)
			}
			submit(t, l, [][]byte{nobodys(1), nobodys(2)})
			bpk := register.Member{Name: "bpk", Role: register.Auditor}
			if _, err := l.Register().Add(t.Context(), "root", bpk); err != nil {
				t.Fatal(err)
			}
			l.lookAtNames(t.Context())
			if h := l.Health(t.Context()); h.Status != HealthOK {
				t.Fatalf("before: %+v", h)
			}
			path := filepath.Join(l.folder.StreamFolder(name), "msgs", "1.blk")
			if err := harm(path); err != nil {
				t.Fatal(err)
			}
			l.lookAtNames(t.Context())
			want := filepath.Join(name, "msgs", "1.blk") + " was removed or replaced"
			if h := l.Health(t.Context()); h.Status != HealthFailing || !strings.Contains(h.Why, want) {
				t.Errorf("health: %s, %s", h.Status, h.Why)
			}
			_, err := l.Submit(t.Context(), [][]byte{nobodys(3)}, intake.Options{})
			if problem.From(err).Code != problem.StreamLost {
				t.Errorf("taken in: %v", err)
			}
			file, end := takeBackup(t, l, nil)
			if _, err := backups.Check(t.Context(), []string{file}, nil); err != nil || end.Events != 2 {
				t.Errorf("backup: %d events, %v", end.Events, err)
			}
		})
	}
}

// TestLostWhileRunning has the record of look-ups be removed while the ledger runs. The stop knows what
// was there, and the next start is refused, not just the one after a kill.
func TestLostWhileRunning(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	look := func(l *Ledger) {
		t.Helper()
		_, err := l.LookUp(t.Context(), "7503014101900002", "inspektorat", 1)
		if err != nil && problem.Exit(err) != problem.ExitNotFound {
			t.Fatal(err)
		}
	}
	l := openAt(t, dir)
	look(l)
	closeNow(t, l)
	l = openAt(t, dir)
	look(l)
	stream := l.folder.StreamFolder(lookups.StreamName)
	kept := filepath.Join(t.TempDir(), "kept")
	copyFolder(t, stream, kept)
	if err := os.RemoveAll(stream); err != nil {
		t.Fatal(err)
	}
	closeNow(t, l)
	_, err := Open(t.Context(), Options{Dir: dir})
	if problem.From(err).Code != problem.StreamLost {
		t.Fatalf("the start after that: %v", err)
	}
	copyFolder(t, kept, stream)
	closeNow(t, openAt(t, dir))
	if err := os.RemoveAll(stream); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, folder.RestFile)); err != nil {
		t.Fatal(err)
	}
	closeNow(t, openAt(t, dir))
}
