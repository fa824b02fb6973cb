package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/split"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// streamEventsMax is how many events of a stream are taken in at once. It is what fits a frame
// of the log: more would not be faster, and receipts would be later.
const streamEventsMax = 1_000

// postStream takes in a stream of events, one a line, and answers with a receipt a line as they
// become durable. A client must read while it sends: one that does not is hung up on once its
// receipts fill the connection.
//
// What goes wrong after the first receipt is the last line: a problem instead of a receipt. The
// events without receipt may or may not be in the log then; to send them again is safe. Memory does
// not grow with the stream: it is claimed once, for what is read ahead. A stop of the server ends
// the reading, not the taking in: what was read by then gets its receipts. The status is 200 from
// the first receipt on, whatever follows.
func (a *API) postStream(w *reply, r *http.Request, opts submission) {
	if opts.Atomic {
		w.fail(r, problem.Query("atomic", "a stream has no end that all could depend on:"+
			" send a batch as "+batchType))
		return
	}
	work := a.take(w)
	defer work.release()
	if err := a.enterStream(r, work); err != nil {
		w.failShare(r, err)
		return
	}
	defer a.pools.streams.Give(work.claim.member, 1)
	// HTTP/1 servers otherwise read the whole body before they answer. Transports that know no
	// such thing answer while they read anyway.
	_ = w.control.EnableFullDuplex()
	body := &patientReader{api: a, reply: w, body: r.Body}
	decoded := decode(r, body, &work.claim)
	decoded.unfold = true
	defer decoded.close() // after the feed is done
	feed := split.NewShortFeed(split.NewLines(decoded), streamEventsMax)
	// Both: the feed must ask for no more, and a read that waits must end.
	stop := func() {
		feed.Stop()
		body.stop()
	}
	defer context.AfterFunc(a.draining, stop)()
	reading := true
	defer func() {
		if reading {
			stop()
		}
		<-feed.Done() // nothing may read the body after the handler
	}()
	w.Header().Set("Content-Type", streamType)
	// A stream that does not come to its end leaves a connection that nothing can follow on.
	w.Header().Set("Connection", "close")
	refusals := a.refusalsInRow(w)
	for {
		// Each round ends with its receipts before the next one begins, so they are in the order
		// sent, and if we crash at most one batch is in the log without them.
		batch, err := feed.Next()
		if err != nil {
			reading = false
			a.endStream(w, r, err)
			return
		}
		if err := w.still(); err != nil {
			w.failAdmit(r, err)
			return
		}
		got, err := a.submitPatiently(r.Context(), batch.Raw, opts.Options)
		if err != nil {
			w.fail(r, err)
			return
		}
		for i := range got {
			at := batch.Begins[i]
			cloudevents.PlaceIn(got[i].Refusal, batch.Raw[i], at.Line, at.Column)
		}
		if err := writeReceipts(w, work, got, a.withFindings(r.Context(), got, &opts)); err != nil {
			return // the client is gone, or does not read
		}
		if err := refusals.after(got); err != nil {
			a.noteLull(w)
			w.fail(r, err)
			return
		}
	}
}

// streamPatience is the longest wait for which a stream is held up, so that its sender slows down,
// instead of being ended.
const streamPatience = 30 * time.Second

// submitPatiently takes in events of a stream. Where their publisher must wait, it does so here.
// While it waits nothing is read, so the connection fills and the sender is slowed down by it. With
// any other error, and with a wait that is too long, it returns at once; nothing of the batch was
// taken then where the error is [problem.EventsDear].
func (a *API) submitPatiently(ctx context.Context, raw [][]byte, opts intake.Options,
) ([]event.Receipt, error) {
	for {
		got, err := a.ledger.Submit(ctx, raw, opts)
		var dear *problem.Error
		if !errors.As(err, &dear) || dear.Code != problem.EventsDear {
			return got, err
		}
		wait := time.Duration(dear.Retry) * time.Second
		if wait > streamPatience {
			return nil, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, err
		case <-a.draining.Done():
			return nil, err
		}
	}
}

// endStream ends the answer for the reason that reading has ended with. The end of the input is
// none that has to be told: each event has its receipt.
func (a *API) endStream(w *reply, r *http.Request, err error) {
	switch {
	case errors.Is(err, io.EOF):
		return
	case a.draining.Err() != nil:
		w.fail(r, problem.New(problem.ServerStopping,
			"the server is stopping: send again, later, what has no receipt"))
	default:
		if problem.From(err).Code == problem.BodyTooLarge {
			a.noteLull(w)
		}
		w.fail(r, bodyProblem(err))
	}
}

// writeReceipts writes and flushes: a client may wait for a receipt before it sends the next event.
// more is what each receipt has beside its own members, or nil. The receipts may refer to the bytes
// of the batch, so they are written before the next one is taken.
func writeReceipts(w *reply, work *work, got []event.Receipt, more []json.RawMessage) error {
	work.answer = work.answer[:0]
	for i := range got {
		var with json.RawMessage
		if more != nil {
			with = more[i]
		}
		work.answer = append(cloudevents.AppendReceiptWith(work.answer, &got[i], with), '\n')
	}
	if _, err := w.Write(work.answer); err != nil {
		return err
	}
	return w.control.Flush()
}

// enterStream counts one more open stream, or refuses it; where it may only begin later, it waits.
// Who is let in must be counted out. An error is a [problem.Overloaded], or that the client is gone
// or the server is to stop, and leaves nothing taken; what was claimed of memory is given back with
// the work.
func (a *API) enterStream(r *http.Request, work *work) error {
	waiting, stop := a.untilDrain(r)
	defer stop()
	if err := a.lulls.await(waiting, work.claim.member); err != nil {
		return a.drained(err, "nothing of this was looked at: send it again, later")
	}
	if !a.pools.streams.Try(work.claim.member, 1) {
		return overloaded()
	}
	err := work.claim.grow(r.Context(), streamRoom)
	if err != nil {
		a.pools.streams.Give(work.claim.member, 1)
	}
	return err
}

// patientReader reads the body of a stream. It gives the client a bounded time for each piece.
// Deadlines are set from two goroutines, by its reads and by a stop of the server.
type patientReader struct {
	api   *API
	reply *reply
	body  io.Reader // read by the feed's goroutine alone

	mu      sync.Mutex // orders a new deadline before or after stop, never around it
	stopped bool
}

// Read reads the next piece. After stop it returns [split.ErrStopped]; a read that stop has woken
// returns the error of the deadline, as does one for which the client took too long.
func (p *patientReader) Read(b []byte) (int, error) {
	if !p.extend() {
		return 0, split.ErrStopped
	}
	n, err := p.body.Read(b)
	if errors.Is(err, io.EOF) {
		// From here on the server itself reads, to see whether the client is still there.
		p.setDeadline(time.Time{})
	}
	return n, err
}

// extend gives the client time for another piece, and reports whether the stream goes on.
func (p *patientReader) extend() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.setDeadline(time.Now().Add(p.api.config.Limits.Stream))
	}
	return !p.stopped
}

// stop ends a read that waits, and all later ones. A deadline in the past wakes a read that waits;
// a transport that has none is read until its client sends more or goes.
func (p *patientReader) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.setDeadline(time.Unix(1, 0))
}

// setDeadline bounds reads. Not every transport can.
func (p *patientReader) setDeadline(at time.Time) { _ = p.reply.control.SetReadDeadline(at) }
