package httpapi

import (
	"context"
	"sync"
	"time"
)

// lull is how much later the next stream of a member begins for each of his that was ended because
// nothing in it was any good: to send it again at once costs him nothing, and the ledger as much as
// before. lullMax is the most that he waits.
const (
	lull    = 500 * time.Millisecond
	lullMax = 10 * time.Second
)

// lulls are when members may begin their next streams. All methods may be called at the same time.
type lulls struct {
	mu    sync.Mutex
	until map[string]time.Time // by share; of some it is over
}

// note notes that a stream of a member was ended.
func (l *lulls) note(name string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for other, until := range l.until {
		if !until.After(now) {
			delete(l.until, other)
		}
	}
	if l.until == nil {
		l.until = map[string]time.Time{}
	}
	from := l.until[name]
	if from.Before(now) {
		from = now
	}
	until := from.Add(lull)
	if last := now.Add(lullMax); until.After(last) {
		until = last
	}
	l.until[name] = until
}

// left returns how long a member waits yet.
func (l *lulls) left(name string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, l.until[name].Sub(now))
}

// await waits until a member may begin a stream, or until ctx ends, whose error it returns.
func (l *lulls) await(ctx context.Context, name string) error {
	for {
		left := l.left(name, time.Now())
		if left == 0 {
			return nil
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// noteLull notes it for who has sent the stream. On an open ledger nobody can be told apart.
func (a *API) noteLull(w *reply) {
	if w.member != nil {
		a.lulls.note(w.member.share(), time.Now())
	}
}
