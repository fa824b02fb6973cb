// Package logtest is the suite that every eventstore.Log must pass, and makes the frames for it.
// What a log must do is written in the contract of the interface; each test here holds a piece of
// it, and says why it matters to those who use logs. Nothing of the suite knows which log it has.
package logtest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cakupan/eventstore"
)

// patience bounds the wait for what must happen soon. A log that is sound never comes near it; it
// is there so that one that hangs fails by name.
const patience = 2 * time.Minute

// Open opens a new, empty log. It is closed by a cleanup of the test. The suite opens one for each
// test, and appends to it.
type Open func(t *testing.T) eventstore.Log

// Run runs the suite. Each test opens a log of its own. A log that passes may still lose what was
// acknowledged when its machine stops: that is for tests that stop it.
func Run(t *testing.T, open Open) {
	tests := []struct {
		name string
		test func(*testing.T, eventstore.Log)
	}{
		{"identity is constant", testIdentity},
		{"empty log", testEmpty},
		{"what was appended is read", testAppendRead},
		{"frame of any size is kept", testSizes},
		{"append elsewhere than at the end is fenced", testFence},
		{"invalid frame is refused", testInvalid},
		{"append under a context that ended stores nothing", testCancelledAppend},
		{"of two writers one is refused", testTwoWriters},
		{"read from any event", testReadFrom},
		{"read ends at the end as of the call", testReadEnds},
		{"read reaches the end that was told", testReadReaches},
		{"loop may stop at any frame", testStop},
		{"frames outlive the loop", testFramesOutlive},
		{"follow goes on", testFollow},
		{"follow waits for an event to come", testFollowBeyond},
		{"follow ends with its context", testFollowCancel},
		{"read ends with its context", testReadCancel},
		{"followers all see all", testManyFollowers},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.test(t, open(t)) })
	}
}

// testIdentity: position files, indexes and projections are bound to it. Two logs of one identity
// would be taken for one, with all that is derived from either.
func testIdentity(t *testing.T, log eventstore.Log) {
	if log.Identity().IsZero() || len(log.Identity().Ledger) != 32 {
		t.Errorf("identity %+v", log.Identity())
	}
	if a, b := log.Identity(), log.Identity(); a != b {
		t.Errorf("identity %+v, then %+v", a, b)
	}
}

// testEmpty: a log without events is sound, and nothing about it is an error, whatever is asked
// for.
func testEmpty(t *testing.T, log eventstore.Log) {
	frame, tail, err := log.Last(t.Context())
	if err != nil || !frame.IsZero() || tail != (eventstore.Tail{}) {
		t.Errorf("Last of an empty log: %d events, %+v, %v", frame.Count(), tail, err)
	}
	for _, from := range []eventstore.Sequence{0, 1, 2} {
		if frames := read(t, log, from); len(frames) != 0 {
			t.Errorf("read %d frames of an empty log from %d", len(frames), from)
		}
	}
}

// testAppendRead: bytes come back as they went in, as hashes are over them; and the end that Append
// tells is the one that Last finds. A writer goes on from the end that Append has told it, and
// never asks again.
func testAppendRead(t *testing.T, log eventstore.Log) {
	var maker Maker
	var want [][]byte
	// Sizes from one to seven events, in turns.
	for n := range 50 {
		raw := maker.Frame(1 + n%7)
		tail := appendFrame(t, log, raw, maker.Before())
		maker.Appended(tail)
		want = append(want, raw)

		last, end, err := log.Last(t.Context())
		if err != nil || !bytes.Equal(last.Raw(), raw) || end != tail {
			t.Fatalf("Last after append %d: events %d to %d, %+v, %v; want %+v",
				n, last.First(), last.Last(), end, err, tail)
		}
	}
	checkFrames(t, read(t, log, 1), want)
}

// testSizes: the smallest and the largest frame there may be, in events and in bytes, and events of
// no bytes.
func testSizes(t *testing.T, log eventstore.Log) {
	var maker Maker
	var want [][]byte
	for _, sizes := range [][]int{
		{0},
		{eventstore.EventBytesMax},
		// Seven of the largest are what a frame has room for in bytes.
		repeat(7, eventstore.EventBytesMax),
		repeat(eventstore.FrameEventsMax, 110),
		repeat(eventstore.FrameEventsMax, 0),
		{1},
	} {
		raw := maker.FrameOf(sizes...)
		maker.Appended(appendFrame(t, log, raw, maker.Before()))
		want = append(want, raw)
	}
	checkFrames(t, read(t, log, 1), want)
}

