package index

import (
	"errors"
	"fmt"

	"cakupan/eventstore"
)

var (
	// ErrDamaged is returned when a run turns out to be damaged while it is in use. The run has
	// been set aside: after [Index.Renew], or opening the index again, what is missing is added
	// from the log.
	ErrDamaged = errors.New("index is damaged")

	// ErrClosed is returned after Close.
	ErrClosed = errors.New("index is closed")

	errUnusable = errors.New("not a usable run") // wrapped with what is wrong with the file
)

// OtherLedgerError is returned by Open for a folder that holds the index of another ledger.
// Nothing was changed.
type OtherLedgerError struct {
	Dir        string
	Index, Log eventstore.Identity // what the folder belongs to, and what was opened
}

// Error returns one sentence that names the folder and both ledgers.
func (e *OtherLedgerError) Error() string {
	return fmt.Sprintf("index %s belongs to ledger %s (created %d), not to ledger %s (created %d)",
		e.Dir, e.Index.Ledger, e.Index.Created, e.Log.Ledger, e.Log.Created)
}

// AheadError says that the index knows events that the log does not hold: the log was restored
// from an older copy, or lost its end. Whoever finds it must not write: the sequences that the
// index knows would be given out twice.
type AheadError struct {
	Index, Log eventstore.Sequence // the last event each of them holds
}

// Error returns one sentence that names both positions.
func (e *AheadError) Error() string {
	return fmt.Sprintf("index is at event %d but the log ends at %d, "+
		"which is older than what was derived from it", e.Index, e.Log)
}
