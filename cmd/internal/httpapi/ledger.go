package httpapi

import (
	"context"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/lists/matched"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/lookups"
	"cakupan/projections/coverage"
	"cakupan/projections/effect"
	"cakupan/projections/findings"
	"cakupan/projections/history"
	"cakupan/projections/standing"
)

// Ledger is what the routes ask. All methods may be called at the same time. An error with a place
// in the table of problems is shown as such; every other one is an internal error. ctx is mostly
// the request's: when it ends, so does a question, and what is durable by then stays.
type Ledger interface {
	intake.Submitter

	// View returns the coverage once it has applied the event minSeq (0: at once). It waits at
	// most 5 s, and then returns a [problem.ProjectionBehind]. It refuses when the log is
	// damaged or the projection has stopped.
	View(ctx context.Context, minSeq eventstore.Sequence) (*coverage.View, error)

	// Facts returns the facts that the coverage rests on, once they hold the event minSeq; it waits
	// and refuses as View does.
	Facts(ctx context.Context, minSeq eventstore.Sequence) (standing.Source, error)

	// Findings returns the findings once they hold the event minSeq; it waits and refuses as View
	// does.
	Findings(ctx context.Context, minSeq eventstore.Sequence) (*findings.Projection, error)

	// Events calls yield with each event that the filter lets through, in log order: one JSON
	// object without line end, valid during the call. An error of yield ends it and is returned.
	// Who follows is called with nil when there is no more for now; that ends with ctx.
	Events(ctx context.Context, f excerpt.Filter, yield func(line []byte) error) error

	// ListEvents calls yield with each event of a list, as Events does, with what takes it back. It
	// waits and refuses as View does.
	ListEvents(ctx context.Context, f excerpt.List, yield func(line []byte) error) error

	// Reported calls yield with each event about a subject up to a place in the log, in its order,
	// but for those that want leaves out; nil leaves out none. It waits and refuses as View does.
	Reported(ctx context.Context, about history.Subject, known eventstore.Sequence,
		want func(some []eventstore.Sequence) ([]eventstore.Sequence, error),
		yield func(*history.Reported) error) error

	// EventsAt calls yield with the events of sequences, which ascend.
	EventsAt(ctx context.Context, sequences []eventstore.Sequence,
		yield func(*history.Reported) error) error

	// LookUp returns the worker id of a NIK once it is recorded who asked.
	LookUp(ctx context.Context, nik, who string, at temporal.Instant) (worker string, err error)

	// NoteRead records that somebody reads about people; what cannot be recorded is not answered.
	NoteRead(ctx context.Context, at temporal.Instant, r *lookups.Read) error

	// Reads calls yield with each read about people, in their order.
	Reads(ctx context.Context, yield func(lookups.Read) error) error

	// ListKey returns the key under which rows of lists get their ids, of whoever speaks for a
	// source.
	ListKey(ctx context.Context, ask ledger.ListAsk) (ledger.ListKey, error)

	// MatchRows says by which names the ledger has rows under older keys. It waits and refuses as
	// View does.
	MatchRows(ctx context.Context, ask ledger.ListAsk, rows []matched.Row) ([]*matched.Names, error)

	// Effect says what events have done that the log has from since on, and what those would do
	// that it has not. It waits and refuses as View does.
	Effect(ctx context.Context, raw [][]byte, opts intake.Options, since eventstore.Sequence,
		ask effect.Asked) (effect.Report, error)

	// Health tells how the ledger is.
	Health(ctx context.Context) ledger.Health

	// Ready tells whether events and questions are answered at the moment now.
	Ready(ctx context.Context, now temporal.Instant) ledger.Readiness

	// Status tells the same as Health, with what role and safety depend on.
	Status(ctx context.Context) ledger.Status

	// Replay rebuilds a projection from the log and compares. progress may be nil.
	Replay(ctx context.Context, opts ledger.ReplayOptions, progress ledger.Progress,
	) (ledger.ReplayResult, error)

	// Verify reads and checks the whole log. Damage is in the report, not an error. progress
	// may be nil.
	Verify(ctx context.Context, progress ledger.Progress) (ledger.VerifyReport, error)
}
