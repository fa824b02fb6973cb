package natsd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"cakupan/eventstore/durable"
)

const (
	// ClusterName is what all nodes of a cluster call it.
	ClusterName = "cakupan"

	// memoryMax bounds what consumers may keep in memory: the ledger's own keep nothing there but
	// where they are.
	memoryMax = 256 << 20

	// readyLook is how often a node that starts is asked whether it has given up.
	readyLook = 100 * time.Millisecond

	// Once it is to stop, a node has others lead what it led, and sends its clients to them.
	leaveTime  = 3 * time.Second
	leaveGrace = time.Second
)

// ErrUnsafe is returned for settings with which a node could lose data, or be read by strangers.
var ErrUnsafe = errors.New("unsafe")

// NodeOptions are the settings of a node of a cluster. What is not among them is not to be chosen:
// files, flushed before anything is acknowledged, and no limit that deletes.
type NodeOptions struct {
	// Name tells this node from the others. It stays with the folder.
	Name string
	// StoreDir is the folder of JetStream's files. It is created with mode 0700.
	StoreDir string
	// Address, such as ":4222", is where ledgers and publishers connect.
	Address string
	// Cluster, such as ":6222", is where the other nodes connect, and Routes are those addresses of
	// theirs; its own may be among them. Empty: the node is alone.
	Cluster string
	Routes  []string
	// Host is the name or address by which the others find this node, which its certificate has:
	// they would learn its bare address otherwise, and not trust it. Used with ClientTLS.
	Host string
	// Health, such as "127.0.0.1:8222", is where it tells this machine how it is. Empty: nowhere.
	Health string
	// Users is a file of accounts in NATS's own words; see users.go. Empty: whoever can connect
	// is let in, so only this machine must be able to.
	Users string
	// ClientTLS is for those who connect; ClusterTLS, with which both sides show a certificate, is
	// for other nodes. Both may be nil on addresses of this machine.
	ClientTLS, ClusterTLS *tls.Config
	// Log gets the server's warnings and errors at their level, its notices at debug level.
	Log *slog.Logger
}

// Node is a running node of a cluster.
type Node struct {
	opts   NodeOptions
	url    string
	server *server.Server // of mend, until that has ended
	lock   *os.File
	gaveUp chan string

	broken   *broken
	stopping chan struct{} // closed when the node is to leave
	mended   chan struct{} // closed when mend has ended
	stopMax  time.Duration
	stuck    bool // the server does not stop; of mend, until that has ended
}

// StartNode starts a node and returns once it listens; the cluster may still be without a leader.
// The error wraps ErrUnsafe for unsafe settings, and ErrInUse when the folder has a server already.
// The folder's files are flushed as those of the embedded server are.
func StartNode(opts NodeOptions) (*Node, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	settings, err := nodeSettings(&opts)
	if err != nil {
		return nil, err
	}
	if err := durable.MakeFolder(opts.StoreDir, 0o700); err != nil {
		return nil, fmt.Errorf("create folder of nats server: %w", err)
	}
	lock, err := lockFile(filepath.Join(opts.StoreDir, lockName))
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", opts.StoreDir, err)
	}
	n := &Node{
		opts: opts, lock: lock, gaveUp: make(chan string, 1), broken: newBroken(),
		stopping: make(chan struct{}), mended: make(chan struct{}), stopMax: stopMax,
	}
	setPace()
	if err = checkRights(opts.StoreDir); err == nil {
		err = n.start(settings)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start nats server: %w", err), unlockFile(lock))
	}
	n.url, n.opts.Address = n.server.ClientURL(), n.server.Addr().String()
	go n.mend()
	return n, nil
}

// start makes the server, and leaves none behind when it fails.
func (n *Node) start(settings *server.Options) (err error) {
	if err = overwriteReplaced(n.opts.StoreDir); err != nil {
		return err
	}
	if n.server, err = server.NewServer(settings); err != nil {
		return err
	}
	n.server.SetLoggerV2(serverLog{n.opts.Log, n.gaveUp, n.broken.note}, false, false, false)
	n.server.Start()
	err = errors.New("server did not become ready: its log says why")
	for range readyMax / readyLook {
		if len(n.gaveUp) > 0 {
			err = fmt.Errorf("server gave up: %s", <-n.gaveUp)
			break
		}
		if n.server.ReadyForConnections(readyLook) {
			return nil
		}
	}
	n.stop()
	return err
}

