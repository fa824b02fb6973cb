package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/small"
	"cakupan/eventstore/natsd"
	"cakupan/projections/coverage"
)

// screen is somebody who watches the bucket.
type screen struct {
	conn    *nats.Conn
	kv      jetstream.KeyValue
	watcher jetstream.KeyWatcher
}

// watchBucket connects and watches a key.
func watchBucket(t *testing.T, url, key string, opts ...nats.Option) *screen {
	t.Helper()
	s := dialBucket(t, url, opts...)
	// Without an end of its own the client waits five seconds for its watch, which is little where a
	// thousand come to a busy machine.
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	t.Cleanup(cancel)
	var err error
	if s.watcher, err = s.kv.Watch(ctx, key); err != nil {
		t.Fatal(err)
	}
	return s
}

// dialBucket connects, and waits until there is the bucket.
func dialBucket(t *testing.T, url string, opts ...nats.Option) *screen {
	t.Helper()
	opts = append(opts, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond),
		// Of a thousand who come at once, some are too late for the server, and come again.
		nats.RetryOnFailedConnect(true), nats.Timeout(time.Minute),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	conn, err := nats.Connect(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{conn: conn}
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if s.kv, err = js.KeyValue(t.Context(), natsd.Bucket); err == nil {
			return s
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// until waits for a value that says how many are covered, and returns it.
func (s *screen) until(t *testing.T, covered string) []byte {
	t.Helper()
	deadline := time.After(2 * time.Minute) // a client finds out after some heartbeats
	for {
		select {
		case entry := <-s.watcher.Updates():
			if entry != nil && bytes.Contains(entry.Value(), []byte(`"covered":`+covered+`,`)) {
				return entry.Value()
			}
		case <-deadline:
			t.Fatalf("is not told that %s are covered", covered)
		}
	}
}

// TestBucket has a dashboard watch the coverage while events come, and until it is revoked.
func TestBucket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	bone := addPublisher(t, dir, "bone")
	board := member(t, dir, "reader", "add", "board", "--role", "dashboard")
	g := serveGuarded(t, dir, "--nats-listen", "127.0.0.1:0", "--nats-websocket", "127.0.0.1:0")
	g.openEnrolment(t, 0, bone)
	s := watchBucket(t, g.natsURL(t), "75.03", nats.UserInfo("board", board))
	s.until(t, "null") // small counts are hidden
	for n := range small.Least - 1 {
		g.openEnrolment(t, n+1, bone)
	}
	s.until(t, "5")
	web := watchBucket(t, g.webSocketURL(t), "75.>", nats.UserInfo("bone", bone))
	g.openEnrolment(t, small.Least, bone)
	s.until(t, "6")
	web.until(t, "6")
	checkValues(t, g, s, board)
	checkHeld(t, s)

	if code, _, stderr := runCommand(t, "reader", "revoke", "board", "--data", dir); code != 0 {
		t.Fatal(stderr)
	}
	for end := time.Now().Add(time.Minute); s.conn.IsConnected(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a revoked dashboard stays connected")
		}
	}
}

// openEnrolment appends an event of bone's.
func (g *guarded) openEnrolment(t *testing.T, n int, secret string) {
	t.Helper()
	response, body := asked{
		method: http.MethodPost, url: g.url + "/v1/events",
		contentType:   "application/cloudevents+json",
		body:          string(opening("urn:bone", n, "75.03")),
		authorization: "Bearer " + secret,
	}.ask(t)
	if response.StatusCode != http.StatusOK {
		t.Fatal(body)
	}
}

// TestBucketRestart has a watch go on by itself after the ledger was started again, though the
// bucket is another one then. It takes as long as clients take to miss a heartbeat.
func TestBucketRestart(t *testing.T) {
	if os.Getenv("CAKUPAN_LONG") == "" {
		t.Skip("set CAKUPAN_LONG=1 to wait for the heartbeats of a client")
	}
	dir := filepath.Join(t.TempDir(), "data")
	bone := addPublisher(t, dir, "bone")
	board := member(t, dir, "reader", "add", "board", "--role", "dashboard")
	g := serveGuarded(t, dir, "--nats-listen", "127.0.0.1:0")
	at, err := url.Parse(g.natsURL(t))
	if err != nil {
		t.Fatal(err)
	}
	s := watchBucket(t, at.String(), "75.03", nats.UserInfo("board", board))
	for n := range small.Least + 2 {
		g.openEnrolment(t, n, bone)
		if n+1 >= small.Least {
			s.until(t, strconv.Itoa(n+1))
		}
	}
	g.stop()
	g = serveGuarded(t, dir, "--nats-listen", at.Host)
	g.openEnrolment(t, small.Least+2, bone)
	s.until(t, strconv.Itoa(small.Least+3))
	checkValues(t, g, s, board)
}

// TestClusterBucket has somebody watch on a cluster while another ledger takes over, and while all
// servers are started again, which empties a bucket in memory.
func TestClusterBucket(t *testing.T) {
	longCluster(t)
	c := newCluster(t)
	s := watchBucket(t, "nats://"+strings.Join(c.nats, ",nats://"), "ID")
	covered := int64(0)
	more := func(what string) {
		t.Helper()
		l := c.load(1)
		l.progress(100)
		l.end()
		c.await(what, func() bool {
			entry, err := s.kv.Get(t.Context(), "ID")
			var answer coverage.Answer
			if err != nil || json.Unmarshal(entry.Value(), &answer) != nil ||
				uint64(answer.Known.Sequence) < c.health(c.writer()).Head {
				return false
			}
			covered = answer.Covered
			return true
		})
	}
	more("the bucket is filled")
	was := c.writer()
	c.ledgers[was].kill()
	more("another ledger fills the bucket")
	c.ledgers[was].start()
	for _, n := range c.nodes {
		n.kill()
	}
	for _, n := range c.nodes {
		n.start()
	}
	more("the bucket is filled anew")
	s.until(t, strconv.FormatInt(covered, 10))
}

func (g *guarded) webSocketURL(t *testing.T) string {
	t.Helper()
	var started struct{ WebSocket string }
	if err := json.Unmarshal(g.stdout.Bytes(), &started); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(started.WebSocket, "ws") {
		t.Fatalf("server says %s", g.stdout.Bytes())
	}
	return started.WebSocket
}

// checkValues compares what the bucket holds with what is answered.
func checkValues(t *testing.T, g *guarded, s *screen, secret string) {
	t.Helper()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("board:"+secret))
	for _, region := range []string{"ID", "75", "75.03"} {
		for _, by := range []string{
			"", "sector", "segment", "category", "programme", "funding", "evidence",
		} {
			key, query := region, "?region="+region
			if by != "" {
				key, query = key+".by."+by, query+"&by="+by
			}
			_, want := asked{
				method: http.MethodGet, url: g.url + "/v1/coverage" + query, authorization: basic,
			}.ask(t)
			want = strings.TrimSuffix(strings.TrimPrefix(want, "["), "]\n")
			got := ""
			for end := time.Now().Add(time.Minute); got != want; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%s: the bucket holds %s, the answer is %s", key, got, want)
				}
				if entry, err := s.kv.Get(t.Context(), key); err == nil {
					got = string(entry.Value())
				}
			}
		}
	}
}

