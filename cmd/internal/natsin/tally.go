package natsin

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	log "cakupan/eventstore/jetstream"
)

// ErrLost is returned where the stream of refusals has fewer than were stored and not removed.
var ErrLost = errors.New("refused messages are lost")

// Tally is how many refusals there must be, as this process knows: a server that finds its file
// damaged makes up its mind anew about what is in it, and says nothing. It is for a stream that
// only this process stores into and removes from.
//
// All methods may be called at the same time, and of nil.
type Tally struct {
	// While it cannot be written nothing is counted: it may show what it will not keep.
	store log.Store

	changing sync.RWMutex // read: while something is stored or removed; write: while it is counted
	count    atomic.Int64
	counted  atomic.Bool

	mu      sync.Mutex
	last    Mark   // the newest that was stored, as long as nobody removes it
	removed uint64 // the highest number that somebody has removed
}

// Mark tells a stored message from any other of its number: by the SHA-256 of its data, in
// hexadecimal. The zero value is of none.
type Mark struct {
	Number uint64
	Sum    string
}

func markOf(number uint64, data []byte) Mark {
	sum := sha256.Sum256(data)
	return Mark{number, hex.EncodeToString(sum[:])}
}

// NewTally returns one that has counted nothing yet. The store is that of the stream.
func NewTally(store log.Store) *Tally { return &Tally{store: store} }

// change has something be stored, or removed, which is less than 0. After an error nobody knows
// what became of it: it counts as not stored, and as removed.
func (t *Tally) change(change func() (more int, err error)) error {
	if t == nil {
		_, err := change()
		return err
	}
	t.changing.RLock()
	defer t.changing.RUnlock()
	more, err := change()
	if err == nil || more < 0 {
		t.count.Add(int64(more))
	}
	return err
}

// saw notes that a message was stored. It may be removed already.
func (t *Tally) saw(is Mark) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if is.Number > max(t.last.Number, t.removed) {
		t.last = is
	}
}

// forget notes that a message is about to be removed.
func (t *Tally) forget(number uint64) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.removed = max(t.removed, number)
	if t.last.Number == number {
		t.last = Mark{}
	}
}

// Least returns how many there must be at least, and one of them, the zero value where none is
// known; false: nobody has counted.
func (t *Tally) Least() (count uint64, one Mark, counted bool) {
	if t == nil || !t.counted.Load() {
		return 0, Mark{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return uint64(max(t.count.Load(), 0)), t.last, true
}

// Compare counts what is there, over a connection to where the stream is, and tells whether that is
// less than there must be, or the newest another one: then the error wraps ErrLost. What is more
// was not known to be stored, and counts from now on.
func (t *Tally) Compare(ctx context.Context, conn *nats.Conn) error {
	if t == nil {
		return nil
	}
	t.changing.Lock()
	defer t.changing.Unlock()
	_, known, counted := t.Least()
	is, newest, err := t.steady(ctx, conn, known.Number)
	if err != nil {
		return fmt.Errorf("count what was refused: %w", err)
	}
	switch must := t.count.Load(); {
	case counted && is < must:
		return fmt.Errorf("%w (%d are there, of %d that nobody has removed)", ErrLost, is, must)
	case known.Number > 0 && newest != known:
		return fmt.Errorf("%w (number %d is another one than was stored)", ErrLost, known.Number)
	case is > must || !counted:
		t.count.Store(is)
		t.counted.Store(true)
	}
	t.saw(newest)
	return nil
}

// steady is refusedNow of a server that was not replaced between its answers: one would be of
// before.
func (t *Tally) steady(ctx context.Context, conn *nats.Conn, number uint64,
) (count int64, one Mark, err error) {
	for {
		broken := t.store.Broken()
		count, one, err = refusedNow(ctx, conn, number)
		if err == nil {
			err = t.store.Check()
		}
		if err != nil {
			return count, one, err
		}
		select {
		case <-broken: // and it is open again: that takes much longer than to ask
		default:
			return count, one, nil
		}
	}
}

// refusedNow returns how many the server says there are, and the one with a number, or the last;
// the zero value where that is not there.
func refusedNow(ctx context.Context, conn *nats.Conn, number uint64,
) (count int64, one Mark, err error) {
	var info struct {
		State struct {
			Messages int64  `json:"messages"`
			Last     uint64 `json:"last_seq"`
		} `json:"state"`
	}
	var answer struct {
		Message log.Stored `json:"message"`
	}
	err = log.Ask(ctx, conn, "$JS.API.STREAM.INFO."+StreamRefused, nil, &info)
	number = cmp.Or(number, info.State.Last)
	if err == nil && number > 0 {
		err = log.Ask(ctx, conn, "$JS.API.STREAM.MSG.GET."+StreamRefused,
			map[string]any{"seq": number}, &answer)
	}
	var said *jetstream.APIError
	switch {
	case err == nil && number > 0:
		return info.State.Messages, markOf(number, answer.Message.Data), nil
	case errors.As(err, &said) && (said.ErrorCode == jetstream.JSErrCodeStreamNotFound ||
		said.ErrorCode == jetstream.JSErrCodeMessageNotFound):
		return info.State.Messages, Mark{}, nil
	}
	return info.State.Messages, Mark{}, err
}

// Check reads all that was refused, as the server of the connection has it, without opening it, and
// returns the number of the last; rest is called now and then. The error wraps ErrLost where some
// are lost: that they cannot be read, only reading tells.
func (t *Tally) Check(ctx context.Context, conn *nats.Conn, rest func()) (last uint64, err error) {
	stream := log.NewPassing(conn, StreamRefused, nil)
	for number := uint64(1); ; number++ {
		found, err := stream.Next(ctx, number)
		if found.Lost != 0 && !found.Unsure {
			return last, fmt.Errorf("%w (number %d)", ErrLost, found.Lost)
		}
		if errors.Is(err, log.ErrNoMessage) {
			return last, t.Compare(ctx, conn)
		}
		if err != nil {
			return last, fmt.Errorf("read what was refused: %w", err)
		}
		number, last = found.Number, found.Number
		rest()
	}
}

// compare tells whether there are as many as there must be; the error wraps ErrLost where there are
// not.
func (r *Refusals) compare(ctx context.Context) error {
	return r.quota.tallied().Compare(ctx, r.conn)
}
