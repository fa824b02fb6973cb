package ledger

import (
	"context"
	"fmt"
	"iter"

	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/intake"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore/writer"
)

// Append appends entries that were made here, as [writer.Writer.Append] does. Neither rights nor
// the cost of events are looked at: it is for the ledger's own events and for those who fill a
// folder, never for a publisher's. A ledger that stands by returns an error of
// [problem.LogUnavailable] and has appended nothing.
func (l *Ledger) Append(ctx context.Context, entries []writer.Entry, opts writer.AppendOptions,
) ([]writer.Result, error) {
	if _, err := l.openGate(ctx); err != nil {
		return nil, err
	}
	w := l.currentWriter()
	if w == nil {
		return nil, cluster.ErrStandsBy
	}
	return w.Append(ctx, entries, opts)
}

// appendBatch is how many events go to the writer at once: enough for the fsync of a frame to cost
// little per event, few enough that progress is told often.
const appendBatch = 1_000

// AppendEvents appends events that were made here, with their record times, and returns how many
// were new. One that the log has already changes nothing. The next batch is encoded while the last
// one is written. progress is told after each batch how many events were looked at, new or not; it
// may be nil. After an error or a crash the batches before are in the log, and to append the same
// events again goes on from there, since those are duplicates.
func (l *Ledger) AppendEvents(ctx context.Context, events iter.Seq2[event.Event, temporal.Instant],
	progress func(done int),
) (appended int, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// Four batches ahead: encoding is quicker than writing, and more would only take memory. failed
	// has room for its one value, so the goroutine ends also when nobody reads it.
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

// encodeBatches sends the events, encoded, in batches whose memory the receiver owns. It ends early
// when ctx does, so that a failed append does not leave it waiting. The last batch may be shorter,
// or empty.
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
		entry, err := intake.EntryOf(&e, at)
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
