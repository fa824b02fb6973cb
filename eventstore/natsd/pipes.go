package natsd

import (
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// pipes makes the connections through memory, and can hold all of them still: while the streams are
// opened again, the server puts its queues for requests to JetStream in new places without a lock,
// and a request that came then could look for them half way.
type pipes struct {
	server *server.Server
	still  sync.RWMutex // held to read by who writes, and to write by who holds them still

	mu    sync.Mutex
	conns map[*pipe]struct{} // those that are open
}

// passMax is how long a connection may take to pass on what was written before it is held.
const passMax = 5 * time.Second

// pipe is the client's end of one connection.
type pipe struct {
	net.Conn
	of *pipes
}

// InProcessConn implements nats.InProcessConnProvider.
func (p *pipes) InProcessConn() (net.Conn, error) {
	conn, err := p.server.InProcessConn()
	if err != nil {
		return nil, fmt.Errorf("connect through memory: %w", err)
	}
	c := &pipe{Conn: conn, of: p}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == nil {
		p.conns = make(map[*pipe]struct{})
	}
	p.conns[c] = struct{}{}
	return c, nil
}

// hold lets nobody write any more and waits until the server has taken up what was written; who
// does not get it there in passMax is cut off, and connects again. The caller calls release.
func (p *pipes) hold() (release func()) {
	p.still.Lock()
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		cut := time.AfterFunc(passMax, func() { _ = c.Conn.Close() }) // its client is told by that
		// No bytes, but the write of a pipe ends only when the other end reads: then it is done
		// with all it has read before.
		_, _ = c.Conn.Write(nil) // who is closed writes no more
		cut.Stop()
	}
	return p.still.Unlock
}

func (c *pipe) Write(b []byte) (int, error) {
	c.of.still.RLock()
	defer c.of.still.RUnlock()
	return c.Conn.Write(b)
}

func (c *pipe) Close() error {
	c.of.mu.Lock()
	delete(c.of.conns, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
