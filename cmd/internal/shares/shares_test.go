package shares

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
)

// modelClaim is a claim as the model sees it.
type modelClaim struct {
	name    string
	amount  int64
	turn    int // of its member, when it was first in his queue: the lowest is served next
	real    *claim
	granted bool
	gone    bool
}

// model looks at all claims there ever were.
type model struct {
	size, share int64
	claims      []*modelClaim
	turn        int
}

func (m *model) held(name string) (own, all int64) {
	for _, c := range m.claims {
		if c.granted && !c.gone {
			all += c.amount
			if c.name == name {
				own += c.amount
			}
		}
	}
	return own, all
}

// firsts returns the oldest waiting claim of each member, and gives a turn to those without.
func (m *model) firsts() map[string]*modelClaim {
	first := map[string]*modelClaim{}
	for _, c := range m.claims {
		if c.granted || c.gone || first[c.name] != nil {
			continue
		}
		first[c.name] = c
	}
	return first
}

func (m *model) serve() {
	reserve := m.size / 8
	little := (reserve + 7) / 8
	short := 0 // the turn of the first for whom there is too little
	for {
		var next *modelClaim
		for _, c := range m.firsts() {
			own, all := m.held(c.name)
			if own+c.amount > m.share {
				continue
			}
			small := own+c.amount <= little
			switch {
			case small && all+c.amount > m.size, !small && all+c.amount > m.size-reserve:
				if short == 0 || c.turn < short {
					short = c.turn
				}
				continue
			}
			if next == nil || c.turn < next.turn {
				next = c
			}
		}
		if next == nil {
			return
		}
		if own, _ := m.held(next.name); short != 0 && short < next.turn && own+next.amount > little {
			// All but small ones wait behind him.
			var small *modelClaim
			for _, c := range m.firsts() {
				own, all := m.held(c.name)
				if own+c.amount <= little && own+c.amount <= m.share && all+c.amount <= m.size &&
					(small == nil || c.turn < small.turn) {
					small = c
				}
			}
			if small == nil {
				return
			}
			next = small
		}
		next.granted = true
		if after := m.firsts()[next.name]; after != nil {
			m.turn++
			after.turn = m.turn
		}
	}
}

// add adds a claim; who waits already keeps his turn.
func (m *model) add(c *modelClaim) {
	waits := m.firsts()[c.name] != nil
	m.claims = append(m.claims, c)
	if !waits {
		m.turn++
		c.turn = m.turn
	}
	m.serve()
}

// remove ends a claim. When it was the one whose turn it is, the next one of its member has it.
func (m *model) remove(c *modelClaim) {
	waiting := !c.granted
	first := m.firsts()[c.name] == c
	c.gone = true
	if after := m.firsts()[c.name]; waiting && first && after != nil {
		after.turn = c.turn
	}
	m.serve()
}

// TestPoolAgainstModel takes, gives back and leaves at random, and compares what is granted after
// each step.
func TestPoolAgainstModel(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		size := 1 + random.Int64N(40)
		share := 1 + random.Int64N(size-size/8)
		pool, slow := New(size, share), &model{size: size, share: share}
		names := []string{"a", "b", "c", "d"}
		for step := range 120 {
			var open []*modelClaim
			for _, c := range slow.claims {
				if !c.gone {
					open = append(open, c)
				}
			}
			if len(open) > 0 && random.IntN(2) == 0 {
				c := open[random.IntN(len(open))]
				if c.granted {
					pool.Give(c.name, c.amount)
				} else if pool.mu.Lock(); true {
					pool.leave(c.real)
					pool.mu.Unlock()
				}
				slow.remove(c)
			} else {
				c := &modelClaim{
					name: names[random.IntN(len(names))], amount: 1 + random.Int64N(share),
				}
				pool.mu.Lock()
				c.real = pool.enter(c.name, c.amount)
				pool.mu.Unlock()
				slow.add(c)
			}
			compare(t, seed, step, pool, slow)
		}
	}
}

func compare(t *testing.T, seed uint64, step int, pool *Pool, slow *model) {
	t.Helper()
	for i, c := range slow.claims {
		granted := false
		select {
		case <-c.real.granted:
			granted = true
		default:
		}
		if !c.gone && granted != c.granted {
			t.Fatalf("seed %d, step %d: claim %d of %s: granted %t, want %t",
				seed, step, i, c.name, granted, c.granted)
		}
	}
	if _, all := slow.held(""); pool.Held() != all || all > slow.size {
		t.Fatalf("seed %d, step %d: held %d, want %d", seed, step, pool.Held(), all)
	}
}

// TestPool: one member cannot have what is another's, who has not logged in has all, and who gives
// up leaves nothing behind.
func TestPool(t *testing.T) {
	pool := New(4, 2)
	for range 2 {
		if !pool.Try("a", 1) {
			t.Error("his share is refused")
		}
	}
	if pool.Try("a", 1) || !pool.Try("b", 2) || pool.Try("c", 1) {
		t.Error("more than a share, or than there is")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := pool.Take(ctx, "c", 1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	pool.Give("a", 2)
	if err := pool.Take(t.Context(), "c", 1); err != nil {
		t.Error(err)
	}
	pool.Give("b", 2)
	pool.Give("c", 1)
	if !pool.Try(Nobody, 4) || pool.Try("a", 1) {
		t.Error("nobody may have all")
	}
	pool.Give(Nobody, 4)
	large := New(16, 4) // 2 of which are the reserve
	for _, name := range []string{"a", "b", "c", "d"} {
		for large.Try(name, 1) {
		}
	}
	if large.Held() != 14 || !large.Try("e", 1) || large.Try("e", 1) || !large.Try("f", 1) {
		t.Error("several take what is reserved for others, or one takes it all")
	}
	if len(pool.members) != 0 || len(pool.turns) != 0 || pool.Held() != 0 {
		t.Errorf("left: %v, %v", pool.members, pool.turns)
	}
}
