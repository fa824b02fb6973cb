// Package memlog is the log in memory, for tests and simulations. It behaves as a real log does,
// passes the same suite, and can be made to fail in every way that a real one can: before or
// after it stored, late, with lost frames, a lost end or another identity.
package memlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"cakupan/eventstore"
)

// Hook stands between a caller of Append and the log. It decides what happens by when, and
// whether, it calls store, and by what it returns:
//
//   - nothing stored: return an error and do not call store
//   - stored, but the answer is lost: call store, return eventstore.ErrUnknownOutcome
//   - stored after the writer has given up: call store in a goroutine of its own, later
//   - slow: wait before or after calling store
//
// store may be called from any goroutine, more than once; it is fenced like any append.
type Hook func(ctx context.Context, store func() (eventstore.Tail, error)) (eventstore.Tail, error)

// Log is a log in memory. Frames are never changed once they are in, so readers hold them without a
// copy.
type Log struct {
	identity eventstore.Identity

	mu      sync.Mutex
	frames  []eventstore.Frame // message n is frames[n-1]; the zero frame is an unreadable one
	end     eventstore.Tail
	hook    Hook
	changed chan struct{} // closed and replaced when frames are added
}

var _ eventstore.Log = (*Log)(nil)

// New returns an empty log.
func New(identity eventstore.Identity) *Log {
	return &Log{identity: identity, changed: make(chan struct{})}
}

// SetHook makes every Append from now on go through the hook. nil removes it.
func (l *Log) SetHook(hook Hook) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hook = hook
}

// Clone returns a log of another identity with the same frames: a copy, or a backup that is
// brought back. The two share nothing afterwards.
func (l *Log) Clone(identity eventstore.Identity) *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	clone := New(identity)
	clone.frames = append(clone.frames, l.frames...)
	clone.end = l.end
	return clone
}

// Truncate removes the last messages so that `messages` remain, without a trace: what a torn
// write or an older backup does. A follower that has read further sees nothing of it.
func (l *Log) Truncate(messages int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frames = l.frames[:min(messages, len(l.frames))]
	l.end = eventstore.Tail{}
	if n := len(l.frames); n > 0 {
		l.end = l.frames[n-1].Tail(uint64(n))
	}
}

// Damage makes a message (1 is the first) unreadable.
func (l *Log) Damage(message int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frames[message-1] = eventstore.Frame{}
}

// Identity names the log.
func (l *Log) Identity() eventstore.Identity { return l.identity }

