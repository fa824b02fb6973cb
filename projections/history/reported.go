package history

import (
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// Reported is an event about a subject, with the retractions that name it. It is valid during the
// call that gets it. Sequence and time are the log's. Whoever keeps one copies the texts of the
// event.
type Reported struct {
	Sequence    eventstore.Sequence
	RecordedAt  temporal.Instant
	Event       *event.Event
	Retractions []eventstore.Sequence // ascending; some may be of before it
}

// TakenBy returns the first retraction that takes the event out of force as known at k, 0 when it
// is in force. A retraction itself is never taken back (contract, section 2), even where others
// name it.
func (r *Reported) TakenBy(k eventstore.Sequence) eventstore.Sequence {
	if len(r.Retractions) == 0 || r.Retractions[0] > k || r.Event.Type == event.EventRetracted {
		return 0
	}
	return r.Retractions[0]
}
