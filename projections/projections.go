// Package projections keeps read models of the log: it follows the log, folds whole frames into a
// projection, and commits the projection's state together with its position in one bbolt
// transaction. A projection is a cache: it can be deleted at any time and rebuilt from the log.
package projections

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// Projection is a deterministic fold of the log: the same events make the same bytes, however
// they are cut into frames and whenever they are stored. A frame goes through Prepare, Apply and
// Show, each of them a goroutine that takes the frames in order: while one frame is shown, the next
// one may be applied and the one after it prepared. The other methods are called when no frame is
// between Apply and Show.
type Projection[Batch any] interface {
	// Version is that of the rules and of the file; a file of another version is rebuilt.
	Version() uint32
	// Prepare decodes a frame into a batch, whose memory may be used again. It knows no state.
	// The frame is kept for as long as the batch is.
	Prepare(frame eventstore.Frame, into *Batch) error
	// Apply folds a batch into the state, and leaves in it what readers are to see of that. After
	// an error the projection is not used again.
	Apply(batch *Batch) error
	// Show lets readers see what was applied.
	Show(batch *Batch)
	// Settle writes into the transaction, ahead of Store, what was shown and will never change, and
	// Settled tells that it has committed. They are called by the goroutine of Show.
	Settle(tx *bbolt.Tx) error
	Settled()
	// Finish waits for what Show has left to others, and returns the error of that.
	Finish() error
	// Store writes what changed since the last Stored or Load into the transaction, and Stored
	// tells that it has committed. When it has failed, Store is called again later.
	Store(tx *bbolt.Tx) error
	Stored()
	// Load replaces the empty projection by what Store wrote. What was settled behind that is not
	// there for it.
	Load(tx *bbolt.Tx) error
}

// Position is how far a projection is, and in which log.
type Position struct {
	Log        eventstore.Identity
	Version    uint32
	Sequence   eventstore.Sequence // the last event applied; 0: none
	RecordedAt temporal.Instant
	// Frame is the SHA-256 of the last frame applied: a log that holds another frame there is
	// another log, whatever its name.
	Frame [sha256.Size]byte
}

// Errors of opening a projection over a log.
var (
	// ErrOtherLog is returned when the projection was made from another log.
	ErrOtherLog = errors.New("projection was made from another log")
	// ErrLogShorter is returned when the projection has seen events that the log does not hold:
	// an older copy of the log was restored, or its end was lost.
	ErrLogShorter = errors.New("log is shorter than what the projection has seen")
	// ErrOutdated is returned for a file of other rules or another format.
	ErrOutdated = errors.New("projection was made by another version of the program")
	// ErrPoisoned is returned for a frame that cannot be decoded or folded: trying again is no
	// use.
	ErrPoisoned = errors.New("events cannot be folded")
	// ErrStopped is returned by Wait once the runner has stopped.
	ErrStopped = errors.New("projection has stopped")
)

// commitEvents and commitInterval bound what a crash makes the next start read again: at a
// million events a second neither costs more than a fraction of a second.
const (
	commitEvents   = 200_000
	commitInterval = time.Second
)

var (
	metaBucket  = []byte("meta")
	positionKey = []byte("position")
)

// Runner keeps one projection in step with a log. Run does the work, in one goroutine; the other
// methods may be called at the same time.
type Runner[P Projection[Batch], Batch any] struct {
	log  eventstore.Log
	db   *bbolt.DB
	path string
	p    P

	at          Position // of Run only
	lastFrame   eventstore.Frame
	uncommitted int

	mu      sync.Mutex
	applied eventstore.Sequence
	moved   chan struct{} // closed and replaced when applied grows or the runner stops
	stopped error         // why Run ended
	unsaved error         // why the last commit failed; nil: it did not
	ended   bool
}

// File names the file of a projection.
type File struct {
	Path string
	// Scratch says that the file need not outlast a crash, until [Runner.Keep] is called: that
	// of a rebuild, which nobody reads before it is complete.
	Scratch bool
}

// Open opens the projection's file, or makes it, and checks that it was made from this log.
// makeEmpty is called with the open file and returns the projection of an empty log.
func Open[P Projection[Batch], Batch any](ctx context.Context, log eventstore.Log, file File,
	makeEmpty func(*bbolt.DB) P,
) (*Runner[P, Batch], error) {
	path := file.Path
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		NoSync: file.Scratch, NoGrowSync: file.Scratch, NoFreelistSync: true,
		Timeout: time.Second, FreelistType: bbolt.FreelistMapType,
		// Reserves addresses, not memory: growing the mapping would wait for all readers.
		InitialMmapSize: 4 << 30,
	})
	if err != nil {
		return nil, fmt.Errorf("open projection %s: %w", path, err)
	}
	r := &Runner[P, Batch]{
		log: log, db: db, path: path, p: makeEmpty(db), moved: make(chan struct{}),
	}
	if err := r.load(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open projection %s: %w", path, err), db.Close())
	}
	r.applied = r.at.Sequence
	return r, nil
}

