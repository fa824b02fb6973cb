package projections

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"time"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/checked"
)

// commitEvents, commitWork and commitInterval bound what a crash makes the next start do again: at
// a million events a second none costs more than a fraction of a second. They bound too what waits
// in memory to be written, at some 20 bytes a change.
const (
	commitEvents   = 200_000
	commitWork     = 1_000_000
	commitInterval = time.Second
)

// partWork is the work of a part of a frame. Hardly any frame has more: it is for those with events
// that change thousands of enrolments each, so that others are answered and stopping is obeyed in
// between, and a crash goes back a part at most.
const partWork = 250_000

// Runner keeps one staged projection in step with a log. Run does the work, in one goroutine; the
// other methods may be called at the same time.
type Runner[P Projection[Batch], Batch any] struct {
	*keeper
	p      P
	budget int // of a part

	uncommitted amount // of Run only
	unsettled   bool   // nothing is settled: the digest alone is made
}

// amount is how much was applied.
type amount struct{ events, work int }

// add adds up; both may grow as far as they like until a commit.
func (a *amount) add(other amount) {
	a.events += other.events
	a.work += other.work
}

// isMuch reports whether it is time to write it.
func (a *amount) isMuch() bool { return a.events >= commitEvents || a.work >= commitWork }

// Open opens the projection's file, or makes it, and checks that it was made from this log.
// makeEmpty is called with the open file and returns the projection of an empty log.
//
// An error wraps [ErrOutdated], [ErrDamaged], [ErrOtherLog] or [ErrLogShorter] where the file is
// why. The file is left as it was: whether it may be thrown away is for the caller to say.
func Open[P Projection[Batch], Batch any](ctx context.Context, log eventstore.Log, file File,
	makeEmpty func(*checked.DB) P,
) (*Runner[P, Batch], error) {
	k, err := openKeeper(log, file)
	if err != nil {
		return nil, err
	}
	r := &Runner[P, Batch]{keeper: k, p: makeEmpty(k.db), budget: cmp.Or(file.Budget, partWork)}
	if err := k.load(ctx, r.p.Version(), r.p.Load); err != nil {
		return nil, err
	}
	return r, nil
}

// Projection returns the projection, for its readers.
func (r *Runner[P, Batch]) Projection() P { return r.p }

// Digest returns that of the projection's answers as known at k.
func (r *Runner[P, Batch]) Digest(k eventstore.Sequence) (string, error) { return r.p.Digest(k) }

func (r *Runner[P, Batch]) projection() any { return r.p }

// Run applies the log as it grows, until ctx is done or something fails; then it commits, and
// says why it ended unless it was ctx.
func (r *Runner[P, Batch]) Run(ctx context.Context) error {
	err := r.follow(ctx)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	if err == nil {
		err = r.commit()
	}
	r.end(err)
	return err
}

// follow takes frames until something ends it. What was applied then is the caller's to commit; a
// commit that fails on the way is tried again at the next one.
func (r *Runner[P, Batch]) follow(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	ahead := r.prepare(ctx, r.log.Follow(ctx, r.at.Sequence+1))
	defer func() {
		stop()
		for range ahead.ready { // until nobody reads the log any more
		}
	}()
	ticker := time.NewTicker(commitInterval)
	defer ticker.Stop()
	for {
		select {
		case b, more := <-ahead.ready:
			if !more {
				return <-ahead.failed
			}
			if err := r.take(ctx, b, ticker.C); err != nil {
				return err
			}
			ahead.used <- b
			if !r.uncommitted.isMuch() {
				continue
			}
		case <-ticker.C:
		case <-r.db.Damaged():
			return r.db.Damage()
		}
		r.noteCommit(r.commit())
	}
}

// take applies a frame, shows it, and commits between its parts when it is time.
func (r *Runner[P, Batch]) take(ctx context.Context, next *preparedFrame[Batch],
	tick <-chan time.Time,
) error {
	for {
		if err := r.apply(next); err != nil {
			return err
		}
		runtime.Gosched() // see applyUntil
		r.show(next)
		runtime.Gosched()
		if !next.more() {
			return nil
		}
		due := r.uncommitted.isMuch()
		select {
		case <-tick:
			due = true
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		if due {
			r.noteCommit(r.commit())
		}
	}
}

// apply folds a frame, or what comes next of one that is applied in parts. The part is checked
// against the frame: a fold that stands still or runs ahead would leave a hole that no digest
// shows.
func (r *Runner[P, Batch]) apply(next *preparedFrame[Batch]) error {
	if err := r.checkNext(next.frame); err != nil {
		return err
	}
	part, err := r.p.Apply(&next.batch, r.budget)
	if err == nil && (part.Last <= r.at.Sequence || part.Last > next.frame.Last()) {
		err = fmt.Errorf("applied up to event %d", part.Last)
	}
	if err != nil {
		return poisoned("apply", r.at.Sequence+1, next.frame.Last(), err)
	}
	next.last = part.Last
	next.amount = amount{int(part.Last - r.at.Sequence), part.Work}
	r.at.Sequence, r.lastFrame = part.Last, next.frame
	r.uncommitted.add(next.amount)
	return nil
}

// checkNext checks density as the function does, but knows a frame of which a part is applied.
func (r *Runner[P, Batch]) checkNext(frame eventstore.Frame) error {
	if frame.First() == r.lastFrame.First() && holds(frame, r.at.Sequence+1) {
		return nil
	}
	return checkNext(r.at.Sequence, frame)
}

// show lets readers see what was applied of a frame, and wakes those who wait for it. From then on
// whoever waits for the event may ask for it, although a crash would still lose it: the fold comes
// to the same again.
func (r *Runner[P, Batch]) show(next *preparedFrame[Batch]) {
	r.p.Show(&next.batch)
	r.passed(next.last)
}

// commit makes state and position durable together. The position may be within a frame.
//
// If we crash before the transaction commits, the next start finds the state and position of
// the last commit and applies the events since then again; if we crash after, it finds these.
func (r *Runner[P, Batch]) commit() error {
	if r.uncommitted.events == 0 {
		return nil
	}
	if err := r.p.Finish(); err != nil {
		return fmt.Errorf("commit projection at event %d: %w", r.at.Sequence, err)
	}
	r.at.RecordedAt = recordedAt(r.lastFrame, r.at.Sequence)
	r.at.Frame = sha256.Sum256(r.lastFrame.Raw())
	err := r.db.Update(func(tx *checked.Tx) error {
		if err := r.p.Store(tx); err != nil {
			return err
		}
		return r.putPosition(tx)
	})
	if err != nil {
		return fmt.Errorf("commit projection at event %d: %w", r.at.Sequence, err)
	}
	r.p.Stored()
	r.uncommitted = amount{}
	return nil
}

// recordedAt returns the record time of one of the frame's events.
func recordedAt(frame eventstore.Frame, seq eventstore.Sequence) (at temporal.Instant) {
	if seq == frame.Last() {
		return frame.LastRecordedAt()
	}
	frame.Each(func(record eventstore.Record) bool {
		at = record.RecordedAt
		return record.Sequence < seq
	})
	return at
}
