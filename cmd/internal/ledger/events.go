package ledger

import (
	"context"
	"fmt"

	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/codec"
)

// Events calls yield with each event that the filter lets through.
func (l *Ledger) Events(ctx context.Context, f EventFilter,
	yield func(line []byte) error,
) error {
	if damage := l.damage.Load(); damage != nil {
		return *damage
	}
	var e event.Event
	var line []byte
	sent := uint64(0)
	for frame, err := range l.log.Read(ctx, max(f.From, 1)) {
		if err != nil {
			return err
		}
		for record := range frame.Records() {
			if record.Sequence < f.From {
				continue
			}
			if f.To != 0 && record.Sequence > f.To || f.Limit != 0 && sent == f.Limit {
				return nil
			}
			if _, err := codec.Decode(record.Event, &e); err != nil {
				return fmt.Errorf("read event %d: %w", record.Sequence, err)
			}
			if !passes(f, &e) {
				continue
			}
			sent++
			line = cloudevents.AppendJSON(line[:0], &e, uint64(record.Sequence), record.RecordedAt)
			if err := yield(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// passes reports whether the event's data are what the filter asks for.
func passes(f EventFilter, e *event.Event) bool {
	return (f.Type == 0 || f.Type == e.Type) &&
		(f.Enrolment == "" || f.Enrolment == e.Data.Enrolment) &&
		(f.Worker == "" || f.Worker == e.Data.Worker) &&
		(f.Commitment == "" || f.Commitment == e.Data.Commitment)
}
