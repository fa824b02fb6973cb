package httpapi

import (
	"net"
	"net/url"
	"os"
	"testing"
)

// TestElsewhere has a server on all interfaces be known to others by the name of its machine, where
// its own machine calls it localhost.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	machine, err := os.Hostname()
	if err != nil {
		t.Skip("the machine has no name:", err)
	}
	for address, want := range map[string][2]string{
		":0":          {"localhost", machine},
		"127.0.0.1:0": {"127.0.0.1", "127.0.0.1"},
	} {
		server, err := Listen(t.Context(), address, New(newMemory(t), Config{}))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := server.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		_, port, _ := net.SplitHostPort(server.Address())
		for i, got := range []string{server.URL(), server.Elsewhere()} {
			if u := (url.URL{Scheme: "http", Host: net.JoinHostPort(want[i], port)}); got != u.String() {
				t.Errorf("%s: got %s, want %s", address, got, u.String())
			}
		}
	}
}
