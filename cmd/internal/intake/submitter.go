package intake

import (
	"cmp"
	"context"

	"cakupan/domain/event"
)

// Submitter takes events in: an [Intake], or a ledger around one. All methods may be called at the
// same time.
type Submitter interface {
	// Submit takes in events as they were sent, and returns a receipt for each, in their order,
	// once what was appended is on stable storage. Receipts may refer to the bytes of raw.
	//
	// With Options.Atomic all is appended or nothing, whatever happens; a batch that does not
	// fit one frame is a *writer.BatchTooLargeError. With one event refused, nothing is appended:
	// the receipt of an event that is neither at fault nor a duplicate has the status refused and
	// no refusal. With Options.DryRun an appended event has no sequence.
	//
	// After an error it is unknown which events are in the log; sending the same ones again is
	// safe.
	Submit(ctx context.Context, raw [][]byte, opts Options) ([]event.Receipt, error)
}

// BatchEventsMax bounds the events that are sent as one batch, whatever the way (contract, section
// 7).
const BatchEventsMax = 10_000

// Options says how events are taken in.
type Options struct {
	KeepRecorded bool // "recordedat" of an event is its record time, as import offers
	DryRun       bool // say what would happen; append nothing and keep no worker id
	Atomic       bool // append all, or nothing when one event is refused; one frame at most

	// Seen is set for what corrects a list: the batch is appended only while the list is as it was
	// seen. Nil: it is appended however the list is. A batch with it is atomic.
	Seen *Seen

	// Scope is what the publisher may report; its name is kept with each event. Nil: the ledger
	// knows no publishers, and everything may be reported.
	Scope *event.Scope
	// Publisher is kept with each event where no Scope says whose it is: the name of a member who
	// may report everything. Empty: none is.
	Publisher string

	// Weigh is called with each accepted event and its place in the batch, to work out what it will
	// cost. It may be nil, is called from several goroutines, and keeps no text of the event.
	Weigh func(place int, e *event.Event)
}

// Seen says as far as which event somebody has seen the list that his batch is about.
type Seen struct {
	Sequence  uint64 // of the last event of the list that was seen; 0: it had none
	Publisher string // events of it alone were shown; "": those of all
}

// Shows tells whether an event of the list is among those that were shown.
func (s *Seen) Shows(e *event.Event) bool {
	return s.Publisher == "" || s.Publisher == cmp.Or(e.Publisher, e.Source)
}
