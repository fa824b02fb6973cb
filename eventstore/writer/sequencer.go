package writer

import (
	"context"
	"errors"
	"fmt"

	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/eventstore/merkle"
)

// run is the writer's goroutine.
func (w *Writer) run(ctx context.Context) {
	end := ErrClosed
	// Deferred, so that nobody waits for ever even if a test ends the goroutine here.
	defer func() { w.end(end) }()
	for w.await() {
		err := w.turn(ctx)
		if errors.Is(err, index.ErrDamaged) || err == nil && w.isIndexDamaged() {
			err = w.renewIndex(ctx, err)
		}
		if err != nil {
			end = err
			return
		}
	}
}

// await waits for something to do. It returns false when the writer is closed and has done it.
func (w *Writer) await() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.queued() == 0 && len(w.stage.items) == 0 && !w.closing && !w.renew {
		w.arrived.Wait()
	}
	return w.queued() > 0 || len(w.stage.items) > 0 || w.renew && !w.closing
}

// queued returns how many requests wait. mu is held.
func (w *Writer) queued() int { return len(w.few) + len(w.queue) }

// leave returns all that wait, and none waits any more. mu is held.
func (w *Writer) leave() []*request {
	all := append(w.few, w.queue...)
	w.few, w.queue = nil, nil
	return all
}

// end ends everybody's wait.
func (w *Writer) end(err error) {
	w.mu.Lock()
	w.err = err
	waiting := append(w.open, w.leave()...)
	w.mu.Unlock()
	for _, r := range waiting {
		r.finish(err, w.tail.Sequence)
	}
	close(w.ended)
}

// turn fills one frame from the queue and appends it. It returns an error when the writer is
// finished; anything less goes to those whom it concerns.
func (w *Writer) turn(ctx context.Context) error {
	if w.unknown != nil {
		if err := w.findOut(ctx); err != nil {
			w.failQueued(err)
			return w.fail(err)
		}
	}
	if err := w.fill(); err != nil {
		return err
	}
	if len(w.stage.items) > 0 {
		if err := w.commit(ctx); err != nil {
			return w.fail(err)
		}
	}
	w.answer()
	return nil
}

// fail tells everybody who depends on what is not in the log, and forgets about it. Only a fatal
// error is handed on.
func (w *Writer) fail(err error) error {
	if isFatal(err) {
		return err
	}
	w.stage.discard(w.tail)
	for _, r := range w.open {
		if r.needs > w.tail.Sequence {
			r.finish(err, w.tail.Sequence)
		}
	}
	w.answer()
	return nil
}

// failQueued tells those whose turn has not come: as long as the log does not even tell where it
// ends, they should not wait.
func (w *Writer) failQueued(err error) {
	w.mu.Lock()
	queued := w.leave()
	w.mu.Unlock()
	for _, r := range queued {
		r.finish(err, w.tail.Sequence)
	}
}

// fill takes requests from the queue until the frame is full or there are none. A request that is
// larger than the room left goes back to the end of the queue: others come in between.
func (w *Writer) fill() error {
	for w.stage.room() > 0 {
		r := w.take()
		if r == nil {
			return nil
		}
		if cause := r.cancelled.Load(); cause != nil {
			r.decided, r.stopped = len(r.entries), *cause // see answer
			continue
		}
		n := len(r.entries)
		if !r.atomic {
			n = min(n-r.decided, w.stage.room())
		}
		if err := w.stage.decide(r, n, w.opts.Now()); err != nil {
			return fatalError{err}
		}
		if r.decided < len(r.entries) {
			w.requeue(r)
		}
	}
	return nil
}

// take returns the next request, nil when there is none. Who sends little does not wait behind all
// of those who send as much as they can: they have half of each frame all the same.
func (w *Writer) take() *request {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.queued() > 0 {
		queue := &w.queue
		if len(w.queue) == 0 || len(w.few) > 0 && !w.stage.halfFull() {
			queue = &w.few
		}
		r := (*queue)[0]
		(*queue)[0] = nil
		*queue = (*queue)[1:]
		switch {
		case r.over: // it failed between two of its frames
		case r.state.Load() == requestTaken: // here for the rest of its entries
			return r
		case r.state.CompareAndSwap(requestQueued, requestTaken):
			w.open = append(w.open, r)
			return r
		}
	}
	return nil
}

// requeue puts a request that is not through at the end, so that a large one does not make the
// small ones wait for all of it.
func (w *Writer) requeue(r *request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, r)
}

// answer finishes the requests that are decided and whose events are in the log.
func (w *Writer) answer() {
	w.mu.Lock()
	w.head = w.tail
	w.mu.Unlock()
	kept := w.open[:0]
	for _, r := range w.open {
		if r.decided == len(r.entries) && r.needs <= w.tail.Sequence {
			r.finish(r.stopped, w.tail.Sequence)
		}
		if !r.over {
			kept = append(kept, r)
		}
	}
	clear(w.open[len(kept):])
	w.open = kept
}

// flight is a frame on its way, and what is true once it is stored. Its memory is used again for
// the next one, which is built only when it is known what became of this one.
type flight struct {
	frame   []byte
	entries []index.Entry
	tree    merkle.Tree
}

// commit sends the next frame and takes note of it.
func (w *Writer) commit(ctx context.Context) error {
	f, err := w.build()
	if err != nil {
		return err
	}
	// The index must be able to take the entries before the log does: afterwards there is no way
	// back.
	if err := w.index.Reserve(len(f.entries)); err != nil {
		return noRoom(err)
	}
	w.opts.Fault(FaultBeforeSend)
	// If we crash here, nothing happened: the publishers have no receipt and send again.
	tail, err := w.send(ctx, f.frame)
	if errors.Is(err, eventstore.ErrUnknownOutcome) {
		w.unknown = f
	}
	if err != nil {
		return err
	}
	w.opts.Fault(FaultAfterAck)
	// If we crash here, the log has the events and the index does not: the next start adds them,
	// and publishers who send again get the first receipt.
	if err := w.stored(f, tail); err != nil {
		w.answer() // the events are in the log all the same, and their publishers may know
		return err
	}
	w.stage.sent(len(f.entries))
	w.opts.Fault(FaultAfterIndex)
	// If we crash here, only the receipts are missing: as above. The index itself is only partly
	// durable, which makes no difference, as it says where it ends.
	return nil
}

// stored takes note that the frame is in the log.
func (w *Writer) stored(f *flight, tail eventstore.Tail) error {
	w.tail, w.tree = tail, f.tree
	if err := w.index.Add(f.entries, &f.tree); err != nil {
		return fatalError{fmt.Errorf("%w: %w", ErrIndexBehind, err)}
	}
	return nil
}

// build makes a frame of the items that come next.
func (w *Writer) build() (*flight, error) {
	items := w.stage.items[:w.stage.cut()]
	f := &flight{entries: w.entries[:0], tree: w.tree}
	w.builder.Reset(items[0].Sequence, w.tree.Root(), items[0].at)
	for i := range items {
		err := w.builder.Append(items[i].at, items[i].event)
		if i > 0 && errors.Is(err, eventstore.ErrRecordOrder) {
			break // centuries apart, which one frame cannot express: the next frame can
		}
		if err != nil {
			return nil, err
		}
		f.tree.Append(merkle.LeafHash(
			uint64(items[i].Sequence), int64(items[i].at), items[i].event))
		f.entries = append(f.entries, items[i].Entry)
	}
	if w.opts.Beside != nil {
		w.builder.SetBeside(w.opts.Beside())
	}
	f.frame, w.entries = w.builder.Bytes(), f.entries
	return f, nil
}