func (r *Runner[P, Batch]) load(ctx context.Context) error {
	err := r.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(metaBucket)
		if b == nil {
			return nil
		}
		if err := json.Unmarshal(b.Get(positionKey), &r.at); err != nil {
			return fmt.Errorf("read position: %w", err)
		}
		if r.at.Version != r.p.Version() {
			return fmt.Errorf("%w: version %d, this program has %d",
				ErrOutdated, r.at.Version, r.p.Version())
		}
		return r.p.Load(tx)
	})
	if err != nil {
		return err
	}
	if r.at.Log.IsZero() {
		r.at = Position{Log: r.log.Identity(), Version: r.p.Version()}
		return nil
	}
	return r.checkLog(ctx)
}

// checkLog compares the log with what the projection has seen of it.
func (r *Runner[P, Batch]) checkLog(ctx context.Context) error {
	if r.at.Log != r.log.Identity() {
		return fmt.Errorf("%w: %s, not %s", ErrOtherLog, r.at.Log.Ledger, r.log.Identity().Ledger)
	}
	if r.at.Sequence == 0 {
		return nil
	}
	for frame, err := range r.log.Read(ctx, r.at.Sequence) {
		if err != nil {
			return err
		}
		if frame.Last() != r.at.Sequence || sha256.Sum256(frame.Raw()) != r.at.Frame {
			return fmt.Errorf("%w: it holds other events before %d", ErrOtherLog, r.at.Sequence)
		}
		return nil
	}
	_, tail, err := r.log.Last(ctx)
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: the log ends at event %d, the projection has seen %d",
		ErrLogShorter, tail.Sequence, r.at.Sequence)
}

// Keep makes a scratch file durable, and every later commit.
func (r *Runner[P, Batch]) Keep() error {
	r.db.NoSync, r.db.NoGrowSync = false, false
	if err := r.db.Sync(); err != nil {
		return fmt.Errorf("keep projection %s: %w", r.path, err)
	}
	return nil
}

// Projection returns the projection, for its readers.
func (r *Runner[P, Batch]) Projection() P { return r.p }

// Path returns the path of the projection's file.
func (r *Runner[P, Batch]) Path() string { return r.path }

// Applied returns the last event that readers see, and why the runner has stopped if it has.
func (r *Runner[P, Batch]) Applied() (eventstore.Sequence, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.applied, r.stopped
}

// Unsaved returns why the last commit failed, nil if it did not. The projection goes on all the
// same and answers; a start would begin at the last commit. Run tries again at every interval.
func (r *Runner[P, Batch]) Unsaved() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unsaved
}

// Wait returns once the event is applied, with the error of ctx when that ends first, or with
// ErrStopped when the runner has.
func (r *Runner[P, Batch]) Wait(ctx context.Context, seq eventstore.Sequence) error {
	for {
		r.mu.Lock()
		applied, moved, ended, stopped := r.applied, r.moved, r.ended, r.stopped
		r.mu.Unlock()
		switch {
		case applied >= seq:
			return nil
		case ended:
			return errors.Join(ErrStopped, stopped)
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("wait for event %d: %w", seq, ctx.Err())
		}
	}
}

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
	r.mu.Lock()
	r.stopped, r.ended = err, true
	close(r.moved)
	r.moved = make(chan struct{})
	r.mu.Unlock()
	return err
}

func (r *Runner[P, Batch]) follow(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ahead := r.prepare(ctx, r.log.Follow(ctx, r.at.Sequence+1))
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
		err := r.commit()
		r.mu.Lock()
		r.unsaved = err
		r.mu.Unlock()
	}
}

// apply folds one frame. Density is checked here too, so that no log can slip in a gap.
func (r *Runner[P, Batch]) apply(next *preparedFrame[Batch]) error {
	frame := next.frame
	if frame.First() != r.at.Sequence+1 {
		return &eventstore.DamageError{
			From: r.at.Sequence + 1, To: frame.First() - 1, Reason: "missing before the next frame",
		}
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
	r.mu.Lock()
	r.applied = next.frame.Last()
	close(r.moved)
	r.moved = make(chan struct{})
	r.mu.Unlock()
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
		b, err := tx.CreateBucketIfNotExists(metaBucket)
		if err != nil {
			return err
		}
		position, err := json.Marshal(r.at)
		if err != nil {
			return err
		}
		return b.Put(positionKey, position)
	})
	if err != nil {
		return fmt.Errorf("commit projection at event %d: %w", r.at.Sequence, err)
	}
	r.p.Stored()
	r.uncommitted = 0
	return nil
}

// Close closes the file. Run must have ended; readers that are in the middle of a read are
// waited for, later ones get an error.
func (r *Runner[P, Batch]) Close() error {
	if err := r.db.Close(); err != nil {
		return fmt.Errorf("close projection %s: %w", r.path, err)
	}
	return nil
}

// Remove closes the projection and deletes its file.
func (r *Runner[P, Batch]) Remove() error {
	return errors.Join(r.Close(), os.Remove(r.path))
}

// StoredPosition returns the position that a projection's file holds, without opening the
// projection: a witness of how long the log once was. It is zero when there is no such file.
func StoredPosition(path string) (at Position, err error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return at, nil
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, ReadOnly: true})
	if err != nil {
		return at, fmt.Errorf("open projection %s: %w", path, err)
	}
	err = db.View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket(metaBucket); b != nil {
			return json.Unmarshal(b.Get(positionKey), &at)
		}
		return nil
	})
	return at, errors.Join(err, db.Close())
}
