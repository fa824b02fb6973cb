package writer

import (
	"errors"
	"fmt"
	"syscall"

	"cakupan/eventstore"
)

var (
	// ErrClosed is returned after Close, and for what was still queued then.
	ErrClosed = errors.New("writer is closed")

	// ErrBatchTooLarge is returned for an atomic batch of more than AtomicEventsMax events.
	ErrBatchTooLarge = errors.New("batch is too large to be atomic")

	// ErrOtherWriter is returned, always wrapped together with eventstore.ErrFenced, once
	// somebody else has appended to the log. The writer is finished; another may be opened.
	ErrOtherWriter = errors.New("another writer holds the log")

	// ErrIndexBehind is returned once the index could not take what the log has: the writer can
	// no longer tell new events from duplicates. Opening again catches up.
	ErrIndexBehind = errors.New("index is behind the log; start again")
)

// fatalError ends the writer.
type fatalError struct{ error }

func (e fatalError) Unwrap() error { return e.error }

func isFatal(err error) bool { return errors.As(err, new(fatalError)) }

// noRoom makes a full disk under the index what it is for callers: the log cannot grow now.
func noRoom(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: %w", eventstore.ErrFull, err)
	}
	return err
}
