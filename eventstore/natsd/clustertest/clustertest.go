// Package clustertest runs, for tests, three servers as one cluster, and damages their copies of
// streams.
package clustertest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore/natsd"
)

// patience is how long a cluster may take for anything. It is asked again after each pause, so that
// it takes no longer than it must.
const (
	patience = 3 * time.Minute
	pause    = 50 * time.Millisecond
)

// Cluster is three servers. It is of one goroutine.
type Cluster struct {
	t       testing.TB
	options []natsd.NodeOptions
	running []*natsd.Node
}

// Start starts three servers, which end with the test.
func Start(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{t: t, running: make([]*natsd.Node, 3)}
	var ports []string
	for range 2 * len(c.running) {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, listener.Addr().String())
		_ = listener.Close()
	}
	routes := ports[len(c.running):]
	for n := range c.running {
		c.options = append(c.options, natsd.NodeOptions{
			Name: fmt.Sprintf("n%d", n), StoreDir: t.TempDir(), Address: ports[n],
			Cluster: routes[n], Routes: routes, Log: slog.New(slog.DiscardHandler),
		})
	}
	for n := range c.running {
		c.Start(n)
	}
	t.Cleanup(c.stopAll)
	return c
}

// Start starts a server that does not run.
func (c *Cluster) Start(n int) {
	c.t.Helper()
	var err error
	if c.running[n], err = natsd.StartNode(c.options[n]); err != nil {
		c.t.Fatal(err)
	}
}

// Stop stops a server in good order.
func (c *Cluster) Stop(n int) {
	c.t.Helper()
	if c.running[n] == nil {
		return
	}
	if err := c.running[n].Leave(); err != nil {
		c.t.Error(err)
	}
	c.running[n] = nil
}

func (c *Cluster) stopAll() {
	for n := range c.running {
		c.Stop(n)
	}
}

// Name returns the name of a server.
func (c *Cluster) Name(n int) string { return c.options[n].Name }

// URL is that of all servers.
func (c *Cluster) URL() string {
	urls := ""
	for _, o := range c.options {
		urls += ",nats://" + o.Address
	}
	return urls[1:]
}

// Connect connects to all servers.
func (c *Cluster) Connect() (*nats.Conn, error) {
	return nats.Connect(c.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
}

// Dial connects to all servers until the test ends.
func (c *Cluster) Dial() *nats.Conn {
	c.t.Helper()
	conn, err := c.Connect()
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(conn.Close)
	return conn
}

// Await does something again until it succeeds: a cluster may be between two leaders.
func (c *Cluster) Await(what string, do func() error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for {
		err := do()
		if err == nil {
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			c.t.Fatalf("not so: %s: %v", what, err)
		}
	}
}

// Whole waits until all servers have all of a stream, and one of them leads it; -1: any.
func (c *Cluster) Whole(js jetstream.JetStream, stream string, node int) {
	c.t.Helper()
	c.Await(stream+" is whole", func() error {
		s, err := js.Stream(c.t.Context(), stream)
		if err != nil {
			return err
		}
		is, current := s.CachedInfo().Cluster, 0
		for _, r := range is.Replicas {
			if r.Current && !r.Offline {
				current++
			}
		}
		switch {
		case node >= 0 && is.Leader != c.options[node].Name:
			_, _ = js.Conn().Request("$JS.API.STREAM.LEADER.STEPDOWN."+stream,
				fmt.Appendf(nil, `{"placement":{"preferred":%q}}`, c.options[node].Name),
				time.Second)
		case is.Leader != "" && current == 2:
			return nil
		}
		return fmt.Errorf("%s leads, %d follow", is.Leader, current)
	})
}

// WhileDown stops all servers, does something to the folder that each has of a stream, and starts
// them again.
func (c *Cluster) WhileDown(stream string, do func(node int, folder string)) {
	c.t.Helper()
	c.stopAll()
	for n := range c.running {
		do(n, c.folder(n, stream))
	}
	for n := range c.running {
		c.Start(n)
	}
}

// WhileOneDown does so with one of them.
func (c *Cluster) WhileOneDown(node int, stream string, do func(folder string)) {
	c.t.Helper()
	c.Stop(node)
	do(c.folder(node, stream))
	c.Start(node)
}

func (c *Cluster) folder(n int, stream string) string {
	c.t.Helper()
	found, err := filepath.Glob(filepath.Join(
		c.options[n].StoreDir, "jetstream", "*", "streams", stream))
	if err != nil || len(found) != 1 {
		c.t.Fatalf("folder of %s: %v, %v", stream, found, err)
	}
	return found[0]
}
