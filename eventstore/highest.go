package eventstore

import "sync/atomic"

// Highest is the highest sequence that was noted. It is safe for concurrent use. The zero value is
// ready.
type Highest struct{ sequence atomic.Uint64 }

// Last returns it; 0 before anything was noted.
func (h *Highest) Last() Sequence { return Sequence(h.sequence.Load()) }

// Raise notes a sequence, unless a higher one was.
func (h *Highest) Raise(to Sequence) {
	for {
		was := h.sequence.Load()
		if uint64(to) <= was || h.sequence.CompareAndSwap(was, uint64(to)) {
			return
		}
	}
}
