package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDamageIsTakenBack damages a log, serves it, and puts it right again, as a disk does that fails
// for a while: everything is refused meanwhile, and nobody has to start it again.
func TestDamageIsTakenBack(t *testing.T) {
	p := servePassing(t, t.TempDir())
	for range 3 {
		if status := p.post(100); status != http.StatusOK {
			t.Fatalf("post: %d", status)
		}
	}
	p.stop()
	blocks, err := filepath.Glob(filepath.Join(p.dir, "nats/jetstream/*/streams/CAKUPAN/msgs/*.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatal(blocks, err)
	}
	flipBit(t, blocks[0], 200)
	again := startPassing(t, p.dir)
	again.sent, again.acked = p.sent, p.acked
	again.await("damage", func() bool {
		return again.both(http.StatusServiceUnavailable)() &&
			strings.Contains(again.body("/healthz"), "events 1 to 100 are damaged")
	})
	if status := again.post(1); status != http.StatusServiceUnavailable {
		t.Errorf("post to a damaged log: %d", status)
	}
	flipBit(t, blocks[0], 200)
	began := time.Now()
	again.await("health", again.both(http.StatusOK))
	t.Logf("well after %v", time.Since(began).Round(time.Millisecond))
	if status := again.post(1); status != http.StatusOK {
		t.Errorf("post after: %d", status)
	}
	again.stop()
}

// flipBit changes one bit of a file, without a new time.
func flipBit(t *testing.T, path string, at int64) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	one := make([]byte, 1)
	_, err = file.ReadAt(one, at)
	if one[0] ^= 1; err == nil {
		_, err = file.WriteAt(one, at)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}
