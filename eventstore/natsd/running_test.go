package natsd

import (
	"bytes"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// TestReplaced has a server take the place of another one again and again: what is stored is there,
// connections of the program and of others find it where it was, and a request is done once.
func TestReplaced(t *testing.T) {
	t.Parallel()
	s, conn := start(t, Options{
		StoreDir: t.TempDir(), Address: "127.0.0.1:0", WebSocket: "127.0.0.1:0",
		Authenticate: func(name, _, _ string) (Client, error) {
			return Client{Name: name, Role: RolePublisher}, nil
		},
	})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	front, err := s.ConnectFront()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(front.Close)
	if _, err := front.Subscribe(subjectIntake+"*", func(m *nats.Msg) {
		_ = m.Respond(m.Data)
	}); err != nil {
		t.Fatal(err)
	}
	url, socket := s.URL(), s.WebSocketURL()
	others := map[string]*nats.Conn{}
	// Each has a name of his own: of one account the server makes something unlocked when two of
	// its connections first subscribe at the same time.
	for name, at := range map[string]string{"bone": url, "goron": socket} {
		other, err := nats.Connect(at, nats.UserInfo(name, "x"), nats.MaxReconnects(-1),
			nats.ReconnectWait(reconnectWait))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(other.Close)
		others[name] = other
	}
	js, stream := newStream(t, conn, "KEPT")
	for round := range 4 {
		if _, err := js.Publish(t.Context(), "KEPT", []byte("kept")); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if info, err := stream.Info(t.Context()); err != nil ||
			info.State.LastSeq != uint64(round)+1 {
			t.Fatalf("round %d: %+v, %v", round, info, err)
		}
		for name, other := range others {
			answers(t, other, subjectIntake+name, name)
		}
		if requests := requestsOf(t, s, conn); requests != 1 {
			t.Errorf("round %d: a request is done %d times", round, requests)
		}
		if s.URL() != url || s.WebSocketURL() != socket {
			t.Errorf("round %d: at %s and %s, no more at %s and %s",
				round, s.URL(), s.WebSocketURL(), url, socket)
		}
		if err := s.Reopen(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// answers sends until somebody answers: whoever comes from outside must find the way back first.
func answers(t *testing.T, conn *nats.Conn, subject, what string) {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(reconnectWait / 10) {
		reply, err := conn.Request(subject, []byte(what), within)
		if err == nil && bytes.Equal(reply.Data, []byte(what)) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("nobody answers %s: %v", what, err)
		}
	}
}

// requestsOf returns how often the server does what it is asked once.
func requestsOf(t *testing.T, s *Server, conn *nats.Conn) uint64 {
	t.Helper()
	count := func() uint64 {
		info, err := s.now.Load().server.Jsz(&server.JSzOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return info.API.Total
	}
	was := count()
	if _, err := conn.Request("$JS.API.INFO", nil, within); err != nil {
		t.Fatal(err)
	}
	return count() - was
}
