package natsd

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const nodeUsers = `accounts {
  ALL { jetstream: enabled, users: [ { user: all, password: secret } ] }
  SYS { users: [ { user: system, password: secret } ] }
}
system_account: SYS
`

// writeUsers writes a file of users.
func writeUsers(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestUnsafeNodes refuses each way to run a node that could lose data or let strangers in, by name,
// and makes nothing.
func TestUnsafeNodes(t *testing.T) {
	users, private := writeUsers(t, nodeUsers, 0o600), new(tls.Config)
	for name, c := range map[string]struct {
		change func(*NodeOptions)
		words  string
	}{
		"no name":     {func(o *NodeOptions) { o.Name = "" }, "name of its own"},
		"no host":     {func(o *NodeOptions) { o.Host, o.ClientTLS = "", private }, "in it"},
		"no folder":   {func(o *NodeOptions) { o.StoreDir = "" }, "no folder"},
		"no routes":   {func(o *NodeOptions) { o.Cluster = "127.0.0.1:0" }, "go together"},
		"no cluster":  {func(o *NodeOptions) { o.Routes = []string{"a:1"} }, "go together"},
		"health":      {func(o *NodeOptions) { o.Health = ":8222" }, "for its own machine"},
		"no users":    {func(o *NodeOptions) { o.Address, o.ClientTLS = ":0", private }, "file of users"},
		"no TLS":      {func(o *NodeOptions) { o.Address, o.Users = ":0", users }, "overheard"},
		"open routes": {func(o *NodeOptions) { o.Cluster, o.Routes = ":0", []string{"a:1"} }, "join"},
		"a name": {func(o *NodeOptions) {
			o.Address, o.Users = "node.example:0", users
		}, "overheard"},
		"users for all": {func(o *NodeOptions) { o.Users = writeUsers(t, nodeUsers, 0o604) }, "chmod o="},
		"sync": {func(o *NodeOptions) {
			o.Users = writeUsers(t, nodeUsers+"jetstream { sync_interval: 1h }\n", 0o600)
		}, "jetstream in"},
		"port": {func(o *NodeOptions) {
			o.Users = writeUsers(t, nodeUsers+"http: 8222\n", 0o600)
		}, "http in"},
		"nobody": {func(o *NodeOptions) {
			o.Users = writeUsers(t, "accounts { A { jetstream: enabled } }\n", 0o600)
		}, "names no user"},
		"anybody": {func(o *NodeOptions) {
			o.Address, o.ClientTLS = ":0", private
			o.Users = writeUsers(t, nodeUsers+"no_auth_user: all\n", 0o600)
		}, "without a password"},
	} {
		dir := filepath.Join(t.TempDir(), "node")
		opts := NodeOptions{
			Name: "n", Host: "n", StoreDir: dir, Address: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler),
		}
		c.change(&opts)
		n, err := StartNode(opts)
		if !errors.Is(err, ErrUnsafe) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
		if n != nil {
			_ = n.Leave()
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: there is a folder: %v", name, err)
		}
	}
}

