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
