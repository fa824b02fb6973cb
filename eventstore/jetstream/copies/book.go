package copies

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"sync"
	"time"
)

// Lack says what is wrong with a server's copy of a stream.
type Lack struct {
	Stream  string `json:"stream"`
	Server  string `json:"server"`
	Message uint64 `json:"message"` // the first one that was found; there may be others
	How     How    `json:"how"`
}

// How says in which way a copy is wrong.
type How string

// The ways.
const (
	Lacks    How = "lacks"    // a message that another one has
	Differs  How = "differs"  // it has another message than was stored
	Keeps    How = "keeps"    // it has a message that was erased
	Disputed How = "disputed" // it has another one than others, and nothing tells which is right
)

// Sum is the SHA-256 of what a message says: its subject and its data.
type Sum [sha256.Size]byte

// Sum returns it.
func (m *Message) Sum() (sum Sum) {
	hash := sha256.New()
	// Neither fails: see hash.Hash. No subject has a zero byte.
	_, _ = hash.Write([]byte(m.Subject + "\x00"))
	_, _ = hash.Write(m.Data)
	hash.Sum(sum[:0])
	return sum
}

// Book has what copies were found to lack: one message of each copy is enough to know it. It is
// safe for concurrent use. It is in memory only: who reads the copy again finds it out again.
type Book struct {
	told func(Lack)
	now  func() time.Time

	mu    sync.Mutex
	found []Lack
	right map[string]map[uint64]Sum // by stream: messages that copies differ in
	asked map[string]time.Time      // by stream: when all servers were last asked
	slow  map[string]late           // by stream: the last question that was not answered in time
}

// late is when a question was not answered in time by all, and how long the next one is given.
type late struct {
	at   time.Time
	most time.Duration
}

// again is how long nobody is asked who else lacks something of a stream, once all were: whoever
// reads a copy of which much is lost would ask for each message.
const again = time.Second

// NewBook returns an empty one. now is the clock. told is told of each copy once; it may be nil. It
// must not block.
func NewBook(now func() time.Time, told func(Lack)) *Book {
	return &Book{
		now: now, told: told, asked: map[string]time.Time{}, slow: map[string]late{},
		right: map[string]map[uint64]Sum{},
	}
}

// asks tells whether it is to be found out which servers lack a message of a stream that one has.
func (b *Book) asks(stream string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now().Sub(b.asked[stream]) > again
}

// patience is how long a question about a stream may take now.
func (b *Book) patience(stream string) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l, was := b.slow[stream]; was && b.now().Sub(l.at) < slowFor {
		return l.most
	}
	return roundMax
}

// late notes that not all have answered a question about a stream in the time that it was given.
func (b *Book) late(stream string, given time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slow[stream] = late{b.now(), max(roundMin, given/2)}
}

// note notes which servers lack a message, now that all were asked.
func (b *Book) note(stream string, number uint64, servers []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked[stream] = b.now()
	for _, server := range servers {
		lack := Lack{stream, server, number, Lacks}
		if !slices.ContainsFunc(b.found, lack.isOf) { // it is known to have another one
			b.add(lack)
		}
	}
}

// add adds what was found, unless as much is known of the copy. mu is held.
func (b *Book) add(found Lack) {
	if slices.ContainsFunc(b.found, found.isLike) {
		return
	}
	b.found = append(b.found, found)
	slices.SortFunc(b.found, func(x, y Lack) int {
		return cmp.Or(cmp.Compare(x.Stream, y.Stream), cmp.Compare(x.Server, y.Server),
			cmp.Compare(x.How, y.How))
	})
	if b.told != nil {
		b.told(found)
	}
}

// isLike tells whether two say the same of one copy, maybe by other messages.
func (l Lack) isLike(other Lack) bool {
	return l.Stream == other.Stream && l.Server == other.Server && l.How == other.How
}

// isOf tells whether two say something of one message of a copy.
func (l Lack) isOf(other Lack) bool {
	return l.Stream == other.Stream && l.Server == other.Server && l.Message == other.Message
}

// compared notes what was found of servers' copies that were read as a whole, and takes back all
// else that was known of them. right has the messages in which copies differ, as they were stored.
func (b *Book) compared(stream string, servers []string, found []Lack, right map[uint64]Sum) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.found = slices.DeleteFunc(b.found, func(l Lack) bool {
		return l.Stream == stream && slices.Contains(servers, l.Server) &&
			!slices.ContainsFunc(found, l.isLike)
	})
	for _, one := range found {
		b.add(one)
	}
	if len(right) > 0 {
		b.right[stream] = right
	}
}

// sound notes that what was found is so no more.
func (b *Book) sound(of Lack) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.found = slices.DeleteFunc(b.found, of.isLike)
}

// stored returns what a message of a stream says in which copies were found to differ.
func (b *Book) stored(stream string, number uint64) (sum Sum, is bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	sum, is = b.right[stream][number]
	return sum, is
}

// Lacks returns what is known, by stream and server.
func (b *Book) Lacks() []Lack {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.found)
}
