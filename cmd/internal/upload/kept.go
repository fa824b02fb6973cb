package upload

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"cakupan/cmd/internal/lists"
)

const (
	// keptTime is how long a list waits to be confirmed, or its rows to be taken back.
	keptTime = 30 * time.Minute
	// keptBytesMax bounds the lists that wait, of all who send; the oldest go first.
	keptBytesMax = 96 << 20
)

// sent is a list that was checked, with what is said of it. name, content, opts and whole are set
// before it is kept and, but for content, never changed; gone, seen, back and backName are written
// by a run, which confirming guards once it is kept. since, size and the place in the map are
// guarded by mu of kept.
type sent struct {
	name     string
	content  []byte
	opts     lists.Options
	whole    bool
	gone     bool   // rows are gone from it
	seen     uint64 // of a whole list: how it was when it was checked
	back     []byte // its rows that are to be corrected or known of; nil: none
	backName string

	login string // the header by which who has sent it has logged in
	since time.Time
	size  int // what it takes of what all may take

	// Whoever presses twice, or loses the answer on the way, is answered as the first time.
	confirming sync.Mutex
	done       *view // what it came to; nil: it is not taken in yet
}

// kept are the lists that wait. They are known by a token, to who has sent them alone. It is memory
// alone: tokens of a server that has ended are nobody's.
type kept struct {
	mu   sync.Mutex
	all  map[string]*sent
	size int
}

// newKept returns one that holds nothing.
func newKept() *kept { return &kept{all: map[string]*sent{}} }

// put keeps a list and returns its token. The token is random, and is no secret by itself: the
// login must fit too. To make room the oldest of anybody goes, and what is too old goes first; the
// new one always stays, so one list above the bound is kept alone.
func (k *kept) put(s *sent, now time.Time) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	s.since, s.size = now, len(s.content)+len(s.back)
	token := rand.Text()
	k.all[token] = s
	k.size += s.size
	for {
		oldest := ""
		for t, other := range k.all {
			if t != token && (oldest == "" || other.since.Before(k.all[oldest].since)) {
				oldest = t
			}
		}
		if oldest == "" || k.size <= keptBytesMax && now.Sub(k.all[oldest].since) < keptTime {
			return token
		}
		k.drop(oldest)
	}
}

// get returns a list, nil when it is not there any more or somebody else's. One that is too old is
// not given out, whether or not it was dropped yet.
func (k *kept) get(token string, r *http.Request, now time.Time) *sent {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.all[token]
	if s == nil || s.login != r.Header.Get("Authorization") || now.Sub(s.since) >= keptTime {
		return nil
	}
	return s
}

// done keeps of a list that was taken in what it came to, and the rows that are given back. The
// list itself is let go of: it holds identity numbers, and what is in the log need not be sent
// again. One that was dropped meanwhile is not counted.
func (k *kept) done(token string, s *sent, v *view) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s.content, s.done = nil, v
	if k.all[token] == s {
		k.size += len(s.back) - s.size
	}
	s.size = len(s.back)
}

// drop forgets a list. The caller holds mu, and the token is there.
func (k *kept) drop(token string) {
	k.size -= k.all[token].size
	delete(k.all, token)
}
