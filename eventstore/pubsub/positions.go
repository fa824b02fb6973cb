package pubsub

import (
	"context"
	"sync"

	"cakupan/eventstore"
)

// PositionKey names the position of a group in a topic of a ledger.
type PositionKey struct {
	Ledger string // see [eventstore.Identity]
	Group  string
	Topic  string
}

// Positions keeps how far groups have come. It is safe for concurrent use.
type Positions interface {
	// Claim waits until nobody else holds the position, and takes it; it gives up when ctx ends.
	Claim(ctx context.Context, key PositionKey) (Position, error)
}

// Position is how far a group has come in a topic. One holder has it at a time.
type Position interface {
	// Load returns the sequence up to which all is handled; found is false when none was stored.
	Load() (handled eventstore.Sequence, found bool, err error)
	// Store keeps the sequence up to which all is handled. It returns once that lasts.
	Store(handled eventstore.Sequence) error
	// Release lets another one claim the position.
	Release() error
}

// MemoryPositions keeps positions for as long as the program runs. Its zero value is ready.
type MemoryPositions struct {
	mu    sync.Mutex
	slots map[PositionKey]*memorySlot
}

// memorySlot is one position.
type memorySlot struct {
	held    chan struct{} // full while somebody holds it; guards the rest
	handled eventstore.Sequence
	found   bool
}

var _ Positions = (*MemoryPositions)(nil)

// Claim waits for the position and takes it.
func (p *MemoryPositions) Claim(ctx context.Context, key PositionKey) (Position, error) {
	slot := p.slot(key)
	select {
	case slot.held <- struct{}{}:
		return slot, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *MemoryPositions) slot(key PositionKey) *memorySlot {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.slots == nil {
		p.slots = map[PositionKey]*memorySlot{}
	}
	if p.slots[key] == nil {
		p.slots[key] = &memorySlot{held: make(chan struct{}, 1)}
	}
	return p.slots[key]
}

func (s *memorySlot) Load() (eventstore.Sequence, bool, error) { return s.handled, s.found, nil }

func (s *memorySlot) Store(handled eventstore.Sequence) error {
	s.handled, s.found = handled, true
	return nil
}

func (s *memorySlot) Release() error {
	<-s.held
	return nil
}
