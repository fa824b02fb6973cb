package projections

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/checked"
)

// Position is how far a projection is, and in which log.
type Position struct {
	Log        eventstore.Identity
	Version    uint32
	Sequence   eventstore.Sequence // the last event applied; 0: none
	RecordedAt temporal.Instant
	// Frame is the SHA-256 of the frame that holds this event, of which later ones may wait to be
	// applied: a log that holds another frame there is another log, whatever its name.
	Frame [sha256.Size]byte
}

var (
	metaBucket  = []byte("meta")
	positionKey = []byte("position")
)

// PositionIn returns the position that a transaction sees: that of the state beside it. It is zero
// in a file without one.
func PositionIn(tx *checked.Tx) (at Position, err error) {
	b := tx.Bucket(metaBucket)
	if b == nil {
		return at, nil
	}
	text, err := b.Get(positionKey)
	if err == nil {
		err = readPosition(text, &at)
	}
	return at, err
}

func readPosition(text []byte, at *Position) error {
	if err := json.Unmarshal(text, at); err != nil {
		return fmt.Errorf("%w: its position cannot be read: %w", ErrDamaged, err)
	}
	return nil
}

// StoredPosition returns the position that a projection's file holds, without opening the
// projection: a witness of how long the log once was. It is zero when there is no such file.
func StoredPosition(path string) (at Position, err error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return at, nil
	}
	text, err := checked.Stored(path, string(metaBucket), positionKey)
	if err == nil && text != nil {
		err = readPosition(text, &at)
	}
	return at, openError(path, err)
}

// openError says what was opened.
func openError(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, checked.ErrUnchecked):
		return fmt.Errorf("open projection %s: %w: %w", path, ErrOutdated, err)
	}
	return fmt.Errorf("open projection %s: %w", path, err)
}

// File names the file of a projection.
type File struct {
	Path string
	// Scratch says that the file need not outlast a crash, until Keep is called: that of a
	// rebuild, which nobody reads before it is complete.
	Scratch bool

	// Fault is called before a transaction commits, and fails it with its error; tests set it.
	Fault func() error
	// Budget is the work of a part of a frame; 0: as usual. Tests set a small one.
	Budget int
}

// keeper is what all runners have: the file, and how far its projection is.
type keeper struct {
	log   eventstore.Log
	db    *checked.DB
	path  string
	fault func() error // nil: none

	// The next two belong to the goroutine that folds.
	at        Position
	lastFrame eventstore.Frame // that holds the event at; zero: nothing is applied

	mu      sync.Mutex
	applied eventstore.Sequence
	moved   chan struct{} // closed and replaced when applied grows or the runner stops
	stopped error         // why Run ended
	unsaved error         // why the last commit failed; nil: it did not
	ended   bool
}

// openKeeper opens the file, or makes it.
func openKeeper(log eventstore.Log, file File) (*keeper, error) {
	db, err := checked.Open(file.Path, checked.Options{
		Owner: log.Identity().Ledger, Scratch: file.Scratch,
	})
	if err != nil {
		return nil, openError(file.Path, err)
	}
	return &keeper{
		log: log, db: db, path: file.Path, fault: file.Fault, moved: make(chan struct{}),
	}, nil
}

// load reads the position, checks that it is of these rules and of this log, and calls loadState
// unless the file is empty.
func (r *keeper) load(ctx context.Context, version uint32,
	loadState func(*checked.Tx) error,
) error {
	err := r.db.View(func(tx *checked.Tx) (err error) {
		if r.at, err = PositionIn(tx); err != nil || r.at.Log.IsZero() {
			return err
		}
		if r.at.Version != version {
			return fmt.Errorf("%w: version %d, this program has %d",
				ErrOutdated, r.at.Version, version)
		}
		return loadState(tx)
	})
	if err == nil && r.at.Log.IsZero() {
		r.at = Position{Log: r.log.Identity(), Version: version}
	} else if err == nil {
		err = r.checkLog(ctx)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open projection %s: %w", r.path, err), r.db.Close())
	}
	r.applied = r.at.Sequence
	return nil
}

