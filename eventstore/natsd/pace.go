package natsd

import (
	"runtime"
	"sync"
	"time"
)

// The pace at which the server reads what a member sends. It would read, parse and pass on without
// end what somebody sends as fast as he can, for 10 ms at a time: all that others ask then waits as
// long, at each step.
const (
	// pieceMax is what is read of it at once. Who has so much waiting is ahead of the server.
	pieceMax = 16 << 10
	// pacePart is which part of the processors the reading may keep busy, of all members
	// together. What is read costs several times as much later on.
	pacePart = 8
	// paceFree is for how long of his time a member may be ahead: who sends some hundred messages
	// now and then never rests.
	paceFree = 4 * time.Millisecond
	// restMin is what is worth a rest; less is kept for the next one.
	restMin = 500 * time.Microsecond
	// restMax bounds a rest: a member is slowed, never stopped.
	restMax = 250 * time.Millisecond
	// workMax is what a whole piece may count as at most.
	workMax = 20 * time.Millisecond
)

// paces are those of all members of a server.
type paces struct {
	cores int
	now   func() time.Time // nil: there is no pace

	mu sync.Mutex // guards what follows, and all of them
	of map[string]*pace
}

// newPaces returns them for so many processors; 0: as many as the runtime uses.
func newPaces(cores int, now func() time.Time) *paces {
	if cores == 0 {
		cores = runtime.GOMAXPROCS(0)
	}
	return &paces{cores: cores, now: now, of: map[string]*pace{}}
}

// member returns the pace of a member, by his account: all connections of his have the same.
func (s *paces) member(account string) *pace {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.of[account]
	if p == nil {
		p = &pace{all: s}
		s.of[account] = p
	}
	return p
}

// pace is that of one member. It is a debt of time: what was done for him costs several times as
// long, and he rests until that is over.
type pace struct {
	all   *paces
	until time.Time // when all is paid
}

// worth returns what the work on a piece counts as. The server waits too while it works, the longer
// the busier the machine is. That slows those who send much, and is no fault of who sends little:
// half a piece counts as a quarter at most, and so on.
func worth(work time.Duration, bytes int) time.Duration {
	bytes = min(bytes, pieceMax)
	return min(work, workMax*time.Duration(bytes)/pieceMax*time.Duration(bytes)/pieceMax)
}

// charge notes how long the server has worked on a piece, until now, and returns how long the
// member rests before the next one; 0: not at all.
func (p *pace) charge(work time.Duration, bytes int, now time.Time) time.Duration {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	p.owe(worth(work, bytes), now)
	rest := p.until.Sub(now)
	if rest < restMin {
		return 0
	}
	if rest > restMax {
		rest = restMax
		p.until = now.Add(restMax)
	}
	return rest
}

// owe adds work to the debt. The caller holds mu.
func (p *pace) owe(work time.Duration, now time.Time) {
	free := now.Add(-paceFree)
	if p.until.Before(free) {
		p.until = free
	}
	sending := time.Duration(p.sending(free))
	p.until = p.until.Add(work * pacePart * sending / time.Duration(p.all.cores))
}

// Charge has a publisher pay for what was done for him beyond the reading of what he sent, which is
// not asked for: he rests before more of it is read. There may be no pace, and then he does not.
func (s *Server) Charge(publisher string, work time.Duration) {
	all := s.now.Load().access.paces
	if all.now == nil || publisher == "" {
		return
	}
	p := all.member(Client{Name: publisher, Role: RolePublisher}.account())
	all.mu.Lock()
	defer all.mu.Unlock()
	p.owe(work, all.now())
}

// sending returns how many members have a debt that their free time has not paid, with this one. It
// is the shorter, the less they have sent. The caller holds mu.
func (p *pace) sending(free time.Time) int {
	count := 1
	for _, other := range p.all.of {
		if other != p && other.until.After(free) {
			count++
		}
	}
	return count
}
