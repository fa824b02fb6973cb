package natsin

import (
	"context"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
)

// pausable lets a subscriber be stopped without loss: first no further messages come out, then
// those in work are waited for, then it is closed. Closed at once, as the router does it, it would
// throw away their acknowledgements.
//
// It also keeps the subscriber's context from ending before that: messages that come in just then
// could meet a closed channel in the adapter.
type pausable struct {
	message.Subscriber

	mu     sync.Mutex
	paused bool
	inWork sync.WaitGroup
	undone int // messages that came in and did not go out
}

func newPausable(s message.Subscriber) *pausable {
	return &pausable{Subscriber: s}
}

// Subscribe hands on what comes in until pause.
func (p *pausable) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	in, err := p.Subscriber.Subscribe(context.WithoutCancel(ctx), topic)
	if err != nil {
		return nil, err
	}
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		for msg := range in {
			if p.begin() {
				out <- msg // the router takes every one, until out is closed
				go p.await(msg)
			}
		}
	}()
	return out, nil
}

// begin counts a message as in work, unless paused.
func (p *pausable) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused {
		p.undone++
		return false
	}
	p.inWork.Add(1)
	return true
}

func (p *pausable) isPaused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paused
}

// await waits until a message is settled.
func (p *pausable) await(msg *message.Message) {
	defer p.inWork.Done()
	select {
	case <-msg.Acked():
	case <-msg.Nacked():
	}
}

// pause lets no further messages out, and returns when those that went out are settled, or ctx
// ends.
func (p *pausable) pause(ctx context.Context) {
	p.mu.Lock()
	p.paused = true
	p.mu.Unlock()
	settled := make(chan struct{})
	go func() { p.inWork.Wait(); close(settled) }()
	select {
	case <-settled:
	case <-ctx.Done():
	}
}

// left returns how many messages came in since pause. They were neither taken in nor acknowledged.
func (p *pausable) left() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.undone
}
