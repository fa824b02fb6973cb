package writer

import (
	"context"
	"fmt"
	"sync/atomic"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/index"
)

// Entry is an event to be appended. The writer reads it until Append returns and keeps nothing.
type Entry struct {
	Key event.Key
	// Digest stands for what the event says (codec.Digest). Same key and digest: a duplicate.
	Digest [16]byte
	// Event holds the encoded bytes, at most eventstore.EventBytesMax less a few.
	Event []byte
	// Retracts is set for a retraction: the key of the event it names. When that event is in the
	// log, or comes before this one in the same frame, its sequence is added to the bytes.
	Retracts *event.Key
	// RecordedAt is 0 for an event that is recorded now, or the original time of an older system,
	// which must be neither before the log's last nor in the future.
	RecordedAt temporal.Instant
	// Original says that RecordedAt is an original time even if it is 0, the start of 1970.
	Original bool
}

// Result is what became of an Entry.
type Result struct {
	// Status is event.Appended, event.Duplicate or event.Refused. It is empty when the entry was
	// not appended for no fault of its own: another of its atomic batch was refused, or Append
	// returned an error before it was this entry's turn.
	Status event.Status
	// Sequence is the event's place in the log; for a duplicate, that of the first.
	Sequence eventstore.Sequence
	// Refusal says why, for event.Refused: event.conflict or recorded.order (or, when it slipped
	// through the checks before, event.too_large).
	Refusal *event.Refusal
}

// AppendOptions say how a batch is appended.
type AppendOptions struct {
	// Atomic appends the batch as a whole or not at all, whatever happens: it is one frame. One
	// that does not fit is a *BatchTooLargeError; when an event is refused, nothing is appended.
	Atomic bool
}

// A request is queued until the writer takes it, or until its caller withdraws it.
const (
	requestQueued    = 0
	requestTaken     = 1
	requestWithdrawn = 2
)

// request is one call of Append. But for state and cancelled it belongs to the caller before it
// is queued and after done is closed, and to the writer's goroutine between.
type request struct {
	entries  []Entry
	keys     []index.Key
	retracts []index.Key // of the entries that have any; nil when none does
	atomic   bool

	state     atomic.Int32
	cancelled atomic.Pointer[error] // why the caller wants to go; what has begun is ended first

	results []Result
	decided int                 // entries that have a result
	needs   eventstore.Sequence // all results are true once the log holds this event
	stopped error               // why the rest has no results
	over    bool                // done is closed
	err     error
	done    chan struct{}
}

// newRequest hashes the keys, in the caller's goroutine: the writer's is what everybody waits for.
func newRequest(entries []Entry, opts AppendOptions) *request {
	r := &request{
		entries: entries,
		keys:    make([]index.Key, len(entries)),
		atomic:  opts.Atomic,
		results: make([]Result, len(entries)),
		done:    make(chan struct{}),
	}
	for i := range entries {
		r.keys[i] = index.KeyOf(entries[i].Key)
		if entries[i].Retracts == nil {
			continue
		}
		if r.retracts == nil {
			r.retracts = make([]index.Key, len(entries))
		}
		r.retracts[i] = index.KeyOf(*entries[i].Retracts)
	}
	return r
}

// smallEntries and smallBytes bound a request that need not wait for larger ones: well below half
// of a frame, so that those have the other half.
const (
	smallEntries = 64
	smallBytes   = 64 << 10
)

// isSmall tells whether the request is so.
func (r *request) isSmall() bool {
	bytes := 0
	for i := range r.entries[:min(len(r.entries), smallEntries+1)] {
		bytes += len(r.entries[i].Event)
	}
	return len(r.entries) <= smallEntries && bytes <= smallBytes
}

// wait returns when the writer is through with the request. A request that it has not taken yet
// is withdrawn when ctx ends.
func (r *request) wait(ctx context.Context) ([]Result, error) {
	select {
	case <-r.done:
		return r.results, r.err
	case <-ctx.Done():
	}
	cause := ctx.Err()
	if r.state.CompareAndSwap(requestQueued, requestWithdrawn) {
		return make([]Result, len(r.entries)), fmt.Errorf("append events: %w", cause)
	}
	// The writer is at it. To leave now would mean not to know what became of the events, and
	// the writer still reads them; it never takes longer than its patience with the log.
	r.cancelled.Store(&cause)
	<-r.done
	return r.results, r.err
}

// finish tells the caller. With an error, results beyond what the log holds are taken back.
func (r *request) finish(err error, stored eventstore.Sequence) {
	if r.over {
		return
	}
	if err != nil {
		r.err = fmt.Errorf("append events: %w", err)
		for i := range r.results {
			if r.results[i].Sequence > stored {
				r.results[i] = Result{}
			}
		}
	}
	r.over = true
	close(r.done)
}
