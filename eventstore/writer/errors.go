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

	// ErrOtherWriter is returned, always wrapped together with eventstore.ErrFenced, once
	// somebody else has appended to the log. The writer is finished; another may be opened.
	ErrOtherWriter = errors.New("another writer holds the log")

	// ErrIndexBehind is returned once the index could not take what the log has: the writer can
	// no longer tell new events from duplicates. Opening again catches up.
	ErrIndexBehind = errors.New("index is behind the log; start again")
)

// BatchTooLargeError is returned for an atomic batch that does not fit one frame; nothing of it
// was appended.
type BatchTooLargeError struct {
	Events int // at most AtomicEventsMax
	Bytes  int // in the log, at most AtomicBytesMax; 0: not looked at, there are too many events
}

// Error says what is too much, and the bound.
func (e *BatchTooLargeError) Error() string {
	if e.Events > AtomicEventsMax {
		return fmt.Sprintf("an atomic batch has at most %d events, this one has %d",
			AtomicEventsMax, e.Events)
	}
	return fmt.Sprintf("an atomic batch takes at most %d bytes in the log, this one takes %d",
		AtomicBytesMax, e.Bytes)
}

// CheckAtomic returns a *BatchTooLargeError for entries that do not fit one frame. It counts all
// of them, whatever the log has already: the same batch has the same answer for ever.
func CheckAtomic(entries []Entry) error {
	if len(entries) > AtomicEventsMax {
		return &BatchTooLargeError{Events: len(entries)}
	}
	size := 0
	for i := range entries {
		size += len(entries[i].Event) + entryOverhead
		if entries[i].Retracts != nil {
			size += retractsBytes
		}
	}
	if size > AtomicBytesMax {
		return &BatchTooLargeError{Events: len(entries), Bytes: size}
	}
	return nil
}

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
