package packs

import (
	"errors"
	"fmt"
)

// Errors, besides those of eventstore: ErrFenced, ErrUnknownOutcome, ErrFull, ErrClosed, ErrExists,
// ErrUnsafe and ErrNewerFormat mean here what they mean there.
var (
	// ErrNoStream is returned by Open when there is no stream of the name.
	ErrNoStream = errors.New("no such stream of records")
	// ErrNoRecord is returned by Get for a number that was replaced, or was never there.
	ErrNoRecord = errors.New("no record of this number")
	// ErrRecord is returned by Parse for bytes that are no record.
	ErrRecord = errors.New("not a valid record")
	// ErrTooLarge is returned for a record of more than DataBytesMax.
	ErrTooLarge = errors.New("record is too large")
	// ErrErasable is returned by Replace and Erase for a stream that is not Erasable.
	ErrErasable = errors.New("records of this stream cannot be replaced")
)

// DamageError names records that cannot be read: they were lost, or what is stored in their place
// is no record of this stream.
type DamageError struct {
	Stream string
	// From and To are the first and the last number concerned. To is 0 when nothing readable
	// follows: how many there were cannot be told from the stream alone.
	From, To uint64
	Reason   string // what was found, for the operator
	// Witnessed says that a Witness has seen what is not there: then it is no passing error of who
	// reads.
	Witnessed bool
}

// Error returns one sentence with the stream, the range and the reason.
func (e *DamageError) Error() string {
	switch {
	case e.To == 0:
		return fmt.Sprintf("records of %s from %d to its end are damaged: %s",
			e.Stream, e.From, e.Reason)
	case e.From == e.To:
		return fmt.Sprintf("record %d of %s is damaged: %s", e.From, e.Stream, e.Reason)
	}
	return fmt.Sprintf("records %d to %d of %s are damaged: %s", e.From, e.To, e.Stream, e.Reason)
}
