package projtest

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/merkle"
	"cakupan/projections"
	"cakupan/projections/checked"
)

// errFault is what a commit fails with here: as a full disk would have it.
var errFault = errors.New("no room on the disk")

// testOlderFile brings back a file that is older than the log, as a crash does that loses the
// last commits.
//
// The file is whole, only not the last one: its position says what it holds, and the events behind
// that are read from the log and folded again. Nothing may be counted twice.
func testOlderFile(t *testing.T, kind projections.Kind) {
	events := AllTypes(5, historyEvents)
	b := newBook(t, kind, Log(t, events, 5, 9))
	for _, until := range []eventstore.Sequence{50, 180, 260} {
		b.catchUp(until)
		b.close()
		old, err := os.ReadFile(b.path)
		if err != nil {
			t.Fatal(err)
		}
		b.open(nil)
		b.catchUp(until + 35)
		b.close()
		if err := os.WriteFile(b.path, old, 0o600); err != nil {
			t.Fatal(err)
		}
		b.open(nil)
	}
	b.catchUp(everything)
	b.check(events)
}

// testFailingCommits lets every other commit fail while the projection follows the log, and starts
// again each time: it goes on from the last one that did not.
//
// What was not committed must be written by the next commit, together with what came since, and
// readers must see no more and no less for it. A runner may end with the error of the last commit,
// and with no other.
func testFailingCommits(t *testing.T, kind projections.Kind) {
	events := AllTypes(6, historyEvents)
	log := memlog.New(eventstore.NewIdentity(1))
	b := newBook(t, kind, log)
	var commits atomic.Int64
	everyOther := func() error {
		if commits.Add(1)%2 == 1 {
			return errFault
		}
		return nil
	}
	for from := 0; from < historyEvents; from += 100 {
		b.close()
		b.open(everyOther)
		grow(t, log, events[from:from+100], 6, 9)
		stop := b.follow()
		b.wait(eventstore.Sequence(from + 100))
		if err := stop(); err != nil && !errors.Is(err, errFault) {
			t.Fatal(err)
		}
	}
	// Else no commit came after one that failed.
	if commits.Load() < 2 {
		t.Errorf("%d commits", commits.Load())
	}
	b.close()
	b.open(nil)
	b.catchUp(everything)
	b.check(events)
}

// testFailingStart lets every commit fail: nobody may take what was never committed for done. A
// file is there then, and in it nothing: it must be taken for an empty one, not for a damaged one.
func testFailingStart(t *testing.T, kind projections.Kind) {
	events := AllTypes(7, historyEvents)
	b := newBook(t, kind, Log(t, events, 7, 9))
	b.close()
	b.open(func() error { return errFault })
	if err := b.kept.CatchUp(t.Context(), everything, nil); !errors.Is(err, errFault) {
		t.Errorf("caught up: %v", err)
	}
	b.close()
	b.open(nil)
	if b.applied() != 0 {
		t.Errorf("applied up to %d, and nothing was ever committed", b.applied())
	}
	b.catchUp(everything)
	b.check(events)
}

// poisonAt appends an event that nobody can decode. The frame is sound, and its checksum is right:
// only the event in it is nothing that a log would take.
func poisonAt(t *testing.T, log *memlog.Log) {
	t.Helper()
	_, tail, err := log.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := eventstore.NewFrameBuilder(tail.Sequence+1, merkle.Hash{}, tail.RecordedAt)
	if err := b.Append(tail.RecordedAt, []byte("\xffno event")); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), b.Bytes(), tail); err != nil {
		t.Fatal(err)
	}
}

// testPoison stops at an event that cannot be folded, and keeps what was before it.
//
// It must not be skipped, which would be a silent hole in every answer, and trying again is of no
// use: the projection says so and stands still. What was committed before it stays, and answers go
// on.
func testPoison(t *testing.T, kind projections.Kind) {
	events := AllTypes(8, 100)
	log := Log(t, events, 8, 9)
	b := newBook(t, kind, log)
	b.catchUp(everything)
	poisonAt(t, log)
	stop := b.follow()
	ctx := t.Context()
	if err := b.kept.Wait(ctx, 101); !errors.Is(err, projections.ErrStopped) {
		t.Errorf("wait for what cannot be folded: %v", err)
	}
	if err := stop(); !errors.Is(err, projections.ErrPoisoned) {
		t.Errorf("run: %v", err)
	}
	if _, err := b.kept.Applied(); !errors.Is(err, projections.ErrPoisoned) {
		t.Errorf("stopped by: %v", err)
	}
	b.close()
	b.open(nil)
	b.check(events)
	if err := b.kept.CatchUp(ctx, everything, nil); !errors.Is(err, projections.ErrPoisoned) {
		t.Errorf("caught up: %v", err)
	}
}

