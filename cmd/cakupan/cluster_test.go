package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore/natsd"
)

// nodeMain is a program of its own: a server of a cluster that `cakupan nats` would not be, until it
// is killed. Its argument is the file of its settings.
func nodeMain() {
	opts, err := server.ProcessConfigFile(os.Args[1])
	var s *server.Server
	if err == nil {
		opts.NoSigs, opts.NoLog = true, true
		s, err = server.NewServer(opts)
	}
	if err != nil {
		panic(err)
	}
	s.Start()
	select {}
}

// nodeUsers are the users of each server. Ledgers need no login.
const nodeUsers = `accounts {
  ALL { jetstream: enabled, users: [ { user: all, password: secret } ] }
  SYS { users: [ { user: system, password: secret } ] }
}
system_account: SYS
no_auth_user: all
`

// unsafeConfig is the file of settings of a server that acknowledges before it flushes.
const unsafeConfig = `server_name: %q
listen: %q
max_payload: 4MB
jetstream { store_dir: %q, sync_interval: "1h" }
cluster { name: %q, listen: %q, routes: [ %s ] }
include "users.conf"
`

// process is a program that a test has started, and may kill and start again.
type process struct {
	t       *testing.T
	args    []string
	env     []string
	command *exec.Cmd
	stderr  *lockedBuffer
}

// lockedBuffer is written to by a process and read by a test.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func (p *process) start() {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	p.command = &exec.Cmd{
		Path: self, Args: p.args, Env: append(os.Environ(), p.env...),
		Stdout: p.stderr, Stderr: p.stderr,
	}
	if err := p.command.Start(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		p.t.Error(err)
	}
}

// kill ends the process as a power cut of its machine would.
func (p *process) kill() {
	if p.command.ProcessState == nil {
		_ = p.command.Process.Kill()
		_ = p.command.Wait()
	}
}

// clusterRun is three servers and two ledgers, each a process.
type clusterRun struct {
	t       *testing.T
	nodes   []*process
	nats    []string // addresses of the nodes
	ledgers []*process
	dirs    []string
	http    []string // addresses of the ledgers
}

// newCluster starts all of them. The ledgers have the same keys, as the operator gives them.
func newCluster(t *testing.T) *clusterRun {
	t.Helper()
	c := &clusterRun{t: t}
	c.startNodes(3)
	for range 2 {
		c.addLedger()
	}
	c.ledgers[0].start()
	c.await("the first ledger writes", func() bool { return c.role(0) == "writer" })
	c.copyKeys()
	c.ledgers[1].start()
	c.await("the second ledger stands by", func() bool { return c.role(1) == "standby" })
	return c
}

