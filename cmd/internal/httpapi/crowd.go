package httpapi

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"

	"cakupan/eventstore/natsd/stranger"
)

// The bounds of connections, for [Limits]. Each takes a descriptor and some memory, whether or not
// anything is asked on it, and a log without descriptors cannot be written.
const (
	connsDefault = 4_096
	// strangersDefault is of one network of whoever has not logged in.
	strangersDefault = 128
	// memberPart is of all connections what one member may have.
	memberPart = 4
	// connsReserved are kept for this machine itself, so that its operator is always answered.
	connsReserved = 32
)

// crowd is a listener that takes no more connections than the bounds: it hangs up on what is beyond
// them, of a network's strangers on the one that came first. To let those wait instead would have
// all others wait behind them. The bounds are set by
// newCrowd. They say nothing of who asks well: a connection that asks nothing is ended by
// Limits.Header and Limits.Idle.
type crowd struct {
	net.Listener
	conns int

	// mu guards the three below and what of each guest is said to be its. A count of 0 is not kept:
	// the maps grow with who is there, not with who was.
	mu        sync.Mutex
	open      int
	strangers *stranger.Waiting[*guest]
	byMember  map[string]int
}

// newCrowd bounds the connections of a listener by those limits that speak of connections.
func newCrowd(listener net.Listener, limits Limits) *crowd {
	return &crowd{
		Listener: listener, conns: limits.Conns,
		strangers: stranger.NewWaiting[*guest](limits.Strangers), byMember: map[string]int{},
	}
}

// Accept returns the next connection within the bounds. One beyond them costs no more than being
// taken and closed. An error is the listener's, and ends the server's taking of connections unless
// it passes by itself.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		guest, beyond := c.enter(conn)
		if beyond != nil {
			_ = beyond.Conn.Close()
		}
		if guest != nil {
			return guest, nil
		}
		_ = conn.Close() // there is nobody to tell
	}
}

// enter counts a connection, or returns nil when there are too many. beyond is the stranger of its
// network who must go for it: he is counted out, and is to be hung up on. Who comes from this
// machine is no stranger, and alone may have the last connections: the operator, and a proxy in
// front of the server, whose clients cannot be told apart by address. An address that cannot be
// read is treated so too: it is none of TCP.
func (c *crowd) enter(conn net.Conn) (g, beyond *guest) {
	g = &guest{
		Conn: conn, crowd: c, network: stranger.Network(conn.RemoteAddr().String()),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	most := c.conns
	if g.network.IsValid() {
		// Of a small bound half is kept, so that both sides have something.
		most -= min(connsReserved, most/2)
	}
	if c.open >= most {
		return nil, nil
	}
	c.open++
	if g.network.IsValid() {
		var full bool
		if g.place, beyond, full = c.strangers.Enter(g.network, g); full {
			beyond.leave()
		}
	}
	return g, beyond
}

// guest is one connection. What is below mu of the crowd belongs to that. It is counted once, from
// enter to Close, as a stranger or as a member's.
type guest struct {
	net.Conn
	crowd   *crowd
	network netip.Prefix // that counts it as a stranger; invalid when none does
	place   stranger.Place
	member  string // who has logged in last; empty: nobody has
	left    bool
}

// known says that who is there has logged in, and is a stranger no more. It returns false when he
// has all the connections that he may have: this one is to be closed. A connection has one member
// at a time; another who logs in on it, as behind a proxy, takes the first one's place, and the
// count goes with him. What has left is not counted any more, so the answer does not matter.
func (g *guest) known(member string) bool {
	g.crowd.mu.Lock()
	defer g.crowd.mu.Unlock()
	if g.left || g.member == member {
		return true
	}
	if g.crowd.byMember[member] >= max(g.crowd.conns/memberPart, 1) {
		return false
	}
	g.forget()
	g.member = member
	g.crowd.byMember[member]++
	return true
}

// forget takes the guest from the strangers, or from its member. The caller holds mu.
func (g *guest) forget() {
	if g.member != "" {
		if g.crowd.byMember[g.member]--; g.crowd.byMember[g.member] == 0 {
			delete(g.crowd.byMember, g.member)
		}
		g.member = ""
	}
	if !g.network.IsValid() {
		return
	}
	g.crowd.strangers.Leave(g.place)
	g.network = netip.Prefix{}
}

// leave counts the guest out, once. The caller holds mu.
func (g *guest) leave() {
	if !g.left {
		g.left = true
		g.crowd.open--
		g.forget()
	}
}

// Close ends the connection and counts it out. The library may call it more than once, and only the
// first counts. The lock is not held over the closing itself, which may wait.
func (g *guest) Close() error {
	g.crowd.mu.Lock()
	g.leave()
	g.crowd.mu.Unlock()
	return g.Conn.Close()
}

// guestKey is the key of a request's connection in its context.
type guestKey struct{}

// withGuest puts a connection into the context of its requests. Below TLS it is the guest itself:
// that one is counted.
func withGuest(ctx context.Context, conn net.Conn) context.Context {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	return context.WithValue(ctx, guestKey{}, conn)
}

// noteKnown notes that who sends requests on a connection has logged in, and tells whether he may
// have one more. Where there is no connection, as in process, there is nothing to bound.
func noteKnown(ctx context.Context, member string) bool {
	g, ok := ctx.Value(guestKey{}).(*guest)
	return !ok || g.known(member)
}
