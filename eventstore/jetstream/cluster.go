package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore"
)

// ReplicasDefault is how many servers of a cluster keep a stream: the least of which one may fail
// and the others still agree.
const ReplicasDefault = 3

// How a connection to a cluster finds out that its server is gone, and finds another one.
const (
	dialMax       = 2 * time.Second
	pingEvery     = 2 * time.Second
	pingsLost     = 2 // without an answer: the server is paused, or the network is cut
	reconnectWait = 250 * time.Millisecond
)

// ConnectOptions returns how a ledger connects to a cluster. It looks for a server for as long as
// it takes, and sends nothing that waited in a buffer meanwhile: what its sender has given up
// would be stored all the same.
func ConnectOptions(name string) []nats.Option {
	return []nats.Option{
		nats.Name(name),
		nats.Timeout(dialMax),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(pingsLost),
		nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait, reconnectWait),
		nats.ReconnectBufSize(-1),
		nats.IgnoreAuthErrorAbort(), // whoever renews a login may have renewed it there first
	}
}

// Replicas returns how many servers shall keep each stream of a ledger: told, or, where that is 0,
// what the servers allow that the connection leads to.
func Replicas(conn *nats.Conn, told int) int {
	switch {
	case told > 0:
		return told
	case conn.ConnectedClusterName() == "":
		return 1
	}
	return ReplicasDefault
}

// Replicate makes sure that as many servers keep a stream as told, raising their number if need
// be; where told is 0, it refuses a stream that fewer keep than the cluster allows. The number is
// never lowered.
func Replicate(
	ctx context.Context, conn *nats.Conn, config jetstream.StreamConfig, told int,
) error {
	want := Replicas(conn, told)
	switch {
	case config.Replicas >= want:
		return nil
	case told == 0:
		return fmt.Errorf("%w: stream %s has replicas %d, and cluster %s allows %d: say --replicas"+
			" %d to have them made, or --replicas %d to leave it so", eventstore.ErrUnsafe,
			config.Name, config.Replicas, conn.ConnectedClusterName(), want, want, config.Replicas)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return fmt.Errorf("raise replicas of stream %s: %w", config.Name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	config.Replicas, config.AllowDirect = want, true
	if _, err := js.UpdateStream(ctx, config); err != nil {
		return fmt.Errorf("raise replicas of stream %s to %d: %w", config.Name, want, err)
	}
	return nil
}

// AllowDirect lets each server of a cluster be asked for its own copy of a stream, of one that was
// made before there was a use for that. An older stream does without it: nobody is asked then for
// what its leader has lost. A stream that one server keeps alone has no other copy.
func AllowDirect(ctx context.Context, conn *nats.Conn, stream string) error {
	js, err := jetstream.New(conn)
	if err != nil {
		return fmt.Errorf("allow direct gets of stream %s: %w", stream, err)
	}
	is, err := js.Stream(ctx, stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("allow direct gets of stream %s: %w", stream, err)
	}
	config := is.CachedInfo().Config
	if config.AllowDirect || config.Replicas < 2 {
		return nil
	}
	config.AllowDirect = true
	if _, err := js.UpdateStream(ctx, config); err != nil {
		return fmt.Errorf("allow direct gets of stream %s: %w", stream, err)
	}
	return nil
}
