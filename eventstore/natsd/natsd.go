// Package natsd runs a NATS server with JetStream inside this process. It is the only package
// that knows the server; everybody else sees a connection.
//
// The server is made for one purpose, to keep the log. Every append is flushed to stable storage
// before it is acknowledged (SyncAlways). Signals are left to the program. No connection, not even
// the program's own, may delete or reconfigure a stream.
//
// The program's own connections go through memory; a port is opened only on demand, for
// publishers and auditors: see access.go for what they may do. Through memory, large frames are
// read faster than over the loopback interface, and small messages slower (docs/performance.md).
package natsd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"cakupan/eventstore"
	"cakupan/eventstore/durable"
)

const (
	// MaxPayloadBytes is the largest message the server takes. A frame is at most 1 MiB; the
	// rest is room for what else may pass through one day.
	MaxPayloadBytes = 4 << 20

	// readyMax bounds how long the server may take to accept connections. It accepts them only
	// after JetStream has recovered; a log that was not shut down cleanly is read once then, at
	// hundreds of megabytes a second.
	readyMax = 30 * time.Minute

	// tlsHandshakeSeconds is how long a client may take to agree on encryption.
	tlsHandshakeSeconds = 5

	// connsMax bounds the connections, those that have not logged in too: each takes a descriptor,
	// and a log without descriptors cannot be written.
	connsMax = 1_024

	// reconnectWait is short because the server is in this process.
	reconnectWait = 50 * time.Millisecond

	serverName = "cakupan"

	// lockName is the file in StoreDir that the running server holds a lock on.
	lockName = "cakupan.lock"
)

// ErrInUse is returned by Start when another server runs on the folder.
var ErrInUse = errors.New("folder is in use by another process")

// Options of a server.
type Options struct {
	// StoreDir is the folder of JetStream's files. It is created with mode 0700.
	StoreDir string
	// MaxStoreBytes bounds what all streams may store together. 0: no bound but the disk (see
	// FreeSpace).
	MaxStoreBytes int64
	// Log gets the server's warnings and errors at their level, its notices at debug level.
	// Optional.
	Log *slog.Logger

	// Address, such as "127.0.0.1:4222", is where others than this program connect once Listen is
	// called. Empty: nowhere. Port 0 is any free one: see URL.
	Address string
	// WebSocket is the same for those who connect by WebSocket, as programs in browsers must.
	WebSocket string
	// TLS makes those connections encrypted. Optional.
	TLS *tls.Config
	// Consumers bounds the consumers of the log that one login may have. 0: 8.
	Consumers int
	// Authenticate tells who somebody is who connects there, by the name and the secret that were
	// sent, both empty when none were; an error refuses the connection. It must be given with an
	// address, and may be called at the same time from several goroutines. It is not called before
	// Listen.
	Authenticate func(name, secret, remote string) (Client, error)
}

// Server is a running NATS server. The fields are set by Start and not changed. lock is held from
// before the server looks at the folder until after it has closed its files.
type Server struct {
	server   *server.Server
	pipes    *pipes
	access   *access
	lock     *os.File
	storeDir string
	log      *slog.Logger

	addressed string      // opts.Address
	consumers int         // opts.Consumers
	gaveUp    chan string // gets the reason when the server gives up

	broken   *broken
	config   server.JetStreamConfig // as the server made it of its options
	stopping chan struct{}          // closed by Shutdown
	stopped  sync.Once
	mended   chan struct{} // closed when mend has ended
}

