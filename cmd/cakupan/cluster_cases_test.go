package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/ledger"
	"cakupan/eventstore/keyfile"
	"cakupan/eventstore/seal"
)

// longCluster skips a test of many seconds.
func longCluster(t *testing.T) {
	t.Helper()
	if os.Getenv("CAKUPAN_LONG") == "" {
		t.Skip("set CAKUPAN_LONG=1 for all that a cluster may meet")
	}
}

// TestClusterNodeKilled kills the server that leads the log: another one leads, and all goes on.
func TestClusterNodeKilled(t *testing.T) {
	longCluster(t)
	c := newCluster(t)
	l := c.load(4)
	l.progress(200)
	lead := c.leader("CAKUPAN")
	c.nodes[lead].kill()
	gap := l.progress(200)
	t.Logf("writes stopped for %v after the kill of the leader", gap)
	c.nodes[lead].start()
	l.progress(200)
	l.check()
}

// TestClusterLeaderMoved has the leader of the log step down: only what is on its way is lost.
func TestClusterLeaderMoved(t *testing.T) {
	longCluster(t)
	c := newCluster(t)
	l := c.load(4)
	l.progress(200)
	for range 3 {
		c.stepDown("CAKUPAN")
		t.Logf("writes stopped for %v after the leader stepped down", l.progress(200))
	}
	l.check()
}

// TestClusterWriterPaused stops the ledger that writes until another one does, and wakes it: it
// finds that it is fenced, and stands by.
func TestClusterWriterPaused(t *testing.T) {
	longCluster(t)
	c := newCluster(t)
	l := c.load(4)
	l.progress(200)
	was := c.writer()
	c.ledgers[was].signal(syscall.SIGSTOP)
	gap := l.progress(100)
	t.Logf("writes stopped for %v after the writer did", gap)
	c.ledgers[was].signal(syscall.SIGCONT)
	c.await("the paused ledger stands by", func() bool { return c.role(was) == "standby" })
	l.progress(200)
	l.check()
}

// TestClusterAway has most servers gone for a while, or all: the ledgers say so, and go on by
// themselves.
func TestClusterAway(t *testing.T) {
	longCluster(t)
	for _, gone := range []int{2, 3} {
		t.Run(fmt.Sprint(gone), func(t *testing.T) { testClusterAway(t, gone) })
	}
}

func testClusterAway(t *testing.T, gone int) {
	c := newCluster(t)
	l := c.load(2)
	l.progress(100)
	for _, n := range c.nodes[:gone] {
		n.kill()
	}
	c.await("the ledgers are not well", func() bool {
		return c.health(0).Status != "ok" && c.health(1).Status != "ok"
	})
	l.inVain(20)
	for n := range c.ledgers {
		began := time.Now()
		is := c.health(n)
		t.Logf("ledger %d says after %v: %+v", n, time.Since(began), is)
		if is.Status == "ok" || is.Head == 0 || is.Why == "" {
			t.Errorf("ledger %d says %+v", n, is)
		}
	}
	for _, n := range c.nodes[:gone] {
		n.start()
	}
	l.progress(100)
	c.await("the ledgers are well", func() bool {
		return c.health(0).Status == "ok" && c.health(1).Status == "ok"
	})
	l.check()
}

// TestClusterWriterKilled kills the ledger that writes: the other one takes over, and the killed one
// stands by when it is started again.
func TestClusterWriterKilled(t *testing.T) {
	c := newCluster(t)
	l := c.load(4)
	l.progress(200)
	was := c.writer()
	c.ledgers[was].kill()
	gap := l.progress(200)
	t.Logf("writes stopped for %v after the kill of the writer", gap)
	if now := c.writer(); now == was {
		t.Errorf("ledger %d writes, and is dead", now)
	}
	c.ledgers[was].start()
	c.await("the killed ledger stands by", func() bool { return c.role(was) == "standby" })
	l.progress(100)
	l.check()
}

