package natsd

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// heard is what a log has said, which is written and read at the same time.
type heard struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.said.Write(p)
}

func (h *heard) text() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.said.String()
}

// TestLogOfOthers has others do what is wrong, of which the server says that it is an error: to the
// operator of the ledger it is none.
func TestLogOfOthers(t *testing.T) {
	var out heard
	s, _ := start(t, Options{
		StoreDir: t.TempDir(), Address: "127.0.0.1:0", WebSocket: "127.0.0.1:0",
		Log: slog.New(slog.NewTextHandler(&out, nil)),
		Authenticate: func(name, _, _ string) (Client, error) {
			if name != "board" {
				return Client{}, errors.New("no")
			}
			return Client{Name: name, Role: RoleViewer}, nil
		},
	})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	if _, err := nats.Connect(s.URL(), nats.UserInfo("nobody", "x")); err == nil {
		t.Error("anybody may connect")
	}
	told := make(chan error, 10)
	board, err := nats.Connect(s.URL(), nats.UserInfo("board", "x"),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { told <- err }))
	if err != nil {
		t.Fatal(err)
	}
	defer board.Close()
	if _, err := board.SubscribeSync("cakupan.log"); err != nil {
		t.Fatal(err)
	}
	if err := board.Publish("cakupan.log", nil); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		select {
		case err := <-told:
			if !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("is told %v", err)
			}
		case <-time.After(within):
			t.Fatal("is not told what he may not do")
		}
	}
	for _, address := range []string{s.URL(), s.WebSocketURL()} {
		_, address, _ = strings.Cut(address, "://")
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		// The server hangs up once it has said what it thinks of that.
		if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Error(err)
		}
		_ = conn.Close()
	}
	if err := s.Shutdown(); err != nil { // whatever was to be said has been
		t.Error(err)
	}
	text := out.text()
	for _, want := range []string{
		"Subscription Violation", "Publish Violation", "websocket handshake error",
		"authentication error",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing is said of %s: %s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "level=INFO") {
			t.Errorf("said %s", line)
		}
	}
}

// TestLogOfOwn: what goes wrong in a connection of the ledger's own, or in the server, stays an
// error, also where somebody has chosen a name that looks like an address.
func TestLogOfOwn(t *testing.T) {
	for line, level := range map[string]slog.Level{
		"pipe - cid:3 - Publish Violation":                        slog.LevelError,
		"cid:3 - Publish Violation":                               slog.LevelError,
		"JetStream stream 'a:1 - cid:2 - x' critical write error": slog.LevelError,
		"127.0.0.1:5 - rid:7 - Route Error":                       slog.LevelError,
		"127.0.0.1:5 - cid:7 - Publish Violation":                 slog.LevelInfo,
		"[::1]:5 - wid:7 - Publish Violation":                     slog.LevelInfo,
		"websocket: TLS handshake error from 127.0.0.1:5: tls: x": slog.LevelInfo,
		"websocket: http: Accept error: too many open files":      slog.LevelError,
		"Websocket not configured with TLS. DO NOT":               slog.LevelDebug,
	} {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		serverLog{log: log, failed: func(string) {}}.Errorf("%s", line)
		if !strings.Contains(out.String(), "level="+level.String()+" ") {
			t.Errorf("%s: said %s", line, out.String())
		}
	}
}