// URL returns where the node listens, as clients write it. It stays the same when the node begins
// anew.
func (n *Node) URL() string { return n.url }

// GaveUp gets the reason when the node cannot go on. It serves nobody any more then.
func (n *Node) GaveUp() <-chan string { return n.gaveUp }

// check refuses what would be no cluster, or one that strangers reach. What only this machine
// reaches may be without certificates and passwords; all else may not.
func (o *NodeOptions) check() error {
	switch {
	case o.Name == "":
		return fmt.Errorf("%w: a node needs a name of its own", ErrUnsafe)
	case o.ClientTLS != nil && o.Host == "":
		return fmt.Errorf("%w: a node with a certificate needs the name that is in it", ErrUnsafe)
	case o.StoreDir == "":
		return fmt.Errorf("%w: no folder for the files of the node", ErrUnsafe)
	case (o.Cluster == "") != (len(o.Routes) == 0):
		return fmt.Errorf("%w: where the other nodes connect and the routes to them go together:"+
			" a node that nobody finds has its own streams", ErrUnsafe)
	case o.Health != "" && !isLoopback(o.Health):
		return fmt.Errorf("%w: on %s strangers could ask who is connected: the health of a node is"+
			" for its own machine, such as 127.0.0.1:8222", ErrUnsafe, o.Health)
	case o.ClusterTLS == nil && o.Cluster != "" && !isLoopback(o.Cluster):
		return fmt.Errorf("%w: on %s anybody could join the cluster and read all: give the node a"+
			" certificate and the authority of the others", ErrUnsafe, o.Cluster)
	case isLoopback(o.Address):
		return nil
	case o.Users == "":
		return fmt.Errorf("%w: on %s anybody could read and write: name a file of users, or listen"+
			" on 127.0.0.1", ErrUnsafe, o.Address)
	case o.ClientTLS == nil:
		return fmt.Errorf("%w: on %s passwords could be overheard: give the node a certificate",
			ErrUnsafe, o.Address)
	}
	return nil
}

// nodeSettings returns the server's settings. It reads the file of users anew each time.
func nodeSettings(o *NodeOptions) (*server.Options, error) {
	settings, err := usersOf(o)
	if err != nil {
		return nil, err
	}
	keep(settings, o.StoreDir)
	settings.ServerName, settings.JetStreamMaxMemory = o.Name, memoryMax
	settings.JetStreamMaxStore = math.MaxInt64 / 2 // the disk is the limit: see serverOptions
	settings.LameDuckDuration, settings.LameDuckGracePeriod = leaveTime, leaveGrace
	settings.MaxConn = connsMax
	if settings.Host, settings.Port, err = hostPort(o.Address); err != nil {
		return nil, err
	}
	if o.Health != "" {
		if settings.HTTPHost, settings.HTTPPort, err = hostPort(o.Health); err != nil {
			return nil, err
		}
	}
	if o.ClientTLS != nil {
		settings.TLSConfig, settings.TLSTimeout = o.ClientTLS, tlsHandshakeSeconds
		settings.ClientAdvertise = net.JoinHostPort(o.Host, strconv.Itoa(settings.Port))
	}
	if o.Cluster == "" {
		return settings, nil
	}
	settings.Cluster = server.ClusterOpts{
		Name: ClusterName, TLSConfig: o.ClusterTLS,
		PingInterval: routePing, MaxPingsOut: routePingsLost,
	}
	settings.Cluster.Host, settings.Cluster.Port, err = hostPort(o.Cluster)
	if o.ClusterTLS != nil {
		settings.Cluster.TLSTimeout = tlsHandshakeSeconds
		settings.Cluster.Advertise = net.JoinHostPort(o.Host, strconv.Itoa(settings.Cluster.Port))
	}
	for _, route := range o.Routes {
		host, port, splitErr := net.SplitHostPort(route)
		if splitErr != nil || host == "" {
			return nil, fmt.Errorf("a route is HOST:PORT of another node, not %q", route)
		}
		address := &url.URL{Scheme: "nats-route", Host: net.JoinHostPort(host, port)}
		settings.Routes = append(settings.Routes, address)
	}
	return settings, err
}
