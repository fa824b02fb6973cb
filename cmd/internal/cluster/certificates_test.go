package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"cakupan/cmd/internal/lifetime"
	"cakupan/cmd/internal/setup"
	"cakupan/eventstore/natsd"
)

// startNode starts a node of NATS, with a certificate or without, and returns its address.
func startNode(t *testing.T, opts natsd.NodeOptions) string {
	t.Helper()
	opts.Name, opts.StoreDir, opts.Address = "n", t.TempDir(), "127.0.0.1:0"
	opts.Log = slog.New(slog.DiscardHandler)
	node, err := natsd.StartNode(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Leave(); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(node.URL())
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// TestWatchCertificates looks at the certificate that a node shows, whoever has signed it and
// whether it is still good; at a node that has none, and at one that is not there.
func TestWatchCertificates(t *testing.T) {
	dir, at := t.TempDir(), time.Now().AddDate(-3, 0, 0).UTC().Truncate(time.Second)
	opts := setup.Options{Dir: dir, Nodes: []string{"127.0.0.1"}, Ledgers: []string{"a"}}
	if err := setup.Make(opts, at); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "nodes/127.0.0.1")
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	secure := startNode(t, natsd.NodeOptions{
		Host: "127.0.0.1", Users: filepath.Join(folder, "users.conf"),
		ClientTLS: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
	})
	plain := startNode(t, natsd.NodeOptions{})
	c := Cluster{URL: "tls://x:y@" + secure + ", nats://" + plain + ",nats://127.0.0.1:1,nats://[::1,x"}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var got []lifetime.Certificate
	c.WatchCertificates(ctx, func(found []lifetime.Certificate) {
		got = found
		stop()
	})
	want := lifetime.Of(secure, []*x509.Certificate{pair.Leaf})
	if len(got) != 1 || got[0] != want || !got[0].EndsSoon(time.Now()) {
		t.Errorf("they show %v, want %v", got, want)
	}
	(&Cluster{}).WatchCertificates(t.Context(), func([]lifetime.Certificate) {
		t.Error("there is a cluster")
	})
}
