package ledger

import (
	"context"
	"fmt"
	"iter"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/writer"
)

// EntryOf encodes an event that was made here, not sent; at 0 it is recorded now.
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

// Append appends entries that were made here, as [writer.Writer.Append] does.
func (l *Ledger) Append(ctx context.Context, entries []writer.Entry, opts writer.AppendOptions,
) ([]writer.Result, error) {
	if _, err := l.openGate(ctx); err != nil {
		return nil, err
	}
	w := l.currentWriter()
	if w == nil {
		return nil, errStandsBy
	}
	return w.Append(ctx, entries, opts)
}

// appendBatch is how many events go to the writer at once.
const appendBatch = 1_000

// AppendEvents appends events that were made here, with their record times, and returns how many
// were new. One that the log has already changes nothing. The next batch is encoded while the
// last one is written.
func (l *Ledger) AppendEvents(ctx context.Context, events iter.Seq2[event.Event, temporal.Instant],
	progress func(done int),
) (appended int, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches, failed := make(chan []writer.Entry, 4), make(chan error, 1)
	go func() {
		defer close(batches)
		failed <- encodeBatches(ctx, events, batches)
	}()
	done := 0
	for batch := range batches {
		results, err := l.Append(ctx, batch, writer.AppendOptions{})
		if err != nil {
			return appended, err
		}
		for i := range results {
			switch results[i].Status {
			case event.Appended:
				appended++
			case event.Refused:
				return appended, fmt.Errorf("append event %s: %w",
					batch[i].Key.ID, results[i].Refusal)
			default:
			}
		}
		if done += len(batch); progress != nil {
			progress(done)
		}
	}
	return appended, <-failed
}

func encodeBatches(ctx context.Context, events iter.Seq2[event.Event, temporal.Instant],
	batches chan<- []writer.Entry,
) error {
	batch := make([]writer.Entry, 0, appendBatch)
	send := func() error {
		select {
		case batches <- batch:
			batch = make([]writer.Entry, 0, appendBatch)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for e, at := range events {
		entry, err := EntryOf(&e, at)
		if err != nil {
			return err
		}
		if batch = append(batch, entry); len(batch) == appendBatch {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}
