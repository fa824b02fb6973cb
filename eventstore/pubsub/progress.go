package pubsub

import (
	"context"
	"sync"
	"time"

	"cakupan/eventstore"
)

// skippedMax is how many events of other topics may pass before the position is stored for them
// alone. Reading them again costs less than a second.
const skippedMax = 100_000

// progress is how far a subscription has come: the position up to which every event is handled,
// although messages may be acknowledged in any order. It is safe for concurrent use.
type progress struct {
	position Position
	lazily   bool // stored by a goroutine, not by who acknowledges

	mu      sync.Mutex
	handled eventstore.Sequence // all up to here
	open    []*place            // what is out, in order

	saving sync.Mutex // guards what follows
	saved  eventstore.Sequence

	quit  chan struct{}
	saver sync.WaitGroup
}

// place is that of a message that is out.
type place struct {
	through eventstore.Sequence // of the last event before the next message
	handled bool
}

// newProgress begins behind the event `handled`. With an interval it stores the position that often
// by itself, and calls fail when it cannot.
func newProgress(
	position Position, handled eventstore.Sequence, every time.Duration,
	fail context.CancelCauseFunc,
) *progress {
	p := &progress{
		position: position, lazily: every > 0, handled: handled, saved: handled,
		quit: make(chan struct{}),
	}
	if p.lazily {
		p.saver.Go(func() { p.saveEvery(every, fail) })
	}
	return p
}

// saveEvery stores the position now and then. One that cannot be stored ends the subscription: to
// go on would deliver more and more that comes again.
func (p *progress) saveEvery(every time.Duration, fail context.CancelCauseFunc) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := p.save(); err != nil {
				fail(err)
				return
			}
		case <-p.quit:
			return
		}
	}
}

// skip passes over an event that is not delivered.
func (p *progress) skip(sequence eventstore.Sequence) error {
	p.mu.Lock()
	if n := len(p.open); n > 0 {
		p.open[n-1].through = sequence
		p.mu.Unlock()
		return nil
	}
	p.handled = sequence
	p.mu.Unlock()
	if sequence%skippedMax == 0 && !p.lazily {
		return p.save()
	}
	return nil
}

// begin notes that a message is out.
func (p *progress) begin(sequence eventstore.Sequence) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	place := &place{through: sequence}
	p.open = append(p.open, place)
	return place
}

// done notes that a message is handled, and stores the position if that moves it.
func (p *progress) done(place *place) error {
	p.mu.Lock()
	place.handled = true
	first := p.open[0] == place
	for len(p.open) > 0 && p.open[0].handled {
		p.handled, p.open = p.open[0].through, p.open[1:]
	}
	p.mu.Unlock()
	if !first || p.lazily {
		return nil
	}
	return p.save()
}

// save stores the position if it has moved. Who waited for another one's save often finds its own
// done.
func (p *progress) save() error {
	p.saving.Lock()
	defer p.saving.Unlock()
	p.mu.Lock()
	handled := p.handled
	p.mu.Unlock()
	if handled == p.saved {
		return nil
	}
	if err := p.position.Store(handled); err != nil {
		return finalError{err}
	}
	p.saved = handled
	return nil
}

// end stores the position for the last time.
func (p *progress) end() error {
	close(p.quit)
	p.saver.Wait()
	return p.save()
}

// noPosition is that of a subscription without a group.
type noPosition struct{}

func (noPosition) Load() (eventstore.Sequence, bool, error) { return 0, false, nil }
func (noPosition) Store(eventstore.Sequence) error          { return nil }
func (noPosition) Release() error                           { return nil }
