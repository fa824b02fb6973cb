package writer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/eventstore/merkle"
)

// Points at which Options.Fault is called, in this order, for every frame.
const (
	FaultBeforeSend = "before-send" // the frame is complete
	FaultAfterSend  = "after-send"  // the log's Append has returned; its answer was not looked at
	FaultAfterAck   = "after-ack"   // the frame is known to be stored
	FaultAfterIndex = "after-index" // the index has it; nobody has a receipt yet
)

// patienceDefault bounds how long the outcome of an append may stay unknown before callers are
// told so. A restarted server or a new leader of a cluster takes seconds.
const patienceDefault = 10 * time.Second

// Options of a writer.
type Options struct {
	// Now is the clock. Required.
	Now func() temporal.Instant
	// Patience bounds an append to the log and the attempts to find out what became of it: together
	// by twice as much, each by itself by as much, or by less where answers come quickly.
	// Default: 10 s.
	Patience time.Duration
	// Beside says how far what is kept beside the log is. It is called for each frame, after all
	// events in it were handed in. Optional.
	Beside func() eventstore.Beside
	// Fault is called at the points above, in the writer's goroutine; for crash tests. Optional.
	Fault func(point string)
}

// Writer is the one writer of a log.
type Writer struct {
	log   eventstore.Log
	index *index.Index
	opts  Options
	ended chan struct{} // closed when the writer's goroutine has ended

	// mu guards what follows.
	mu      sync.Mutex
	arrived *sync.Cond // a queue or closing has changed
	queue   []*request
	few     []*request // those that are small: see take
	closing bool
	err     error // why the writer has ended, nil while it has not
	head    eventstore.Tail
	renew   bool // somebody has found the index damaged

	// What follows belongs to the writer's goroutine.
	tail    eventstore.Tail // the end of the log
	tree    merkle.Tree     // over everything up to tail
	stage   *stage
	open    []*request // taken and not finished
	builder *eventstore.FrameBuilder
	entries []index.Entry // of the frame being sent; memory is kept
	unknown *flight       // sent, and nobody knows what became of it; nil: none

	patience patience
}

// Open makes the writer of a log. It brings the index up to the end of the log, which it reads
// from where the index ends, checking on the way that every frame follows the one before and that
// its root is that of the events before it; a *eventstore.DamageError says where not.
//
// The index must be that of this log, and stays the caller's to close, after the writer. An
// index that is ahead of the log gives an *index.AheadError.
func Open(
	ctx context.Context, log eventstore.Log, idx *index.Index, opts Options,
) (*Writer, error) {
	if opts.Now == nil {
		return nil, errors.New("open writer: no clock")
	}
	if opts.Patience == 0 {
		opts.Patience = patienceDefault
	}
	if opts.Fault == nil {
		opts.Fault = func(string) {}
	}
	tail, err := CatchUp(ctx, log, idx)
	if err != nil {
		return nil, fmt.Errorf("open writer: %w", err)
	}
	w := &Writer{
		log: log, index: idx, opts: opts, ended: make(chan struct{}),
		head: tail, tail: tail, tree: idx.Tree(), stage: newStage(idx, tail),
		builder: new(eventstore.FrameBuilder), patience: patience{most: opts.Patience},
	}
	w.arrived = sync.NewCond(&w.mu)
	go w.run(context.WithoutCancel(ctx)) // its end is Close, not that of opening
	return w, nil
}

