//go:build linux

package ledger

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cakupan/cmd/internal/backups"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore"
)

// TestDiskFull runs a ledger on a small disk that something else fills, up to the reserve that is
// kept for the log and then to the last byte. It must refuse, and go on by itself once there is
// room again.
func TestDiskFull(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=128m"); err != nil {
		t.Skipf("mounting a small disk needs rights that this test does not have: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Errorf("unmount %s: %v", disk, err)
		}
	})
	l, err := Open(t.Context(), Options{Dir: filepath.Join(disk, "data"), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	lines := eventsBetween(0, 400)
	f := filling{t: t, ledger: l, ballast: filepath.Join(disk, "ballast")}
	f.appends(lines[:50])
	for _, left := range []int64{40 << 20, 0} {
		f.appends(lines[50:52]) // what the coverage has yet to commit when the disk is full
		f.fill(disk, left)
		f.refuses(lines[100:150])
		time.Sleep(1500 * time.Millisecond) // longer than the coverage waits with a commit
		f.refuses(lines[100:150])
		if err := os.Remove(f.ballast); err != nil {
			t.Fatal(err)
		}
		f.appends(lines[100:150])
		lines = lines[100:]
	}
}

// filling is a ledger on a disk that is filled.
type filling struct {
	t       *testing.T
	ledger  *Ledger
	ballast string
	end     eventstore.Sequence // of the log
}

// fill leaves so many bytes of the disk.
func (f *filling) fill(disk string, left int64) {
	f.t.Helper()
	var stat unix.Statfs_t
	if err := unix.Statfs(disk, &stat); err != nil {
		f.t.Fatal(err)
	}
	file, err := os.Create(f.ballast)
	if err != nil {
		f.t.Fatal(err)
	}
	size := int64(stat.Bavail)*stat.Bsize - left
	if left == 0 {
		size = 1 << 40
	}
	_, err = io.CopyN(file, zeros{}, size)
	if err := file.Close(); err != nil {
		f.t.Fatal(err)
	}
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		f.t.Fatal(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// refuses checks that events are refused as a whole, and that all else is as it was.
func (f *filling) refuses(lines [][]byte) {
	t := f.t
	t.Helper()
	receipts, err := f.ledger.Submit(t.Context(), lines, intake.Options{})
	t.Logf("submit: %v", err)
	if p := problem.From(err); err == nil || p.Code != problem.LogFull ||
		p.Status() != http.StatusInsufficientStorage {
		t.Errorf("submit to a full disk: %v, %v; want %s", receipts, err, problem.LogFull)
	}
	if _, tail, err := f.ledger.log.Last(t.Context()); err != nil || tail.Sequence != f.end {
		t.Errorf("the log ends with event %d, %v; want %d", tail.Sequence, err, f.end)
	}
	health := f.ledger.Health(t.Context())
	t.Logf("health: %+v", health)
	if health.Status == HealthOK || !strings.Contains(health.Why, "room") {
		t.Errorf("health: %+v, though the log cannot be written", health)
	}
	f.answers()
}

// appends checks that events are taken, each once, and show.
func (f *filling) appends(lines [][]byte) {
	t := f.t
	t.Helper()
	for i, receipt := range submit(t, f.ledger, lines) {
		if receipt.Status == event.Appended {
			f.end++
		}
		if receipt.Status == event.Appended && receipt.Sequence != uint64(f.end) {
			t.Errorf("line %d is event %d, want %d", i+1, receipt.Sequence, f.end)
		}
	}
	// The coverage commits again within its interval.
	health := f.ledger.Health(t.Context())
	for end := time.Now().Add(time.Minute); health.Status != HealthOK &&
		time.Now().Before(end); health = f.ledger.Health(t.Context()) {
		time.Sleep(50 * time.Millisecond)
	}
	if health.Status != HealthOK || health.Head != f.end {
		t.Errorf("health: %+v, want head %d", health, f.end)
	}
	f.answers()
	if report, err := f.ledger.Verify(t.Context(), nil); err != nil || !report.OK {
		t.Errorf("verify: %+v, %v", report, err)
	}
}

// answers checks that the coverage has all events of the log.
func (f *filling) answers() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), waitMax)
	defer cancel()
	view, err := f.ledger.View(ctx, f.end)
	if err != nil || view.Known() != f.end {
		f.t.Errorf("view of event %d: %v", f.end, err)
	}
}

// TestRestoreFull restores onto a disk that is too small: it is said before anything is made.
func TestRestoreFull(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=32m"); err != nil {
		t.Skipf("mounting a small disk needs rights that this test does not have: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Errorf("unmount %s: %v", disk, err)
		}
	})
	file := backedUp(t, 3)[0]
	dir := filepath.Join(disk, "new", "folder")
	_, err := backups.Restore(t.Context(), backups.RestoreOptions{Files: []string{file}, Dir: dir})
	if p := problem.From(err); p == nil || p.Code != problem.LogFull || !strings.Contains(p.Detail, dir) {
		t.Errorf("%v", err)
	}
	if entries, err := os.ReadDir(disk); err != nil || len(entries) > 0 {
		t.Errorf("made: %v, %v", entries, err)
	}
}
