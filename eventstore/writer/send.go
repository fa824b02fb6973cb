package writer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"cakupan/eventstore"
)

// Between two attempts to find out what became of a frame the writer pauses, twice as long each
// time: a server that restarts must not be kept busy with questions.
const (
	pauseFirst = 5 * time.Millisecond
	pauseMax   = 250 * time.Millisecond
)

// An answer that has not come after waitFactor times as long as answers took lately, and waitMin,
// is taken for lost: a cluster that changes its leader loses those that are on their way, and to
// wait longer would stop all writing. Where it was only slow, the log takes the frame once.
const (
	waitMin    = 500 * time.Millisecond
	waitFactor = 8

	// askMax is how long to wait for an answer to a question. What was asked of a cluster without
	// a leader is never answered: it is asked again, and so soon after there is one.
	askMax = time.Second

	// behindMax is how often the log may say that it ends before what it has acknowledged. A
	// server that is not the leader any more answers so until it hears of the next one, some
	// seconds later; a log that has lost its end always does.
	behindMax = 24
)

// patience is how long to wait for the log's answer to one attempt. It belongs to the writer's
// goroutine.
type patience struct {
	most time.Duration // the writer's
	took time.Duration // the slowest answer lately; it is forgotten by and by
}

// first returns how long to wait at first.
func (p *patience) first() time.Duration {
	return min(max(waitFactor*p.took, waitMin), p.most)
}

// more returns how long to wait after that was not enough.
func (p *patience) more(wait time.Duration) time.Duration { return min(2*wait, p.most) }

// learn notes how long an answer took. What a clock that was set says is bounded.
func (p *patience) learn(took time.Duration) {
	p.took = max(min(took, p.most), p.took-p.took/16)
}

// send appends the frame to the log after w.tail. While the outcome is unknown it finds out:
//
//   - the log ends with this very frame: it is stored, go on as acknowledged;
//   - the log ends where it did: the frame is not stored. It may still be on its way, so it is
//     sent again after the same end, and the log takes one of the two at most;
//   - the log ends otherwise: somebody else has appended, or a server is behind that answers.
//
// It gives up after the writer's patience with eventstore.ErrUnknownOutcome. Any other error
// means that nothing was stored.
func (w *Writer) send(ctx context.Context, frame []byte) (eventstore.Tail, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*w.opts.Patience)
	defer cancel()
	wait := w.patience.first()
	began := w.opts.Now()
	tail, err := w.try(ctx, frame, wait)
	if !uncertain(err) {
		w.patience.learn(time.Duration(w.opts.Now() - began))
		return tail, err
	}
	behind := 0
	for pause := pauseFirst; ; pause = min(2*pause, pauseMax) {
		tail, there, again := w.readBack(ctx, frame, askMax)
		if errors.Is(again, errBehind) {
			if behind++; behind > behindMax {
				again = w.another(tail)
			}
		}
		if again == nil && !there {
			// The log ends where it did. Whatever the next attempt says but success, the frame
			// of an earlier one may still arrive: only reading back can tell.
			wait = w.patience.more(wait)
			tail, again = w.try(ctx, frame, wait)
			there = again == nil
		}
		switch {
		case there:
			w.patience.learn(wait / waitFactor) // less was not enough
			return tail, nil
		case isFatal(again):
			return eventstore.Tail{}, again
		}
		if err = again; !sleep(ctx, pause) {
			return eventstore.Tail{}, fmt.Errorf("%w: %w", eventstore.ErrUnknownOutcome, err)
		}
	}
}

// try sends the frame once, and waits so long for the answer.
func (w *Writer) try(
	ctx context.Context, frame []byte, wait time.Duration,
) (eventstore.Tail, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	tail, err := w.log.Append(ctx, frame, w.tail)
	w.opts.Fault(FaultAfterSend)
	// If we crash here, the frame is in the log or not; the next start finds it or not. The
	// publishers have no receipt and send again, and get the first receipt if it is.
	return tail, err
}

// uncertain reports whether only the log itself can tell what became of a frame. Being fenced is
// uncertain too: an earlier attempt, of which we heard nothing, may be what fences this one.
func uncertain(err error) bool {
	return errors.Is(err, eventstore.ErrUnknownOutcome) || errors.Is(err, eventstore.ErrFenced)
}

// readBack compares the end of the log with what was sent. It returns true and the new end when
// the log ends with the frame; false and no error when it ends where it did; a fatal error when
// somebody else has appended; errBehind when it ends before that; any other error when it cannot be
// read.
func (w *Writer) readBack(
	ctx context.Context, frame []byte, wait time.Duration,
) (eventstore.Tail, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	last, tail, err := w.log.Last(ctx)
	switch {
	case err != nil:
		return tail, false, fmt.Errorf("read back end of log: %w", err)
	case !last.IsZero() && bytes.Equal(last.Raw(), frame):
		return tail, true, nil
	case tail.Message == w.tail.Message && tail.Sequence == w.tail.Sequence:
		return tail, false, nil
	case tail.Sequence < w.tail.Sequence:
		return tail, false, errBehind
	}
	return tail, false, w.another(tail)
}

// errBehind is returned for a log that ends before what it has acknowledged.
var errBehind = errors.New("read back end of log: it ends before what it has acknowledged")

// another is the error that ends a writer which is not the only one.
func (w *Writer) another(tail eventstore.Tail) error {
	return fatalError{fmt.Errorf("%w: %w: it ends with event %d, after event %d",
		ErrOtherWriter, eventstore.ErrFenced, tail.Sequence, w.tail.Sequence)}
}

// findOut learns, before anything else is sent, what became of the frame whose outcome was
// unknown. Its publishers have been told that nobody knows. When the log ends where it did, the
// frame is dropped. Should it still arrive, after all this time, the next one fences it; or it
// fences the next one, and the writer ends as if it were somebody else's.
func (w *Writer) findOut(ctx context.Context) error {
	f := w.unknown
	tail, there, err := w.readBack(ctx, f.frame, w.opts.Patience)
	if errors.Is(err, errBehind) {
		return w.another(tail)
	}
	if err != nil {
		return err
	}
	w.unknown = nil
	if !there {
		return nil
	}
	defer w.stage.discard(tail) // it is empty, but begins before what turned out to be stored
	return w.stored(f, tail)
}

// sleep waits; it returns false when ctx ends first.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
