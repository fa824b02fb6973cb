package natsin

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestTakers: who takes beside others goes on for as long as the collector is open, also when the
// others leave him nothing.
func TestTakers(t *testing.T) {
	const takers, messages = 4, 4_000
	c := newCollector()
	var wait sync.WaitGroup
	var total, ended atomic.Int64
	for range takers {
		wait.Go(func() {
			defer ended.Add(1)
			for {
				taken := c.take(8, 1<<20)
				if taken == nil {
					return
				}
				total.Add(int64(len(taken)))
				c.release(taken)
			}
		})
	}
	for n := range messages {
		if !c.add(arrived{Message: Message{Payload: []byte{byte(n)}}}) {
			t.Fatal("there is no room")
		}
		c.mu.Lock()
		c.last = 2 // so that they linger, and meet
		c.mu.Unlock()
	}
	for total.Load() < messages {
		time.Sleep(time.Millisecond)
	}
	if n := ended.Load(); n > 0 {
		t.Errorf("%d of %d takers have ended early", n, takers)
	}
	c.close()
	wait.Wait()
	if total.Load() != messages || c.count != 0 || c.bytes != 0 {
		t.Errorf("%d taken, %d held with %d bytes", total.Load(), c.count, c.bytes)
	}
}