// Append appends the entries in their order, other callers' entries perhaps between them, and
// returns when they are on stable storage: one result for each entry, in order. It may be called
// from any number of goroutines; they share frames.
//
// With an error, the results say what is known all the same: an entry with a status was decided,
// and one that is event.Appended is in the log. What has none was not appended, unless the error
// is eventstore.ErrUnknownOutcome: then it may have been. Appending the whole batch again is
// always right.
//
//   - eventstore.ErrFull: there is no room; try again when there is.
//   - eventstore.ErrUnknownOutcome: the log did not tell in time. The writer goes on, and finds
//     out before it appends anything else.
//   - ErrOtherWriter (and eventstore.ErrFenced): somebody else writes; this writer is finished.
//   - index.ErrDamaged: nothing of the batch that has no status was appended. The writer adds to
//     the index again what it lacks, and goes on.
//   - ErrIndexBehind: this writer is finished; opening again repairs it.
//   - a *BatchTooLargeError, ErrClosed; an error of ctx, which ends the wait only before it is the
//     batch's turn; any other error of the log, after which nothing is stored.
func (w *Writer) Append(
	ctx context.Context, entries []Entry, opts AppendOptions,
) ([]Result, error) {
	if opts.Atomic {
		if err := CheckAtomic(entries); err != nil {
			return make([]Result, len(entries)), fmt.Errorf("append events: %w", err)
		}
	}
	if len(entries) == 0 {
		return nil, nil
	}
	r := newRequest(entries, opts)
	if err := w.submit(r); err != nil {
		return r.results, fmt.Errorf("append events: %w", err)
	}
	return r.wait(ctx)
}

// FindOut returns once it is known what became of all that was appended before, also of what nobody
// could tell then: what is not in the log by now never will be. Its error is as that of Append.
func (w *Writer) FindOut(ctx context.Context) error {
	r := newRequest(nil, AppendOptions{})
	if err := w.submit(r); err != nil {
		return fmt.Errorf("find out about the log: %w", err)
	}
	_, err := r.wait(ctx)
	return err
}

// submit queues a request for the writer's goroutine. The queue is not bounded here: each request
// has a caller that waits for it, and who lets callers in bounds them.
func (w *Writer) submit(r *request) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.err != nil:
		return w.err
	case w.closing:
		return ErrClosed
	}
	if r.isSmall() {
		w.few = append(w.few, r)
	} else {
		w.queue = append(w.queue, r)
	}
	w.arrived.Signal()
	return nil
}

// Check returns what Append would answer now, and appends nothing. What is not recorded yet has
// no place: the sequence of what would be appended is 0, and that of a duplicate of it.
// Each entry is judged by itself, as without Atomic.
func (w *Writer) Check(ctx context.Context, entries []Entry) ([]Result, error) {
	// Beyond all real sequences, so that those that are given out here can be told apart.
	const imagined = eventstore.Sequence(math.MaxUint64 / 2)
	if err := errors.Join(ctx.Err(), w.Err()); err != nil {
		return nil, fmt.Errorf("check events: %w", err)
	}
	r := newRequest(entries, AppendOptions{})
	s := newStage(w.index, eventstore.Tail{
		Sequence: imagined, RecordedAt: lastTime(w.Head()),
	})
	if err := s.decide(r, len(entries), w.opts.Now()); err != nil {
		w.noteDamage(err)
		return nil, fmt.Errorf("check events: %w", err)
	}
	for i := range r.results {
		if r.results[i].Sequence > imagined {
			r.results[i].Sequence = 0
		}
	}
	return r.results, nil
}

// Head returns the end of the log as far as it was acknowledged.
func (w *Writer) Head() eventstore.Tail {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.head
}

// Err returns why the writer is finished, nil while it is not. Being closed counts only once
// everything queued is done.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Done is closed when the writer is finished; Err then says why.
func (w *Writer) Done() <-chan struct{} { return w.ended }

// Close appends what is queued, takes nothing more, and returns when the writer's goroutine has
// ended. The error is why the writer had ended before, if it had.
func (w *Writer) Close() error {
	w.mu.Lock()
	w.closing = true
	w.arrived.Signal()
	w.mu.Unlock()
	<-w.ended
	if err := w.Err(); !errors.Is(err, ErrClosed) {
		return fmt.Errorf("close writer: %w", err)
	}
	return nil
}
