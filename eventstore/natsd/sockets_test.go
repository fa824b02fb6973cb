package natsd

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// TestSocketsAreACrowd: who comes by WebSocket is one of a network's strangers until he logs in,
// and is then read at his pace, the one of all his connections; and is answered.
func TestSocketsAreACrowd(t *testing.T) {
	t.Parallel()
	host := outside(t)
	s, _ := start(t, Options{
		StoreDir: t.TempDir(), Address: "127.0.0.1:0", WebSocket: host + ":0", Strangers: 2, Now: time.Now,
		Authenticate: (&members{role: map[string]Role{"bone": RolePublisher}}).authenticate,
	})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	front, err := s.ConnectFront()
	if err != nil {
		t.Fatal(err)
	}
	defer front.Close()
	if _, err := front.Subscribe(subjectIntake+"bone", func(m *nats.Msg) { _ = m.Respond(m.Data) }); err != nil {
		t.Fatal(err)
	}
	both := map[string]*nats.Conn{}
	for _, at := range []string{s.URL(), s.WebSocketURL()} {
		conn, err := nats.Connect(at, nats.UserInfo("bone", backwards("bone")), nats.Timeout(within))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		both[at] = conn
		long := bytes.Repeat([]byte("x"), 5*pieceMax)
		answer, err := conn.Request(subjectIntake+"bone", long, within)
		if err != nil || !bytes.Equal(answer.Data, long) {
			t.Fatalf("%s: %v", at, err)
		}
	}
	all := s.now.Load().access
	paceOf := func(c *crowd) (p *pace) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, g := range c.byAddress {
			if p = g.pace.Load(); p != nil {
				return p
			}
		}
		return nil
	}
	if one, other := paceOf(all.crowd), paceOf(all.sockets); one == nil || one != other {
		t.Errorf("paces %p and %p", one, other)
	}
	// Somebody who says nothing is a stranger of his network; the server soon hangs up on him.
	address := strings.TrimPrefix(s.WebSocketURL(), "ws://")
	isStranger := func() bool {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for range 100 {
			all.sockets.mu.Lock()
			g := all.sockets.byAddress[conn.LocalAddr().String()]
			counted := g != nil && g.network.IsValid() && all.sockets.strangers.Of(g.network) > 0
			all.sockets.mu.Unlock()
			if counted {
				return true
			}
			time.Sleep(time.Millisecond)
		}
		return false
	}
	for began := time.Now(); !isStranger(); {
		if time.Since(began) > within {
			t.Fatal("a stranger is not counted")
		}
	}
	if most := all.sockets.strangers.Most(); most != 2 {
		t.Errorf("%d strangers of a network are let in", most)
	}
}
