package jetstream

import (
	"context"
	"fmt"
	"sync"
	"time"

	"cakupan/eventstore"
)

// storedKept is how many of the last frames are remembered: more than a reader has in hand that
// were delivered to it before a write failed.
const storedKept = 4 * pullMessagesMax

// stored is how far the stream is known to be on the disk of the server in this program.
//
// That server shows a message to who reads before it has written it, and takes it back when it
// cannot: what is read from the disk afterwards may end before it, and the next frame gets its
// number. A reader that had taken the first would differ from the log for ever. So what is not
// known to be stored is not delivered, nor does the log end behind it for who asks, and what is
// delivered is the frame that was acknowledged. On a cluster a message is shown once most of the
// nodes have it.
type stored struct {
	mu      sync.Mutex
	last    uint64                      // the last message
	opened  uint64                      // what it was when the log was opened
	tails   [storedKept]eventstore.Tail // of the last frames acknowledged, by message
	moved   chan struct{}               // closed and replaced when last grows
	sending int                         // appends whose answer is awaited
	sent    uint64                      // appends that have begun
}

func newStored(last uint64) *stored {
	return &stored{last: last, opened: last, moved: make(chan struct{})}
}

// send notes that an append is under way until done is told its outcome.
func (s *stored) send() (done func(tail eventstore.Tail, err error)) {
	if s == nil {
		return func(eventstore.Tail, error) {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sending++
	s.sent++
	return func(tail eventstore.Tail, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sending--
		if err == nil {
			s.grow(tail)
		}
	}
}

// ask begins to find out where the stream ends. ends is told which message the stream is said to
// end with, and returns the last one that is stored: what an append that was under way meanwhile
// has shown may not last. Where none was, settled says that the stream ends there, also if nobody
// was told so before.
func (s *stored) ask() (ends func(last uint64) (end uint64, settled bool)) {
	if s == nil {
		return func(last uint64) (uint64, bool) { return last, true }
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	quiet, sent := s.sending == 0, s.sent
	return func(last uint64) (uint64, bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if quiet && s.sent == sent {
			return last, true
		}
		return min(last, s.last), false
	}
}

// found notes the end that the stream has, once that is settled.
func (s *stored) found(tail eventstore.Tail) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if tail.Message > s.last {
		s.grow(tail)
	}
}

func (s *stored) grow(tail eventstore.Tail) {
	s.tails[tail.Message%storedKept] = tail
	s.last = max(s.last, tail.Message)
	close(s.moved)
	s.moved = make(chan struct{})
}

// end returns the last message that is stored, of a stream that is said to end with the given one.
func (s *stored) end(last uint64) uint64 {
	if s == nil {
		return last
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return min(last, s.last)
}

// look tells whether a message is stored, and whether what was acknowledged under its number is
// something else or not known. While it is not stored, moved is closed when others are.
func (s *stored) look(number uint64, frame eventstore.Frame) (is, other bool, moved chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case number > s.last:
		return false, false, s.moved
	case number <= s.opened || number+storedKept <= s.last:
		return true, false, nil
	}
	return true, frame.Tail(number) != s.tails[number%storedKept], nil
}

// awaitStored returns the frame of a message once that is stored, as it is stored.
func (l *Log) awaitStored(ctx context.Context, number uint64, frame eventstore.Frame,
) (eventstore.Frame, error) {
	if l.stored == nil {
		return frame, nil
	}
	for {
		is, other, moved := l.stored.look(number, frame)
		switch {
		case is && !other:
			return frame, nil
		case is:
			return l.readExactly(ctx, number)
		}
		if err := l.awaitMore(ctx, moved); err != nil {
			return eventstore.Frame{}, err
		}
	}
}

// awaitMore waits until more is stored, or for so long that the log may have been closed.
func (l *Log) awaitMore(ctx context.Context, moved <-chan struct{}) error {
	timer := time.NewTimer(patienceAtEnd)
	defer timer.Stop()
	select {
	case <-moved:
	case <-timer.C:
		if l.conn.IsClosed() || l.reader.Conn().IsClosed() {
			return eventstore.ErrClosed
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// readExactly asks the leader for the frame of a message that is there.
func (l *Log) readExactly(ctx context.Context, number uint64) (eventstore.Frame, error) {
	msg, err := l.getFrom(ctx, number)
	switch {
	case err != nil:
		return eventstore.Frame{}, err
	case msg.number != number:
		return eventstore.Frame{}, fmt.Errorf("message %d was stored and is not there", number)
	}
	return eventstore.ParseFrame(msg.data)
}
