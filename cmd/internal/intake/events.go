package intake

import (
	"fmt"

	"cakupan/domain/event"
	"cakupan/eventstore/codec"
)

// Events returns the events of a batch that is not committed yet, with the zero event for each that
// is refused. A NIK has become a worker id.
func (b *Batch) Events() ([]event.Event, error) {
	all := make([]event.Event, len(b.entries))
	for i := range b.entries {
		if b.receipts[i].Refusal != nil {
			continue
		}
		if _, err := codec.Decode(b.entries[i].Event, &all[i]); err != nil {
			return nil, fmt.Errorf("decode event: %w", err)
		}
	}
	return all, nil
}