// copyKeys gives the second ledger the vault of the first.
func (c *clusterRun) copyKeys() {
	c.t.Helper()
	from, to := filepath.Join(c.dirs[0], "vault"), filepath.Join(c.dirs[1], "vault")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		c.t.Fatal(err)
	}
	for _, dir := range []string{c.dirs[1], to} {
		if err := os.Chmod(dir, 0o700); err != nil {
			c.t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(to, "*"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, file := range files {
		if err := os.Chmod(file, 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
}

// startNodes starts servers. Those that are named flush now and then alone.
func (c *clusterRun) startNodes(count int, unsafe ...string) {
	c.t.Helper()
	var routes []string
	for range count {
		routes, c.nats = append(routes, c.freeAddress()), append(c.nats, c.freeAddress())
	}
	for n := range count {
		name, dir := fmt.Sprintf("n%d", n), c.t.TempDir()
		users := filepath.Join(dir, "users.conf")
		writeText(c.t, users, nodeUsers)
		args := []string{
			"cakupan", "nats", "--name", name, "--data", filepath.Join(dir, "data"),
			"--listen", c.nats[n], "--cluster", routes[n], "--routes", strings.Join(routes, ","),
			"--users", users,
		}
		if slices.Contains(unsafe, name) {
			file := filepath.Join(dir, "node.conf")
			writeText(c.t, file, fmt.Sprintf(unsafeConfig, name, c.nats[n], dir, natsd.ClusterName,
				routes[n], `"nats://`+strings.Join(routes, `", "nats://`)+`"`))
			args = []string{"node", file}
		}
		p := &process{t: c.t, args: args, stderr: new(lockedBuffer)}
		c.nodes = append(c.nodes, p)
		p.start()
		c.t.Cleanup(func() {
			p.kill()
			if c.t.Failed() {
				c.t.Logf("server %s said: %s", name, p.stderr)
			}
		})
	}
}

// system returns an address of the cluster with a login of its system account.
func (c *clusterRun) system() string { return "nats://system:secret@" + c.nats[0] }

// addLedger makes a ledger ready to be started.
func (c *clusterRun) addLedger(flags ...string) *process {
	c.t.Helper()
	dir, address := filepath.Join(c.t.TempDir(), "data"), c.freeAddress()
	args := append([]string{
		"cakupan", "serve", "--data", dir, "--listen", address,
		"--nats", "nats://" + strings.Join(c.nats, ",nats://"),
	}, flags...)
	p := &process{t: c.t, args: args, stderr: new(lockedBuffer)}
	c.ledgers, c.dirs, c.http = append(c.ledgers, p), append(c.dirs, dir), append(c.http, address)
	c.t.Cleanup(func() {
		if p.command == nil {
			return
		}
		p.kill()
		if c.t.Failed() || testing.Verbose() {
			c.t.Logf("ledger %s said:\n%s", address, p.stderr)
		}
	})
	return p
}

func (c *clusterRun) freeAddress() string {
	c.t.Helper()
	address, err := freeAddress()
	if err != nil {
		c.t.Fatal(err)
	}
	return address
}

// await waits until something is true.
func (c *clusterRun) await(what string, is func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		if is() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	c.t.Fatalf("it does not happen that %s", what)
}

// clusterHealth is what a ledger says of itself.
type clusterHealth struct {
	Status, Why, Role string
	Head              uint64
	Projections       map[string]struct{ Sequence uint64 }
}

func (c *clusterRun) health(n int) (h clusterHealth) {
	response, err := http.Get("http://" + c.http[n] + "/healthz")
	if err != nil {
		return h
	}
	defer func() { _ = response.Body.Close() }()
	_ = json.NewDecoder(response.Body).Decode(&h)
	return h
}

func (c *clusterRun) role(n int) string { return c.health(n).Role }

// writer returns which ledger writes, once one does.
func (c *clusterRun) writer() (n int) {
	c.t.Helper()
	c.await("a ledger writes", func() bool {
		for n = range c.ledgers {
			if c.role(n) == "writer" {
				return true
			}
		}
		return false
	})
	return n
}

// streams returns the cluster's own interface.
func (c *clusterRun) streams() jetstream.JetStream {
	c.t.Helper()
	conn, err := nats.Connect("nats://"+strings.Join(c.nats, ",nats://"), nats.MaxReconnects(-1))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		c.t.Fatal(err)
	}
	return js
}

// leader returns which server leads a stream.
func (c *clusterRun) leader(name string) int {
	c.t.Helper()
	stream, err := c.streams().Stream(c.t.Context(), name)
	if err != nil {
		c.t.Fatal(err)
	}
	info := stream.CachedInfo()
	if info.Config.Replicas != 3 {
		c.t.Errorf("stream %s has replicas %d", name, info.Config.Replicas)
	}
	n, err := strconv.Atoi(strings.TrimPrefix(info.Cluster.Leader, "n"))
	if err != nil {
		c.t.Fatalf("the leader is %q", info.Cluster.Leader)
	}
	return n
}

// stepDown has another server lead a stream.
func (c *clusterRun) stepDown(name string) {
	c.t.Helper()
	answer, err := c.streams().Conn().Request(
		"$JS.API.STREAM.LEADER.STEPDOWN."+name, nil, 10*time.Second)
	if err != nil || bytes.Contains(answer.Data, []byte("error")) {
		c.t.Fatalf("step down: %v", err)
	}
}

// clusterLoad sends events to the ledgers, as publishers do that try again until they have a
// receipt.
type clusterLoad struct {
	c    *clusterRun
	stop context.CancelFunc
	wait sync.WaitGroup

	mu       sync.Mutex
	acked    map[string]uint64 // sequences by id
	last     time.Time         // of an acknowledgement
	gap      time.Duration     // the longest without one
	attempts int
	failed   int // of them
}

// load begins to send.
func (c *clusterRun) load(publishers int) *clusterLoad {
	ctx, stop := context.WithCancel(context.Background())
	l := &clusterLoad{c: c, stop: stop, acked: map[string]uint64{}, last: time.Now()}
	for p := range publishers {
		l.wait.Go(func() { l.publish(ctx, p) })
	}
	c.t.Cleanup(l.end)
	return l
}

// publish sends batch after batch, each to one ledger until that does not acknowledge it, and then to
// the other one.
func (l *clusterLoad) publish(ctx context.Context, publisher int) {
	client := &http.Client{Timeout: 10 * time.Second}
	try := publisher
	for batch := 0; ctx.Err() == nil; batch++ {
		ids, body := clusterBatch(publisher, batch)
		for ; ctx.Err() == nil; try++ {
			if l.send(ctx, client, try%len(l.c.http), ids, body) {
				break
			}
			l.mu.Lock()
			l.failed++
			l.mu.Unlock()
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// clusterBatch returns a few events.
func clusterBatch(publisher, batch int) (ids []string, body []byte) {
	for i := range 5 {
		id := fmt.Sprintf("%d-%d-%d", publisher, batch, i)
		ids = append(ids, id)
		body = fmt.Appendf(body, `,{"specversion":"1.0","id":"%s","source":"urn:cluster",`+
			`"type":"id.cakupan.enrolment.opened.v1","data":{"enrolment":"e-%s","worker":"w-%s",`+
			`"region":"75.03","segment":"PU","category":"PRIVATE","programmes":["JKK"],`+
			`"payer":"EMPLOYER","from":"2020-01-01"}}`, id, id, id)
	}
	body[0] = '['
	return ids, append(body, ']')
}

// send sends one batch to one ledger, and tells whether it was acknowledged.
func (l *clusterLoad) send(
	ctx context.Context, client *http.Client, to int, ids []string, body []byte,
) bool {
	l.mu.Lock()
	l.attempts++
	l.mu.Unlock()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost,
		"http://"+l.c.http[to]+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return false
	}
	request.Header.Set("Content-Type", "application/cloudevents-batch+json")
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return false
	}
	var answer struct {
		Receipts []struct {
			ID, Status string
			Sequence   uint64
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Receipts) != len(ids) {
		l.c.t.Errorf("ledger %d answers %s, %v", to, text, err)
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gap, l.last = max(l.gap, time.Since(l.last)), time.Now()
	for i, r := range answer.Receipts {
		if r.ID != ids[i] || r.Status != "appended" && r.Status != "duplicate" || r.Sequence == 0 {
			l.c.t.Errorf("receipt of %s: %+v", ids[i], r)
		}
		l.acked[r.ID] = r.Sequence
	}
	return true
}

// progress waits until so many more events are acknowledged, and returns the longest time without
// an acknowledgement since it was called.
func (l *clusterLoad) progress(events int) time.Duration {
	l.c.t.Helper()
	l.mu.Lock()
	want := len(l.acked) + events
	l.gap, l.last = 0, time.Now()
	l.mu.Unlock()
	l.c.await("events are acknowledged", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.acked) >= want
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gap
}

// inVain waits until so many more batches were sent and not acknowledged.
func (l *clusterLoad) inVain(batches int) {
	l.c.t.Helper()
	l.mu.Lock()
	want := l.failed + batches
	l.mu.Unlock()
	l.c.await("batches are sent in vain", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.failed >= want
	})
}

// end stops sending.
func (l *clusterLoad) end() {
	l.stop()
	l.wait.Wait()
}

// check checks that each acknowledged event is in the log of each ledger, once, where its receipt
// says, that the log is dense, and that all ledgers give the same answer.
func (l *clusterLoad) check() {
	l.c.t.Helper()
	l.end()
	var answers []string
	for n := range l.c.ledgers {
		found := l.c.events(n)
		for id, sequence := range l.acked {
			if found[id] != sequence {
				l.c.t.Errorf("ledger %d: event %s has the receipt %d and is event %d",
					n, id, sequence, found[id])
			}
		}
		answers = append(answers, l.c.ask(n,
			"/v1/coverage?region=75&on=2021-01-01&min_seq="+strconv.Itoa(len(found))))
	}
	if answers[0] != answers[1] || !strings.Contains(answers[0], `"covered"`) {
		l.c.t.Errorf("ledgers answer differently:\n%s\n%s", answers[0], answers[1])
	}
	l.c.t.Logf("%d events acknowledged in %d attempts", len(l.acked), l.attempts)
}

// ask asks a ledger until it answers: one that was cut off from its cluster, or is behind, says to
// ask again.
func (c *clusterRun) ask(n int, route string) (answer string) {
	c.t.Helper()
	c.await(fmt.Sprintf("ledger %d answers %s", n, route), func() bool {
		status, text := e2eDo(c.t, http.MethodGet, "http://"+c.http[n]+route, "", nil)
		answer = string(text)
		return status != http.StatusServiceUnavailable
	})
	return answer
}

// events returns the sequences of all events of a ledger's log by their ids.
func (c *clusterRun) events(n int) map[string]uint64 {
	c.t.Helper()
	text := c.ask(n, "/v1/events")
	found, next := map[string]uint64{}, uint64(1)
	for line := range strings.Lines(text) {
		var e struct {
			ID       string
			Sequence uint64
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.ID == "" || e.Sequence != next {
			c.t.Fatalf("ledger %d: event %d is %s, %v", n, next, line, err)
		}
		if was, twice := found[e.ID]; twice {
			c.t.Errorf("ledger %d: %s is event %d and %d", n, e.ID, was, e.Sequence)
		}
		found[e.ID] = e.Sequence
		next++
	}
	return found
}
