// Package projtest is the suite that every projection must pass: however the log is cut into
// frames, wherever the program starts again, whatever fails on the way, the digests come out the
// same, and nothing of a wrong log is taken for the right one.
package projtest

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"cakupan/eventstore"
	"cakupan/eventstore/memlog"
	"cakupan/projections"
)

// background is the context of what is not waited for.
var background = context.Background()

// historyEvents is the length of the histories: long enough for several of everything that a
// projection cuts small for a test.
const historyEvents = 300

// everything is beyond the end of every log.
const everything = eventstore.Sequence(1 << 62)

// Run runs the suite. The kind is best one that cuts its state into small parts.
func Run(t *testing.T, kind projections.Kind) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, projections.Kind)
	}{
		{"digest", testDigest},
		{"any cut", testCuts},
		{"digest alone", testFoldDigest},
		{"restarts", testRestarts},
		{"parts", testParts},
		{"older file", testOlderFile},
		{"follows", testFollow},
		{"slow", testSlow},
		{"failing commits", testFailingCommits},
		{"failing start", testFailingStart},
		{"poison", testPoison},
		{"damage", testDamage},
		{"other logs", testOtherLogs},
		{"other version", testOtherVersion},
		{"rebuild", testRebuild},
		{"shelf", testShelf},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, kind)
		})
	}
}

// book is a projection over a log, with its file.
type book struct {
	t    *testing.T
	kind projections.Kind
	log  eventstore.Log
	path string
	kept projections.Kept

	budget int // of a part of a frame; 0: as usual
}

// newBook opens a projection in a fresh file.
func newBook(t *testing.T, kind projections.Kind, log eventstore.Log) *book {
	t.Helper()
	b := &book{t: t, kind: kind, log: log, path: filepath.Join(t.TempDir(), kind.Name+".db")}
	b.open(nil)
	t.Cleanup(func() { _ = b.kept.Close() })
	return b
}

func (b *book) open(fault func() error) {
	b.t.Helper()
	kept, err := b.tryOpen(fault)
	if err != nil {
		b.t.Fatal(err)
	}
	b.kept = kept
}

func (b *book) tryOpen(fault func() error) (projections.Kept, error) {
	return b.kind.Open(b.t.Context(), projections.NewFeed(b.log),
		projections.File{Path: b.path, Fault: fault, Budget: b.budget})
}

func (b *book) close() {
	b.t.Helper()
	if err := b.kept.Close(); err != nil {
		b.t.Fatal(err)
	}
}

// catchUp applies the log up to the frame with the event.
func (b *book) catchUp(until eventstore.Sequence) {
	b.t.Helper()
	if err := b.kept.CatchUp(b.t.Context(), until, nil); err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) applied() eventstore.Sequence {
	b.t.Helper()
	applied, err := b.kept.Applied()
	if err != nil {
		b.t.Fatal(err)
	}
	return applied
}

func (b *book) digest(k eventstore.Sequence) string {
	b.t.Helper()
	digest, err := b.kept.Digest(k)
	if err != nil {
		b.t.Fatal(err)
	}
	return digest
}

