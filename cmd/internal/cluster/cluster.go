// Package cluster is the NATS cluster on which several ledgers have one log: how each reaches it
// and waits for it, which of them writes, and how the others have it take in what they are sent.
//
// What keeps two from appending is the log itself; see [Roles].
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/jetstream/copies"
)

const (
	// startPause is how often a ledger that starts tries to reach its cluster, startTell how often
	// it says that it cannot.
	startPause = 250 * time.Millisecond
	startTell  = 10 * time.Second

	// An attempt may take startFirst, and twice as long each time, up to startMax: a cluster that
	// has no leader yet does not answer at all, and one that is busy needs its time.
	startFirst = 2 * time.Second
	startMax   = time.Minute

	// placeMax is how long the servers of a cluster may take to become enough for its replicas:
	// they may be starting too.
	placeMax = time.Minute
	endless  = time.Duration(math.MaxInt64) // longer than any of these

	// nodesMax is how long a ledger that starts waits for servers that do not say what they are set
	// to, and nodesEvery how often one that runs asks again.
	nodesMax   = 10 * time.Second
	nodesEvery = time.Minute

	// codeNoPeers is what a cluster answers that has too few servers for the replicas of a stream.
	// The number is JetStream's.
	codeNoPeers = 10005
)

// Cluster is how a ledger reaches its cluster. It is set before it is used, and only read after it.
type Cluster struct {
	URL string // of its servers; empty: there is none, the log is in the embedded server
	// System is a URL with a login of its system account; empty: nobody is asked what the servers
	// are set to, and the operator is told so.
	System   string
	Replicas int // how many servers shall keep each stream; 0: as many as the cluster allows
	Logger   *slog.Logger
}

// Connect connects to the cluster that holds the log. The caller closes the connection. A
// server whose messages are smaller than a frame is refused here, as the first large batch would
// fail otherwise, in the middle of the work. name is what the server's operator sees.
func (c *Cluster) Connect(name string) (*nats.Conn, error) {
	opts := append(jetstream.ConnectOptions(name), nats.ErrorHandler(c.teller(name)))
	conn, err := nats.Connect(c.URL, opts...)
	switch {
	case errors.Is(err, nats.ErrAuthorization):
		return nil, problem.Wrap(problem.LogUnavailable, "the NATS server does not know the login"+
			" of --nats: is it the one of this cluster, and was it renewed meanwhile?", err)
	case err != nil:
		return nil, problem.Wrap(problem.LogUnavailable, "the NATS server cannot be reached", err)
	}
	if conn.MaxPayload() < eventstore.FrameBytesMax {
		conn.Close()
		return nil, fmt.Errorf("%w: max_payload of the NATS server is %d, a frame of the log"+
			" takes up to %d: set max_payload: 4MB", eventstore.ErrUnsafe, conn.MaxPayload(),
			eventstore.FrameBytesMax)
	}
	return conn, nil
}

// teller returns what tells the operator of errors that concern a connection and no request: that
// it cannot be made again, or that something is forbidden. Without it they would stand on standard
// error one by one, in the library's words and whatever the format of the log. As they come with
// each attempt at each server, the same kind is told again only after a while. The library calls it
// for one error at a time.
func (c *Cluster) teller(name string) nats.ErrHandler {
	told := map[string]time.Time{}
	return func(_ *nats.Conn, _ *nats.Subscription, err error) {
		why := "it cannot be reached"
		switch {
		case errors.Is(err, nats.ErrAuthorization):
			why = "it does not know the login"
		case errors.Is(err, nats.ErrPermissionViolation):
			why = "the login may not do that"
		}
		if time.Since(told[why]) > startTell {
			told[why] = time.Now()
			c.Logger.Warn("the cluster refuses a connection or breaks it off",
				slog.String("connection", name), slog.String("why", why), slog.Any("error", err))
		}
	}
}

// errFewNodes is returned while fewer servers say what they are set to than shall keep the log.
var errFewNodes = errors.New("some servers of the cluster do not say what they are set to")

// CheckAtStart refuses a cluster with a server that acknowledges before it has flushed. A server
// that is down is not waited for for long: it is asked when it is there, see Watch. conn is a
// connection to the cluster. Why it matters: the contract, section 7, has events answered only once
// they are durable, and an acknowledgement is all that we hear of a server's disk. The embedded
// server is ours, and flushes.
func (c *Cluster) CheckAtStart(ctx context.Context, conn *nats.Conn) error {
	switch {
	case c.URL == "":
		return nil
	case c.System == "":
		c.Logger.WarnContext(ctx, "whether each server of the cluster flushes before it"+
			" acknowledges is not checked: see to sync_interval: always, or give --nats-system")
		return nil
	}
	err := c.Patiently(ctx, func(context.Context) error { return c.checkNodes(ctx, conn) })
	if errors.Is(err, errFewNodes) {
		c.Logger.WarnContext(ctx, "servers are asked again later", slog.Any("error", err))
		return nil
	}
	return err
}

