package intake

import (
	"fmt"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/writer"
)

// EntryOf encodes an event that was made here, not sent; at 0 it is recorded now. Its data must be
// whole, with Has set: nothing is checked here that the intake checks of what is sent. The entry
// owns its bytes.
func EntryOf(e *event.Event, at temporal.Instant) (writer.Entry, error) {
	entry := writer.Entry{Key: e.Key, Event: codec.Append(nil, e), RecordedAt: at}
	var err error
	if entry.Digest, err = codec.Digest(entry.Event); err != nil {
		return entry, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	if e.Type == event.EventRetracted {
		entry.Retracts = &event.Key{Source: e.Data.RetractedSource, ID: e.Data.RetractedID}
	}
	return entry, nil
}
