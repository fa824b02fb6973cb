package natsd

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// TestCrowd: one network has so many strangers; who logs in is none, and who has gone is counted
// out, once. Who comes from this machine is never one.
func TestCrowd(t *testing.T) {
	c := newCrowd(nil, 3)
	enter := func(from string, in bool) *guest {
		t.Helper()
		g := c.enter(new(net.TCPConn), from)
		if (g != nil) != in {
			t.Fatalf("%s: let in: %v", from, g != nil)
		}
		return g
	}
	first := enter("192.0.2.1:1", true)
	enter("192.0.2.2:1", true)
	enter("[::ffff:192.0.2.3]:1", true)
	enter("192.0.2.4:1", false)
	enter("198.51.100.1:1", true)
	enter("[2001:db8:0:1::1]:1", true)
	enter("[2001:db8:0:2::1]:1", true)
	enter("[2001:db8:0:3::1%eth0]:1", true)
	enter("[2001:db8:0:4::1]:1", false)
	for range 10 {
		enter("127.0.0.1:1", true)
		enter("[::1]:1", true)
	}
	c.known("192.0.2.1:1", nil)
	c.known("192.0.2.9:1", nil) // nobody
	second := enter("192.0.2.4:1", true)
	enter("192.0.2.5:1", false)
	_ = first.Close() // it was never open
	enter("192.0.2.5:1", false)
	for range 3 {
		_ = second.Close()
	}
	enter("192.0.2.5:1", true)
	enter("192.0.2.6:1", false)
	for _, g := range c.byAddress {
		_ = g.Close()
	}
	if len(c.byAddress)+len(c.byNetwork) != 0 {
		t.Errorf("left: %v %v", c.byAddress, c.byNetwork)
	}
	if most := newCrowd(nil, 0).strangers; most != strangersDefault {
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

// TestStrangers: the server hangs up on strangers who are too many, and lets members in who came in
// time, and others once strangers have gone.
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
	var strangers []net.Conn
	greeted := func() bool {
		t.Helper()
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil {
			_ = conn.Close()
			return false
		}
		strangers = append(strangers, conn)
		return strings.HasPrefix(line, "INFO ")
	}
	// The server hangs up on them after two seconds, so that there may be room again.
	for greeted() {
	}
	if len(strangers) < 2 {
		t.Errorf("%d strangers were let in", len(strangers))
	}
	for _, conn := range strangers {
		_ = conn.Close()
	}
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		second, err := member()
		if err == nil {
			second.Close()
			break
		}
		if time.Since(began) > within {
			t.Fatal(err)
		}
	}
	if err := first.FlushTimeout(within); err != nil {
		t.Error(err)
	}
}
