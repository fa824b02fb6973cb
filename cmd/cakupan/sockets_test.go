package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestOpenSockets: of an open ledger, a browser on its machine may show pages of anywhere, and a
// proxy may pass on what anybody sends; neither gets a WebSocket. Where everybody logs in, any page
// may ask.
func TestOpenSockets(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	g := serveGuarded(t, dir, "--nats-websocket", "127.0.0.1:0")
	own := strings.Replace(g.webSocketURL(t), "ws:", "http:", 1)
	handshake := func(header, value string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, own, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for name, is := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
			"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", header: value,
		} {
			request.Header.Set(name, is)
		}
		if header == "Host" {
			request.Host = value
		}
		answer, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	strange := [][2]string{
		{"Origin", "https://strange.example"},
		{"Origin", "null"},
		{"Origin", "http://127.0.0.1.strange.example"},
		{"Host", "strange.example"},
		{"X-Forwarded-For", "203.0.113.7"},
	}
	for _, is := range strange {
		if got := handshake(is[0], is[1]); got != http.StatusForbidden {
			t.Errorf("%v while it is open: %d", is, got)
		}
	}
	for _, is := range [][2]string{{"User-Agent", "x"}, {"Origin", "http://localhost:8080"}, {"Origin", "http://[::1]:1"}} {
		if got := handshake(is[0], is[1]); got != http.StatusSwitchingProtocols {
			t.Errorf("%v while it is open: %d", is, got)
		}
	}
	addPublisher(t, dir, "dinas")
	for _, is := range strange {
		if got := handshake(is[0], is[1]); got != http.StatusSwitchingProtocols {
			t.Errorf("%v where everybody logs in: %d", is, got)
		}
	}
}
