package projections_test

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/memlog"
	"cakupan/projections"
)

// counted is a log that counts how often it is read and followed.
type counted struct {
	*memlog.Log
	read, followed atomic.Int64
}

func (l *counted) Read(ctx context.Context, from eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	l.read.Add(1)
	return l.Log.Read(ctx, from)
}

func (l *counted) Follow(ctx context.Context, from eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	l.followed.Add(1)
	return l.Log.Follow(ctx, from)
}

// TestFeedIsALog runs the suite of logs: a feed follows as the log itself does.
func TestFeedIsALog(t *testing.T) {
	logtest.Run(t, func(*testing.T) eventstore.Log {
		return projections.NewFeed(memlog.New(eventstore.NewIdentity(1)))
	})
}

// follower takes frames one at a time, when it is told to.
type follower struct {
	next func() (*projections.Frame, error, bool)
	stop func()
}

func newFollower(ctx context.Context, feed *projections.Feed, from eventstore.Sequence) *follower {
	next, stop := iter.Pull2(feed.Frames(ctx, from))
	return &follower{next, stop}
}

// take takes frames up to the event.
func (f *follower) take(t *testing.T, from, until eventstore.Sequence) (last *projections.Frame) {
	t.Helper()
	for at := from; at <= until; {
		frame, err, more := f.next()
		if err != nil || !more {
			t.Fatalf("at event %d: %v, %v", at, err, more)
		}
		if frame.First() != at {
			t.Fatalf("frame of event %d, want %d", frame.First(), at)
		}
		last, at = frame, frame.Last()+1
	}
	return last
}

// TestFeedReadsOnce lets several follow, each at its own pace: the log is followed once, they get
// the same frames, and when the last has gone nobody reads any more.
func TestFeedReadsOnce(t *testing.T) {
	const frames, followers = 50, 4
	inner, maker := newLog(t, 2)
	log := &counted{Log: inner}
	feed := projections.NewFeed(log)
	var all []*follower
	for range followers {
		f := newFollower(t.Context(), feed, 1)
		defer f.stop()
		f.take(t, 1, 6)
		all = append(all, f)
	}
	all[0].stop() // may go before it has joined
	all = all[1:]
	shared := make(chan *projections.Frame, 1)
	go func() { // joins, and waits for the first new frame
		frame, _, _ := all[0].next()
		shared <- frame
	}()
	grow(t, inner, maker, 1)
	first := <-shared
	for range frames {
		grow(t, inner, maker, 1)
	}
	last := all[0].take(t, 10, 9+3*frames)
	for _, f := range all[1:] {
		if got := f.take(t, 7, 9); got == first {
			t.Log("joined in time for the first frame") // or read it alone: both are right
		}
		f.take(t, 10, 6+3*frames)
		if got := f.take(t, 7+3*frames, 9+3*frames); got != last {
			t.Errorf("the last frame is decoded once for each")
		}
	}
	if n := log.followed.Load(); n != 1 {
		t.Errorf("the log was followed %d times", n)
	}
	for _, f := range all {
		f.stop()
	}
	read := log.read.Load()
	grow(t, inner, maker, 1)
	if log.read.Load() != read || log.followed.Load() != 1 {
		t.Error("somebody reads on for nobody")
	}
}

// TestFeedSlowFollower falls out of the window again and again, and misses nothing; the quick one
// waits for nobody.
func TestFeedSlowFollower(t *testing.T) {
	const frames, events, size = 40, 10, 20_000 // the window holds ten of them
	inner, maker := newLog(t, 1)
	log := &counted{Log: inner}
	feed := projections.NewFeed(log)
	quick, slow := newFollower(t.Context(), feed, 1), newFollower(t.Context(), feed, 1)
	defer quick.stop()
	defer slow.stop()
	quick.take(t, 1, 3)
	slow.take(t, 1, 3)
	at, behind := eventstore.Sequence(3), eventstore.Sequence(3)
	sizes := make([]int, events)
	for i := range sizes {
		sizes[i] = size
	}
	for round := range 4 {
		for range frames {
			tail, err := inner.Append(t.Context(), maker.FrameOf(sizes...), maker.Before())
			if err != nil {
				t.Fatal(err)
			}
			maker.Appended(tail)
			quick.take(t, at+1, tail.Sequence)
			at = tail.Sequence
		}
		until := at
		if round%2 == 0 {
			until -= events * 3 // is in the middle of it when it falls out the next time
		}
		slow.take(t, behind+1, until)
		behind = until
	}
	slow.take(t, behind+1, at)
	if n := log.followed.Load(); n != 1 {
		t.Errorf("the log was followed %d times", n)
	}
	if n := log.read.Load(); n > 12 {
		t.Errorf("the log was read %d times", n)
	}
}

// TestFeedOfADamagedLog tells each follower what cannot be read.
func TestFeedOfADamagedLog(t *testing.T) {
	log, maker := newLog(t, 5)
	feed := projections.NewFeed(log)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	follow := func() *follower { return newFollower(ctx, feed, 1) }
	early := follow()
	defer early.stop()
	early.take(t, 1, 15)
	log.Damage(3)
	late := follow()
	defer late.stop()
	late.take(t, 1, 6)
	var damage *eventstore.DamageError
	if _, err, _ := late.next(); !errors.As(err, &damage) || damage.From != 7 {
		t.Fatalf("error %v, want damage from 7", err)
	}
	late.take(t, 10, 15)
	grow(t, log, maker, 1)
	early.take(t, 16, 18)
	late.take(t, 16, 18)
	stop()
	for _, f := range []*follower{early, late} {
		if _, err, _ := f.next(); !errors.Is(err, context.Canceled) {
			t.Errorf("after the end: %v", err)
		}
	}
}
