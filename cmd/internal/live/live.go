// Package live tells those who watch what has changed: one hub asks the coverage after each of its
// commits, and what differs is encoded once for all of them.
//
// A [Hub] keeps a topic for each set of regions, dimensions and day that somebody watches. At most
// ten times a second, and less often where answering takes long, it answers anew, and appends to
// the topic a frame with the answers that differ. Whoever watches takes frames at a pace of his
// own: one who has fallen behind what the topic keeps gets all answers anew, and so nothing is
// ever queued for anybody.
package live

import (
	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/ledger"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// Kind is what a frame tells.
type Kind string

// The kinds of frames (contract, section 9).
const (
	Snapshot Kind = "snapshot" // all answers of the topic
	Change   Kind = "change"   // those that have changed since the frame before
	State    Kind = "state"    // how the ledger is, see [Status]
)

// Frame is something to tell. Its data is shared by all who get it: it is not written to.
type Frame struct {
	Kind     Kind
	Sequence eventstore.Sequence // up to which events are in the data
	// Data is JSON in one line: an array of answers (contract, section 4), or a [Status].
	Data []byte
}

// Topic is what somebody watches.
type Topic struct {
	Regions []region.Code // nil: all that are worth listing
	Also    []region.Code // with all of them: others, that were told of before
	By      []coverage.Dimension
	On      temporal.Date // meaningful when Fixed
	Fixed   bool          // else it is today in Asia/Makassar, moving on at midnight
	Hidden  bool          // small counts are hidden, see package small
}

// Status is the data of a frame of kind [State].
type Status struct {
	State    string              `json:"state"` // Live, Behind or Stale
	Head     eventstore.Sequence `json:"head"`
	Sequence eventstore.Sequence `json:"sequence"` // that the coverage has applied
	// BehindEvents and BehindSeconds are how far that is behind the log.
	BehindEvents  eventstore.Sequence `json:"behindEvents"`
	BehindSeconds float64             `json:"behindSeconds"`
	// Role tells whether the server writes the log or stands by: it changes where another one
	// writes from now on.
	Role cluster.Role `json:"role"`
	// Since is when the server began, RFC 3339: another one is a server that was started again.
	Since string `json:"since"`
	Why   string `json:"why,omitempty"` // it is not live
}

// The states.
const (
	Live   = "live"   // what is shown is what the log holds
	Behind = "behind" // it will be, only time is needed
	Stale  = "stale"  // something is wrong: what is shown is from before
)

// statusOf returns what to tell of a ledger.
func statusOf(r ledger.Readiness, applied eventstore.Sequence, since string) Status {
	s := Status{State: Live, Head: r.Head, Sequence: applied, Since: since, Why: r.Why}
	s.Role = r.Role
	s.BehindEvents = r.Head - min(r.Head, applied)
	s.BehindSeconds = r.Projections[coverage.Name].BehindSeconds
	switch r.Status {
	case ledger.HealthOK:
	case ledger.ReadyBehind:
		s.State = Behind
	default:
		s.State = Stale
	}
	return s
}
