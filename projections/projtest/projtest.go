// Package projtest is the suite that every projection must pass: however the log is cut into
// frames, wherever the program starts again, whatever fails on the way, the digests come out the
// same, and nothing of a wrong log is taken for the right one.
//
// A projection runs it in a test of its own (projtest_test.go), with states cut small, so that some
// hundred events fill pages, make runs and cross every bound that takes millions otherwise. Whether
// an answer is right is not asked here, which is for the models of each package; here all answers,
// as the digest stands for them, must be the same, whichever way the projection came to them.
//
// Logs are in memory and made from seeds, files are real and in folders of the test. Beside [Run]
// there are [Damages], for a projection whose file may be spoilt under it, [Golden], for its
// format, and [Benchmark]. The package is for tests, and for packages that serve tests alone.
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

// background is the context of what is not waited for. Runners are stopped by a context of their
// own: the one of a test is done before its cleanups run.
var background = context.Background()

// historyEvents is the length of the histories: long enough for several of everything that a
// projection cuts small for a test. It is also short enough to be checked against a plain replay
// many times.
const historyEvents = 300

// everything is beyond the end of every log. Catching up to it ends at the end of what there is.
const everything = eventstore.Sequence(1 << 62)

// Run runs the suite. The kind is best one that cuts its state into small parts.
//
// The tests run at the same time, each with files and logs of its own: the kind must make
// projections that share nothing. A kind whose frames are not applied in parts passes testParts as
// well.
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
//
// It belongs to one goroutine, but for kept, of which some methods may be called by others
// meanwhile. It may be closed and opened again at the same path any number of times, over another
// log, too.
type book struct {
	t    *testing.T
	kind projections.Kind
	log  eventstore.Log
	path string
	kept projections.Kept

	budget int // of a part of a frame; 0: as usual
}

// newBook opens a projection in a fresh file. The file is in a folder of its own, and closed when
// the test ends.
func newBook(t *testing.T, kind projections.Kind, log eventstore.Log) *book {
	t.Helper()
	b := &book{t: t, kind: kind, log: log, path: filepath.Join(t.TempDir(), kind.Name+".db")}
	b.open(nil)
	t.Cleanup(func() { _ = b.kept.Close() })
	return b
}

// open opens the file, or fails the test. With a fault, which is called before each commit, the
// commit fails with its error.
func (b *book) open(fault func() error) {
	b.t.Helper()
	kept, err := b.tryOpen(fault)
	if err != nil {
		b.t.Fatal(err)
	}
	b.kept = kept
}

// tryOpen opens the file over the log as it is now, with the error that its caller has to tell
// apart.
func (b *book) tryOpen(fault func() error) (projections.Kept, error) {
	return b.kind.Open(b.t.Context(), projections.NewFeed(b.log),
		projections.File{Path: b.path, Fault: fault, Budget: b.budget})
}

// close closes the file: what was not committed is lost, as a crash would have it.
func (b *book) close() {
	b.t.Helper()
	if err := b.kept.Close(); err != nil {
		b.t.Fatal(err)
	}
}

// catchUp applies the log up to the frame with the event. It commits then.
func (b *book) catchUp(until eventstore.Sequence) {
	b.t.Helper()
	if err := b.kept.CatchUp(b.t.Context(), until, nil); err != nil {
		b.t.Fatal(err)
	}
}

// applied returns the last event that readers see. The projection must not have stopped.
func (b *book) applied() eventstore.Sequence {
	b.t.Helper()
	applied, err := b.kept.Applied()
	if err != nil {
		b.t.Fatal(err)
	}
	return applied
}

// digest returns the digest as known at an event; one beyond what is applied means all of it.
func (b *book) digest(k eventstore.Sequence) string {
	b.t.Helper()
	digest, err := b.kept.Digest(k)
	if err != nil {
		b.t.Fatal(err)
	}
	return digest
}

