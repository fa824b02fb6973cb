package intake

import (
	"slices"

	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// Masked returns receipts as others than who sent the events may see them. The key of a refused
// event is as it was sent, and may hold a NIK.
func Masked(receipts []event.Receipt) cloudevents.Receipts {
	masked := slices.Clone(receipts)
	for i := range masked {
		if r := &masked[i]; r.Status == event.Refused {
			r.Source, r.ID = event.MaskNIK(r.Source), event.MaskNIK(r.ID)
		}
	}
	return masked
}
