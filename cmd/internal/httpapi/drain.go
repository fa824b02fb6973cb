package httpapi

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"cakupan/cmd/internal/problem"
)

const (
	// drainPiece is how long a client has for each piece, of a body or of an answer, once the
	// server is to stop: who reads slowly must not hold up the stop.
	drainPiece = 500 * time.Millisecond
	// drainLinger is how long answers that are given may take to leave, and how long a connection
	// that has asked nothing yet is waited for.
	drainLinger = 500 * time.Millisecond
)

// inWork is the replies that are being made. mu guards the set. The zero value is that of none.
type inWork struct {
	mu      sync.Mutex
	replies map[*reply]struct{}
}

func (i *inWork) add(w *reply) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.replies == nil {
		i.replies = map[*reply]struct{}{}
	}
	i.replies[w] = struct{}{}
}

func (i *inWork) remove(w *reply) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.replies, w)
}

// beginDrain ends streams and downloads, and has those hurry whose answer or body is under way. The
// flag comes first: a reply that is added after it has its deadlines short from the beginning, and
// one that was added before it is in the set. It may be called more than once.
func (a *API) beginDrain() {
	a.drain()
	a.inWork.mu.Lock()
	defer a.inWork.mu.Unlock()
	for w := range a.inWork.replies {
		w.hurry()
	}
}

// hurry bounds what a client may take for what it is at now. Where no body of bounded time is being
// read there is nothing more to shorten: a stream is ended by its own stop.
func (w *reply) hurry() {
	w.extend()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reading {
		_ = w.control.SetReadDeadline(w.deadline(drainPiece))
	}
}

// deadline is when the time for a piece ends, which is short once the server is to stop. The time
// is the machine's, not Config.Now: the operating system compares it. The caller holds mu of the
// reply, so that no longer deadline is set after a shorter one.
func (w *reply) deadline(limit time.Duration) time.Time {
	if w.api.draining.Err() != nil {
		limit = min(limit, drainPiece)
	}
	return time.Now().Add(limit)
}

// awaitIdle returns when no request is in work, or when ctx ends. It looks instead of being told:
// it runs once in the life of a server, and a counter is all that requests have to keep.
func (a *API) awaitIdle(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for a.requests.Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// untilDrain returns the context of a request that ends when the server is to stop, for what would
// take long and can be asked for again. Call what it returns when the request is answered. Events
// that are being taken in are not ended so: they come to their receipts.
func (a *API) untilDrain(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(a.draining, cancel)
	return ctx, func() { stop(); cancel() }
}

// drained says that a request was ended by the stop, where err comes from that. what tells how to
// go on later. Any other error is returned as it is, so also that of a client who is gone.
func (a *API) drained(err error, what string) error {
	if a.draining.Err() != nil && errors.Is(err, context.Canceled) {
		return problem.New(problem.ServerStopping, "the server is stopping: "+what)
	}
	return err
}
