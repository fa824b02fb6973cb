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
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
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
	// connsOfOne are of them what one member may have, so that he does not keep others out.
	connsOfOne = connsMax / 8

	// reconnectWait is short because the server is in this process.
	reconnectWait = 50 * time.Millisecond

	serverName = "cakupan"

	// lockName is the file in StoreDir that the running server holds a lock on.
	lockName = "cakupan.lock"
)

// ErrInUse is returned by Start when another server runs on the folder.
var ErrInUse = errors.New("folder is in use by another process")

// Options of a server. They are not changed once the server was started.
type Options struct {
	// StoreDir is the folder of JetStream's files. It is created with mode 0700.
	StoreDir string
	// MaxStoreBytes bounds what all streams may store together. 0: no bound but the disk (see
	// FreeSpace). What would go beyond it is refused, and nothing is deleted for it.
	MaxStoreBytes int64
	// Log gets the server's warnings and errors at their level, its notices at debug level.
	// Optional.
	Log *slog.Logger

	// Address, such as "127.0.0.1:4222", is where others than this program connect once Listen is
	// called. Empty: nowhere. Port 0 is any free one: see URL.
	Address string
	// WebSocket is the same for those who connect by WebSocket, as programs in browsers must.
	WebSocket string
	// Upgrade refuses a request that is to become a WebSocket, by an error that is shown to who
	// asks: a browser has any page ask anywhere. Optional; it may be called by many at once.
	Upgrade func(*UpgradeRequest) error
	// TLS makes those connections encrypted. Optional.
	TLS *tls.Config
	// Consumers bounds the consumers of the log that one login may have. 0: 8.
	Consumers int
	// Processors are those of which reading what others send may take a part. 0: as many as the
	// runtime uses.
	Processors int
	// Now is the clock by which what each member sends is read at a pace. Optional: without one it
	// is read as fast as it comes.
	Now func() time.Time
	// Strangers bounds the connections of one network that have not logged in. 0: 128. This machine
	// has no bound of its own.
	Strangers int
	// Authenticate tells who somebody is who connects there, by the name and the secret that were
	// sent, both empty when none were; an error refuses the connection. It must be given with an
	// address, and may be called at the same time from several goroutines. It is not called before
	// Listen.
	Authenticate func(name, secret, remote string) (Client, error)
}

// Server is a running NATS server. lock is held from before the server looks at the folder until
// after it has closed its files. All methods may be called from several goroutines, but Shutdown
// once.
type Server struct {
	lock     *os.File
	storeDir string
	realDir  string // absolute, without links, as it was when the server started
	log      *slog.Logger
	secret   string // of the program's own users
	// Never nil once Start has returned. Who loads it may get a server that is being replaced: its
	// answers are then errors.
	now atomic.Pointer[running]

	// change is held to write while one server takes the place of another, or begins to listen.
	change    sync.RWMutex
	opts      Options
	listening bool

	connsMu sync.Mutex // guards conns
	conns   []*nats.Conn

	gate    *gate // nil: nobody else may connect
	viewing *viewing

	broken   *broken
	stopping chan struct{} // closed by Shutdown
	stopped  sync.Once
	mended   chan struct{} // closed when mend has ended
	stopMax  time.Duration
	stuck    bool // the server does not stop; of mend, until that has ended
	gaveUp   chan string
}

// Start starts a server on the folder and returns once it takes connections. The error wraps
// ErrInUse when the folder has a server already, and fs.ErrPermission when this process may not
// read and write all of it. It is a *MetadataError when a stream would be passed over. It listens
// nowhere yet: see Listen. Before it takes anything, JetStream has read what a crash may have left
// half written; that may take minutes.
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
		lock: lock, storeDir: opts.StoreDir, log: opts.Log, opts: opts, broken: newBroken(),
		secret: newSecret(), stopping: make(chan struct{}), mended: make(chan struct{}),
		stopMax: stopMax, gaveUp: make(chan string, 1),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.realDir, err = realPath(opts.StoreDir); err != nil {
		return nil, errors.Join(fmt.Errorf("start nats server: %w", err), unlockFile(lock))
	}
	if err := s.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start nats server: %w", err), unlockFile(lock))
	}
	go s.mend()
	return s, nil
}