// TestClusterUnsafe refuses a cluster whose settings can lose events, each by its name, and has the
// replicas raised when that is said.
func TestClusterUnsafe(t *testing.T) {
	longCluster(t)
	c := &clusterRun{t: t}
	c.startNodes(3, "n1")
	refused := func(want string, flags ...string) {
		t.Helper()
		p := c.addLedger(flags...)
		p.start()
		c.awaitEnd(p)
		if said := p.stderr.String(); !strings.Contains(said, want) {
			t.Errorf("a ledger with %v says %s, want %s", flags, said, want)
		}
	}
	one := c.addLedger("--replicas", "1")
	one.start()
	n := len(c.ledgers) - 1
	c.await("the ledger with one replica writes", func() bool { return c.role(n) == "writer" })
	one.kill()
	refused("stream CAKUPAN has replicas 1, and cluster cakupan allows 3")
	refused("server n1 of the cluster has sync_interval 1h0m0s", "--replicas", "3",
		"--nats-system", c.system())
	refused("must be one of the cluster's system account", "--replicas", "1",
		"--nats-system", "nats://"+c.nats[0])
	c.ledgers[n].args = append(c.ledgers[n].args[:len(c.ledgers[n].args)-2], "--replicas", "3")
	c.ledgers[n].start()
	c.await("all streams have three replicas", func() bool {
		status := c.status(n)
		for _, stream := range status.Streams {
			if stream.Replicas != 3 || stream.Current != 3 {
				return false
			}
		}
		return len(status.Streams) >= 4
	})
	c.ledgers[n].kill()
	config, err := c.streams().Stream(t.Context(), "CAKUPAN")
	if err != nil {
		t.Fatal(err)
	}
	worse := config.CachedInfo().Config
	worse.MaxAge = time.Hour
	if _, err := c.streams().UpdateStream(t.Context(), worse); err != nil {
		t.Fatal(err)
	}
	refused("the stream removes messages by age")
}

// awaitEnd waits until a process has ended by itself.
func (c *clusterRun) awaitEnd(p *process) {
	c.t.Helper()
	ended := make(chan struct{})
	go func() { _ = p.command.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(2 * time.Minute):
		_ = p.command.Process.Kill()
		<-ended
		c.t.Fatalf("it does not end: %s", p.stderr)
	}
}

// status returns what a ledger says of its cluster.
func (c *clusterRun) status(n int) (s ledger.Status) {
	c.t.Helper()
	text, _, _ := e2eRun(c.t.Context(), c.t, nil, "status", "--json", "--server", c.http[n])
	_ = json.Unmarshal([]byte(text), &s) // what is missing is waited for
	return s
}

// TestClusterTwoAtOnce starts two ledgers on an empty cluster at the same moment, again and again: one
// of them writes.
func TestClusterTwoAtOnce(t *testing.T) {
	longCluster(t)
	c := &clusterRun{t: t}
	c.startNodes(3)
	for range 2 {
		c.addLedger("--nats-system", c.system())
	}
	vault := filepath.Join(c.dirs[0], "vault")
	if err := os.MkdirAll(vault, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := keyfile.Create(filepath.Join(vault, "vault.key"))
	if err == nil {
		_, err = seal.CreateKey(filepath.Join(vault, "intake.key"))
	}
	if err != nil {
		t.Fatal(err)
	}
	c.copyKeys()
	l := c.load(2)
	for range 3 {
		for _, p := range c.ledgers {
			p.start()
		}
		l.progress(50)
		c.await("one of the ledgers writes and one stands by", func() bool {
			return c.role(0) == "writer" && c.role(1) == "standby" ||
				c.role(1) == "writer" && c.role(0) == "standby"
		})
		for _, p := range c.ledgers {
			p.kill()
		}
	}
	for _, p := range c.ledgers {
		p.start()
	}
	l.progress(50)
	l.check()
}

// TestClusterMessages sends messages by NATS while the ledger that writes is killed: each that was
// acknowledged is taken in by the other one, once.
func TestClusterMessages(t *testing.T) {
	longCluster(t)
	c := newCluster(t)
	js := c.streams()
	var sent, stop atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := int64(0); stop.Load() == 0; {
			_, err := js.Publish(t.Context(), "cakupan.intake.office",
				opening("urn:office", int(n), "75.03"), jetstream.WithRetryAttempts(0))
			if err == nil {
				n = sent.Add(1)
			}
		}
	}()
	more := func(count int64) {
		t.Helper()
		want := sent.Load() + count
		c.await("messages are acknowledged", func() bool { return sent.Load() >= want })
	}
	more(50)
	was := c.writer()
	c.ledgers[was].kill()
	more(50)
	c.ledgers[was].start()
	c.await("the killed ledger stands by", func() bool { return c.role(was) == "standby" })
	more(50)
	stop.Store(1)
	<-done
	c.await("all messages are taken in", func() bool {
		return c.health(0).Head == uint64(sent.Load()) && c.status(0).Intake.Waiting == 0
	})
	for n := range c.ledgers {
		found := c.events(n)
		for i := range sent.Load() {
			if found[fmt.Sprintf("e-%d", i)] == 0 {
				t.Errorf("ledger %d: message %d was acknowledged and is not in the log", n, i)
			}
		}
	}
}
