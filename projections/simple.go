package projections

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"time"

	"cakupan/eventstore"
	"cakupan/projections/checked"
)

// transactionEvents is how many events share a transaction at most: enough that its two syncs cost
// little, few enough that their decoded form is a few megabytes.
const transactionEvents = 8_192

// SimpleRunner keeps one simple projection in step with a log. What is applied is committed: its
// readers see nothing before that. Run does the work, in one goroutine; the other methods may be
// called at the same time.
//
// After a commit that failed the same frames are applied again, to a transaction without them.
type SimpleRunner[P Simple] struct {
	*keeper
	feed *Feed
	p    P
	pace time.Duration

	// Frames wait there until they are committed together, decoded at most once for all followers.
	pending []*Frame // not committed yet; of Run only, as the next
	events  int      // in them
}

// OpenSimple opens the file of a simple projection as [Open] does that of a staged one. While it
// follows, events that trickle in are committed every pace: those who ask see them so late, and
// the disk has so much to do. An error wraps [ErrOutdated], [ErrDamaged], [ErrOtherLog] or
// [ErrLogShorter] where the file is why; the file is left as it was.
func OpenSimple[P Simple](ctx context.Context, feed *Feed, file File, pace time.Duration,
	makeProjection func(*checked.DB) P,
) (*SimpleRunner[P], error) {
	k, err := openKeeper(feed, file)
	if err != nil {
		return nil, err
	}
	r := &SimpleRunner[P]{keeper: k, feed: feed, p: makeProjection(k.db), pace: pace}
	stateIsThere := func(*checked.Tx) error { return nil }
	if err := k.load(ctx, r.p.Version(), stateIsThere); err != nil {
		return nil, err
	}
	return r, nil
}

// Projection returns the projection, for its readers.
func (r *SimpleRunner[P]) Projection() P { return r.p }

// Digest returns that of the projection's answers as known at k.
func (r *SimpleRunner[P]) Digest(k eventstore.Sequence) (string, error) { return r.p.Digest(k) }

func (r *SimpleRunner[P]) projection() any { return r.p }

// CatchUp applies what the log holds now, up to the frame that holds the event until, and commits
// it. progress may be nil; it is called with the last event of each frame. Frames are taken
// straight from the log: while it catches up, it need not share them with others.
func (r *SimpleRunner[P]) CatchUp(ctx context.Context, until eventstore.Sequence,
	progress func(eventstore.Sequence),
) error {
	if until <= r.taken() {
		return r.commit()
	}
	for frame, err := range r.log.Read(ctx, r.taken()+1) {
		if err != nil {
			return err
		}
		if err := r.take(&Frame{Frame: frame}); err != nil {
			return err
		}
		last := frame.Last()
		if r.events >= transactionEvents || last >= until {
			if err := r.commit(); err != nil {
				return err
			}
		}
		if progress != nil {
			progress(last)
		}
		if last >= until {
			return nil
		}
	}
	return r.commit()
}

// Fold does the same: the state has no other place than the file.
func (r *SimpleRunner[P]) Fold(ctx context.Context, until eventstore.Sequence,
	progress func(eventstore.Sequence),
) error {
	return r.CatchUp(ctx, until, progress)
}

// FoldDigest does the same, and returns the digest.
func (r *SimpleRunner[P]) FoldDigest(ctx context.Context, until eventstore.Sequence,
	progress func(eventstore.Sequence),
) (string, error) {
	if err := r.Fold(ctx, until, progress); err != nil {
		return "", err
	}
	return r.Digest(until)
}

// Run applies the log as it grows, until ctx is done or something fails; then it commits, and
// says why it ended unless it was ctx. A commit that fails is tried again at the next pace; events
// that cannot be folded and a damaged file end it.
func (r *SimpleRunner[P]) Run(ctx context.Context) error {
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

// follow takes frames until something ends it. What is pending then is the caller's to commit.
func (r *SimpleRunner[P]) follow(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	frames, failed := r.receive(ctx)
	defer func() {
		stop()
		for range frames { // until nobody reads the log any more
		}
	}()
	ticker := time.NewTicker(r.pace)
	defer ticker.Stop()
	for {
		more := frames
		if r.events >= transactionEvents {
			more = nil // the last commit has failed: wait with these before taking others
		}
		select {
		case frame, open := <-more:
			if !open {
				return <-failed
			}
			if err := r.take(frame); err != nil {
				return err
			}
			if r.events < transactionEvents {
				continue
			}
		case <-ticker.C:
		case <-r.db.Damaged():
			return r.db.Damage()
		case <-ctx.Done():
			return ctx.Err()
		}
		err := r.commit()
		if errors.Is(err, ErrPoisoned) || errors.Is(err, ErrDamaged) {
			return err
		}
		r.noteCommit(err)
	}
}

// receive hands over the frames of the feed. The first channel is closed at the end; why is in the
// second one. A frame waits in the goroutine until it is taken, so that the feed is not held up by
// a commit.
func (r *SimpleRunner[P]) receive(ctx context.Context) (<-chan *Frame, <-chan error) {
	frames, failed := make(chan *Frame), make(chan error, 1)
	from := r.taken() + 1
	go func() {
		defer close(frames)
		for frame, err := range r.feed.Frames(ctx, from) {
			if err != nil {
				failed <- err
				return
			}
			select {
			case frames <- frame:
			case <-ctx.Done():
				failed <- ctx.Err()
				return
			}
		}
		failed <- ctx.Err()
	}()
	return frames, failed
}

// taken returns the last event that is applied or waits for the commit. It is of the goroutine that
// folds.
func (r *SimpleRunner[P]) taken() eventstore.Sequence {
	if n := len(r.pending); n > 0 {
		return r.pending[n-1].Last()
	}
	return r.at.Sequence
}

// take keeps a frame for the next commit. A gap is an error of the log and nothing is kept.
func (r *SimpleRunner[P]) take(frame *Frame) error {
	if err := checkNext(r.taken(), frame.Frame); err != nil {
		return err
	}
	r.pending, r.events = append(r.pending, frame), r.events+frame.Count()
	return nil
}

// commit applies the pending frames, and makes state and position durable together. Nothing of a
// transaction that failed is there for the next one. A crash before the transaction commits leaves
// the last one; after it, these frames are not asked for again.
func (r *SimpleRunner[P]) commit() error {
	if len(r.pending) == 0 {
		return nil
	}
	was, last := r.at, r.pending[len(r.pending)-1].Frame
	err := r.db.Update(func(tx *checked.Tx) error {
		for _, frame := range r.pending {
			events, err := frame.Events()
			if err == nil {
				err = r.p.Apply(tx, events)
			}
			if err != nil {
				return poisoned("apply", frame.First(), frame.Last(), err)
			}
			runtime.Gosched() // there may be as many frames as fit a second
		}
		r.at.Sequence, r.at.RecordedAt = last.Last(), last.LastRecordedAt()
		r.at.Frame = sha256.Sum256(last.Raw())
		return r.putPosition(tx)
	})
	if err != nil {
		r.at = was
		return fmt.Errorf("commit projection behind event %d: %w", r.at.Sequence, err)
	}
	clear(r.pending)
	r.pending, r.events = r.pending[:0], 0
	r.passed(last.Last())
	return nil
}
