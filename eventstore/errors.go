package eventstore

import (
	"errors"
	"fmt"
)

// Errors of Append.
var (
	// ErrFenced is returned when the log does not end where the writer believed. This call
	// stored nothing. Usually another writer has appended. But when an earlier attempt to append
	// the same frame ended with ErrUnknownOutcome, that attempt may have succeeded and be the
	// very reason why this one is fenced: the writer must read Last and compare the frame there
	// with its own before it concludes anything.
	ErrFenced = errors.New("log does not end where the writer believes")

	// ErrUnknownOutcome is returned when the answer to an append was lost: the frame may be
	// stored, may not be, or may still be on its way.
	ErrUnknownOutcome = errors.New("outcome of the append is unknown")

	// ErrFull is returned when there is no room for the frame. Nothing was stored.
	ErrFull = errors.New("no room left for the log")

	// ErrNotWritable is returned while the store under the log cannot be written: a write has
	// failed, and the store was not opened again yet, which it is by itself once the cause is gone.
	// After an append nothing was stored, unless ErrUnknownOutcome says otherwise.
	ErrNotWritable = errors.New("store of the log cannot be written")
)

// Errors of opening and reading.
var (
	// ErrNoLog is returned when there is no log of the given name.
	ErrNoLog = errors.New("no such log")

	// ErrExists is returned when a log is to be created where there is one.
	ErrExists = errors.New("log exists already")

	// ErrUnsafe is returned when the store under the log is configured so that it could lose
	// events, or is not a log of this program at all.
	ErrUnsafe = errors.New("not a safe log")

	// ErrNewerFormat is returned for a log or a frame that a newer version of this program wrote.
	ErrNewerFormat = errors.New("written in a newer format")

	// ErrClosed is returned when the log, or the connection to it, was closed, or the log cannot
	// be reached at the moment. After an append nothing was stored.
	ErrClosed = errors.New("log is closed or cannot be reached")
)

// Errors of frames.
var (
	// ErrFrame is returned by ParseFrame for bytes that are not a frame.
	ErrFrame = errors.New("not a valid frame")

	// ErrFrameFull is returned by FrameBuilder.Append when the event does not fit any more: send
	// the frame and begin the next one.
	ErrFrameFull = errors.New("frame is full")

	// ErrEventTooLarge is returned by FrameBuilder.Append for an event over EventBytesMax.
	ErrEventTooLarge = errors.New("event is too large to be stored")

	// ErrRecordOrder is returned by FrameBuilder.Append for a record time before the last one.
	ErrRecordOrder = errors.New("record time before that of the event before it")
)

// DamageError names events that cannot be read: they were lost, or what is stored in their place
// is not a frame of this log.
type DamageError struct {
	// From and To are the first and the last damaged event, both included. To is 0 when nothing
	// readable follows: the damage reaches to the end of the log, and how many events there were
	// cannot be told from the log alone.
	From, To Sequence
	// Reason says what was found, for the operator.
	Reason string
}

// Error returns one sentence with the range and the reason.
func (e *DamageError) Error() string {
	switch {
	case e.To == 0:
		return fmt.Sprintf("events from %d to the end of the log are damaged: %s", e.From, e.Reason)
	case e.From == e.To:
		return fmt.Sprintf("event %d is damaged: %s", e.From, e.Reason)
	}
	return fmt.Sprintf("events %d to %d are damaged: %s", e.From, e.To, e.Reason)
}
