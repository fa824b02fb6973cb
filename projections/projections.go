// Package projections is the shelf of read models: one reader of the log, one decoding, any number
// of folds, each with a file, a position and a pace of its own. State and position of a projection
// are committed in one bbolt transaction. A projection is a cache: it can be deleted at any time
// and rebuilt from the log.
//
// Most projections are [Simple]: three methods, all state in the file. One that must fold millions
// of events a second, and answer before it has committed, is a staged [Projection]. A [Feed] reads
// the log for all of them, a [Shelf] holds them by name, and package projtest has the suite that
// each must pass.
package projections

import (
	"errors"

	"cakupan/eventstore"
	"cakupan/projections/checked"
)

// Simple is a projection whose state is all in its file: it answers from the database that it was
// made with, and sees in a transaction how far that is with [PositionIn]. Like every projection it
// is a deterministic fold of the log.
type Simple interface {
	// Version is that of the rules and of the file; a file of another version is rebuilt.
	Version() uint32
	// Apply folds the events of a frame into the file. They come in order, each once in what is
	// committed: after a commit that failed the same ones come again, to a transaction without
	// them. So Apply may keep memory to use again, but no state. The events belong to all who
	// read them. After an error the projection is not used again.
	Apply(tx *checked.Tx, events []Event) error
	// Digest is a hash, in hexadecimal digits, over all that answers as known at k are made of.
	// It does not depend on how the log was cut into frames, on restarts, or on what is known
	// after k. A k beyond what is applied means all of it.
	Digest(k eventstore.Sequence) (string, error)
}

// Projection is a staged fold of the log: the same events make the same bytes, however
// they are cut into frames and whenever they are stored. A frame goes through Prepare, Apply and
// Show, each of them a goroutine that takes the frames in order: while one frame is shown, the next
// one may be applied and the one after it prepared. The other methods are called when nothing is
// between Apply and Show.
//
// A frame whose events change much is applied in parts, each of which is shown before the next one
// is applied, and may be the last before a commit.
//
// A crash between two commits loses what was applied since the first: the next start loads that one
// and folds the same events again.
type Projection[Batch any] interface {
	// Version is that of the rules and of the file; a file of another version is rebuilt.
	Version() uint32
	// Prepare decodes a frame into a batch, whose memory may be used again. It knows no state.
	// The frame is kept for as long as the batch is.
	Prepare(frame eventstore.Frame, into *Batch) error
	// Apply folds events of a batch into the state, from the first one that is not in it yet, and
	// leaves in the batch what readers are to see of them. It stops behind the event with which
	// their work reaches the budget, one at least, so that what it leaves is bounded. Where it
	// stops depends on the events alone. After an error the projection is not used again.
	Apply(batch *Batch, budget int) (Part, error)
	// Show lets readers see the part that was applied.
	Show(batch *Batch)
	// Settle writes into the transaction, ahead of Store, what was shown and will never change, and
	// Settled tells that it has committed. They are called by the goroutine of Show.
	Settle(tx *checked.Tx) error
	Settled()
	// Finish waits for what Show has left to others, and returns the error of that.
	Finish() error
	// Store writes what changed since the last Stored or Load into the transaction, and Stored
	// tells that it has committed. When it has failed, Store is called again later.
	Store(tx *checked.Tx) error
	Stored()
	// Load replaces the empty projection by what Store wrote. What was settled behind that is not
	// there for it.
	Load(tx *checked.Tx) error
	// Digest is as that of [Simple].
	Digest(k eventstore.Sequence) (string, error)
}

// Part is a part of a frame that was applied.
type Part struct {
	Last eventstore.Sequence // its last event
	// Work is what it cost, in changes of one number: a usual event has a handful of them. It is
	// counted, not timed.
	Work int
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
	// ErrDamaged is returned, of opening a file and of using it, when it does not hold what was
	// written there. Nothing is read from it any more: the projection must be built anew.
	ErrDamaged = checked.ErrDamaged
	// ErrPoisoned is returned for a frame that cannot be decoded or folded: trying again is no
	// use.
	ErrPoisoned = errors.New("events cannot be folded")
	// ErrStopped is returned by Wait once the runner has stopped.
	ErrStopped = errors.New("projection has stopped")
)
