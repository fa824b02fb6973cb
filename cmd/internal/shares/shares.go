// Package shares divides a bounded resource fairly between members: each has a share that he cannot
// exceed, and a queue of his own, and those who wait are served in turn.
package shares

import (
	"context"
	"slices"
	"sync"
)

// Nobody is who has not logged in. Where that is let in there are no members, so he may have all.
const Nobody = ""

// Pool is the resource. All methods may be called at the same time.
type Pool struct {
	size, share int64
	// reserve is the last of it, for those who have little: several members together do not take
	// what another needs who asks for little now and then.
	reserve, little int64

	mu      sync.Mutex // guards what follows, and the claims
	held    int64
	members map[string]*member // who hold or wait
	turns   []*member          // who wait, in the order in which they are served
}

type member struct {
	name    string
	held    int64
	waiting []*claim // in the order of their coming
}

// claim is what a member waits for.
type claim struct {
	of      *member
	amount  int64
	granted chan struct{} // closed once it is his
}

// The reserve of a pool, and how much of the reserve a member has little with.
const (
	reservePart = 8
	littlePart  = 8
)

// New returns a pool of so much, of which a member has at most a share. The last eighth is for
// members who have hardly anything else.
func New(size, share int64) *Pool {
	reserve := size / reservePart
	return &Pool{
		size: size, share: min(max(share, 1), size-reserve), members: map[string]*member{},
		reserve: reserve, little: min(reserve, max(reserve/littlePart, 1)),
	}
}

// Most returns how much a member may have.
func (p *Pool) Most(name string) int64 {
	if name == Nobody {
		return p.size
	}
	return p.share
}

// Try takes an amount if it is there and nobody waits for it who comes before.
func (p *Pool) Try(name string, amount int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.enter(name, amount)
	return !p.leave(c)
}

// Take waits for an amount, which is within what the member may have, in his turn. After an error,
// which is that of ctx, nothing was taken.
func (p *Pool) Take(ctx context.Context, name string, amount int64) error {
	p.mu.Lock()
	c := p.enter(name, amount)
	p.mu.Unlock()
	select {
	case <-c.granted:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.leave(c) {
		return ctx.Err()
	}
	return nil // it was granted at the last moment
}

// Give gives back what was taken.
func (p *Pool) Give(name string, amount int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.members[name]
	if m == nil || amount == 0 {
		return
	}
	m.held -= amount
	p.held -= amount
	p.serve()
	p.forget(m)
}

// Held returns how much is taken, by all members together.
func (p *Pool) Held() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

// enter puts a claim into the queue of its member, and serves whom it can. The caller holds mu.
func (p *Pool) enter(name string, amount int64) *claim {
	m := p.members[name]
	if m == nil {
		m = &member{name: name}
		p.members[name] = m
	}
	c := &claim{of: m, amount: amount, granted: make(chan struct{})}
	if m.waiting = append(m.waiting, c); len(m.waiting) == 1 {
		p.turns = append(p.turns, m)
	}
	p.serve()
	return c
}

// leave takes a claim back, and tells whether it was still waiting. The caller holds mu.
func (p *Pool) leave(c *claim) bool {
	m := c.of
	place := slices.Index(m.waiting, c)
	if place < 0 {
		return false
	}
	if m.waiting = slices.Delete(m.waiting, place, place+1); len(m.waiting) == 0 {
		turn := slices.Index(p.turns, m)
		p.turns = slices.Delete(p.turns, turn, turn+1)
	}
	p.serve() // others may have stood behind it
	p.forget(m)
	return true
}

// serve grants what can be. Who has all of his share is passed by; for whom there is too little
// left at the moment all behind him wait, or small claims would keep a large one waiting for ever:
// all but those who may have of the reserve.
func (p *Pool) serve() {
	short := false // somebody waits for what is no reserve
	for i := 0; i < len(p.turns); {
		m := p.turns[i]
		first := m.waiting[0]
		switch {
		case m.held+first.amount > p.Most(m.name):
			i++
			continue
		case !p.fits(m, first.amount, short):
			short = true
			i++
			continue
		}
		m.held += first.amount
		p.held += first.amount
		close(first.granted)
		m.waiting = slices.Delete(m.waiting, 0, 1)
		p.turns = slices.Delete(p.turns, i, i+1)
		if len(m.waiting) > 0 {
			p.turns = append(p.turns, m)
		}
	}
}

// fits tells whether there is enough for a member: of the reserve alone where others are short of
// the rest.
func (p *Pool) fits(m *member, amount int64, short bool) bool {
	free := p.size - p.held
	switch {
	case m.name == Nobody:
		return !short && amount <= free
	case m.held+amount <= p.little:
		return amount <= free
	}
	return !short && amount <= free-p.reserve
}

// forget forgets a member who neither holds nor waits.
func (p *Pool) forget(m *member) {
	if m.held == 0 && len(m.waiting) == 0 {
		delete(p.members, m.name)
	}
}
