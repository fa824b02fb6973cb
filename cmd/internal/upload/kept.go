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

// sent is a list that was checked, with what is said of it.
type sent struct {
	name     string
	content  []byte
	opts     lists.Options
	whole    bool
	back     []byte // its rows that are to be corrected or known of; nil: none
	backName string

	login string // the header by which who has sent it has logged in
	since time.Time
}

// kept are the lists that wait. They are known by a token, to who has sent them alone.
type kept struct {
	mu   sync.Mutex
	all  map[string]*sent
	size int
}

func newKept() *kept { return &kept{all: map[string]*sent{}} }

func (s *sent) bytes() int { return len(s.content) + len(s.back) }

// put keeps a list and returns its token.
func (k *kept) put(s *sent, now time.Time) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	s.since = now
	token := rand.Text()
	k.all[token] = s
	k.size += s.bytes()
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

// get returns a list, nil when it is not there any more or somebody else's.
func (k *kept) get(token string, r *http.Request, now time.Time) *sent {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.all[token]
	if s == nil || s.login != r.Header.Get("Authorization") || now.Sub(s.since) >= keptTime {
		return nil
	}
	return s
}

// remove forgets a list.
func (k *kept) remove(token string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all[token] != nil {
		k.drop(token)
	}
}

func (k *kept) drop(token string) {
	k.size -= k.all[token].bytes()
	delete(k.all, token)
}
