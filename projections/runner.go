package projections

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"cakupan/eventstore"
)

// commitEvents and commitInterval bound what a crash makes the next start read again: at a
// million events a second neither costs more than a fraction of a second.
const (
	commitEvents   = 200_000
	commitInterval = time.Second
)

// Runner keeps one staged projection in step with a log. Run does the work, in one goroutine; the
// other methods may be called at the same time.
type Runner[P Projection[Batch], Batch any] struct {
	*keeper
	p P

	uncommitted int // events; of Run only
}

// Open opens the projection's file, or makes it, and checks that it was made from this log.
// makeEmpty is called with the open file and returns the projection of an empty log.
func Open[P Projection[Batch], Batch any](ctx context.Context, log eventstore.Log, file File,
	makeEmpty func(*bbolt.DB) P,
) (*Runner[P, Batch], error) {
	k, err := openKeeper(log, file)
	if err != nil {
		return nil, err
	}
	r := &Runner[P, Batch]{keeper: k, p: makeEmpty(k.db)}
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
			if err := r.apply(b); err != nil {
				return err
			}
			r.show(b)
			ahead.used <- b
			if r.uncommitted < commitEvents {
				continue
			}
		case <-ticker.C:
		}
		r.noteCommit(r.commit())
	}
}

// apply folds one frame.
func (r *Runner[P, Batch]) apply(next *preparedFrame[Batch]) error {
	frame := next.frame
	if err := checkNext(r.at.Sequence, frame); err != nil {
		return err
	}
	if err := r.p.Apply(&next.batch); err != nil {
		return fmt.Errorf("%w: apply events %d–%d: %w",
			ErrPoisoned, frame.First(), frame.Last(), err)
	}
	r.at.Sequence, r.at.RecordedAt = frame.Last(), frame.LastRecordedAt()
	r.lastFrame = frame
	r.uncommitted += frame.Count()
	return nil
}

// show lets readers see an applied frame, and wakes those who wait for it.
func (r *Runner[P, Batch]) show(next *preparedFrame[Batch]) {
	r.p.Show(&next.batch)
	r.passed(next.frame.Last())
}

// commit makes state and position durable together.
//
// If we crash before the transaction commits, the next start finds the state and position of
// the last commit and applies the frames since then again; if we crash after, it finds these.
func (r *Runner[P, Batch]) commit() error {
	if r.uncommitted == 0 {
		return nil
	}
	if err := r.p.Finish(); err != nil {
		return fmt.Errorf("commit projection at event %d: %w", r.at.Sequence, err)
	}
	r.at.Frame = sha256.Sum256(r.lastFrame.Raw())
	err := r.db.Update(func(tx *bbolt.Tx) error {
		if err := r.p.Store(tx); err != nil {
			return err
		}
		return r.putPosition(tx)
	})
	if err != nil {
		return fmt.Errorf("commit projection at event %d: %w", r.at.Sequence, err)
	}
	r.p.Stored()
	r.uncommitted = 0
	return nil
}
