package natsd

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// running is the server of the moment with what belongs to it alone. After a write that failed
// another one takes its place on the same folder: see mend.go. It is not used again once it has
// stopped.
type running struct {
	server *server.Server
	access *access
	gaveUp chan string // gets the reason when the server gives up
	failed atomic.Bool // a write has failed in it
}

// run makes a server of the options, and leaves none behind when it fails. Nobody but this program
// gets in until the accounts are there and it listens. Its log lines are where failures show, so
// they are listened to before it starts.
func (s *Server) run() (*running, error) {
	r := &running{
		access: newAccess(s.opts.Authenticate, s.secret), gaveUp: make(chan string, 1),
	}
	r.access.paces = newPaces(s.opts.Processors, s.opts.Now)
	settings, err := serverOptions(s.opts, r.access)
	if err != nil {
		return nil, err
	}
	if r.server, err = server.NewServer(settings); err != nil {
		return nil, err
	}
	r.access.server = r.server
	r.server.SetLoggerV2(serverLog{s.log, r.gaveUp, func(line string) {
		if failedWrite.MatchString(line) {
			r.failed.Store(true)
			s.broken.fail(line)
		}
	}}, false, false, false)
	r.server.Start()
	if err := r.ready(); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

// ready returns once the server takes connections and has its accounts.
func (r *running) ready() error {
	select {
	case why := <-r.gaveUp: // it would never become ready
		return fmt.Errorf("server gave up: %s", why)
	default:
	}
	if !r.server.ReadyForConnections(readyMax) || !r.server.JetStreamEnabled() {
		return errors.New("server did not become ready: its log says why")
	}
	return r.access.open(r.server)
}

// listen lets others connect. Called once. An empty address: none for others than WebSockets.
func (r *running) listen(opts *Options) error {
	if opts.WebSocket != "" {
		err := r.access.listenForSockets(r.server, opts, func(err error) {
			select {
			case r.gaveUp <- fmt.Sprintf("websockets: %v", err):
			default: // it has given up already
			}
		})
		if err != nil {
			return err
		}
	}
	if opts.Address == "" {
		close(r.access.opened)
		return nil
	}
	if err := r.access.listenFor(r.server, opts.Address, opts.Strangers); err != nil {
		return err
	}
	close(r.access.opened)                   // after there is a crowd
	r.server.AcceptLoop(make(chan struct{})) // returns when it listens; the channel says the same
	select {
	case why := <-r.gaveUp:
		return fmt.Errorf("listen for nats: %s", why)
	default:
		return nil
	}
}

// stop ends the server and returns when its files are closed. It may be called again.
func (r *running) stop() {
	r.server.Shutdown()
	r.server.WaitForShutdown()
}

// GaveUp gets the reason when the server cannot go on, and only another process can. One reason is
// told at most.
func (s *Server) GaveUp() <-chan string { return s.gaveUp }

// InProcessConn implements nats.InProcessConnProvider: it opens the server's end of a connection
// through memory. While one server takes the place of another it waits.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.change.RLock()
	defer s.change.RUnlock()
	conn, err := s.now.Load().server.InProcessConn()
	if err != nil {
		return nil, fmt.Errorf("connect through memory: %w", err)
	}
	return conn, nil
}

// connectMax bounds the first words of a connection, and for how long it is tried again while one
// server takes the place of another. The machine may be busy, and the other end is this process.
const connectMax = 10 * time.Second

// dial opens it once.
func (s *Server) dial(user string) (*nats.Conn, error) {
	return nats.Connect("",
		nats.InProcessServer(s),
		nats.Name(serverName),
		nats.UserInfo(user, s.secret),
		nats.Timeout(connectMax),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait/10, reconnectWait/10),
		// A publish that waited in a buffer while there was no connection would be stored long
		// after its writer gave up: refuse it instead.
		nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			s.log.Warn("nats connection", slog.Any("error", err))
		}),
	)
}

// connect opens a connection through memory. It comes back by itself for as long as the server
// runs, and whenever another one has taken its place. user is one of the program's own. While it is
// away, requests fail at once instead of waiting.
func (s *Server) connect(user string) (*nats.Conn, error) {
	limit, pause := time.NewTimer(connectMax), time.NewTicker(reconnectWait)
	defer limit.Stop()
	defer pause.Stop()
	was := s.now.Load()
	conn, err := s.dial(user)
	// Who came while the server was replaced was cut off before it had answered.
	for ended := false; err != nil && !ended && (s.Check() != nil || s.now.Load() != was); {
		select {
		case <-s.stopping:
			ended = true
		case <-limit.C:
			ended = true
		case <-pause.C:
			was = s.now.Load()
			conn, err = s.dial(user)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded nats server: %w", err)
	}
	s.connsMu.Lock()
	defer s.connsMu.Unlock()
	open := s.conns[:0]
	for _, other := range s.conns {
		if !other.IsClosed() {
			open = append(open, other)
		}
	}
	s.conns = append(open, conn)
	return conn, nil
}

// backMax is how long the program's own connections are waited for.
const backMax = 5 * time.Second

// awaitOwn waits until the program's own connections are back: who is told that all is well again
// can send at once. It gives up after backMax, as one of them may be closed by its owner just now.
func (s *Server) awaitOwn() {
	s.connsMu.Lock()
	defer s.connsMu.Unlock()
	end := time.NewTimer(backMax)
	defer end.Stop()
	tick := time.NewTicker(reconnectWait / 10)
	defer tick.Stop()
	for _, conn := range s.conns {
		for !conn.IsConnected() && !conn.IsClosed() {
			select {
			case <-tick.C:
			case <-end.C:
				return // each comes back all the same
			case <-s.stopping:
				return
			}
		}
	}
}

// fixedPort returns an address with the port that a server has got for it, so that the next one
// gets the same. An address with a port of its own stays as it is.
func fixedPort(address, got string) string {
	host, port, err := net.SplitHostPort(address)
	_, gotPort, gotErr := net.SplitHostPort(got)
	if err != nil || gotErr != nil || port != "0" {
		return address
	}
	return net.JoinHostPort(host, gotPort)
}