// checkLog compares the log with what the projection has seen of it.
func (r *keeper) checkLog(ctx context.Context) error {
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
		if !holds(frame, r.at.Sequence) || sha256.Sum256(frame.Raw()) != r.at.Frame {
			return fmt.Errorf("%w: it holds other events before %d", ErrOtherLog, r.at.Sequence)
		}
		r.lastFrame = frame
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
func (r *keeper) Keep() error {
	if err := r.db.Keep(); err != nil {
		return fmt.Errorf("keep projection %s: %w", r.path, err)
	}
	return nil
}

// Damage returns what is wrong with the file, nil if nothing is known to be.
func (r *keeper) Damage() error { return r.db.Damage() }

// Path returns the path of the projection's file.
func (r *keeper) Path() string { return r.path }

// Applied returns the last event that readers see, and why the runner has stopped if it has.
func (r *keeper) Applied() (eventstore.Sequence, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.applied, r.stopped
}

// Unsaved returns why the last commit failed, nil if it did not. The projection goes on all the
// same and answers; a start would begin at the last commit. Run tries again at every interval.
func (r *keeper) Unsaved() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unsaved
}

// Wait returns once the event is applied, with the error of ctx when that ends first, or with
// ErrStopped when the runner has.
func (r *keeper) Wait(ctx context.Context, seq eventstore.Sequence) error {
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

// putPosition writes how far the state in the transaction is.
func (r *keeper) putPosition(tx *checked.Tx) error {
	b, err := tx.CreateBucketIfNotExists(metaBucket)
	if err != nil {
		return err
	}
	position, err := json.Marshal(r.at)
	if err != nil {
		return err
	}
	if r.fault != nil {
		if err := r.fault(); err != nil {
			return err
		}
	}
	return b.Put(positionKey, position)
}

// holds reports whether the frame holds the event.
func holds(frame eventstore.Frame, seq eventstore.Sequence) bool {
	return frame.First() <= seq && seq <= frame.Last()
}

// poisoned says that events cannot be folded, unless it is the file that is damaged.
func poisoned(doing string, first, last eventstore.Sequence, err error) error {
	if errors.Is(err, ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w: %s events %d–%d: %w", ErrPoisoned, doing, first, last, err)
}

// checkNext checks density, here too, so that no log can slip in a gap.
func checkNext(last eventstore.Sequence, frame eventstore.Frame) error {
	if frame.First() == last+1 {
		return nil
	}
	return &eventstore.DamageError{
		From: last + 1, To: frame.First() - 1, Reason: "missing before the next frame",
	}
}

// passed wakes those who wait for an event that readers see now.
func (r *keeper) passed(seq eventstore.Sequence) {
	r.mu.Lock()
	r.applied = seq
	close(r.moved)
	r.moved = make(chan struct{})
	r.mu.Unlock()
}

// noteCommit keeps why the last commit failed, if it did.
func (r *keeper) noteCommit(err error) {
	r.mu.Lock()
	r.unsaved = err
	r.mu.Unlock()
}

// end notes why Run ends, and wakes all who wait.
func (r *keeper) end(err error) {
	r.mu.Lock()
	r.stopped, r.ended = err, true
	close(r.moved)
	r.moved = make(chan struct{})
	r.mu.Unlock()
}

// Close closes the file. Run must have ended; readers that are in the middle of a read are
// waited for, later ones get an error.
func (r *keeper) Close() error {
	if err := r.db.Close(); err != nil {
		return fmt.Errorf("close projection %s: %w", r.path, err)
	}
	return nil
}

// Remove closes the projection and deletes its file.
func (r *keeper) Remove() error {
	return errors.Join(r.Close(), os.Remove(r.path))
}
