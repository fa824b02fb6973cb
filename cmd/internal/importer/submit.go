package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/split"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// importEventsMax is how many events are taken in at once: two frames of the log. More would share
// no fsync that these do not, and an interrupt would wait longer for what is being written.
const importEventsMax = 2_000

// submitter takes in events in two steps, so that the next ones are prepared while the last ones
// are written. Batches are committed in the order in which they were prepared. Both may be running
// at the same time, for two batches that follow each other.
type submitter struct {
	// prepare reads and judges. It is called by one goroutine, one batch ahead of commit.
	prepare func(batch) (prepared, error)
	// commit returns when the batch is durable. With an error it returns the receipts of what
	// was decided before it: those events are in the log, or refused, whatever became of the rest.
	commit func(prepared) ([]event.Receipt, error)
}

// batch is a run of what is to be taken in. For how long it stays valid says its feed.
type batch struct {
	split.Batch // of events; of a list, the places alone
	// Nil of events; otherwise one for each place.
	rows []lists.Record // of a list
}

// input is one event as it was read: its bytes, or its row of a list. Which of them it is follows
// from what is being read.
type input struct {
	raw []byte
	row lists.Record
}

// input returns the one at a place of the batch.
func (b *batch) input(i int) input {
	if b.rows != nil {
		return input{row: b.rows[i]}
	}
	return input{raw: b.Raw[i]}
}

// feed gives batches, and reads ahead meanwhile; see [split.Feed] and [lists.Feed]. Stop may be
// called at any time and more than once; a Next that waits then returns soon. Next ends with
// io.EOF; what it gave with an error is empty. One goroutine calls Next. A batch stays valid while
// one more is asked for, since one is prepared while the last is committed.
type feed interface {
	Next() (batch, error)
	Stop()
}

// events is the feed of a file of events.
type events struct{ *split.Feed }

// Next returns the next events.
func (f events) Next() (batch, error) {
	next, err := f.Feed.Next()
	return batch{Batch: next}, err
}

// prepared is one of its fields, by what kind of source it is for.
type prepared struct {
	// For a ledger in this process.
	batch *ledger.Batch
	// For one behind a URL: a line for each event.
	body []byte
	// Of body: how many receipts must come.
	lines int

	refused []*event.Refusal // of a list: rows that are not sent, nil for those that are
	sent    int              // of a list: how many are
}

// newSubmitter returns what gives events to a ledger. What has begun to be written is written to
// its end, also when ctx ends: else nobody could say what is in the log. An error is that of a
// ledger in this process that takes nothing in; one behind a URL is first asked with the first
// batch.
func newSubmitter(ctx context.Context, s *client.Client, opts intake.Options,
) (submitter, error) {
	ctx = context.WithoutCancel(ctx)
	if s.Ledger() == nil {
		post := func(p prepared) ([]event.Receipt, error) {
			return postLines(ctx, s, p, opts)
		}
		return submitter{prepare: joinLines, commit: post}, nil
	}
	_, err := s.Ledger().Prepare(ctx, nil, opts) // whether anything can be taken in at all
	return submitter{
		prepare: func(b batch) (prepared, error) {
			batch, err := s.Ledger().Prepare(ctx, b.Raw, opts)
			return prepared{batch: batch}, err
		},
		commit: func(p prepared) ([]event.Receipt, error) {
			return s.Ledger().Commit(ctx, p.batch)
		},
	}, err
}

// joinLines makes the body of a request. A line end inside an element of an array becomes a tab:
// between tokens either is white space, and inside a text neither is allowed. The number of lines
// is the number of events, so that receipts and places count alike.
func joinLines(b batch) (prepared, error) {
	var body []byte
	for _, line := range b.Raw {
		from := len(body)
		body = append(append(body, line...), '\n')
		for i, c := range line {
			if c == '\n' || c == '\r' {
				body[from+i] = '\t'
			}
		}
	}
	return prepared{body: body, lines: len(b.Raw)}, nil
}

// postLines sends one request with a stream of events and reads its receipts. With an error it
// returns the receipts that came before it, as a commit must. It does not try again: what was
// appended is a duplicate when the whole file is imported again.
func postLines(ctx context.Context, s *client.Client, p prepared, opts intake.Options,
) ([]event.Receipt, error) {
	query := url.Values{}
	if opts.KeepRecorded {
		query.Set("keep_recorded", "true")
	}
	if opts.DryRun {
		query.Set("dry_run", "true")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost,
		s.URL("/v1/events?"+query.Encode()), bytes.NewReader(p.body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	response, err := s.Ask(ctx, request)
	if err != nil {
		return nil, err
	}
	got, err := readReceipts(response.Body, p.lines)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return got, err
	}
	return got, nil
}

// readReceipts reads so many receipts. A problem instead of a receipt is that error. Receipts come
// before the request's end: where the server hangs up, those that came are of events in the log.
// What came of the events without a receipt is not known here; the words say what is safe.
func readReceipts(body io.Reader, count int) (got []event.Receipt, err error) {
	decoder := json.NewDecoder(body)
	for len(got) < count {
		var line json.RawMessage
		if err := decoder.Decode(&line); err != nil {
			return got, problem.Wrap(problem.ServerUnreachable,
				"the server hung up before it had answered for all events: import again", err)
		}
		if problem.IsLine(line) {
			// The status of the answer was sent long before: whatever ends a stream in its middle
			// is the server's.
			return got, problem.Parse(http.StatusServiceUnavailable, line, false)
		}
		receipt, err := cloudevents.ParseReceipt(line)
		if err != nil {
			return got, err
		}
		got = append(got, receipt)
	}
	return got, nil
}

// inWork is a batch on its way from preparing to being committed.
type inWork struct {
	batch
	prepared
	err error // ended the input, or the preparing; the batch is then empty
}

// importBatches takes in all that a feed gives. When ctx ends, it stops after the batch that is
// being written, and returns the error of ctx. It returns once nothing more will be committed. An
// error of the ledger, or of writing rejects, ends it after the receipts that came with it are
// counted.
func importBatches(ctx context.Context, from feed, to submitter, t *Tally) error {
	defer from.Stop()
	// A read may wait for ever, as of a terminal: only stopping the feed ends it.
	defer context.AfterFunc(ctx, from.Stop)()
	// With one batch being prepared and one being committed, none waits in between: there are
	// no more than the feed keeps valid.
	batches := make(chan inWork)
	quit := make(chan struct{})
	defer close(quit)
	go prepareAll(from, to, batches, quit)
	for {
		work := <-batches
		switch {
		// First: when the feed was stopped by it, its error says only that.
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(work.err, io.EOF):
			return nil
		case errors.Is(work.err, split.ErrArray):
			return t.broken(work.err)
		case work.err != nil:
			return work.err
		}
		got, err := to.commit(work.prepared)
		if err := errors.Join(err, t.count(work.batch, got)); err != nil {
			return err
		}
	}
}

// prepareAll prepares batch after batch, until one has an error or quit is closed. It may outlive
// the import by as long as a read of the input takes; then it finds quit closed. What it prepares
// and nobody takes is dropped: nothing of it has been written.
func prepareAll(from feed, to submitter, batches chan<- inWork, quit <-chan struct{}) {
	for {
		var work inWork
		if work.batch, work.err = from.Next(); work.err == nil {
			work.prepared, work.err = to.prepare(work.batch)
		}
		select {
		case batches <- work:
		case <-quit:
			return
		}
		if work.err != nil {
			return
		}
	}
}
