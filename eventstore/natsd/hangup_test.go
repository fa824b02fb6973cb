package natsd

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// TestHangUp: who is hung up on comes again after the pause, by himself; others stay.
func TestHangUp(t *testing.T) {
	g := startGuarded(t)
	closed := make(chan struct{})
	g.dial(t, "bone", nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	other, _ := g.dial(t, "goron")
	reader, _ := g.dial(t, "auditor")
	g.HangUp("bone", time.Second)
	select {
	case <-closed:
	case <-time.After(within):
		t.Fatal("he is still there")
	}
	again, _ := g.dial(t, "bone", nats.Timeout(within))
	for _, conn := range []*nats.Conn{again, other, reader} {
		if err := conn.FlushTimeout(within); err != nil {
			t.Error(err)
		}
	}
	access := g.now.Load().access
	access.mu.Lock()
	defer access.mu.Unlock()
	if len(access.away) > 0 {
		t.Error("he was let in before the pause ended")
	}
}

// TestConnectionsOfOne: a member has a part of the connections, and another one comes in.
func TestConnectionsOfOne(t *testing.T) {
	g := startGuarded(t)
	for range connsOfOne {
		g.dial(t, "auditor", nats.Timeout(within))
	}
	conn, err := nats.Connect(g.URL(), nats.UserInfo("auditor", backwards("auditor")),
		nats.Timeout(within))
	if !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("one more connection: %v", err)
		conn.Close()
	}
	g.dial(t, "bone", nats.Timeout(within))
}
