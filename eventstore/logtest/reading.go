package logtest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"cakupan/eventstore"
)

// testReadFrom: the first frame is the one that holds the event, also where its place cannot be
// guessed; beyond the end there is nothing, and that is no error. Whoever was away goes on from any
// event, and must neither miss one nor read all.
func testReadFrom(t *testing.T, log eventstore.Log) {
	var maker Maker
	for n := range 60 { // uneven frames, so that proportions mislead
		count := 1
		if n%10 == 9 {
			count = 100
		}
		maker.Appended(appendFrame(t, log, maker.Frame(count), maker.Before()))
	}
	end := maker.Before().Sequence
	// Dense at the beginning, and wider apart later: not every one of them says something new.
	for from := eventstore.Sequence(0); from <= end; from += 1 + from/13 {
		frames := read(t, log, from)
		if len(frames) == 0 {
			t.Fatalf("read from %d: nothing", from)
		}
		first, last := frames[0], frames[len(frames)-1]
		if first.First() > max(from, 1) || first.Last() < from || last.Last() != end {
			t.Fatalf("read from %d: frames from events %d to %d, to event %d",
				from, first.First(), first.Last(), last.Last())
		}
	}
	for _, beyond := range []eventstore.Sequence{end + 1, end + 1000} {
		if frames := read(t, log, beyond); len(frames) != 0 {
			t.Errorf("read from %d, beyond the end: %d frames", beyond, len(frames))
		}
	}
}

// testReadEnds: a reader that is slower than the writer comes to an end. Who verifies a log in use
// would never be done otherwise.
func testReadEnds(t *testing.T, log eventstore.Log) {
	var maker Maker
	fill(t, log, &maker, 20)
	end := maker.Before().Sequence
	var last eventstore.Sequence
	for frame, err := range log.Read(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		last = frame.Last()
		fill(t, log, &maker, 1) // one more for each frame read: a read of all would never end
	}
	if last != end {
		t.Errorf("read to event %d, the log ended with %d when it began", last, end)
	}
}

// testReadReaches: whoever asks for the end and reads up to it finds all of it, also while others
// append. A backup would have a hole otherwise, and a check would call the log damaged.
func testReadReaches(t *testing.T, log eventstore.Log) {
	var maker Maker
	const frames, size = 60, 2
	ctx, stop := context.WithCancel(t.Context())
	appended := make(chan struct{})
	go func() {
		defer close(appended)
		for range frames {
			tail, err := log.Append(ctx, maker.Frame(size), maker.Before())
			if err != nil {
				if ctx.Err() == nil {
					t.Errorf("append: %v", err)
				}
				return
			}
			maker.Appended(tail)
		}
	}()
	defer func() { stop(); <-appended }()
	for done := false; !done; {
		select {
		case <-appended:
			done = true
		default:
		}
		frame, tail, err := log.Last(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if tail.Sequence == 0 {
			continue
		}
		var last eventstore.Sequence
		for frame, err := range log.Read(t.Context(), tail.Sequence) {
			if err != nil {
				t.Fatal(err)
			}
			last = frame.Last()
		}
		if last < tail.Sequence || frame.Last() != tail.Sequence {
			t.Fatalf("the log ends with event %d, its last frame with event %d, and event %d is"+
				" the last that is read", tail.Sequence, frame.Last(), last)
		}
		if done && last != frames*size {
			t.Errorf("%d events are read of %d that were appended", last, frames*size)
		}
	}
}

// testStop: who has seen enough leaves, and nothing of the reading may stay behind, nor keep the
// log from being closed.
func testStop(t *testing.T, log eventstore.Log) {
	var maker Maker
	fill(t, log, &maker, 20)
	for _, follow := range []bool{false, true} {
		seen := 0
		frames := log.Read(t.Context(), 1)
		if follow {
			frames = log.Follow(t.Context(), 1)
		}
		for _, err := range frames {
			if err != nil {
				t.Fatal(err)
			}
			// In the middle: neither at the first frame nor at the last.
			if seen++; seen == 5 {
				break
			}
		}
		if seen != 5 {
			t.Errorf("follow %t: loop saw %d frames, stopped at 5", follow, seen)
		}
	}
}

// testFramesOutlive: a frame belongs to who got it; a fold keeps many while it reads on.
func testFramesOutlive(t *testing.T, log eventstore.Log) {
	var maker Maker
	fill(t, log, &maker, 100)
	frames := read(t, log, 1)
	read(t, log, 1) // whatever buffers there are, they were used again
	for _, frame := range frames {
		if _, err := eventstore.ParseFrame(frame.Raw()); err != nil {
			t.Fatalf("frame from event %d: %v", frame.First(), err)
		}
	}
}

// testFollow: what was there and what comes later arrive as one sequence, without a seam.
func testFollow(t *testing.T, log eventstore.Log) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var maker Maker
	fill(t, log, &maker, 10)
	follower := follow(ctx, log, 1)
	for range 10 {
		expect(t, follower, &maker, 0)
	}
	for range 30 {
		raw := maker.Frame(3)
		maker.Appended(appendFrame(t, log, raw, maker.Before()))
		expect(t, follower, &maker, len(raw))
	}
}

