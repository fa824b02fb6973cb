package natsd

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// TestCrowd: one network has so many strangers; who logs in is none, and who has gone is counted
// out, once. Who comes from this machine is never one.
func TestCrowd(t *testing.T) {
	c := newCrowd(nil, 3)
	enter := func(from string, mustGo *guest) *guest {
		t.Helper()
		g, beyond := c.enter(new(net.TCPConn), from)
		if beyond != mustGo {
			t.Fatalf("%s: for it goes %v", from, beyond)
		}
		return g
	}
	first := enter("192.0.2.1:1", nil)
	second := enter("192.0.2.2:1", nil)
	third := enter("[::ffff:192.0.2.3]:1", nil)
	enter("198.51.100.1:1", nil)
	six := enter("[2001:db8:0:1::1]:1", nil)
	enter("[2001:db8:0:2::1]:1", nil)
	enter("[2001:db8:0:3::1%eth0]:1", nil)
	enter("[2001:db8:0:4::1]:1", six)
	for range 10 {
		enter("127.0.0.1:1", nil)
		enter("[::1]:1", nil)
	}
	c.known("192.0.2.1:1", nil)
	c.known("192.0.2.9:1", nil) // nobody
	fourth := enter("192.0.2.4:1", nil)
	enter("192.0.2.5:1", second) // the first one has logged in
	_ = first.Close()            // it was never open
	enter("192.0.2.6:1", third)
	for range 3 { // is counted out once
		_ = second.Close()
		_ = fourth.Close()
	}
	enter("192.0.2.7:1", nil)
	for _, g := range c.byAddress {
		_ = g.Close()
	}
	if len(c.byAddress)+c.strangers.Networks() != 0 {
		t.Errorf("left: %v %d", c.byAddress, c.strangers.Networks())
	}
	if most := newCrowd(nil, 0).strangers.Most(); most != strangersDefault {
		t.Errorf("by default %d", most)
	}
}

// outside returns an address by which this machine comes to itself as a stranger would.
func outside(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		network, ok := address.(*net.IPNet)
		if ok && network.IP.IsGlobalUnicast() && network.IP.To4() != nil {
			return network.IP.String()
		}
	}
	t.Skip("this machine has no network")
	return ""
}

// TestStrangers: the server hangs up on the first of strangers who are too many, so that they keep
// nobody out, and on no member.
func TestStrangers(t *testing.T) {
	host := outside(t)
	s, _ := start(t, Options{
		StoreDir: t.TempDir(), Address: host + ":0", Strangers: 2,
		Authenticate: (&members{role: map[string]Role{"bone": RolePublisher}}).authenticate,
	})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(s.URL(), "nats://")
	member := func() (*nats.Conn, error) {
		return nats.Connect(s.URL(), nats.UserInfo("bone", backwards("bone")), nats.Timeout(within))
	}
	first, err := member()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	var strangers []*bufio.Reader
	for range 5 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		from := bufio.NewReader(conn)
		if line, err := from.ReadString('\n'); err != nil || !strings.HasPrefix(line, "INFO ") {
			t.Errorf("a stranger is told %q, %v", line, err)
		}
		strangers = append(strangers, from)
	}
	// They keep no member out.
	second, err := member()
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
	for i, from := range strangers {
		if text, err := io.ReadAll(from); len(text) > 0 && i < len(strangers)-2 {
			t.Errorf("stranger %d, who must have gone for others, is told %q, %v", i, text, err)
		}
	}
	if err := first.FlushTimeout(within); err != nil {
		t.Error(err)
	}
}
