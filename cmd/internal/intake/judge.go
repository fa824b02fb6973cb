package intake

import (
	"context"
	"fmt"

	"cakupan/domain/event"
)

// Scope returns what whoever sent the batch may report; nil: everything.
func (b *Batch) Scope() *event.Scope { return b.opts.Scope }

// Refuse refuses events of a batch that is not committed yet, by their places. One that the log has
// already stays what it is, a duplicate or a conflict.
func (in *Intake) Refuse(
	ctx context.Context, b *Batch, refusals map[int]*event.Refusal,
) error {
	if len(refusals) == 0 {
		return nil
	}
	for place, refusal := range refusals {
		results, err := in.writer.Check(ctx, b.entries[place:place+1])
		if err != nil {
			return fmt.Errorf("judge events: %w", err)
		}
		if results[0].Status != event.Appended {
			continue
		}
		b.receipts[place].Status, b.receipts[place].Refusal = event.Refused, refusal
	}
	return nil
}
