package natsin

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/domain/temporal"
)

// The bounds of what is held in memory of messages that are not answered yet, of each kind.
const (
	heldMessagesMax = 64 << 10
	heldBytesMax    = 64 << 20
	// heldPart is of them what one publisher may have: who sends more than is stored waits for
	// himself, and others send as before.
	heldPart = 4
	// heedlessMax is how many messages of a publisher may be refused for want of room within the
	// heedlessPause: as many as he may have. Who sends more does not look at the answers, which say
	// when to send again, and the server would be busy with him alone.
	heedlessMax   = heldMessagesMax / heldPart
	heedlessPause = time.Second
)

// holding is what is held of one publisher.
type holding struct{ count, bytes int }

// heedless counts the messages of publishers that were refused lately for want of room. All methods
// may be called at the same time.
type heedless struct {
	mu    sync.Mutex // guards what follows
	since temporal.Instant
	of    map[string]int
}

// note notes that another message was refused, and tells whether its publisher does not look at the
// answers: then he is hung up on, and counted anew. A clock that was set back begins a new count.
func (h *heedless) note(publisher string, now temporal.Instant) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of == nil || now < h.since || now-h.since > temporal.Instant(heedlessPause) {
		h.since, h.of = now, map[string]int{}
	}
	h.of[publisher]++
	if h.of[publisher] < heedlessMax {
		return false
	}
	h.of[publisher] = 0
	return true
}

// arrived is a message that waits to be answered. Its payload is memory of the client library,
// which nobody else uses.
type arrived struct {
	Message
	reply string // subject of the answer; empty when nobody waits for one
}

// collector holds messages from when they arrive until they are answered. Whoever takes from it
// gets all that has arrived meanwhile, so that one fsync serves all of them. All methods may be
// called at the same time.
type collector struct {
	mu      sync.Mutex         // guards all below
	changed *sync.Cond         // signalled for each that arrives; broadcast by close
	waiting []arrived          // in the order of their arrival, which packs keep
	count   int                // messages held: waiting, and taken but not released
	bytes   int                // of them
	of      map[string]holding // the same, by publisher
	closed  bool
	last    int // messages that were taken last
}

// While many publish at once, it is worth to wait for more of what they send: the flushes and
// deliveries that a pack costs are then shared by more messages. The wait is about the time that
// the machine is busy with as many messages as came last, so who publishes alone does not wait.
// With 256 messages in flight it makes packs twice as large, and messages a third cheaper.
const (
	lingerEach = 40 * time.Microsecond
	lingerMax  = 3 * time.Millisecond
)

// linger waits for more messages, if several came last. mu is held when it is called and when it
// returns, and not in between: all that was seen before must be looked at again.
func (c *collector) linger(messagesMax int) {
	if c.last < 2 || len(c.waiting) >= messagesMax || c.closed {
		return
	}
	wait := min(time.Duration(c.last)*lingerEach, lingerMax)
	c.mu.Unlock()
	time.Sleep(wait)
	c.mu.Lock()
}

// newCollector returns one that is open and empty.
func newCollector() *collector {
	c := &collector{of: map[string]holding{}}
	c.changed = sync.NewCond(&c.mu)
	return c
}

// add takes a message in. It never waits: false when there is no room, for all or for its
// publisher, or it is closed. What was added is held until release, so that memory is bounded also
// while nothing can be stored.
func (c *collector) add(m arrived) bool {
	size := m.size()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.count >= heldMessagesMax || c.bytes+size > heldBytesMax {
		return false
	}
	of := c.of[m.Publisher]
	if of.count >= heldMessagesMax/heldPart || of.bytes+size > heldBytesMax/heldPart {
		return false
	}
	c.of[m.Publisher] = holding{of.count + 1, of.bytes + size}
	c.waiting = append(c.waiting, m)
	c.count++
	c.bytes += size
	c.changed.Signal()
	return true
}

// take returns what has arrived, at least one message and at most so many and so many bytes, and
// waits for it. Where not all fits, all publishers have as much of it. It returns nil when the
// collector is closed and empty. Release what was taken.
func (c *collector) take(messagesMax, bytesMax int) []arrived {
	c.mu.Lock()
	defer c.mu.Unlock()
	for lingered := false; len(c.waiting) == 0 || !lingered; {
		switch {
		case len(c.waiting) > 0:
			c.linger(messagesMax) // somebody else may take them meanwhile
			lingered = true
		case c.closed:
			return nil
		default:
			c.changed.Wait()
			lingered = false
		}
	}
	var taken []arrived
	taken, c.waiting = inTurn(c.waiting, messagesMax, bytesMax)
	c.last = len(taken)
	if len(c.waiting) == 0 {
		c.waiting = nil
	} else {
		c.changed.Signal() // for somebody else who takes
	}
	return taken
}

// release says that messages were answered. It is called once for each take, when the answers have
// gone out, and empties the slice.
func (c *collector) release(taken []arrived) {
	c.mu.Lock()
	defer c.mu.Unlock()
	size := 0
	for i := range taken {
		m := &taken[i]
		size += m.size()
		of := c.of[m.Publisher]
		if of.count--; of.count == 0 {
			delete(c.of, m.Publisher)
			continue
		}
		of.bytes -= m.size()
		c.of[m.Publisher] = of
	}
	c.count -= len(taken)
	c.bytes -= size
	clear(taken) // what waits behind keeps the memory of them all
}

// close takes no more messages in. What waits is still taken.
func (c *collector) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.changed.Broadcast()
}

// arrivedNow makes the message of what has just come on a subject of a publisher.
func arrivedNow(publisher string, at temporal.Instant, m *nats.Msg) arrived {
	return arrived{Message: messageOf(publisher, at, m), reply: m.Reply}
}
