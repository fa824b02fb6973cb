package live

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

const (
	// tick is the least time between two frames of a topic: ten a second are all that an eye uses.
	tick = 100 * time.Millisecond
	// rest is how many times as long as it took to answer the hub waits before it answers again.
	rest = 3
	// stateEvery is how often the hub looks how the ledger is, and whether the day has changed.
	stateEvery = time.Second
	// topicsMax bounds what is answered anew at each change.
	topicsMax = 256
)

// ErrClosed is returned to who watches a hub that has ended.
var ErrClosed = errors.New("the server is stopping")

// Source is the ledger, as the hub asks it.
type Source interface {
	// View returns the coverage once it has applied the event minSeq. It waits at most some
	// seconds, and then returns an error.
	View(ctx context.Context, minSeq eventstore.Sequence) (*coverage.View, error)
	// Ready tells whether the ledger answers at the moment now.
	Ready(ctx context.Context, now temporal.Instant) ledger.Readiness
}

// Hub is where all who watch get their frames from. Make it with [New], and Start it.
type Hub struct {
	source Source
	now    func() time.Time
	log    *slog.Logger
	since  string        // when it was made
	wake   chan struct{} // somebody waits for the first answers of a topic; holds one

	mu     sync.Mutex // guards what follows, and the topics' fields but for key
	topics map[string]*topic
	status Status
	said   int           // how often the status has changed
	moved  chan struct{} // closed, and made anew, when there is a frame
	closed bool          // it is not run: not yet, or no more
}

// New returns a hub of a ledger. now is the clock.
func New(source Source, now func() time.Time, log *slog.Logger) *Hub {
	return &Hub{
		source: source, now: now, log: log,
		since: now().UTC().Format(time.RFC3339Nano),
		wake:  make(chan struct{}, 1), moved: make(chan struct{}),
		topics: map[string]*topic{}, closed: true,
	}
}

// Start has somebody watch the ledger until ctx ends. It is called once; wait for what it returns,
// after ctx has ended, before the ledger is closed.
func (h *Hub) Start(ctx context.Context) (wait func()) {
	h.mu.Lock()
	h.closed = false
	h.mu.Unlock()
	var running sync.WaitGroup
	running.Go(func() { h.run(ctx) })
	return running.Wait
}

func (h *Hub) run(ctx context.Context) {
	defer h.close()
	advanced := make(chan struct{}, 1)
	var following sync.WaitGroup
	following.Go(func() { h.follow(ctx, advanced) })
	defer following.Wait()
	ticker := time.NewTicker(stateEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-advanced:
		case <-h.wake:
		case <-ticker.C:
		}
		begin := time.Now()
		h.refresh(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(tick, rest*time.Since(begin)) - time.Since(begin)):
		}
	}
}

// follow says when the coverage has applied more.
func (h *Hub) follow(ctx context.Context, advanced chan<- struct{}) {
	var seen eventstore.Sequence
	for ctx.Err() == nil {
		begin := time.Now()
		view, err := h.source.View(ctx, seen+1)
		if err != nil { // there is no more yet, or the ledger is not well, which the status says
			if time.Since(begin) < tick {
				time.Sleep(tick)
			}
			continue
		}
		seen = view.Known()
		select {
		case advanced <- struct{}{}:
		default:
		}
	}
}

func (h *Hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	close(h.moved)
}

// refresh answers every topic anew, and notes how the ledger is.
func (h *Hub) refresh(ctx context.Context) {
	now := h.now()
	var applied eventstore.Sequence
	asked, cancel := context.WithTimeout(ctx, stateEvery) // the status must be told too
	view, err := h.source.View(asked, 0)
	cancel()
	if err == nil {
		applied = view.Known()
		today := temporal.Instant(now.UnixNano()).Date()
		for _, t := range h.watched() {
			if err := t.refresh(h, view, today); err != nil && ctx.Err() == nil {
				h.log.ErrorContext(ctx, "coverage was not answered", slog.Any("error", err))
			}
		}
	}
	status := statusOf(h.source.Ready(ctx, temporal.Instant(now.UnixNano())), applied, h.since)
	if err != nil && status.State == Live {
		status.State, status.Why = Stale, problem.From(err).Detail
	}
	h.say(status)
}

// say tells everybody of a status that differs. While all is well only state and role do: how far
// the coverage is, frames of changes say.
func (h *Hub) say(status Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.status
	well := was.State == Live && status.State == Live && was.Role == status.Role
	if h.status = status; h.said > 0 && well {
		return
	}
	h.said++
	h.tell()
}

// Status returns the data of a frame of kind [State] for the moment, nil while nobody has looked
// yet how the ledger is.
func (h *Hub) Status() ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.said == 0 {
		return nil, nil
	}
	return json.Marshal(h.status)
}

// tell wakes all who wait for a frame. The caller holds mu.
func (h *Hub) tell() {
	close(h.moved)
	h.moved = make(chan struct{})
}

// watched returns the topics that somebody watches, and forgets the others.
func (h *Hub) watched() []*topic {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*topic, 0, len(h.topics))
	for key, t := range h.topics {
		if t.watchers == 0 {
			delete(h.topics, key)
			continue
		}
		all = append(all, t)
	}
	return all
}

// Watch begins to watch a topic. After the event `after`, of which the watcher knows all (nil: he
// knows nothing), it is a change that he is told first, and else all answers. The error is a
// problem: the coverage cannot be answered yet, or has not seen as much as the watcher, or there is
// too much to do.
func (h *Hub) Watch(ctx context.Context, t Topic, after *eventstore.Sequence) (*Watch, error) {
	least := eventstore.Sequence(0)
	if after != nil {
		least = *after
	}
	if _, err := h.source.View(ctx, least); err != nil {
		return nil, err
	}
	w := &Watch{hub: h, after: after}
	if err := h.enter(w, t); err != nil {
		return nil, err
	}
	select {
	case h.wake <- struct{}{}:
	default:
	}
	return w, nil
}

func (h *Hub) enter(w *Watch, t Topic) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return problem.New(problem.NotFound, "changes are told by a running server alone, which"+
			" this is not, or not any more: ask a ledger that cakupan serve runs")
	}
	key := t.key()
	w.topic = h.topics[key]
	if w.topic == nil {
		if len(h.topics) >= topicsMax {
			return problem.New(problem.Overloaded, "others watch too many other things here: "+
				"watch the same as they do, or ask again later")
		}
		w.topic = &topic{Topic: t}
		h.topics[key] = w.topic
	}
	w.topic.watchers++
	return nil
}

// Watchers returns how many watch.
func (h *Hub) Watchers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, t := range h.topics {
		n += t.watchers
	}
	return n
}