// start starts the first server, and leaves none behind when it fails.
func (s *Server) start() error {
	if err := s.prepare(); err != nil {
		return err
	}
	r, err := s.run()
	if err != nil {
		return err
	}
	s.now.Store(r)
	s.fixPorts()
	if s.opts.Authenticate != nil {
		err = errors.Join(s.openGate(), s.openViewing())
	}
	if err != nil {
		s.stop()
	}
	return err
}

// prepare makes the folder one that the server can open without passing over anything. It is done
// before each server on the folder, also one that takes another's place.
func (s *Server) prepare() error {
	err := checkRights(s.storeDir)
	if err == nil {
		err = removeHalfMade(s.storeDir)
	}
	if err == nil {
		err = mendMetadata(s.storeDir, s.log)
	}
	if err == nil {
		err = overwriteReplaced(s.storeDir)
	}
	return err
}

// Listen lets others connect at the addresses of the options, from now until Shutdown. Call it
// once, when there is somebody to take what they send. With an error the server goes on, for the
// program's own connections.
func (s *Server) Listen() error {
	s.change.Lock()
	defer s.change.Unlock()
	if err := s.now.Load().listen(&s.opts); err != nil {
		return err
	}
	s.listening = true
	s.fixPorts()
	return nil
}

// fixPorts keeps the ports that were any free ones. A server that takes this one's place must be
// found where the first one was.
func (s *Server) fixPorts() {
	if addr := s.now.Load().server.Addr(); addr != nil {
		s.opts.Address = fixedPort(s.opts.Address, addr.String())
	}
	if at, err := url.Parse(s.WebSocketURL()); err == nil {
		s.opts.WebSocket = fixedPort(s.opts.WebSocket, at.Host)
	}
}

// URL returns where the server listens, as clients write it; empty when it does not.
func (s *Server) URL() string {
	if at := s.now.Load().server; at.Addr() != nil {
		return at.ClientURL()
	}
	return ""
}

// WebSocketURL returns where the server takes WebSockets; empty when it does not.
func (s *Server) WebSocketURL() string { return s.now.Load().server.WebsocketURL() }

// openGate begins to make consumers for auditors, over a connection of its own: a slow answer there
// holds up no append.
func (s *Server) openGate() error {
	conn, err := s.Connect()
	if err != nil {
		return err
	}
	gate, err := openGate(conn, s.opts.Consumers)
	if err != nil {
		conn.Close()
		return err
	}
	s.gate = gate
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
	s.viewing = viewing
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

// Messages returns the numbers of the first and the last message of one of the ledger's streams,
// and when the last was stored. It is asked of the server itself and not over a connection, so it
// is answered while those are slow. Of a stream that never had a message, the numbers are what the
// server has for none.
func (s *Server) Messages(stream string) (first, last uint64, lastAt time.Time, err error) {
	at := s.now.Load().server
	detail, err := at.JszAccount(&server.JSzOptions{
		Account: at.GlobalAccount().Name, Streams: true,
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

// realPath returns the absolute path of a folder, without links.
func realPath(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// Shutdown stops the server and waits until all its files are closed and the folder is free. Close
// the connections first, or they keep trying to come back. When the error is that the server is
// stuck, the folder stays locked until the process ends.
func (s *Server) Shutdown() error {
	s.stopped.Do(func() { close(s.stopping) })
	<-s.mended
	if s.stuck {
		return fmt.Errorf("stop nats server: %w", errStuck) // its files are let go by the process
	}
	s.stop()
	if err := unlockFile(s.lock); err != nil {
		return fmt.Errorf("unlock %s: %w", s.storeDir, err)
	}
	return nil
}

// stop is Shutdown without the lock.
func (s *Server) stop() {
	s.gate.close()
	s.viewing.close()
	s.now.Load().stop()
}
