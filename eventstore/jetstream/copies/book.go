package copies

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Lack says that a server's copy of a stream lacks a message that another server's has.
type Lack struct {
	Stream  string `json:"stream"`
	Server  string `json:"server"`
	Message uint64 `json:"message"` // the first one that was found; there may be others
}

// Book has what copies were found to lack: one message of each copy is enough to know it. It is
// safe for concurrent use. It is in memory only: who reads the copy again finds it out again.
type Book struct {
	told func(Lack)
	now  func() time.Time

	mu    sync.Mutex
	found []Lack
	asked map[string]time.Time // by stream: when all servers were last asked
	slow  map[string]late      // by stream: the last question that not all have answered in time
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
	return &Book{now: now, told: told, asked: map[string]time.Time{}, slow: map[string]late{}}
}

// asks tells whether it is to be found out which servers lack a message of a stream that one has.
func (b *Book) asks(stream string) bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now().Sub(b.asked[stream]) > again
}

// patience is how long a question about a stream may take now.
func (b *Book) patience(stream string) time.Duration {
	if b == nil {
		return roundMax
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if l, was := b.slow[stream]; was && b.now().Sub(l.at) < slowFor {
		return l.most
	}
	return roundMax
}

// late notes that not all have answered a question about a stream in the time that it was given.
func (b *Book) late(stream string, given time.Duration) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slow[stream] = late{b.now(), max(roundMin, given/2)}
}

// note notes which servers lack a message, now that all were asked.
func (b *Book) note(stream string, number uint64, servers []string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked[stream] = b.now()
	for _, server := range servers {
		if slices.ContainsFunc(b.found, func(l Lack) bool {
			return l.Stream == stream && l.Server == server
		}) {
			continue
		}
		lack := Lack{Stream: stream, Server: server, Message: number}
		b.found = append(b.found, lack)
		if b.told != nil {
			b.told(lack)
		}
	}
	slices.SortFunc(b.found, func(x, y Lack) int {
		return cmp.Or(cmp.Compare(x.Stream, y.Stream), cmp.Compare(x.Server, y.Server))
	})
}

// sound notes that a server's copy lacks nothing.
func (b *Book) sound(stream, server string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.found = slices.DeleteFunc(b.found, func(l Lack) bool {
		return l.Stream == stream && l.Server == server
	})
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
