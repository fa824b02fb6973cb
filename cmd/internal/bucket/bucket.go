// Package bucket keeps what is answered about today in a NATS KV bucket, for programs and screens
// that watch it (contract, section 9).
//
// A key is the code of a region, and REGION.by.DIMENSION the same with the counts of a dimension.
// One more, [KeyState], has how the ledger is, so that who watches learns that what he sees is from
// before, or that another ledger fills the bucket from now on.
//
// The bucket is derived, and believed by nobody here: it is in memory, and is filled anew at each
// start and after whatever may have happened to it.
package bucket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/live"
	"cakupan/domain/region"
	"cakupan/eventstore"
	log "cakupan/eventstore/jetstream"
	"cakupan/eventstore/natsd"
)

const (
	// lookEvery is how often it is looked whether the bucket is as it was left, and whether this
	// ledger is the one that fills it.
	lookEvery = time.Second
	// requestMax bounds how long JetStream may take to answer.
	requestMax = 30 * time.Second
	// changeMax bounds how long a change of the bucket may take: what a user may not ask for is
	// never answered.
	changeMax = 5 * time.Second
	// putsMax is how many values are on their way at once.
	putsMax = 256

	stream = "KV_" + natsd.Bucket
	prefix = "$KV." + natsd.Bucket + "."
)

// KeyState is the key of a [live.Status]: that of the moment in which it was another one than
// before, and while it is not live, of each second.
const KeyState = "state"

// errMoved is returned when somebody else changed the bucket, or it was emptied.
var errMoved = errors.New("the bucket is not as this ledger left it: it is filled anew")

// Options of a bucket.
type Options struct {
	// Connect opens the connection to the server that keeps the bucket.
	Connect func() (*nats.Conn, error)
	// Replicas is on how many servers; 0: as many as the cluster allows, up to three.
	Replicas int
	// Writes tells whether this ledger is the one that fills the bucket.
	Writes func(ctx context.Context) bool
	// Hides tells whether small counts are hidden, as they are from dashboards: all who may watch
	// see the same values.
	Hides func() bool
	// Watched is told how many watch the bucket, each time that it is looked at; nil: nobody asks.
	// A ledger that does not fill it does not know, and says 0.
	Watched func(watchers int)
	Now     func() time.Time
	Log     *slog.Logger

	patience time.Duration // with a change that may never be answered; 0: changeMax
}

// Feed fills the bucket from a hub until ctx ends. Whatever fails is tried again.
func (o Options) Feed(ctx context.Context, hub *live.Hub) {
	if o.Watched == nil {
		o.Watched = func(int) {}
	}
	said := ""
	for ctx.Err() == nil {
		began, err := time.Now(), error(nil)
		if o.Writes(ctx) {
			err = o.feed(ctx, hub)
			o.Watched(0)
		}
		if time.Since(began) > 2*lookEvery { // it went well for a while
			said = ""
		}
		switch {
		case err == nil || ctx.Err() != nil || errors.Is(err, live.ErrClosed):
		case errors.Is(err, errMoved):
			o.Log.InfoContext(ctx, "the bucket is filled anew", slog.Any("cause", err))
		case err.Error() != said: // else it is said already
			said = err.Error()
			o.Log.WarnContext(ctx, "the bucket of the coverage is not filled; it is tried again",
				slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
}

// feed fills the bucket until this ledger is not to any more, which is no error, or it is not as it
// was left.
func (o Options) feed(ctx context.Context, hub *live.Hub) error {
	conn, err := o.Connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	b, err := o.open(ctx, conn)
	if err != nil {
		return err
	}
	b.hides = o.Hides()
	watch, err := hub.Watch(ctx, live.Topic{By: dimensions(), Also: b.regions}, nil)
	if err != nil { // what the bucket holds is from before, and will be for a while
		status, also := hub.Status()
		return errors.Join(err, also, b.putState(ctx, status))
	}
	defer watch.Close()
	looked := time.Now()
	for {
		frame, err := nextFrame(ctx, watch)
		switch {
		case err != nil || frame.Kind == "":
		case frame.Kind == live.State:
			err = b.putState(ctx, frame.Data)
		default:
			err = b.put(ctx, frame.Data)
		}
		if err != nil {
			return err
		}
		if time.Since(looked) < lookEvery {
			continue
		}
		// Where other counts are to be hidden than before, all values are put again.
		watchers, err := b.look(ctx)
		if err != nil || !o.Writes(ctx) || o.Hides() != b.hides {
			return err
		}
		o.Watched(watchers)
		looked = time.Now()
	}
}

// nextFrame returns the next frame, or none of any kind when there is none for a while.
func nextFrame(ctx context.Context, watch *live.Watch) (live.Frame, error) {
	waiting, cancel := context.WithTimeout(ctx, lookEvery)
	defer cancel()
	frame, err := watch.Next(waiting)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return live.Frame{}, nil
	}
	return frame, err
}

// bucket is the bucket as one feed fills it. It is used by one goroutine.
type bucket struct {
	js      jetstream.JetStream
	stream  jetstream.Stream
	made    time.Time
	regions []region.Code    // that it had answers about already
	values  map[string]value // by key; those that were put
	last    uint64           // number of the last message
	hides   bool             // small counts
}

// value is what was put last under a key.
type value struct {
	figures  string // without what it rests on, which differs at every event
	revision uint64
}

// open opens the bucket, and makes it where there is none.
func (o Options) open(ctx context.Context, conn *nats.Conn) (*bucket, error) {
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(putsMax))
	if err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	b := &bucket{js: js, values: map[string]value{}}
	b.stream, err = js.Stream(ctx, stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		b.stream, err = js.CreateStream(ctx, o.config(log.Replicas(conn, o.Replicas)))
	} else if err == nil {
		err = o.adopt(ctx, conn, b)
	}
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", natsd.Bucket, err)
	}
	return b, b.read(ctx)
}

