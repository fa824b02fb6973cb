package httpapi

import (
	"net/http"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// firstRefusal returns why the first event was refused that is at fault itself, nil when none is.
// In an atomic batch the others are refused too, without a reason of their own.
func firstRefusal(got []event.Receipt) *event.Refusal {
	for i := range got {
		if got[i].Refusal != nil {
			return got[i].Refusal
		}
	}
	return nil
}

// placeOf returns the place, from 1, of the event that was refused so. It is 0 when there is none
// such.
func placeOf(refusal *event.Refusal, got []event.Receipt) int {
	for i := range got {
		if got[i].Refusal == refusal {
			return i + 1
		}
	}
	return 0
}

// failAtomic answers that a batch was refused as a whole: 422, whatever the refusal of the one
// event would be by itself.
func (w *reply) failAtomic(r *http.Request, e *problem.Error, receipts []byte) {
	e.Whole = true
	w.failWith(r, e, receipts)
}
