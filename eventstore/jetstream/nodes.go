package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/eventstore"
)

// nodesWait is how long the servers of a cluster may take to say what they are set to. How many
// there are nobody tells, so it is always waited for.
const (
	nodesWait     = time.Second
	firstNodeWait = 10 * time.Second // which is the one that was asked
)

// node is what a server says of itself.
type node struct {
	Server struct {
		Name string `json:"name"`
	} `json:"server"`
	Data struct {
		JetStream struct {
			Config *struct {
				SyncAlways   bool          `json:"sync_always"`
				SyncInterval time.Duration `json:"sync_interval"`
			} `json:"config"`
		} `json:"jetstream"`
	} `json:"data"`
}

// CheckNodes asks each server of a cluster what it is set to, by a connection of the system
// account, and returns how many answered. The error wraps eventstore.ErrUnsafe when one of them
// acknowledges what it has not flushed: all of them may lose their power at once.
func CheckNodes(ctx context.Context, system *nats.Conn) (count int, err error) {
	answers, err := system.SubscribeSync(system.NewInbox())
	if err != nil {
		return 0, fmt.Errorf("ask servers: %w", err)
	}
	defer func() { _ = answers.Unsubscribe() }()
	err = system.PublishRequest("$SYS.REQ.SERVER.PING.VARZ", answers.Subject, nil)
	if err != nil {
		return 0, fmt.Errorf("ask servers: %w", err)
	}
	for wait := firstNodeWait; ; wait = nodesWait {
		next, cancel := context.WithTimeout(ctx, wait)
		m, err := answers.NextMsgWithContext(next)
		cancel()
		switch {
		case ctx.Err() != nil:
			return count, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded) && count > 0:
			return count, nil
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrNoResponders):
			return count, fmt.Errorf("%w: no server says what it is set to: the login that was"+
				" given must be one of the cluster's system account", eventstore.ErrUnsafe)
		case err != nil:
			return count, fmt.Errorf("ask servers: %w", err)
		}
		var n node
		if err := json.Unmarshal(m.Data, &n); err != nil {
			return count, fmt.Errorf("read answer of a server: %w", err)
		}
		if n.Data.JetStream.Config == nil {
			continue // it keeps no streams
		}
		if !n.Data.JetStream.Config.SyncAlways {
			return count, fmt.Errorf("%w: server %s of the cluster has sync_interval %v: what it"+
				" acknowledged is lost with its power; set sync_interval: always on each server",
				eventstore.ErrUnsafe, n.Server.Name, n.Data.JetStream.Config.SyncInterval)
		}
		count++
	}
}