// Last returns the last frame and the end of the log.
func (l *Log) Last(ctx context.Context) (eventstore.Frame, eventstore.Tail, error) {
	if err := ctx.Err(); err != nil {
		return eventstore.Frame{}, eventstore.Tail{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.frames)
	if n == 0 {
		return eventstore.Frame{}, eventstore.Tail{}, nil
	}
	if l.frames[n-1].IsZero() {
		return eventstore.Frame{}, eventstore.Tail{}, &eventstore.DamageError{
			From: l.lastReadable() + 1, Reason: fmt.Sprintf("message %d is damaged", n),
		}
	}
	return l.frames[n-1], l.end, nil
}

// lastReadable returns the last event before the damage at the end.
func (l *Log) lastReadable() eventstore.Sequence {
	for i := len(l.frames) - 1; i >= 0; i-- {
		if !l.frames[i].IsZero() {
			return l.frames[i].Last()
		}
	}
	return 0
}

// Append stores the frame after the given end, by way of the hook if one is set. The bytes are
// copied: the caller may use them again. A frame that is none is refused before the hook, so that a
// hook sees sound ones only.
func (l *Log) Append(
	ctx context.Context, raw []byte, after eventstore.Tail,
) (eventstore.Tail, error) {
	frame, err := eventstore.ParseFrame(append([]byte(nil), raw...))
	switch {
	case err != nil:
		return eventstore.Tail{}, fmt.Errorf("append frame: %w", err)
	case frame.First() != after.Sequence+1:
		return eventstore.Tail{}, fmt.Errorf("append frame: begins with event %d after event %d",
			frame.First(), after.Sequence)
	case ctx.Err() != nil:
		return eventstore.Tail{}, fmt.Errorf("append frame: %w", ctx.Err())
	}
	store := func() (eventstore.Tail, error) { return l.store(frame, after) }
	l.mu.Lock()
	hook := l.hook
	l.mu.Unlock()
	if hook != nil {
		return hook(ctx, store)
	}
	return store()
}

// It compares messages, not sequences, as JetStream does: see eventstore.Tail.
func (l *Log) store(frame eventstore.Frame, after eventstore.Tail) (eventstore.Tail, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end.Message != after.Message {
		return eventstore.Tail{}, fmt.Errorf("append frame: %w: ends with message %d, not %d",
			eventstore.ErrFenced, l.end.Message, after.Message)
	}
	l.frames = append(l.frames, frame)
	l.end = frame.Tail(uint64(len(l.frames)))
	close(l.changed)
	l.changed = make(chan struct{})
	return l.end, nil
}

// Read yields the frames from the one that holds the event to the end as of the call.
func (l *Log) Read(
	ctx context.Context, from eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	return func(yield func(eventstore.Frame, error) bool) {
		frames, _ := l.snapshot()
		r := reader{from: from, want: 1, yield: yield}
		if err := r.deliver(ctx, frames); err != nil {
			r.fail(err)
			return
		}
		r.nameLostEnd()
	}
}

// Follow yields the same and goes on with new frames.
func (l *Log) Follow(
	ctx context.Context, from eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	return func(yield func(eventstore.Frame, error) bool) {
		r := reader{from: from, want: 1, yield: yield}
		for seen := 0; ; {
			frames, changed := l.snapshot()
			if len(frames) > seen { // not less: see Truncate
				if err := r.deliver(ctx, frames[seen:]); err != nil {
					r.fail(err)
					return
				}
				seen = len(frames)
				if !r.nameLostEnd() {
					return
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
				r.fail(ctx.Err())
				return
			}
		}
	}
}

// snapshot returns the frames as they are now, and what is closed when that changes. Taken together
// under mu, so that no change can fall between the two.
func (l *Log) snapshot() ([]eventstore.Frame, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]eventstore.Frame(nil), l.frames...), l.changed
}

// errStop ends an iteration because the loop did.
var errStop = errors.New("loop has ended")

// reader is one run of Read or Follow.
type reader struct {
	from  eventstore.Sequence
	want  eventstore.Sequence // the event to come
	lost  bool                // frames before the one to come are unreadable
	yield func(eventstore.Frame, error) bool
}

// deliver yields frames. Unreadable ones are passed over until a frame after them tells which
// events they held.
func (r *reader) deliver(ctx context.Context, frames []eventstore.Frame) error {
	for _, frame := range frames {
		if err := ctx.Err(); err != nil {
			return err
		}
		if frame.IsZero() {
			r.lost = true
			continue
		}
		if !r.accept(frame) {
			return errStop
		}
	}
	return nil
}

// accept yields the frame, after what is missing before it. It reports whether the loop goes on.
func (r *reader) accept(frame eventstore.Frame) bool {
	missing := &eventstore.DamageError{
		From: r.want, To: frame.First() - 1, Reason: "messages are damaged",
	}
	r.want, r.lost = frame.Last()+1, false
	if missing.To >= missing.From && missing.To >= r.from {
		if !r.yield(eventstore.Frame{}, missing) {
			return false
		}
	}
	return frame.Last() < r.from || r.yield(frame, nil)
}

// nameLostEnd names what is unreadable at the end, where no frame after it tells how many events
// are missing. It reports whether the loop goes on.
func (r *reader) nameLostEnd() bool {
	if !r.lost {
		return true
	}
	r.lost = false
	return r.yield(eventstore.Frame{}, &eventstore.DamageError{
		From: r.want, Reason: "messages are damaged",
	})
}

// fail tells the loop why it ends, unless the loop has ended itself: it must not be called again
// then.
func (r *reader) fail(err error) {
	if !errors.Is(err, errStop) {
		r.yield(eventstore.Frame{}, fmt.Errorf("read log: %w", err))
	}
}
