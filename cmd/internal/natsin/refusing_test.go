package natsin_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"cakupan/cmd/internal/natsin"
)

// blocks returns the files of what was refused.
func (w *world) blocks() (all []os.FileInfo) {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.dir, "nats/jetstream/*/streams/CAKUPAN_REFUSED/msgs/*.blk"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, path := range found {
		info, err := os.Stat(path)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, info)
	}
	return all
}

// TestRoomIsCheap: who is refused too much has his oldest removed without a file being written anew
// for each of them, which once kept the disk of everybody busy. One that somebody drops is
// overwritten at once.
func TestRoomIsCheap(t *testing.T) {
	w := newWorld(t)
	q := w.within(natsin.Limits{Count: natsin.LimitCountMin}, 0)
	w.refuse("bone", "early", natsin.LimitCountMin-10, 0)
	before := w.blocks()
	w.refuse("bone", "late", 20, 0)
	removed, _ := q.Removed()
	after := w.blocks()
	if removed == 0 || len(before) != 1 || len(after) != 1 || !os.SameFile(before[0], after[0]) {
		t.Fatalf("%d removed, %d and %d files", removed, len(before), len(after))
	}
	conn, err := w.server.ConnectStore()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = natsin.NewRefusals(conn, w.sealer, nil, nil).Drop(t.Context(), w.refused()[5].Number)
	if err != nil {
		t.Fatal(err)
	}
	if now := w.blocks(); len(now) != 1 || os.SameFile(after[0], now[0]) {
		t.Error("one that was dropped is not overwritten")
	}
}

// TestRefusedPays: a publisher pays for what is refused, the more the longer it is, and for nothing
// else; others do not.
func TestRefusedPays(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	paid := map[string]time.Duration{}
	w.startIntake(func(o *natsin.Options) {
		o.Charge = func(publisher string, work time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			paid[publisher] += work
		}
	})
	w.pack(natsin.Message{
		Publisher: "good", Payload: line("urn:good", 1),
		Header: []natsin.Field{{Name: "Content-Type", Value: "application/cloudevents+json"}},
	})
	w.eventually("the good one is in the log", func() bool { return w.length() == 1 })
	w.refuse("short", "x", 50, 10)
	w.refuse("long", "x", 50, 10_000)
	mu.Lock()
	defer mu.Unlock()
	if paid["good"] != 0 || paid["short"] < 50*100*time.Microsecond || paid["long"] < 2*paid["short"]-paid["short"]/2 {
		t.Errorf("%v", paid)
	}
}