// expect takes one frame from the follower and checks its length, unless size is 0. It may be
// called from the goroutine of the test alone, as it ends it.
func expect(t *testing.T, follower <-chan followed, maker *Maker, size int) {
	t.Helper()
	got := <-follower
	if got.err != nil || got.frame.Last() > maker.Before().Sequence {
		t.Fatalf("followed to event %d, %v", got.frame.Last(), got.err)
	}
	if size != 0 && len(got.frame.Raw()) != size {
		t.Fatalf("followed a frame of %d bytes, want %d", len(got.frame.Raw()), size)
	}
}

// testFollowBeyond: to follow from an event that is yet to come waits for it, and begins with the
// frame that holds it.
func testFollowBeyond(t *testing.T, log eventstore.Log) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var maker Maker
	fill(t, log, &maker, 3) // events 1 to 6
	follower := follow(ctx, log, 10)
	fill(t, log, &maker, 3) // to 12
	if got := <-follower; got.err != nil || got.frame.First() != 9 {
		t.Fatalf("followed from event 10: frame from %d, %v; want the one from 9",
			got.frame.First(), got.err)
	}
	if got := <-follower; got.err != nil || got.frame.First() != 11 {
		t.Fatalf("then frame from %d, %v; want the one from 11", got.frame.First(), got.err)
	}
}

// testFollowCancel: following ends by its context alone, says so once, and is over then.
func testFollowCancel(t *testing.T, log eventstore.Log) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var maker Maker
	fill(t, log, &maker, 1)
	follower := follow(ctx, log, 1)
	if got := <-follower; got.err != nil {
		t.Fatal(got.err)
	}
	cancel()
	if got := <-follower; !errors.Is(got.err, context.Canceled) {
		t.Errorf("follow ended with %v, want context.Canceled", got.err)
	}
	if got, open := <-follower; open {
		t.Errorf("follow went on after its context: %+v", got)
	}
}

// testReadCancel: a read may be done before it notices, and then it is a whole one.
func testReadCancel(t *testing.T, log eventstore.Log) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var maker Maker
	fill(t, log, &maker, 50)
	// Nil where the read was through before it noticed.
	var last error
	for _, err := range log.Read(ctx, 1) {
		cancel()
		last = err
	}
	if last != nil && !errors.Is(last, context.Canceled) {
		t.Errorf("read ended with %v", last)
	}
}

// testManyFollowers: each has a place of its own; none takes frames from another. Every projection
// of a ledger is one.
func testManyFollowers(t *testing.T, log eventstore.Log) {
	const followers, frames = 5, 60
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var maker Maker
	fill(t, log, &maker, frames/3)
	var channels []<-chan followed
	for range followers {
		channels = append(channels, follow(ctx, log, 1))
	}
	// The last event of each, so that a frame that is lost, doubled or another's shows.
	next := make([]eventstore.Sequence, followers)
	for _, part := range []int{frames / 3, frames - frames/3} { // what was there, and what comes
		for n, channel := range channels {
			// One after the other: each has its frames waiting in its channel.
			for range part {
				got := <-channel
				if got.err != nil || got.frame.First() != next[n]+1 {
					t.Fatalf("follower %d: frame from event %d, %v; want from %d",
						n, got.frame.First(), got.err, next[n]+1)
				}
				next[n] = got.frame.Last()
			}
		}
		if part == frames/3 {
			fill(t, log, &maker, frames-frames/3)
		}
	}
}

// followed is what a follower yielded.
type followed struct {
	frame eventstore.Frame
	err   error
}

// follow follows the log in a goroutine until the context ends. The channel has room for all that a
// test appends, so that a test which ends early leaves no goroutine that waits for ever.
func follow(ctx context.Context, log eventstore.Log, from eventstore.Sequence) <-chan followed {
	frames := make(chan followed, 1000)
	go func() {
		defer close(frames)
		for frame, err := range log.Follow(ctx, from) {
			frames <- followed{frame, err}
		}
	}()
	return frames
}

// read reads the log to its end. Any error fails the test. It has a deadline of its own: a read
// that hangs fails the test by name.
func read(t *testing.T, log eventstore.Log, from eventstore.Sequence) []eventstore.Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var frames []eventstore.Frame
	for frame, err := range log.Read(ctx, from) {
		if err != nil {
			t.Fatalf("read from %d: %v", from, err)
		}
		frames = append(frames, frame)
	}
	return frames
}

// appendFrame appends a frame and returns where the log then ends. Any error fails the test.
func appendFrame(
	t *testing.T, log eventstore.Log, raw []byte, after eventstore.Tail,
) eventstore.Tail {
	t.Helper()
	tail, err := log.Append(t.Context(), raw, after)
	if err != nil {
		t.Fatalf("append after event %d: %v", after.Sequence, err)
	}
	return tail
}

// fill appends frames of two events.
func fill(t *testing.T, log eventstore.Log, maker *Maker, frames int) {
	t.Helper()
	for range frames {
		maker.Appended(appendFrame(t, log, maker.Frame(2), maker.Before()))
	}
}

// checkFrames compares frames byte by byte.
func checkFrames(t *testing.T, got []eventstore.Frame, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i].Raw(), want[i]) {
			t.Fatalf("frame %d: events %d to %d, %d bytes; want %d bytes",
				i, got[i].First(), got[i].Last(), len(got[i].Raw()), len(want[i]))
		}
	}
}
