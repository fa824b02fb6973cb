package natsin

import (
	"context"
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

// Least returns how many there must be at least; false: nobody has counted.
func (t *Tally) Least() (uint64, bool) {
	if t == nil || !t.counted.Load() {
		return 0, false
	}
	return uint64(max(t.count.Load(), 0)), true
}

// Compare counts what is there, over a connection to where the stream is, and tells whether that is
// less than there must be: then the error wraps ErrLost. What is more was not known to be stored,
// and counts from now on.
func (t *Tally) Compare(ctx context.Context, conn *nats.Conn) error {
	if t == nil {
		return nil
	}
	t.changing.Lock()
	defer t.changing.Unlock()
	broken := t.store.Broken()
	is, err := refusedNow(ctx, conn)
	if err == nil {
		err = t.store.Check()
	}
	if err != nil {
		return fmt.Errorf("count what was refused: %w", err)
	}
	select {
	case <-broken:
		return nil // it was opened again, and may have been asked before
	default:
	}
	must := t.count.Load()
	if t.counted.Load() && is < must {
		return fmt.Errorf("%w (%d are there, of %d that nobody has removed)", ErrLost, is, must)
	}
	if is > must || !t.counted.Load() {
		t.count.Store(is)
		t.counted.Store(true)
	}
	return nil
}

// refusedNow returns how many the server says there are.
func refusedNow(ctx context.Context, conn *nats.Conn) (int64, error) {
	var info struct {
		State struct {
			Messages int64 `json:"messages"`
		} `json:"state"`
	}
	err := log.Ask(ctx, conn, "$JS.API.STREAM.INFO."+StreamRefused, nil, &info)
	var said *jetstream.APIError
	if errors.As(err, &said) && said.ErrorCode == jetstream.JSErrCodeStreamNotFound {
		return 0, nil
	}
	return info.State.Messages, err
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
