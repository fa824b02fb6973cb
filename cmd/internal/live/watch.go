package live

import (
	"bytes"
	"context"
	"encoding/json"

	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// Watch is one who watches. It is used by one goroutine.
type Watch struct {
	hub   *Hub
	topic *topic
	after *eventstore.Sequence // what he knew when he came, until he was told the rest

	begun bool // he has been told the topic's answers
	next  int  // number of the frame that he gets next
	said  int  // which status he was told
}

// Close ends it.
func (w *Watch) Close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	w.topic.watchers--
}

// Next returns the next frame, which may take until something changes. It returns ErrClosed when
// the hub has ended, and ctx's error when that has.
func (w *Watch) Next(ctx context.Context) (Frame, error) {
	for {
		frame, moved, err := w.take()
		if err == nil && frame.Kind == "" && w.resumes() {
			frame, err = w.resume(ctx)
			moved = nil
		}
		if frame.Kind != "" || err != nil {
			return frame, err
		}
		if moved == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return Frame{}, ctx.Err()
		case <-moved:
		}
	}
}

// take returns the next frame if there is one, and what tells that there may be another.
func (w *Watch) take() (frame Frame, moved <-chan struct{}, err error) {
	h, t := w.hub, w.topic
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		err = ErrClosed
	case !t.ready, !w.begun && w.after != nil:
	case !w.begun, w.next < t.first: // what he missed is not kept any more
		w.begun, w.next = true, t.first+len(t.frames)
		frame = t.snapshot()
	case w.said != h.said:
		w.said = h.said
		frame = Frame{Kind: State, Sequence: h.status.Sequence}
		frame.Data, err = json.Marshal(h.status)
	case w.next < t.first+len(t.frames):
		frame = t.frames[w.next-t.first]
		w.next++
	}
	return frame, h.moved, err
}

// resumes tells whether the watcher has yet to be told what has changed since he was here, and
// can be: the topic's answers may be from before.
func (w *Watch) resumes() bool {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	return w.after != nil && w.topic.ready && w.topic.sequence >= *w.after
}

// resume tells what has changed since the watcher was here; nothing, with no kind, if nothing has.
func (w *Watch) resume(ctx context.Context) (Frame, error) {
	h, t := w.hub, w.topic
	h.mu.Lock()
	now, sequence := t.answers, t.sequence
	w.begun, w.next = true, t.first+len(t.frames)
	h.mu.Unlock()
	changed, err := w.since(ctx, *w.after, now)
	if w.after = nil; err != nil || len(changed) == 0 {
		return Frame{}, err
	}
	return Frame{Change, sequence, array(changed)}, nil
}

// since returns the answers that differ from those of the moment after an event. A day may have
// begun since then, which changes figures without an event: then all may differ.
func (w *Watch) since(ctx context.Context, after eventstore.Sequence, now []told,
) (changed [][]byte, err error) {
	view, err := w.hub.source.View(ctx, after)
	if err != nil {
		return nil, err
	}
	today := temporal.Instant(w.hub.now().UnixNano()).Date()
	moved := after == 0
	if !w.topic.Fixed && !moved {
		at, err := view.RecordedAt(after)
		if err != nil {
			return nil, err
		}
		moved = at.Date() < today
	}
	listed := map[region.Code]bool{}
	for _, code := range view.Regions(after) {
		listed[code] = true
	}
	for i := range now {
		code := now[i].region
		was := told{}
		if known := w.topic.Regions != nil || listed[code]; known && !moved {
			was, err = w.topic.answer(view, code, w.topic.day(today), after)
		}
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(was.figures, now[i].figures) {
			changed = append(changed, now[i].answer)
		}
	}
	return changed, nil
}