// config returns how the bucket is made, which is as any client makes one but for the number of its
// first message: whoever watched a bucket of before goes on from a number, and must not wait for
// this one to reach it. Microseconds are more than are ever put, and JavaScript still counts them.
func (o Options) config(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: stream, Subjects: []string{prefix + ">"},
		Description:       "coverage of today by region",
		MaxMsgsPerSubject: 1, MaxMsgs: -1, MaxBytes: -1, MaxMsgSize: -1, MaxConsumers: -1,
		Storage: jetstream.MemoryStorage, Replicas: replicas, Discard: jetstream.DiscardNew,
		AllowRollup: true, DenyDelete: true, AllowDirect: true,
		FirstSeq:  o.first(),
		RePublish: republish(),
	}
}

// republish has each value that is stored told on a plain subject too, with its number: who listens
// there takes no more of the server than a connection, where a watch takes a consumer.
func republish() *jetstream.RePublish {
	return &jetstream.RePublish{Source: prefix + ">", Destination: natsd.SubjectCoverage + ">"}
}

func (o Options) first() uint64 { return uint64(o.Now().UnixMicro()) }

// adopt checks a bucket that is there. One that is empty has lost what it held, and its numbers
// begin again.
func (o Options) adopt(ctx context.Context, conn *nats.Conn, b *bucket) error {
	info := b.stream.CachedInfo()
	is := info.Config
	if len(is.Subjects) != 1 || is.Subjects[0] != prefix+">" || is.MaxMsgsPerSubject != 1 {
		return fmt.Errorf("%w: stream %s was made by another program: remove it",
			eventstore.ErrUnsafe, stream)
	}
	if info.State.Msgs == 0 && info.State.LastSeq < o.first() {
		err := b.stream.Purge(ctx, jetstream.WithPurgeSequence(o.first()))
		if err != nil {
			return fmt.Errorf("go on with higher numbers than before: %w", err)
		}
	}
	return log.Replicate(ctx, conn, o.told(ctx, b, is), o.Replicas)
}

// told has the values of a bucket that another version made told on the plain subject too, and
// returns its settings. Where that is not allowed, all but those who listen there are served.
func (o Options) told(
	ctx context.Context, b *bucket, is jetstream.StreamConfig,
) jetstream.StreamConfig {
	if is.RePublish != nil && *is.RePublish == *republish() {
		return is
	}
	changed := is
	changed.RePublish = republish()
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(o.patience, changeMax))
	defer cancel()
	if _, err := b.js.UpdateStream(ctx, changed); err != nil {
		o.Log.WarnContext(ctx, "values of the bucket are not told on the plain subject: the"+
			" ledger's user may not change its stream, or it was made by another program",
			slog.String("subject", natsd.SubjectCoverage+">"), slog.Any("error", err))
		return is
	}
	return changed
}

// read notes what the bucket holds.
func (b *bucket) read(ctx context.Context) error {
	info, err := b.stream.Info(ctx, jetstream.WithSubjectFilter(prefix+">"))
	if err != nil {
		return fmt.Errorf("read bucket %s: %w", natsd.Bucket, err)
	}
	b.made, b.last = info.Created, info.State.LastSeq
	for subject := range info.State.Subjects {
		// A key that is no code is one by a dimension.
		if code, ok := region.Parse(strings.TrimPrefix(subject, prefix)); ok {
			b.regions = append(b.regions, code)
		}
	}
	return nil
}

// look tells whether the bucket is as it was left, and how many watch it: each watch is a consumer
// of the stream, which JetStream removes some seconds after its client is gone.
func (b *bucket) look(ctx context.Context) (watchers int, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	info, err := b.stream.Info(ctx)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return 0, errMoved
	case err != nil:
		return 0, fmt.Errorf("look at bucket %s: %w", natsd.Bucket, err)
	case !info.Created.Equal(b.made) || info.State.LastSeq != b.last:
		return 0, errMoved
	}
	return info.State.Consumers, nil
}
