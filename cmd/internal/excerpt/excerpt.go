// Package excerpt reads the events of the log that somebody asks for, and as little else of the log
// as it can: of what is about one enrolment, worker, commitment or list the history says where it
// is.
//
// It keeps nothing and judges nothing. Whether the log may be read at all, and who may see what,
// is looked at by who asks.
package excerpt

import (
	"cmp"
	"context"
	"log/slog"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/history"
)

// Reader reads a log. Its fields are set before it is used, and only read after it. It holds
// nothing, and so may be used by many at once.
type Reader struct {
	Log     eventstore.Log
	History History
	Logger  *slog.Logger // the operator's; it never gets an event
}

// History gives the history of the log, as far as who asks needs it.
type History interface {
	// For returns the history for a reading of what the filter lets through, whatever it has seen:
	// the rest is read from the log. An error means that the log has to be read instead.
	For(ctx context.Context, f *Filter) (*history.Projection, error)
	// At returns the history once it has seen the log up to an event.
	At(ctx context.Context, known eventstore.Sequence) (*history.Projection, error)
}

// Filter says which events of the log are meant.
type Filter struct {
	From, To   eventstore.Sequence // both in
	Type       event.Type          // 0: all
	Enrolment  string              // events whose data has it; "": all
	Worker     string              // events whose data has it; "": all
	Commitment string              // events whose data has it; "": all
	Source     string              // events with it; "": all
	Publisher  string              // events of it: the registered name, else the source; "": all
	List       string              // rows and steps of the list of that id; "": all
	Last       uint64              // of all these the last so many; 0: all
	Limit      uint64              // of those the first so many at most; 0: no limit
	Follow     bool                // go on as the log grows
}

// Passes reports whether the event's data are what the filter asks for; its bounds are another
// thing. What it lets through the history must find: a field that is compared here must be one that
// history.Projection.Apply adds. A worker is meant by the id as reported, on either side of a
// merge; merges are not followed.
func (f *Filter) Passes(e *event.Event) bool {
	return (f.Type == 0 || f.Type == e.Type) &&
		(f.Enrolment == "" || f.Enrolment == e.Data.Enrolment) &&
		(f.Worker == "" || f.Worker == e.Data.Worker || f.Worker == e.Data.Into) &&
		(f.Commitment == "" || f.Commitment == e.Data.Commitment) &&
		(f.Source == "" || f.Source == e.Source) &&
		(f.List == "" || f.List == history.ListOf(e)) &&
		(f.Publisher == "" || f.Publisher == cmp.Or(e.Publisher, e.Source))
}

// subject returns whom the filter names; the one with the fewest events when it names several.
func (f *Filter) subject() (s history.Subject, named bool) {
	switch {
	case f.Enrolment != "":
		return history.Subject{Kind: history.Enrolment, Name: f.Enrolment}, true
	case f.Worker != "":
		return history.Subject{Kind: history.Worker, Name: f.Worker}, true
	case f.Commitment != "":
		return history.Subject{Kind: history.Commitment, Name: f.Commitment}, true
	case f.List != "":
		return history.Subject{Kind: history.List, Name: f.List}, true
	}
	return s, false
}