// checkNodes asks the servers that are there now. It returns eventstore.ErrUnsafe of one that does
// not flush, and errFewNodes where too few answer to know.
func (c *Cluster) checkNodes(ctx context.Context, log *nats.Conn) error {
	const name = "cakupan check"
	conn, err := nats.Connect(c.System, nats.Name(name), nats.ErrorHandler(c.teller(name)))
	switch {
	case errors.Is(err, nats.ErrAuthorization):
		return problem.Wrap(problem.LogUnavailable, "the NATS server does not know the login of"+
			" --nats-system: is it the one of this cluster, and was it renewed meanwhile?", err)
	case err != nil:
		return problem.Wrap(problem.LogUnavailable, "the NATS server cannot be reached by the"+
			" address of --nats-system", err)
	}
	defer conn.Close()
	nodes, err := jetstream.CheckNodes(ctx, conn)
	if want := jetstream.Replicas(log, c.Replicas); err == nil && nodes < want {
		err = fmt.Errorf("%w: %d of at least %d do", errFewNodes, nodes, want)
	}
	return err
}

// Watch asks them again and again until ctx ends: one may come later, or be set otherwise when it
// is started again. found is told of an unsafe one, and nil when none is. Servers that do not
// answer say nothing about the others: the last finding stays.
func (c *Cluster) Watch(ctx context.Context, log *nats.Conn, found func(error)) {
	if c.System == "" {
		return
	}
	for {
		sleep(ctx, nodesEvery)
		if ctx.Err() != nil {
			return
		}
		err := c.checkNodes(ctx, log)
		switch {
		case errors.Is(err, eventstore.ErrUnsafe):
			c.Logger.ErrorContext(ctx, "the cluster is not safe", slog.Any("error", err))
			found(err)
		case err == nil:
			found(nil)
		}
	}
}

// Patiently does something at the start that needs the cluster. While that cannot be reached, or
// has no leader yet, it tries again, for as long as ctx lasts: all of them may be starting, in any
// order, and nobody should have to start one again. Without a cluster nothing is tried again: the
// embedded server is there or not. do may be called many times, so it must leave nothing behind
// that the next attempt does not expect.
func (c *Cluster) Patiently(ctx context.Context, do func(context.Context) error) error {
	if c.URL == "" {
		return do(ctx)
	}
	began, told := time.Now(), time.Time{}
	for most := startFirst; ; most = min(2*most, startMax) {
		attempt, cancel := context.WithTimeout(ctx, most)
		err := do(attempt)
		cancel()
		if err == nil || ctx.Err() != nil || !mayPass(err, time.Since(began)) {
			return err
		}
		if mayPass(err, endless) { // of a cluster that was away, and may be starting again
			began = time.Now()
		}
		if time.Since(told) > startTell {
			told = time.Now()
			c.Logger.WarnContext(ctx, "this ledger waits for its cluster", slog.Any("error", err))
		}
		sleep(ctx, startPause)
	}
}

// mayPass tells whether an error of the cluster may be another one a moment later, when something
// has been tried for so long. What a wrong configuration says can look like what a starting cluster
// says; so some errors pass only for a while, and then are told. All others are told at once.
func mayPass(err error, tried time.Duration) bool {
	var refused *natsjs.APIError
	if errors.As(err, &refused) {
		const unavailable = 503
		if refused.Code == unavailable || refused.ErrorCode == codeNoPeers && tried < placeMax {
			return true
		}
	}
	if errors.Is(err, errFewNodes) {
		return tried < nodesMax
	}
	for _, underWay := range []error{ // of a stream that another ledger makes, or begins, now
		eventstore.ErrNoLog, natsjs.ErrStreamNotFound, natsjs.ErrStreamNameAlreadyInUse,
		natsjs.ErrBucketNotFound, natsjs.ErrBucketExists, eventstore.ErrFenced,
	} {
		if errors.Is(err, underWay) {
			return tried < placeMax
		}
	}
	for _, passing := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoServers, nats.ErrNoResponders,
		nats.ErrReconnectBufExceeded, nats.ErrConnectionClosed, nats.ErrDisconnected,
		natsjs.ErrNoStreamResponse, natsjs.ErrJetStreamNotEnabled, eventstore.ErrClosed,
		copies.ErrSilent,
	} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return errors.As(err, new(net.Error))
}
