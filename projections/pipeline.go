package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"runtime"

	"cakupan/eventstore"
)

// catchUpWork is how much work is done between two commits while a projection catches up: several
// seconds of it, or millions of usual events, since each commit holds up the fold.
const catchUpWork = 20_000_000

// CatchUp applies what the log holds now, up to the event until or later ones of its frame, and
// commits it, on the way too. progress may be nil; it is called with the last event applied after
// each frame or part of one. Between two commits readers see what is applied all the same.
func (r *Runner[P, Batch]) CatchUp(ctx context.Context, until eventstore.Sequence,
	progress func(eventstore.Sequence),
) error {
	for {
		before := r.at.Sequence
		if err := r.fold(ctx, until, catchUpWork, progress); err != nil {
			return err
		}
		full := r.uncommitted.work >= catchUpWork
		if err := r.commit(); err != nil || !full || r.at.Sequence == before {
			return err
		}
	}
}

// Fold does the same and commits nothing: readers see it, the next start does not. That is enough
// for a rebuild that is asked and not kept.
func (r *Runner[P, Batch]) Fold(ctx context.Context, until eventstore.Sequence,
	progress func(eventstore.Sequence),
) error {
	return r.fold(ctx, until, math.MaxInt, progress)
}

// digestOnly is a projection that does less when it will be asked for its digest as known at one
// event and for nothing else. It is told before anything is applied.
type digestOnly interface {
	DigestOnly(until eventstore.Sequence)
}

// FoldDigest folds an empty projection up to the event until, and returns its digest as known then.
// Nothing is written. Without that, a projection folds as usual: the digest is the same.
func (r *Runner[P, Batch]) FoldDigest(ctx context.Context, until eventstore.Sequence,
	progress func(eventstore.Sequence),
) (string, error) {
	if p, ok := any(r.p).(digestOnly); ok && r.at.Sequence == 0 {
		// Nothing is written, so there is nothing to be settled.
		p.DigestOnly(until)
		r.unsettled = true
	}
	if err := r.Fold(ctx, until, progress); err != nil {
		return "", err
	}
	return r.p.Digest(until)
}