// testDamage stops where the log cannot be read, and skips nothing. It stops before the damage,
// again each time, and the error of the log, which names the events, comes through to whoever asks.
func testDamage(t *testing.T, kind projections.Kind) {
	events := AllTypes(9, 60)
	log := Log(t, events, 9, 1)
	log.Damage(41)
	b := newBook(t, kind, log)
	var damage *eventstore.DamageError
	if err := b.kept.CatchUp(t.Context(), everything, nil); !errors.As(err, &damage) ||
		damage.From != 41 {
		t.Errorf("caught up: %v", err)
	}
	b.close()
	b.open(nil)
	if err := b.kept.Run(t.Context()); !errors.As(err, &damage) || damage.From != 41 {
		t.Errorf("run: %v", err)
	}
	if applied, _ := b.kept.Applied(); applied > 40 {
		t.Errorf("applied up to %d", applied)
	}
}

// testOtherLogs opens the file over logs that it was not made from.
//
// They are a shorter one, one of another name with the same events, and one of the same name with
// other events: the last is told by the frame at the position. Each is refused with an error that
// says which it is, and the file stays as it was: over its own log, which has grown, it goes on.
func testOtherLogs(t *testing.T, kind projections.Kind) {
	events := AllTypes(10, 100)
	log := Log(t, events, 10, 1)
	b := newBook(t, kind, log)
	b.catchUp(everything)
	b.close()
	shorter := log.Clone(log.Identity())
	shorter.Truncate(70)
	forged := memlog.New(log.Identity())
	grow(t, forged, AllTypes(11, 100), 10, 1)
	for name, test := range map[string]struct {
		log  eventstore.Log
		want error
	}{
		"shorter": {shorter, projections.ErrLogShorter},
		"another": {log.Clone(eventstore.NewIdentity(2)), projections.ErrOtherLog},
		"forged":  {forged, projections.ErrOtherLog},
	} {
		b.log = test.log
		if kept, err := b.tryOpen(nil); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
			if err == nil {
				_ = kept.Close()
			}
		}
	}
	grow(t, log, AllTypes(10, 130)[100:], 10, 4)
	b.log = log
	b.open(nil)
	b.catchUp(everything)
	if b.applied() != 130 {
		t.Errorf("applied up to %d", b.applied())
	}
}

// testOtherVersion opens a file of other rules. It is refused, not read and not deleted: the shelf
// begins anew, here nobody does.
func testOtherVersion(t *testing.T, kind projections.Kind) {
	b := newBook(t, kind, Log(t, AllTypes(12, 50), 12, 5))
	b.catchUp(everything)
	b.close()
	ageFile(t, b.path)
	if _, err := b.tryOpen(nil); !errors.Is(err, projections.ErrOutdated) {
		t.Errorf("open: %v", err)
	}
}

// ageFile makes a file one of another version. Only its position says so, under a good checksum:
// all else is as it was.
func ageFile(t *testing.T, path string) {
	t.Helper()
	db, err := checked.Open(path, checked.Options{Scratch: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *checked.Tx) error {
		at, err := projections.PositionIn(tx)
		if err != nil {
			return err
		}
		at.Version += 1000
		text, err := json.Marshal(at)
		if err != nil {
			return err
		}
		return tx.Bucket([]byte("meta")).Put([]byte("position"), text)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// testFollow follows a log that grows in bursts, while others ask.
//
// A digest as known at an event that is applied must not depend on what is applied meanwhile: it is
// asked while more comes, and again when that is done.
func testFollow(t *testing.T, kind projections.Kind) {
	events := AllTypes(13, historyEvents)
	rng := rand.New(rand.NewPCG(13, 2))
	log := memlog.New(eventstore.NewIdentity(1))
	b := newBook(t, kind, log)
	stop := b.follow()
	asked := make(chan string, 1)
	for from := 0; from < historyEvents; {
		until := min(from+1+rng.IntN(150), historyEvents)
		go func() {
			// The question is about the last event before this burst, so that it can be answered at
			// any time.
			digest, err := b.kept.Digest(eventstore.Sequence(from))
			if err != nil {
				digest = err.Error()
			}
			asked <- digest
		}()
		grow(t, log, events[from:until], uint64(from), 9)
		b.wait(eventstore.Sequence(until))
		if digest := <-asked; digest != b.digest(eventstore.Sequence(from)) {
			t.Errorf("digest at %d, asked while it went on: %s", from, digest)
		}
		from = until
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	b.close()
	b.open(nil)
	b.check(events)
}
