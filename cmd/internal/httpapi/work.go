package httpapi

import (
	"context"
	"errors"
	"io"
	"sync"

	"cakupan/cmd/internal/problem"
)

const (
	// claimFirst is what is claimed for a body that does not say how long it is, before anything
	// of it is read: most need no more, because to wait for more while others do the same helps
	// nobody.
	claimFirst = 512 << 10
	// readFirst is how much memory a body gets to begin with; then twice as much, and so on.
	readFirst = 64 << 10
	// encodedMore is by how much a body may grow in being encoded.
	encodedMore = 16 << 10
	// bodyKept and eventsKept bound what is kept of the memory of a request for the next one.
	bodyKept   = 1 << 20
	eventsKept = 2_000
)

// work is the memory for one request with events. It is used again for later ones. It belongs to
// one request at a time, from take to release. What a ledger is given of it may be referred to by
// receipts: those must be written before the release.
type work struct {
	claim  claim    // of the request that has the work now; zero while it is idle
	body   []byte   // decoded
	events [][]byte // they alias body
	answer []byte   // receipts, as they are written
}

// idle holds works without a claim. What they keep is not counted as the room's: it is bounded by
// the largest number of requests that were in work at once, and collected when memory is short.
var idle = sync.Pool{New: func() any { return new(work) }}

// take returns memory for a request. Release it once nothing of the request is needed any more.
// Nothing is claimed yet, so it never waits and never fails.
func (a *API) take(w *reply) *work {
	memory := idle.Get().(*work)
	memory.claim = claim{room: a.room, member: w.member.share()}
	return memory
}

// release gives the memory back. The events are cleared because they alias a body that may have
// been given up as too large to keep: one of them would keep all of it alive. The claim goes first,
// while the work is still this request's: once it is put back it may be another's.
func (w *work) release() {
	w.claim.release()
	w.claim = claim{}
	if cap(w.body) > bodyKept {
		w.body = nil
	}
	if cap(w.events) > eventsKept {
		w.events = nil
	}
	if cap(w.answer) > bodyKept {
		w.answer = nil
	}
	clear(w.events[:cap(w.events)])
	idle.Put(w)
}

// read reads all there is, less than most bytes, into the body of the work. It claims the memory
// for what arrives before it reads it: first so many bytes, then twice as many, and so on. When
// there are most bytes or more, the body has most. first and most must be more than 0. With an
// error of the reader or of the claim the body has what came before, which nobody is to use. What
// is allocated grows with what has arrived; the claim alone, which is a number, may be of all that
// a header promises.
func (w *work) read(ctx context.Context, from io.Reader, first, most int) error {
	w.body = w.body[:0]
	claimed := 0
	for len(w.body) < most {
		if len(w.body) == claimed {
			more := min(max(claimed, first), most-claimed)
			if err := w.claim.grow(ctx, byteRoom*int64(more)); err != nil {
				return err
			}
			claimed += more
		}
		if len(w.body) == cap(w.body) {
			larger := make([]byte, 0, min(max(2*cap(w.body), readFirst), claimed))
			w.body = append(larger, w.body...)
		}
		n, err := from.Read(w.body[len(w.body):min(cap(w.body), claimed)])
		w.body = w.body[:len(w.body)+n]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isOverload tells whether an error says that there is too much in work, as against a fault of the
// body.
func isOverload(err error) bool {
	var known *problem.Error
	return errors.As(err, &known) && known.Code == problem.Overloaded
}
