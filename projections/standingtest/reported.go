package standingtest

import (
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections"
)

// About yields, of a log of the events, those about a commitment up to a sequence, in their order,
// each with the retractions of it, also later ones.
func About(events []event.Event, commitment string, known eventstore.Sequence,
	yield func(e *projections.Event, retractions []eventstore.Sequence) error,
) error {
	all := Logged(events)
	for i := range all {
		e := &all[i]
		if e.Sequence > known || e.Data.Commitment != commitment {
			continue
		}
		var retractions []eventstore.Sequence
		for j := range all {
			if d := &all[j].Data; d.RetractedSource == e.Source && d.RetractedID == e.ID {
				retractions = append(retractions, all[j].Sequence)
			}
		}
		if err := yield(e, retractions); err != nil {
			return err
		}
	}
	return nil
}
