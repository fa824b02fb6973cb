package projections

import (
	"context"
	"time"

	"cakupan/eventstore"
	"cakupan/projections/checked"
)

// Kept is a projection that is kept in step with the log: a [Runner] or a [SimpleRunner]. Run,
// CatchUp, Fold and FoldDigest are for one goroutine at a time; the other methods may be called
// meanwhile.
type Kept interface {
	// Run applies the log as it grows, until ctx is done or something fails; then it commits,
	// and says why it ended unless it was ctx.
	Run(ctx context.Context) error
	// CatchUp applies what the log holds now, up to the event until or later ones of its frame,
	// and commits it. progress may be nil; it is called with the last event applied, for each
	// frame or part of one.
	CatchUp(ctx context.Context, until eventstore.Sequence, progress func(eventstore.Sequence),
	) error
	// Fold does the same, for a rebuild that is asked and not kept: it need not commit.
	Fold(ctx context.Context, until eventstore.Sequence, progress func(eventstore.Sequence)) error

	// FoldDigest folds a fresh rebuild that is compared and not kept, and returns its digest as
	// known at until. Nothing else is asked of it any more: it may have made no more than that.
	FoldDigest(ctx context.Context, until eventstore.Sequence,
		progress func(eventstore.Sequence)) (string, error)

	// Applied returns the last event that readers see, and why Run has ended if it has.
	Applied() (eventstore.Sequence, error)
	// Unsaved returns why the last commit failed, nil if it did not. It is tried again.
	Unsaved() error
	// Wait returns once readers see the event, with the error of ctx when that ends first, or
	// with ErrStopped when Run has ended.
	Wait(ctx context.Context, seq eventstore.Sequence) error
	// Damage returns what is wrong with the file, nil if nothing is known to be. From then on the
	// projection answers nothing more, and Run ends.
	Damage() error
	// Digest is that of the answers as known at k; see [Simple].
	Digest(k eventstore.Sequence) (string, error)

	// Keep makes a scratch file durable, and every later commit.
	Keep() error
	// Path returns the path of the file.
	Path() string
	// Close closes the file; Remove deletes it too. Run must have ended.
	Close() error
	Remove() error

	projection() any
}

// Answers returns what is kept, for its readers; false when it is of another type. The projection
// is the one that is folded: its readers and the fold agree among themselves how it is read
// meanwhile.
func Answers[P any](k Kept) (P, bool) {
	p, ok := k.projection().(P)
	return p, ok
}

// Kind is a kind of projection: its name, in file names, health and commands, and how one is
// opened. The name is of the files' names: another one leaves the old files behind.
type Kind struct {
	Name string
	Open func(ctx context.Context, feed *Feed, file File) (Kept, error)
}

// StagedKind returns the kind of a staged projection; see [Open]. A name must be of one kind on a
// shelf.
func StagedKind[P Projection[Batch], Batch any](name string, makeEmpty func(*checked.DB) P) Kind {
	return Kind{name, func(ctx context.Context, feed *Feed, file File) (Kept, error) {
		r, err := Open[P, Batch](ctx, feed, file, makeEmpty)
		if err != nil {
			return nil, err
		}
		return r, nil
	}}
}

// SimpleKind returns the kind of a simple projection; see [OpenSimple].
func SimpleKind[P Simple](name string, pace time.Duration,
	makeProjection func(*checked.DB) P,
) Kind {
	return Kind{name, func(ctx context.Context, feed *Feed, file File) (Kept, error) {
		r, err := OpenSimple(ctx, feed, file, pace, makeProjection)
		if err != nil {
			return nil, err
		}
		return r, nil
	}}
}