// follow runs the projection until the returned function is called, which returns why it ended.
func (b *book) follow() (stop func() error) {
	ctx, cancel := context.WithCancel(background)
	ended := make(chan error, 1)
	kept := b.kept
	go func() { ended <- kept.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

func (b *book) wait(seq eventstore.Sequence) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	if err := b.kept.Wait(ctx, seq); err != nil {
		b.t.Fatal(err)
	}
}

// check compares the digests with those of a projection that was built in one go from a log of one
// event a frame: the plainest way to them.
func (b *book) check(events []projections.Event) {
	b.t.Helper()
	plain := newBook(b.t, b.kind, Log(b.t, events, 0, 1))
	plain.catchUp(everything)
	if got, want := b.applied(), plain.applied(); got != want {
		b.t.Fatalf("applied up to %d, want %d", got, want)
	}
	for k := eventstore.Sequence(0); k < b.applied()+7; k += 7 {
		if b.digest(k) != plain.digest(k) {
			b.t.Fatalf("the digest at %d differs", k)
		}
	}
}

// Log returns a log of the events in frames of up to most, cut by the seed.
func Log(t *testing.T, events []projections.Event, seed uint64, most int) *memlog.Log {
	t.Helper()
	log := memlog.New(eventstore.NewIdentity(1))
	grow(t, log, events, seed, most)
	return log
}

func grow(t *testing.T, log *memlog.Log, events []projections.Event, seed uint64, most int) {
	t.Helper()
	if err := Append(log, events, seed, most); err != nil {
		t.Fatal(err)
	}
}

// testDigest: the digest at k is that of the log that ends with k, and each log has another.
func testDigest(t *testing.T, kind projections.Kind) {
	events := Events(1, 60)
	log := memlog.New(eventstore.NewIdentity(1))
	b := newBook(t, kind, log)
	want := []string{b.digest(0)}
	for i := range events {
		grow(t, log, events[i:i+1], 0, 1)
		b.catchUp(everything)
		want = append(want, b.digest(everything))
	}
	seen := map[string]int{}
	for k, digest := range want {
		if got := b.digest(eventstore.Sequence(k)); got != digest {
			t.Fatalf("digest as known at %d is %s, was %s", k, got, digest)
		}
		if other, twice := seen[digest]; twice {
			t.Fatalf("logs of %d and of %d events have one digest", other, k)
		}
		seen[digest] = k
	}
	other := newBook(t, kind, Log(t, Events(2, len(events)), 0, 1))
	other.catchUp(everything)
	if other.digest(everything) == want[len(events)] {
		t.Error("two histories have one digest")
	}
}

// testCuts cuts one history in several ways.
func testCuts(t *testing.T, kind projections.Kind) {
	events := Events(3, historyEvents)
	for seed, most := range []int{2, 7, 40, historyEvents} {
		b := newBook(t, kind, Log(t, events, uint64(seed), most))
		b.catchUp(everything)
		b.check(events)
	}
}

// testFoldDigest folds for the digest alone, in frames of any size and in parts of them: it is that
// of a projection that answers too.
func testFoldDigest(t *testing.T, kind projections.Kind) {
	events := Events(4, historyEvents)
	plain := newBook(t, kind, Log(t, events, 0, 1))
	plain.catchUp(everything)
	for seed, most := range []int{1, 9, 40, historyEvents} {
		log := Log(t, events, uint64(seed), most)
		for k := eventstore.Sequence(seed); k <= historyEvents; k += 23 {
			b := newBook(t, kind, log)
			b.close()
			b.budget = int(k) % 4
			b.open(nil)
			got, err := b.kept.FoldDigest(t.Context(), k, nil)
			if err != nil {
				t.Fatal(err)
			}
			if want := plain.digest(k); got != want {
				t.Errorf("frames of up to %d: the digest at %d alone is %s, is %s",
					most, k, got, want)
			}
			b.close()
		}
	}
}

// testRestarts closes the file and opens it again at random places.
func testRestarts(t *testing.T, kind projections.Kind) {
	for seed := range uint64(4) {
		events := Events(seed, historyEvents)
		rng := rand.New(rand.NewPCG(seed, 1))
		b := newBook(t, kind, Log(t, events, seed, 12))
		for b.applied() < historyEvents {
			b.catchUp(b.applied() + 1 + eventstore.Sequence(rng.IntN(40)))
			b.close()
			b.open(nil)
		}
		b.check(events)
	}
}

// testParts applies large frames in parts of any size, and starts again between them: at a commit
// within a frame, and at an older one after a crash.
func testParts(t *testing.T, kind projections.Kind) {
	for seed, budget := range []int{1, 2, 5, 60} {
		events := Events(uint64(20+seed), historyEvents)
		rng := rand.New(rand.NewPCG(uint64(seed), 3))
		b := newBook(t, kind, Log(t, events, uint64(seed), 100))
		for b.applied() < historyEvents {
			b.close()
			b.budget = budget
			b.open(nil)
			next := b.applied() + 1 + eventstore.Sequence(rng.IntN(40))
			if rng.IntN(3) > 0 {
				b.catchUp(next)
				continue
			}
			if err := b.kept.Fold(t.Context(), next, nil); err != nil { // is lost
				t.Fatal(err)
			}
		}
		b.check(events)
		b.otherFrame(events)
	}
}

// otherFrame opens the file, at a place within a frame, over a log that was cut elsewhere: it may
// be another one.
func (b *book) otherFrame(events []projections.Event) {
	b.t.Helper()
	within := newBook(b.t, b.kind, Log(b.t, events, 0, len(events)))
	within.close()
	within.budget = 1
	within.open(nil)
	within.catchUp(9)
	if within.applied() != 9 {
		return // it is applied frame by frame
	}
	within.close()
	same := within.log
	within.log = Log(b.t, events, 0, 1)
	if kept, err := within.tryOpen(nil); !errors.Is(err, projections.ErrOtherLog) {
		b.t.Errorf("over other frames: %v", err)
		if err == nil {
			_ = kept.Close()
		}
	}
	within.log = same
	within.open(nil)
	stop := within.follow()
	within.wait(historyEvents)
	if err := stop(); err != nil {
		b.t.Fatal(err)
	}
	within.check(events)
}