// TestNode runs a node as it is told to, and asks what it is set to, as a ledger does.
func TestNode(t *testing.T) {
	opts := NodeOptions{
		Name: "n", StoreDir: t.TempDir(), Address: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler),
		Users: writeUsers(t, nodeUsers, 0o600),
	}
	n, err := StartNode(opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := StartNode(opts); !errors.Is(err, ErrInUse) {
		t.Errorf("a second one on the folder: %v", err)
	}
	if conn, err := nats.Connect(n.URL()); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("a stranger connects: %v", err)
		conn.Close()
	}
	conn, err := nats.Connect(n.URL(), nats.UserInfo("all", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := conn.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.AddStream(&nats.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish("s", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	config := n.server.JetStreamConfig()
	if !config.SyncAlways || config.MaxStore < math.MaxInt64/4 || conn.MaxPayload() != MaxPayloadBytes {
		t.Errorf("it is set to %+v, messages of %d bytes", config, conn.MaxPayload())
	}
	if err := n.Leave(); err != nil {
		t.Fatal(err)
	}
	n, err = StartNode(opts)
	if err != nil {
		t.Fatal(err)
	}
	again, err := nats.Connect(n.URL(), nats.UserInfo("all", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Close)
	js, err = again.JetStream(nats.MaxWait(within))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := js.GetMsg("S", 1); err != nil || string(m.Data) != "kept" {
		t.Errorf("after a restart: %v", err)
	}
	if err := n.Leave(); err != nil {
		t.Fatal(err)
	}
}

// TestNodeMends: a node of which a write has failed begins anew where it was, once it can write, and
// has what it had.
func TestNodeMends(t *testing.T) {
	opts := NodeOptions{
		Name: "n", StoreDir: t.TempDir(), Address: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler),
	}
	n, err := StartNode(opts)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(n.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(mendPause/10))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := conn.JetStream(nats.MaxWait(within))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.AddStream(&nats.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish("s", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	was := conn.Stats().Reconnects
	n.broken.note("Filestore [S] Critical write error: no space left on device")
	for deadline := time.Now().Add(within); conn.Stats().Reconnects == was; {
		if time.Now().After(deadline) {
			t.Fatal("its clients do not find it again")
		}
		time.Sleep(mendPause / 10)
	}
	if m, err := js.GetMsg("S", 1); err != nil || string(m.Data) != "kept" {
		t.Errorf("after it began anew: %v", err)
	}
	if _, err := js.Publish("s", []byte("more")); err != nil {
		t.Errorf("after it began anew: %v", err)
	}
	if err := n.Leave(); err != nil {
		t.Fatal(err)
	}
}

// TestGivesUp: a node whose address is taken says so and leaves its folder free.
func TestGivesUp(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	opts := NodeOptions{
		Name: "n", StoreDir: t.TempDir(), Address: taken.Addr().String(),
		Log: slog.New(slog.DiscardHandler),
	}
	if _, err := StartNode(opts); err == nil || errors.Is(err, ErrInUse) {
		t.Errorf("starts where another one listens: %v", err)
	}
	opts.Address = "127.0.0.1:0"
	n, err := StartNode(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Leave(); err != nil {
		t.Fatal(err)
	}
}

// TestOfficial compares deploy/nats.conf, for the official server, with what a node is set to.
func TestOfficial(t *testing.T) {
	text, err := os.ReadFile("../../deploy/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	pair := selfSigned(t, dir)
	conf := strings.NewReplacer("/keys/cert.pem", pair[0], "/keys/key.pem", pair[1],
		"/keys/ca.pem", pair[0], "../keys/users.conf", "users.conf").Replace(string(text))
	for name, content := range map[string]string{"nats.conf": conf, "users.conf": nodeUsers} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	official, err := server.ProcessConfigFile(filepath.Join(dir, "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := nodeSettings(&NodeOptions{
		Name: "node-a", Host: "node-a", StoreDir: "/data", Address: ":4222", Health: "127.0.0.1:8222",
		Cluster: ":6222", Routes: []string{"node-a:6222", "node-b:6222", "node-c:6222"},
		Users:     filepath.Join(dir, "users.conf"),
		ClientTLS: new(tls.Config), ClusterTLS: &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert},
	})
	if err != nil {
		t.Fatal(err)
	}
	told := func(o *server.Options) map[string]string {
		var routes []string
		for _, r := range o.Routes {
			routes = append(routes, r.Host)
		}
		users := map[string]string{}
		for _, u := range o.Users {
			users[u.Username] = u.Account.Name
		}
		return map[string]string{
			"address": fmt.Sprint(o.Host, o.Port), "health": fmt.Sprint(o.HTTPHost, o.HTTPPort),
			"payload": fmt.Sprint(o.MaxPayload), "connections": fmt.Sprint(o.MaxConn),
			"jetstream": fmt.Sprint(o.JetStream, o.StoreDir, o.SyncAlways, o.JetStreamMaxMemory),
			"unbounded": fmt.Sprint(o.JetStreamMaxStore > math.MaxInt64/4),
			"tls":       fmt.Sprint(o.TLSConfig != nil, o.TLSTimeout),
			"cluster":   fmt.Sprint(o.Cluster.Name, o.Cluster.Host, o.Cluster.Port, routes),
			"between":   fmt.Sprint(o.Cluster.TLSConfig.ClientAuth, o.Cluster.TLSTimeout),
			"pings":     fmt.Sprint(o.Cluster.PingInterval, o.Cluster.MaxPingsOut),
			"users":     fmt.Sprint(users, o.SystemAccount),
		}
	}
	if diff := cmp.Diff(told(ours), told(official)); diff != "" {
		t.Errorf("-ours +deploy/nats.conf:\n%s", diff)
	}
}

// selfSigned writes a certificate and its key, and returns their paths.
func selfSigned(t *testing.T, dir string) (paths [2]string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for i, block := range []*pem.Block{
		{Type: "CERTIFICATE", Bytes: cert},
		{Type: "EC PRIVATE KEY", Bytes: raw},
	} {
		paths[i] = filepath.Join(dir, strings.ToLower(block.Type[:4])+".pem")
		if err := os.WriteFile(paths[i], pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}
