package httpapi

import (
	"context"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// Ledger is what the routes ask. All methods may be called at the same time. An error with a
// place in the table of problems is shown as such; every other one is an internal error.
type Ledger interface {
	// Submit takes in events as they were sent, and returns a receipt for each, in their order,
	// once what was appended is on stable storage. After an error, which events are in the log
	// is unknown: sending the same ones again is safe. Receipts may refer to the bytes of raw.
	Submit(ctx context.Context, raw [][]byte, opts SubmitOptions) ([]event.Receipt, error)

	// View returns the coverage once it has applied the event minSeq (0: at once). It waits at
	// most 5 s, and then returns a [problem.ProjectionBehind]. It refuses when the log is
	// damaged or the projection has stopped.
	View(ctx context.Context, minSeq eventstore.Sequence) (*coverage.View, error)

	// Events calls yield with each event that the filter lets through, in log order: one JSON
	// object without line end, valid during the call. An error of yield ends it and is returned.
	Events(ctx context.Context, f EventFilter, yield func(line []byte) error) error

	// ListKey returns the key under which rows of lists get their ids, always the same.
	ListKey(ctx context.Context) ([32]byte, error)

	// Health tells how the ledger is.
	Health(ctx context.Context) Health

	// Replay rebuilds the coverage from the log and compares. progress may be nil.
	Replay(ctx context.Context, opts ReplayOptions, progress Progress) (ReplayResult, error)

	// Verify reads and checks the whole log. Damage is in the report, not an error. progress
	// may be nil.
	Verify(ctx context.Context, progress Progress) (VerifyReport, error)
}

// Progress is told how many events of how many are done.
type Progress func(done, total eventstore.Sequence)

// SubmitOptions says how events are taken in.
type SubmitOptions struct {
	KeepRecorded bool // "recordedat" of an event is its record time
	DryRun       bool // judge, and append nothing
	Atomic       bool // append nothing when one is refused

	// Scope is what the publisher may report; its name is kept with each event. Nil: everything.
	Scope *event.Scope
}

// EventFilter says which events of the log are meant.
type EventFilter struct {
	From, To   eventstore.Sequence // both in
	Type       event.Type          // 0: all
	Enrolment  string              // events whose data has it; "": all
	Worker     string              // events whose data has it; "": all
	Commitment string              // events whose data has it; "": all
	Limit      uint64              // at most so many; 0: no limit
}

// Health is how the ledger is. Status is "ok" when it takes events and answers.
type Health struct {
	Status      string                      `json:"status"`
	Head        eventstore.Sequence         `json:"head"`
	Projections map[string]ProjectionHealth `json:"projections"`
	Why         string                      `json:"why,omitempty"` // it is not ok
}

// ProjectionHealth is how far a projection is.
type ProjectionHealth struct {
	Sequence eventstore.Sequence `json:"sequence"`
}

// HealthOK is the status of a ledger that takes events and answers.
const HealthOK = "ok"

// ReplayOptions says what to rebuild.
type ReplayOptions struct {
	To   eventstore.Sequence // last event to apply; 0 or beyond the log: its end
	Swap bool                // put the rebuilt projection in place of the live one
}

// ReplayResult is what a replay came to.
type ReplayResult struct {
	Projection      string              `json:"projection"`
	Events          eventstore.Sequence `json:"events"`
	Seconds         float64             `json:"seconds"`
	EventsPerSecond float64             `json:"eventsPerSecond"`
	Digest          string              `json:"digest"`
	Matches         bool                `json:"matches"` // the live digest at the same sequence
}

// VerifyReport is what a check of the log found.
type VerifyReport struct {
	OK       bool                `json:"ok"`
	Events   eventstore.Sequence `json:"events"` // in the log, as far as can be told
	Frames   uint64              `json:"frames"`
	Root     string              `json:"root"` // Merkle root over all events, hexadecimal
	Findings []Finding           `json:"findings"`
}

// Finding is a range of damaged events. To is 0 when it reaches to the end of the log.
type Finding struct {
	From eventstore.Sequence `json:"from"`
	To   eventstore.Sequence `json:"to"`
	What string              `json:"what"`
}
