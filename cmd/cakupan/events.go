package main

import (
	"context"
	"fmt"
	"iter"
	"time"

	"cakupan/cmd/internal/httpapi"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/writer"
)

// wallClock tells the ledger the time.
func wallClock() temporal.Instant { return temporal.Instant(time.Now().UnixNano()) }

// entryOf encodes an event that was made here, not sent; at 0 it is recorded now.
func entryOf(e *event.Event, at temporal.Instant) (writer.Entry, error) {
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

// appendBatch is how many events go to the writer at once.
const appendBatch = 1_000

// AppendEvents appends events that were made here, with their record times, and returns how many
// were new. One that the log has already changes nothing. The next batch is encoded while the
// last one is written.
func (l *ledger) AppendEvents(ctx context.Context, events iter.Seq2[event.Event, temporal.Instant],
	progress func(done int),
) (appended int, err error) {
	if _, err := l.openIntake(ctx); err != nil {
		return 0, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches, failed := make(chan []writer.Entry, 4), make(chan error, 1)
	go func() {
		defer close(batches)
		failed <- encodeBatches(ctx, events, batches)
	}()
	done := 0
	for batch := range batches {
		results, err := l.writer.Append(ctx, batch, writer.AppendOptions{})
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
		entry, err := entryOf(&e, at)
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

// Events calls yield with each event that the filter lets through.
func (l *ledger) Events(ctx context.Context, f httpapi.EventFilter,
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
func passes(f httpapi.EventFilter, e *event.Event) bool {
	return (f.Type == 0 || f.Type == e.Type) &&
		(f.Enrolment == "" || f.Enrolment == e.Data.Enrolment) &&
		(f.Worker == "" || f.Worker == e.Data.Worker) &&
		(f.Commitment == "" || f.Commitment == e.Data.Commitment)
}