// Start starts a server on the folder and returns once it takes connections. The error wraps
// ErrInUse when the folder has a server already, and fs.ErrPermission when this process may not
// read and write all of it. It is a *MetadataError when a stream would be passed over.
func Start(opts Options) (*Server, error) {
	if opts.StoreDir == "" {
		return nil, errors.New("start nats server: no folder for its files")
	}
	if (opts.Address != "" || opts.WebSocket != "") && opts.Authenticate == nil {
		return nil, errors.New("start nats server: nobody to tell who connects")
	}
	if err := durable.MakeFolder(opts.StoreDir, 0o700); err != nil {
		return nil, fmt.Errorf("create folder of nats server: %w", err)
	}
	lock, err := lockFile(filepath.Join(opts.StoreDir, lockName))
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", opts.StoreDir, err)
	}
	s := &Server{
		lock: lock, storeDir: opts.StoreDir, log: opts.Log, broken: newBroken(),
		addressed: opts.Address, consumers: opts.Consumers,
		stopping: make(chan struct{}), mended: make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	err = checkRights(opts.StoreDir)
	if err == nil {
		err = removeHalfMade(opts.StoreDir)
	}
	if err == nil {
		err = mendMetadata(opts.StoreDir, s.log)
	}
	if err == nil {
		err = s.start(opts)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start nats server: %w", err), unlockFile(lock))
	}
	s.config = *s.server.JetStreamConfig()
	s.config.StoreDir = opts.StoreDir // the server adds a folder to it
	go s.mend()
	return s, nil
}

// start makes the server of the options, and leaves none behind when it fails.
func (s *Server) start(opts Options) error {
	s.access = newAccess(opts.Authenticate)
	settings, err := serverOptions(opts, s.access)
	if err != nil {
		return err
	}
	configured, err := server.NewServer(settings)
	if err != nil {
		return err
	}
	s.server, s.access.server = configured, configured
	s.pipes = &pipes{server: configured}
	s.gaveUp = make(chan string, 1)
	s.server.SetLoggerV2(serverLog{s.log, s.gaveUp, s.broken.note}, false, false, false)
	s.server.Start()
	select {
	case why := <-s.gaveUp: // it would never become ready
		s.stop()
		return fmt.Errorf("server gave up: %s", why)
	default:
	}
	if !s.server.ReadyForConnections(readyMax) || !s.server.JetStreamEnabled() {
		s.stop()
		return errors.New("server did not become ready: its log says why")
	}
	err = s.access.open(s.server)
	if err == nil && opts.Authenticate != nil {
		err = errors.Join(s.openGate(), s.openViewing())
	}
	if err != nil {
		s.stop()
	}
	return err
}

// Listen lets others connect at the addresses of the options, from now until Shutdown. Call it
// once, when there is somebody to take what they send.
func (s *Server) Listen() error {
	close(s.access.opened)
	if s.addressed == "" {
		return nil
	}
	s.server.AcceptLoop(make(chan struct{})) // returns when it listens; the channel says the same
	select {
	case why := <-s.gaveUp:
		return fmt.Errorf("listen for nats: %s", why)
	default:
		return nil
	}
}

// URL returns where the server listens, as clients write it; empty when it does not.
func (s *Server) URL() string {
	if s.server.Addr() == nil {
		return ""
	}
	return s.server.ClientURL()
}

// WebSocketURL returns where the server takes WebSockets; empty when it does not.
func (s *Server) WebSocketURL() string { return s.server.WebsocketURL() }

// openGate begins to make consumers for auditors, over a connection of its own: a slow answer there
// holds up no append.
func (s *Server) openGate() error {
	conn, err := s.Connect()
	if err != nil {
		return err
	}
	gate, err := openGate(conn, s.consumers)
	if err != nil {
		conn.Close()
		return err
	}
	s.access.mu.Lock()
	s.access.gate = gate
	s.access.mu.Unlock()
	return nil
}

// openViewing is the same for those who watch the coverage: they hold up no auditor.
func (s *Server) openViewing() error {
	conn, err := s.Connect()
	if err != nil {
		return err
	}
	viewing, err := openViewing(conn)
	if err != nil {
		conn.Close()
		return err
	}
	s.access.mu.Lock()
	s.access.viewing = viewing
	s.access.mu.Unlock()
	return nil
}

