package rights

import (
	"slices"

	"cakupan/domain/event"
)

// here is what the events of a batch before one have made known. It is empty while nothing in the
// batch asks for it. It is of one judge, so of one goroutine. Places are those of events in the
// batch.
type here struct {
	asked       bool                // some event rests on what others may make known
	enrolments  map[string]int      // the place of the opening
	workers     map[string]int      // the same, of who it is for
	commitments map[string]bool     // committed
	grants      map[string][]string // by an enrolment that is not known: commitments
}

// newHere returns what is known before the first of the events. What rests on others are grants,
// which rest on the enrolment, and deaths and merges, which rest on the people.
func newHere(events []event.Event) *here {
	return &here{
		asked: slices.ContainsFunc(events, func(e event.Event) bool {
			return e.Type == event.FundingGranted || e.Type == event.WorkerMerged ||
				e.Type == event.WorkerDied
		}),
		enrolments: map[string]int{}, workers: map[string]int{}, commitments: map[string]bool{},
		grants: map[string][]string{},
	}
}

// note notes what an event makes known. It is called after the event was judged, in the order of
// the batch. Later openings of the same name take the place of earlier ones.
func (h *here) note(e *event.Event, place int) {
	switch {
	case e.Type == event.FundingCommitted:
		h.commitments[e.Data.Commitment] = true
	case e.Type == event.EnrolmentOpened && h.asked:
		h.enrolments[e.Data.Enrolment], h.workers[e.Data.Worker] = place, place
	}
}

// grant notes a grant of an enrolment that is not known yet. An opening later in the batch makes
// the commitment known through it.
func (h *here) grant(e *event.Event, opener int) {
	if e.Type == event.FundingGranted && opener < 0 {
		of := &e.Data
		h.grants[of.Enrolment] = append(h.grants[of.Enrolment], of.Commitment)
	}
}