// follow runs the projection until the returned function is called, which returns why it ended. The
// error is nil when nothing but that call has ended it. It must be called once.
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

// wait waits until readers see an event. A minute is far more than a sound projection takes on a
// busy machine: what takes longer hangs.
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
//
// Each seventh event is compared, and one beyond the end: a mistake about an event stays in all
// later digests, so that it is seen by the next one that is compared.
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

// Log returns a log of the events in frames of up to most, cut by the seed. Its identity is a new
// one each time: a file that was made from another log is refused over it, even if the events are
// the same.
func Log(t *testing.T, events []projections.Event, seed uint64, most int) *memlog.Log {
	t.Helper()
	log := memlog.New(eventstore.NewIdentity(1))
	grow(t, log, events, seed, most)
	return log
}

// grow appends events to a log, of which they must be the next.
func grow(t *testing.T, log *memlog.Log, events []projections.Event, seed uint64, most int) {
	t.Helper()
	if err := Append(log, events, seed, most); err != nil {
		t.Fatal(err)
	}
}

// testDigest: the digest at k is that of the log that ends with k, and each log has another. So
// what comes later does not change what was known, and no event goes unnoticed.
func testDigest(t *testing.T, kind projections.Kind) {
	events := AllTypes(1, 60)
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
	other := newBook(t, kind, Log(t, AllTypes(2, len(events)), 0, 1))
	other.catchUp(everything)
	if other.digest(everything) == want[len(events)] {
		t.Error("two histories have one digest")
	}
}

// testCuts cuts one history in several ways. Where frames end must say nothing: who appends decides
// it by the load of the moment.
func testCuts(t *testing.T, kind projections.Kind) {
	events := AllTypes(3, historyEvents)
	for seed, most := range []int{2, 7, 40, historyEvents} {
		b := newBook(t, kind, Log(t, events, uint64(seed), most))
		b.catchUp(everything)
		b.check(events)
	}
}

// testFoldDigest folds for the digest alone, in frames of any size and in parts of them: it is that
// of a projection that answers too.
//
// Such a fold keeps nothing, so that a fresh file is folded for each k. Budgets of 1 to 3 cut
// behind nearly every event; 0 is the usual one.
func testFoldDigest(t *testing.T, kind projections.Kind) {
	events := AllTypes(4, historyEvents)
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

// testRestarts closes the file and opens it again at random places. Each time it goes on from what
// was committed, and some of what it keeps in memory must be made anew.
func testRestarts(t *testing.T, kind projections.Kind) {
	for seed := range uint64(4) {
		events := AllTypes(seed, historyEvents)
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
//
// A commit within a frame has to find its place in it again. Where a fold is not committed, what it
// did is lost when the file is closed, and it must all come again.
func testParts(t *testing.T, kind projections.Kind) {
	for seed, budget := range []int{1, 2, 5, 60} {
		events := AllTypes(uint64(20+seed), historyEvents)
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
//
// The position within a frame has the hash of the whole frame: by nothing else can the other log be
// told, which has the same name and the same events. It is refused, and the file stays as it was:
// over its own log it goes on.
func (b *book) otherFrame(events []projections.Event) {
	b.t.Helper()
	own := Log(b.t, events, 0, len(events))
	within := newBook(b.t, b.kind, own)
	within.close()
	within.budget = 1
	within.open(nil)
	within.catchUp(9)
	if within.applied() != 9 {
		return // it is applied frame by frame
	}
	within.close()
	other := memlog.New(own.Identity())
	grow(b.t, other, events, 0, 1)
	within.log = other
	if kept, err := within.tryOpen(nil); !errors.Is(err, projections.ErrOtherLog) {
		b.t.Errorf("over other frames: %v", err)
		if err == nil {
			_ = kept.Close()
		}
	}
	within.log = own
	within.open(nil)
	stop := within.follow()
	within.wait(historyEvents)
	if err := stop(); err != nil {
		b.t.Fatal(err)
	}
	within.check(events)
}
