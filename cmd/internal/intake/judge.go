package intake

import (
	"context"
	"fmt"

	"cakupan/domain/event"
	"cakupan/eventstore/writer"
)

// DryRun tells that nothing of the batch is to be appended.
func (b *Batch) DryRun() bool { return b.opts.DryRun }

// Seen is that of the options.
func (b *Batch) Seen() *Seen { return b.opts.Seen }

// Size returns of how many events the batch is, refused ones too.
func (b *Batch) Size() int { return len(b.receipts) }

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

// Appends tells whether an event of a batch that is not committed yet would be appended if the
// batch were committed now: it is neither refused nor in the log.
func (in *Intake) Appends(ctx context.Context, b *Batch, place int) (bool, error) {
	if b.receipts[place].Refusal != nil {
		return false, nil
	}
	results, err := in.writer.Check(ctx, b.entries[place:place+1])
	if err != nil {
		return false, fmt.Errorf("judge events: %w", err)
	}
	return results[0].Status == event.Appended, nil
}

// Precede has entries appended in front of an event of a batch that is not committed yet, at its
// record time. They are in the log if the event is; after a crash they alone may be.
func (b *Batch) Precede(place int, before []writer.Entry) {
	if b.before == nil {
		b.before = map[int][]writer.Entry{}
	}
	for i := range before {
		before[i].RecordedAt = b.entries[place].RecordedAt
		before[i].Original = b.entries[place].Original
	}
	b.before[place] = before
}

// Speak has an entry appended in front of an event of a batch that is not committed yet, like
// Precede, but behind what that has. Where an atomic batch has no room for it in its frame it is
// appended by itself before: so it must do no harm in a log that does not get the event.
func (b *Batch) Speak(place int, entry writer.Entry) {
	if b.spoken == nil {
		b.spoken = map[int]writer.Entry{}
	}
	entry.RecordedAt = b.entries[place].RecordedAt
	entry.Original = b.entries[place].Original
	b.spoken[place] = entry
}

// Notes has the receipts of events of a batch that is not committed yet say something, by their
// places, if the events are appended. It takes the place of what was to be said before.
func (b *Batch) Notes(notes map[int]string) { b.notes = notes }
