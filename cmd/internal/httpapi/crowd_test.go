package httpapi

import (
	"net"
	"net/http"
	"testing"
)

// from is a connection from an address.
type from struct {
	net.Conn
	address string
}

func (f from) RemoteAddr() net.Addr {
	address, err := net.ResolveTCPAddr("tcp", f.address)
	if err != nil {
		return nil
	}
	return address
}

func (f from) Close() error { return nil }

// TestCrowd lets connections in up to the bounds, and others again when those have gone.
func TestCrowd(t *testing.T) {
	c := newCrowd(nil, Limits{Conns: 10, Strangers: 3})
	enter := func(address string, in bool) *guest {
		t.Helper()
		g, beyond := c.enter(from{address: address})
		if (g != nil) != in || beyond != nil {
			t.Fatalf("%s: let in: %v, for %v, with %d open", address, g != nil, beyond, c.open)
		}
		return g
	}
	first := enter("192.0.2.1:1", true)
	second := enter("192.0.2.2:1", true)
	enter("[::ffff:192.0.2.3]:1", true)
	if !first.known("a") {
		t.Error("a member has no connection")
	}
	enter("192.0.2.4:1", true)
	// Of the same network: the stranger who came first must go for it, and is counted out once.
	if g, beyond := c.enter(from{address: "192.0.2.5:1"}); g == nil || beyond != second || c.open != 4 {
		t.Fatalf("%v for %v, with %d open", g, beyond, c.open)
	}
	if err := second.Close(); err != nil || c.open != 4 {
		t.Errorf("%v, %d open", err, c.open)
	}
	enter("[2001:db8::1]:1", true) // half of all, the others are for this machine
	enter("198.51.100.1:1", false)
	var own []*guest
	for range 5 {
		own = append(own, enter("127.0.0.1:1", true))
	}
	enter("[::1]:1", false)
	for range 2 { // is counted out once
		if err := own[0].Close(); err != nil {
			t.Fatal(err)
		}
	}
	enter("[::1]:1", true)
	enter("[::1]:1", false)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if n := c.strangers.Networks(); n != 2 {
		t.Errorf("%d networks", n)
	}
}

// TestIdleStrangers opens as many connections as there may be, and is still answered once those
// that said nothing have been hung up on.
func TestIdleStrangers(t *testing.T) {
	limits := hasty
	limits.Conns = 4
	server := serve(t, newMemory(t), Config{Limits: limits})
	for range 12 {
		dial(t, server)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		response, err := client.Get(server.URL() + "/healthz")
		if err == nil {
			_ = response.Body.Close()
			return
		}
	}
}