// serverOptions returns the settings of the server. What is not there is off: no monitoring port,
// no cluster, no configuration file, no signals.
func serverOptions(opts Options, access *access) (*server.Options, error) {
	maxStore := opts.MaxStoreBytes
	if maxStore == 0 {
		// Not left to the server: it would take three quarters of what is free at this start
		// and keep to that for as long as it runs.
		maxStore = math.MaxInt64 / 2
	}
	settings := &server.Options{
		ServerName:        serverName,
		DontListen:        true, // until Listen
		NoSystemAccount:   true,
		JetStreamMaxStore: maxStore,

		CustomClientAuthentication: access,
	}
	keep(settings, opts.StoreDir)
	settings.MaxConn = connsMax
	if opts.Address != "" {
		host, port, err := hostPort(opts.Address)
		if err != nil {
			return nil, err
		}
		settings.Host, settings.Port = host, port
		if opts.TLS != nil {
			settings.TLSConfig, settings.TLSTimeout = opts.TLS, tlsHandshakeSeconds
		}
	}
	if opts.WebSocket != "" {
		host, port, err := hostPort(opts.WebSocket)
		if err != nil {
			return nil, err
		}
		settings.Websocket = server.WebsocketOpts{
			Host: host, Port: port, TLSConfig: opts.TLS, NoTLS: opts.TLS == nil,
			HandshakeTimeout: tlsHandshakeSeconds * time.Second,
		}
	}
	return settings, nil
}

// Connect opens the ledger's own connection: all but what could shorten or change a stream. The
// caller closes it.
func (s *Server) Connect() (*nats.Conn, error) { return s.connect(userLedger) }

// ConnectFront opens a connection to where messages of publishers arrive and receipts leave. No
// stream can be reached from there. The caller closes it.
func (s *Server) ConnectFront() (*nats.Conn, error) { return s.connect(userFront) }

// ConnectStore opens a connection that keeps messages for the log: what arrived and what was
// refused. It may remove single messages, of the latter only. The caller closes it.
func (s *Server) ConnectStore() (*nats.Conn, error) { return s.connect(userStore) }

// ConnectVault opens a connection to the vault's stream and no other. It may remove single
// messages. The caller closes it.
func (s *Server) ConnectVault() (*nats.Conn, error) { return s.connect(userVault) }

// ConnectView opens a connection to the stream of the coverage's bucket and no other. The caller
// closes it.
func (s *Server) ConnectView() (*nats.Conn, error) { return s.connect(userView) }

// connect opens a connection through memory. It comes back by itself for as long as the server
// runs.
func (s *Server) connect(user string) (*nats.Conn, error) {
	conn, err := nats.Connect("",
		nats.InProcessServer(s.pipes),
		nats.Name(serverName),
		nats.UserInfo(user, s.access.secret),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		// A publish that waited in a buffer while there was no connection would be stored long
		// after its writer gave up: refuse it instead.
		nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			s.log.Warn("nats connection", slog.Any("error", err))
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded nats server: %w", err)
	}
	return conn, nil
}

// Messages returns the numbers of the first and the last message of one of the ledger's streams,
// and when the last was stored.
func (s *Server) Messages(stream string) (first, last uint64, lastAt time.Time, err error) {
	detail, err := s.server.JszAccount(&server.JSzOptions{
		Account: s.server.GlobalAccount().Name, Streams: true,
	})
	if err != nil {
		// It has no streams while they are opened again.
		return 0, 0, lastAt, fmt.Errorf("%w: ask the embedded nats server: %w",
			eventstore.ErrClosed, err)
	}
	for i := range detail.Streams {
		if of := &detail.Streams[i]; of.Name == stream {
			return of.State.FirstSeq, of.State.LastSeq, of.State.LastTime, nil
		}
	}
	return 0, 0, lastAt, fmt.Errorf("%w: the embedded nats server has no stream %s",
		eventstore.ErrClosed, stream)
}

// FreeSpace returns how many bytes the server's file system has left for it. The error wraps
// eventstore.ErrNotWritable when they are of no use: see Check.
func (s *Server) FreeSpace() (uint64, error) {
	if err := s.Check(); err != nil {
		return 0, err
	}
	return FreeSpace(s.storeDir)
}

// Shutdown stops the server and waits until all its files are closed and the folder is free.
// Close the connections first, or they keep trying to come back.
func (s *Server) Shutdown() error {
	s.stopped.Do(func() { close(s.stopping) })
	<-s.mended
	s.stop()
	if err := unlockFile(s.lock); err != nil {
		return fmt.Errorf("unlock %s: %w", s.storeDir, err)
	}
	return nil
}

// stop is Shutdown without the lock. It may be called when the server never became ready.
func (s *Server) stop() {
	s.access.close()
	s.server.Shutdown()
	s.server.WaitForShutdown()
}
