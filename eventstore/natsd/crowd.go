package natsd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/nats-io/nats-server/v2/server"

	"cakupan/eventstore/natsd/stranger"
)

// strangersDefault is how many connections one network may have that have not logged in.
const strangersDefault = 128

// crowd is where the server takes connections of others. It hangs up on strangers that are too many
// of one network, first on who came first, whom the server would let wait for two seconds each, and
// reads what a member sends at his pace.
type crowd struct {
	net.Listener

	// mu guards what follows, and what of each guest is said to be its. The maps grow with who is
	// there, not with who was.
	mu        sync.Mutex
	strangers *stranger.Waiting[*guest]
	byAddress map[string]*guest // all, by where they come from
}

// newCrowd bounds strangers; 0 is the default.
func newCrowd(listener net.Listener, strangers int) *crowd {
	if strangers == 0 {
		strangers = strangersDefault
	}
	return &crowd{
		Listener: listener, strangers: stranger.NewWaiting[*guest](strangers),
		byAddress: map[string]*guest{},
	}
}

// Accept returns the next connection within the bounds. An error is the listener's.
func (c *crowd) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("connection is a %T", conn), conn.Close())
	}
	g, beyond := c.enter(tcp, conn.RemoteAddr().String())
	if beyond != nil {
		_ = beyond.Close() // there is nobody to tell
	}
	return g, nil
}

// enter counts a connection. beyond is the stranger of its network who must be hung up on for it.
func (c *crowd) enter(conn *net.TCPConn, from string) (g, beyond *guest) {
	g = &guest{
		TCPConn: conn, crowd: c, from: from, network: stranger.Network(from),
		gone: make(chan struct{}),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if g.network.IsValid() {
		g.place, beyond, _ = c.strangers.Enter(g.network, g)
	}
	c.byAddress[from] = g
	return g, beyond
}

// known says that who comes from an address has logged in, is a stranger no more, and has this
// pace. Who comes by another way is none of the crowd.
func (c *crowd) known(from string, p *pace) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g := c.byAddress[from]; g != nil {
		c.forget(g)
		g.pace.Store(p)
	}
}

// forget takes a guest from the strangers. The caller holds mu.
func (c *crowd) forget(g *guest) {
	if !g.network.IsValid() {
		return
	}
	c.strangers.Leave(g.place)
	g.network = netip.Prefix{}
}

// guest is one connection. By the connection that it has within, several pieces are still written
// at once.
type guest struct {
	*net.TCPConn
	crowd   *crowd
	from    string
	network netip.Prefix // that counts it as a stranger; invalid when none does
	place   stranger.Place
	gone    chan struct{} // closed when it has ended

	pace atomic.Pointer[pace] // nil: nobody has logged in, or he has all

	// Of Read alone, which is called by one goroutine.
	read int       // bytes of the last piece
	came time.Time // when that had come
}

// Read reads the next piece of what a member sends, after the rest that he owes for the last one:
// whoever reads comes again when he is through with that.
func (g *guest) Read(b []byte) (int, error) {
	p := g.pace.Load()
	if p == nil {
		return g.TCPConn.Read(b)
	}
	if g.read > 0 {
		if g.read >= pieceMax/4 {
			runtime.Gosched() // how long that takes is part of what it costs others
		}
		now := p.all.now()
		if rest := p.charge(now.Sub(g.came), g.read, now); rest > 0 {
			g.rest(rest)
		}
	}
	n, err := g.TCPConn.Read(b[:min(len(b), pieceMax)])
	g.read, g.came = n, p.all.now()
	return n, err
}

// rest waits, or until the connection has ended.
func (g *guest) rest(long time.Duration) {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-g.gone:
	}
}

// Close ends the connection and counts it out, once.
func (g *guest) Close() error {
	c := g.crowd
	c.mu.Lock()
	if c.byAddress[g.from] == g {
		delete(c.byAddress, g.from)
		c.forget(g)
		close(g.gone)
	}
	c.mu.Unlock()
	return g.TCPConn.Close()
}

// listenFor opens the address where others connect, and has the server take them there. The server
// has no setting for a listener of somebody else's; but it takes one that it has already, and that
// is a field of it. A test tells when another version has none.
func (a *access) listenFor(s *server.Server, address string, strangers int) error {
	field := reflect.ValueOf(s).Elem().FieldByName("listener")
	if !field.IsValid() || field.Type() != reflect.TypeFor[net.Listener]() {
		return errors.New("listen for nats: this version of the server has no listener to be set")
	}
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for nats: %w", err)
	}
	a.crowd = newCrowd(listener, strangers)
	own := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
	own.Set(reflect.ValueOf(a.crowd))
	return nil
}
