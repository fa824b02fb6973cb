package writer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cakupan/eventstore"
	"cakupan/eventstore/index"
)

// noteDamage has the writer's goroutine renew the index if the error says that it is damaged.
func (w *Writer) noteDamage(err error) {
	if !errors.Is(err, index.ErrDamaged) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.renew = true
	w.arrived.Signal()
}

// isIndexDamaged reports whether the index has stopped answering, also where no error of a turn
// says so: those whom it concerned have it.
func (w *Writer) isIndexDamaged() bool {
	w.mu.Lock()
	w.renew = false
	w.mu.Unlock()
	return errors.Is(w.index.Err(), index.ErrDamaged)
}

// renewIndex adds to a damaged index what it lacks, from the log. Batches that are not through get
// the cause; those that wait for their turn go on waiting.
//
// If we crash here, the next start does the same.
func (w *Writer) renewIndex(ctx context.Context, cause error) error {
	if cause == nil {
		cause = w.index.Err()
	}
	w.stage.discard(w.tail)
	for _, r := range w.open {
		r.finish(cause, w.tail.Sequence)
	}
	w.answer()
	if w.unknown != nil {
		return fmt.Errorf("renew index, with a frame of unknown outcome: %w", cause)
	}
	err := w.index.Renew()
	tail := w.tail
	if err == nil {
		tail, err = CatchUp(ctx, w.log, w.index)
	}
	switch {
	case err != nil: // the log may be out of reach for a while
		w.noteDamage(cause)
		sleep(ctx, renewPause)
		return nil
	case tail != w.tail:
		return fmt.Errorf("renew index: %w: %w: the log ends at event %d, it was at %d",
			ErrOtherWriter, eventstore.ErrFenced, tail.Sequence, w.tail.Sequence)
	}
	w.tree = w.index.Tree()
	w.index.Renewed()
	return nil
}

// renewPause is how long the writer waits before it tries again to renew the index.
const renewPause = time.Second
