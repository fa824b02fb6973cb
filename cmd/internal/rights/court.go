// Package rights judges what publishers may say: of which enrolments, commitments and people each
// has a right to speak, and what is taken back that others said before these were known.
//
// What a publisher reports of an enrolment, a commitment or a person that the ledger knows, it
// needs a right over: the region of each enrolment concerned, from the day on from which the event
// changes it; the funder of the commitment, or, while nobody has committed it, each enrolment that
// was granted from it; of a person, each enrolment that is known. Or it has opened, or committed,
// what the event is about. What is one's own may always be taken back.
//
// What is not known yet may be reported. When it becomes known, what was said of it by somebody who
// has no right over it is taken back in front of what makes it known: see takeBack.
//
// They are judged by the facts that the coverage rests on, with all that was appended and that
// gives or takes rights over what a batch is about: see given. Nobody else appends meanwhile what
// is about the same: see subjects. Nothing here is persisted, and nothing is appended.
package rights

import (
	"context"

	"cakupan/cmd/internal/excerpt"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/projections/standing"
)

// Ledger is what rights are judged by. All of it may be asked by many at once.
type Ledger interface {
	// Facts returns the facts once they have all of the log up to an event. It waits for that, for
	// a few seconds at most. What is read of them holds them still, and must be quick; a name may
	// be newer than the state.
	Facts(ctx context.Context, since eventstore.Sequence) (standing.Source, error)
	// Shown returns how much of the log the facts have that answer now. None may do so.
	Shown() (known eventstore.Sequence, answers bool)
	// Lookup finds events by their keys, as far as the log is written; see [index.Index.Lookup].
	Lookup(keys []index.Key, found []index.Entry) error
	// Guarded tells whether there are publishers, so that not everybody may say everything.
	Guarded() bool
	// LastScope returns what a publisher may report; of one who was revoked, what he might at last.
	// It is nil for who never was one.
	LastScope(publisher string) (*event.Scope, error)
}

// Court judges the batches of a ledger, those about the same one after the other.
type Court struct {
	about    Ledger
	reader   *excerpt.Reader
	source   string // of what the ledger itself says
	subjects *subjects
	given    *given
}

// NewCourt returns a court for a ledger, whose log the reader reads, and which speaks under the
// source.
func NewCourt(about Ledger, reader *excerpt.Reader, source string) *Court {
	return &Court{
		about: about, reader: reader, source: source, subjects: newSubjects(), given: newGiven(),
	}
}

// ToAll has whoever is judged from now on wait for the facts to have an event: it may have given
// rights over anything, as where others have written the log.
func (c *Court) ToAll(at eventstore.Sequence) { c.given.toAll(at) }

// Unsure says that a batch which was judged may be in the log though nobody was told so.
func (c *Court) Unsure() { c.given.unsure.Add(1) }