// fold applies what the log holds now, up to the event until or as much work. All that was applied
// is shown when it returns without an error, and nothing of it need be committed.
func (r *Runner[P, Batch]) fold(ctx context.Context, until eventstore.Sequence, work int,
	progress func(eventstore.Sequence),
) error {
	if until <= r.at.Sequence {
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ahead := r.prepare(ctx, r.log.Read(ctx, r.at.Sequence+1))
	// The pipe ends in its order: first the fold, then the showing behind it, whose error counts
	// too.
	behind := r.showBehind(&ahead)
	enough := func() bool { return r.at.Sequence >= until || r.uncommitted.work >= work }
	err := r.applyUntil(enough, &ahead, behind, progress)
	close(behind.applied)
	if err := errors.Join(err, <-behind.ended); err != nil {
		return err
	}
	if err := r.p.Finish(); err != nil {
		return fmt.Errorf("finish projection at event %d: %w", r.at.Sequence, err)
	}
	return nil
}

// applyUntil applies the prepared frames until it is enough, and hands them on to be shown. The
// batch of a frame that is applied in parts is used again only once the part before is shown.
func (r *Runner[P, Batch]) applyUntil(enough func() bool, ahead *ahead[Batch],
	behind behind[Batch], progress func(eventstore.Sequence),
) error {
	for b := range ahead.ready {
		for more := true; more; {
			if err := r.apply(b); err != nil {
				return err
			}
			// A fold goes on for seconds: without this, whoever needs the processor for a moment
			// waits 10 ms for it, at each step of an answer.
			runtime.Gosched()
			more = b.more()
			behind.applied <- b // has room for every frame there is
			if progress != nil {
				progress(r.at.Sequence)
			}
			if enough() {
				return nil
			}
			if more {
				<-behind.shown
			}
		}
	}
	return <-ahead.failed
}

// behind takes over frames that are applied, to be shown in a goroutine of their own. The batches
// come back through ahead.used, so that there are never more than framesAhead of them.
type behind[Batch any] struct {
	applied chan *preparedFrame[Batch] // closed at the end
	shown   chan struct{}              // a part that more of its frame follow was shown
	ended   chan error                 // why not all were shown and settled; nil: they were
}

// showBehind shows frames behind the fold, and settles them now and then, so that little is left
// for the commit, which the fold must wait for. Settling is no commit: after a crash the next start
// does not find what was only settled, and does it again.
func (r *Runner[P, Batch]) showBehind(ahead *ahead[Batch]) behind[Batch] {
	b := behind[Batch]{
		applied: make(chan *preparedFrame[Batch], framesAhead),
		shown:   make(chan struct{}, 1),
		ended:   make(chan error, 1),
	}
	go func() {
		var failed error
		var unsettled amount
		for next := range b.applied {
			r.show(next)
			runtime.Gosched() // see applyUntil
			unsettled.add(next.amount)
			if next.more() {
				b.shown <- struct{}{}
			} else {
				ahead.used <- next
			}
			if !r.unsettled && unsettled.isMuch() && failed == nil {
				failed = r.settle()
				unsettled = amount{}
			}
		}
		b.ended <- failed
	}()
	return b
}

// settle writes what was shown and will never change. A crash behind it costs nothing: it is not
// part of what the next start reads.
func (r *Runner[P, Batch]) settle() error {
	if err := r.db.Update(r.p.Settle); err != nil {
		return fmt.Errorf("settle projection: %w", err)
	}
	r.p.Settled()
	return nil
}

// preparedFrame is a frame and the batch it was decoded into, and the part of it that was applied
// last.
type preparedFrame[Batch any] struct {
	frame eventstore.Frame
	batch Batch

	last   eventstore.Sequence
	amount amount
}

// more reports whether a part of the frame is not applied yet.
func (p *preparedFrame[Batch]) more() bool { return p.last < p.frame.Last() }

// ahead hands over frames that were prepared in a goroutine of their own.
type ahead[Batch any] struct {
	ready  chan *preparedFrame[Batch] // closed at the end
	used   chan *preparedFrame[Batch] // to be prepared again
	failed chan error                 // why ready was closed; nil: there is no more
}

// framesAhead is how many frames are prepared ahead of the fold: some ten milliseconds' worth, so
// that the fold goes on while other work has the second core.
const framesAhead = 16

// prepare decodes frames ahead of the fold until they end or ctx does.
func (r *Runner[P, Batch]) prepare(ctx context.Context,
	frames iter.Seq2[eventstore.Frame, error],
) ahead[Batch] {
	a := ahead[Batch]{
		ready:  make(chan *preparedFrame[Batch], framesAhead),
		used:   make(chan *preparedFrame[Batch], framesAhead),
		failed: make(chan error, 1),
	}
	for range framesAhead {
		a.used <- new(preparedFrame[Batch])
	}
	go func() {
		defer close(a.ready)
		a.failed <- r.prepareAll(ctx, frames, &a)
	}()
	return a
}

// prepareAll prepares one frame after the other. After an error nothing more comes: those that were
// prepared before are still applied.
func (r *Runner[P, Batch]) prepareAll(ctx context.Context,
	frames iter.Seq2[eventstore.Frame, error], a *ahead[Batch],
) error {
	for frame, err := range frames {
		if err != nil {
			return err
		}
		var next *preparedFrame[Batch]
		select {
		case next = <-a.used:
		case <-ctx.Done():
			return ctx.Err()
		}
		next.frame = frame
		if err := r.p.Prepare(frame, &next.batch); err != nil {
			return poisoned("prepare", frame.First(), frame.Last(), err)
		}
		a.ready <- next   // has room for every frame there is
		runtime.Gosched() // see applyUntil
	}
	return nil
}