// checkHeld has who may only watch try what else there is.
func checkHeld(t *testing.T, s *screen) {
	t.Helper()
	for _, subject := range []string{
		"$KV." + natsd.Bucket + ".75.03", "cakupan.intake.board", "cakupan.intake.bone",
		"cakupan.request.board", "$JS.API.STREAM.INFO.CAKUPAN", "$JS.API.STREAM.NAMES",
		"$JS.API.DIRECT.GET.CAKUPAN", "$JS.API.STREAM.PURGE.KV_" + natsd.Bucket,
		"$JS.API.STREAM.DELETE.KV_" + natsd.Bucket,
	} {
		reply, err := s.conn.Request(subject, []byte(`{"seq":1}`), 20*time.Millisecond)
		if err == nil {
			t.Errorf("%s is answered: %s", subject, reply.Data)
		}
	}
}

// TestWebSocketDoor checks that the listener is as guarded as the others.
func TestWebSocketDoor(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	serve := []string{"serve", "--data", dir, "--listen", "127.0.0.1:0", "--nats-websocket"}
	for _, address := range []string{"0.0.0.0:0", ":4223"} {
		code, _, stderr := runCommand(t, append(serve, address)...)
		if code != 2 || !strings.Contains(stderr, address) {
			t.Errorf("a new folder on %s: exit %d, %s", address, code, stderr)
		}
	}
	board := member(t, dir, "reader", "add", "board", "--role", "dashboard")
	code, _, stderr := runCommand(t, append(serve, "0.0.0.0:0")...)
	if code != 2 || !strings.Contains(stderr, "--tls-cert") {
		t.Errorf("without a certificate: exit %d, %s", code, stderr)
	}
	code, _, stderr = runCommand(t, append(serve, "127.0.0.1:0", "--nats", "nats://127.0.0.1:1")...)
	if code != 2 || !strings.Contains(stderr, "--nats-websocket") {
		t.Errorf("with a cluster: exit %d, %s", code, stderr)
	}
	authority := newAuthority(t)
	cert, key := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	authority.sign(t, cert, key)
	g := serveGuarded(t, dir, "--nats-websocket", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", key)
	at := g.webSocketURL(t)
	if !strings.HasPrefix(at, "wss://") {
		t.Fatalf("answers at %s", at)
	}
	at = strings.Replace(at, "0.0.0.0", "127.0.0.1", 1)
	trust := nats.Secure(&tls.Config{RootCAs: authority.pool, MinVersion: tls.VersionTLS13})
	watchBucket(t, at, "ID", nats.UserInfo("board", board), trust)
	if conn, err := nats.Connect(at, nats.UserInfo("board", "x"), trust); err == nil {
		conn.Close()
		t.Error("somebody else logs in")
	}
}
