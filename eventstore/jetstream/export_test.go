package jetstream

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore"
)

// OpenUnchecked opens a stream that Open would refuse.
func OpenUnchecked(ctx context.Context, conn *nats.Conn, opts Options) (*Log, error) {
	opts = opts.withDefaults(conn)
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	stream, err := js.Stream(ctx, opts.Stream)
	if err != nil {
		return nil, err
	}
	return open(conn, opts, stream.CachedInfo())
}

// ConfigOf is the configuration of the stream that Create makes.
func ConfigOf(opts Options, identity eventstore.Identity) jetstream.StreamConfig {
	return configOf(opts.withDefaults(nil), identity)
}

// Get gets a message of a stream that was not opened.
func Get(ctx context.Context, conn *nats.Conn, stream string, number uint64) (uint64, error) {
	return (&Log{conn: conn, stream: stream}).Get(ctx, number)
}

// Get gets a message of the log as a reader does that has come to it.
func (l *Log) Get(ctx context.Context, number uint64) (uint64, error) {
	r := &reader{log: l, next: number}
	msg, err := r.get(ctx)
	return msg.number, err
}

// ReadAll reads a stream to its end and returns how many frames it has, and why no more.
func ReadAll(ctx context.Context, conn *nats.Conn, stream string) (frames int, err error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return 0, err
	}
	for _, err := range (&Log{conn: conn, reader: js, stream: stream}).Read(ctx, 1) {
		if err != nil {
			return frames, err
		}
		frames++
	}
	return frames, nil
}

// DoubtsMax is how often a reader asks again for what the leader has not.
const DoubtsMax = doubtsMax