// repeat returns n equal sizes.
func repeat(n, size int) []int {
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = size
	}
	return sizes
}

// testFence: an append that is not after the end stores nothing, whether its writer is late, ahead,
// or repeats itself. This is all that keeps two writers apart.
func testFence(t *testing.T, log eventstore.Log) {
	var maker Maker
	first := maker.Frame(3)
	one := appendFrame(t, log, first, maker.Before())

	// The same frame again: a retry, as after a lost answer.
	if _, err := log.Append(t.Context(), first, maker.Before()); !fenced(err) {
		t.Errorf("append the first frame again: %v, want ErrFenced", err)
	}
	maker.Appended(one)
	second := maker.Frame(2)
	ahead := one
	// The events are right and the message is not: both have to be compared.
	ahead.Message++
	if _, err := log.Append(t.Context(), second, ahead); !fenced(err) {
		t.Errorf("append after a message that does not exist: %v, want ErrFenced", err)
	}
	two := appendFrame(t, log, second, one)
	if _, err := log.Append(t.Context(), second, one); !fenced(err) {
		t.Errorf("append after the last frame but one: %v, want ErrFenced", err)
	}
	if _, end, err := log.Last(t.Context()); err != nil || end != two {
		t.Errorf("Last: %+v, %v; want %+v", end, err, two)
	}
	checkFrames(t, read(t, log, 1), [][]byte{first, second})
}

// fenced tells whether an append was refused because the log ends elsewhere.
func fenced(err error) bool { return errors.Is(err, eventstore.ErrFenced) }

// testInvalid: what no reader could read must not get in. Once it is stored, nothing can take it
// away again.
func testInvalid(t *testing.T, log eventstore.Log) {
	var maker Maker
	good := maker.Frame(2)
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	// A log must look at the whole frame: a bit in the middle is as bad as an end that is missing.
	for name, raw := range map[string][]byte{
		"none": nil, "flipped bit": flipped, "short": good[:len(good)-1],
	} {
		_, err := log.Append(t.Context(), raw, eventstore.Tail{})
		if !errors.Is(err, eventstore.ErrFrame) {
			t.Errorf("append of a frame (%s): %v, want ErrFrame", name, err)
		}
	}
	// A frame that is sound and begins elsewhere is as bad: its place is the caller's word alone.
	if _, err := log.Append(t.Context(), good, eventstore.Tail{Sequence: 1}); err == nil {
		t.Error("append of a frame that does not follow its end: no error")
	}
	if frames := read(t, log, 1); len(frames) != 0 {
		t.Errorf("%d frames stored", len(frames))
	}
}

// testCancelledAppend: a context that ended before is certain, unlike one that ends on the way. Who
// is told so need not find out what became of it.
func testCancelledAppend(t *testing.T, log eventstore.Log) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var maker Maker
	_, err := log.Append(ctx, maker.Frame(1), maker.Before())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v, want context.Canceled", err)
	}
	if frames := read(t, log, 1); len(frames) != 0 {
		t.Errorf("%d frames stored", len(frames))
	}
}

// testTwoWriters lets writers append at once, each of whom has seen the same end and believes to be
// the only one. One gets in; who is refused must be told so, and nothing may interleave.
func testTwoWriters(t *testing.T, log eventstore.Log) {
	// More of them than processors, and often enough that they meet in different places.
	const writers, rounds = 4, 10
	for round := range rounds {
		last, tail, err := log.Last(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// It is counted by what the log has said to them, and compared with what it holds.
		var won atomic.Int64
		var group sync.WaitGroup
		for range writers {
			group.Go(func() {
				var maker Maker
				// Each writer has a maker of its own: the frames are alike, and none knows of the
				// others.
				maker.Continue(last, tail)
				switch _, err := log.Append(t.Context(), maker.Frame(2), tail); {
				case err == nil:
					won.Add(1)
				case !fenced(err):
					t.Errorf("append: %v, want ErrFenced", err)
				}
			})
		}
		group.Wait()
		if frames := read(t, log, 1); won.Load() != 1 || len(frames) != round+1 {
			t.Fatalf("of %d writers %d were let in, and %d frames are in the log after %d rounds",
				writers, won.Load(), len(frames), round+1)
		}
	}
}
