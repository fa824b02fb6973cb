// Package lease says which of several ledgers on one cluster writes: a key in a bucket there, which
// its holder renews. Whoever sees that it is not renewed may take it; of several one gets it.
//
// It is a hint, so that no two try at the same time for long. What keeps the log safe when two do
// is the log's own fence; see eventstore/writer.
package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	log "cakupan/eventstore/jetstream"
)

const (
	// Bucket is the bucket of the key.
	Bucket = "CAKUPAN_ROLES"
	// Stream is the stream that JetStream keeps the bucket in.
	Stream = "KV_" + Bucket

	// key is held by whoever writes.
	key = "writer"

	// requestMax bounds one request. It is short: whoever waits for longer does not know whether
	// it still holds the lease.
	requestMax = 2 * time.Second
)

// ErrTaken is returned when somebody else has changed the lease meanwhile.
var ErrTaken = errors.New("lease was taken by another ledger")

// Holder is a ledger that writes, or would.
type Holder struct {
	// ID tells a run of a ledger from every other one; empty: nobody holds the lease.
	ID string `json:"id"`
	// Name says to people which ledger it is, and URL where it answers.
	Name string `json:"name,omitempty"`
	URL  string `json:"url,omitempty"`
	// Since is when it has taken the lease, by its own clock.
	Since time.Time `json:"since,omitzero"`
}

// State is what the bucket says at a moment.
type State struct {
	Holder Holder
	// Revision is changed by each renewal; 0: nobody has ever held the lease.
	Revision uint64
}

// Lease is the lease of one ledger's log. It is safe for concurrent use.
type Lease struct {
	conn     *nats.Conn
	js       jetstream.JetStream
	bucket   jetstream.KeyValue // the same whenever it is made anew: it is but its name
	replicas int
}

// Open opens the bucket, and makes it where there is none; replicas are those that were told, see
// [log.Replicate].
func Open(ctx context.Context, conn *nats.Conn, replicas int) (*Lease, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open lease: %w", err)
	}
	l := &Lease{conn: conn, js: js, replicas: replicas}
	if l.bucket, err = l.open(ctx); err != nil {
		return nil, fmt.Errorf("open lease: %w", err)
	}
	return l, nil
}

func (l *Lease) open(ctx context.Context) (jetstream.KeyValue, error) {
	conn, js, replicas := l.conn, l.js, l.replicas
	bucket, err := js.KeyValue(ctx, Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		bucket, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: Bucket, Description: "which ledger of the cluster writes",
			Storage: jetstream.FileStorage, Replicas: log.Replicas(conn, replicas),
		})
	}
	if err != nil {
		return nil, err
	}
	stream, err := js.Stream(ctx, Stream)
	if err != nil {
		return nil, err
	}
	return bucket, log.Replicate(ctx, conn, stream.CachedInfo().Config, replicas)
}

// remake makes the bucket again where the server has lost it: nothing is in it that a ledger would
// not say again. Of a cluster that does not answer nothing is known, and it is left as it is.
func (l *Lease) remake(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	if _, err := l.js.Stream(ctx, Stream); errors.Is(err, jetstream.ErrStreamNotFound) {
		// Whoever looks again will see whether it is there.
		_, _ = l.open(ctx)
	}
}

// Look returns what the bucket says. It may be a moment old, which costs nothing: to take the lease
// fails then. A bucket that is gone is made anew.
func (l *Lease) Look(ctx context.Context) (State, error) {
	s, err := l.look(ctx)
	if err != nil {
		l.remake(ctx)
	}
	return s, err
}

func (l *Lease) look(ctx context.Context) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	entry, err := l.bucket.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("look at lease: %w", err)
	}
	s := State{Revision: entry.Revision()}
	if err := json.Unmarshal(entry.Value(), &s.Holder); err != nil {
		s.Holder = Holder{} // nobody has it whom anybody could reach: it may be taken
	}
	return s, nil
}

// Take makes a ledger the holder if nothing has changed since the state was seen, and renews the
// lease of who holds it already. The error wraps ErrTaken when something has. After any other
// error it may be taken all the same. A bucket that is gone is made anew.
func (l *Lease) Take(ctx context.Context, since State, holder Holder) (State, error) {
	s, err := l.take(ctx, since, holder)
	if err != nil && !errors.Is(err, ErrTaken) {
		l.remake(ctx)
	}
	return s, err
}

func (l *Lease) take(ctx context.Context, since State, holder Holder) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	value, err := json.Marshal(holder)
	if err != nil {
		return since, fmt.Errorf("take lease: %w", err)
	}
	// Also the first one, at revision 0.
	revision, err := l.bucket.Update(ctx, key, value, since.Revision)
	var refused *jetstream.APIError
	switch {
	case errors.As(err, &refused) && isOther(refused.ErrorCode):
		return since, fmt.Errorf("%w: %w", ErrTaken, err)
	case err != nil:
		return since, fmt.Errorf("take lease: %w", err)
	}
	return State{holder, revision}, nil
}

// Release gives the lease up, so that nobody has to wait until it is not renewed.
func (l *Lease) Release(ctx context.Context, held State) error {
	_, err := l.Take(ctx, held, Holder{})
	return err
}

// isOther tells whether the server refused because the key is not as it was seen.
func isOther(code jetstream.ErrorCode) bool {
	const underWay = 10164 // another change is on its way in the cluster
	return code == jetstream.JSErrCodeStreamWrongLastSequence || code == underWay
}
