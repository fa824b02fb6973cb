package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sys/unix"
)

// passing is the program, serving a folder, to which a fault comes that passes.
type passing struct {
	t       *testing.T
	dir     string
	url     string
	nats    string
	process *exec.Cmd
	stderr  bytes.Buffer
	client  http.Client // of who asks

	publisher http.Client
	sent      int      // events that were sent, each with its number
	acked     [][2]int // ranges of those that were acknowledged
}

// servePassing starts the program and waits until it is ready.
func servePassing(t *testing.T, dir string, args ...string) *passing {
	t.Helper()
	p := startPassing(t, dir, args...)
	p.await("readiness", func() bool { return p.status("/readyz") == http.StatusOK })
	return p
}

// startPassing starts the program.
func startPassing(t *testing.T, dir string, args ...string) *passing {
	t.Helper()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	intake, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	p := &passing{
		t: t, dir: dir, url: "http://" + address, nats: "nats://" + intake,
		client:    http.Client{Transport: &http.Transport{}},
		publisher: http.Client{Transport: &http.Transport{}},
	}
	p.process = program(append([]string{
		"serve", "--data", dir, "--listen", address, "--nats-listen", intake,
	}, args...)...)
	p.process.Stderr = &p.stderr
	if err := p.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.process.Process.Kill()
		if t.Failed() {
			t.Logf("the program said: %.6000s", &p.stderr)
		}
	})
	return p
}

// await waits until something is so: as long as a busy machine may take.
func (p *passing) await(what string, so func() bool) {
	p.t.Helper()
	for began := time.Now(); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > 2*time.Minute {
			p.t.Fatalf("waited in vain for %s: %s %s", what, p.body("/healthz"), p.body("/readyz"))
		}
	}
}

// status asks a route; 0: there is no answer. One connection is used again for all that is asked: a
// program without descriptors takes no other.
func (p *passing) status(route string) int {
	response, err := p.client.Get(p.url + route)
	if err != nil {
		return 0
	}
	_, err = io.Copy(io.Discard, response.Body)
	if errors.Join(err, response.Body.Close()) != nil {
		return 0
	}
	return response.StatusCode
}

// post sends so many more events at once and returns what was answered. One goroutine does so at a
// time.
func (p *passing) post(events int) int {
	batch := []byte("[")
	for i := range events {
		if i > 0 {
			batch = append(batch, ',')
		}
		batch = append(batch, openedBy("urn:passing", strconv.Itoa(p.sent+i))...)
	}
	response, err := p.publisher.Post(p.url+"/v1/events", manyEvents,
		bytes.NewReader(append(batch, ']')))
	if err != nil {
		p.t.Error(err)
		return 0
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		p.t.Error(err)
		return 0
	}
	if response.StatusCode == http.StatusOK {
		p.acked = append(p.acked, [2]int{p.sent, p.sent + events})
	}
	p.sent += events
	return response.StatusCode
}

// both tells whether both probes say the same.
func (p *passing) both(status int) func() bool {
	return func() bool { return p.status("/healthz") == status && p.status("/readyz") == status }
}

// limit sets a limit of the running program.
func (p *passing) limit(resource int, value uint64) {
	p.t.Helper()
	var now unix.Rlimit
	pid := p.process.Process.Pid
	if err := unix.Prlimit(pid, resource, nil, &now); err != nil {
		p.t.Fatal(err)
	}
	now.Cur = min(value, now.Max)
	if err := unix.Prlimit(pid, resource, &now, nil); err != nil {
		p.t.Fatal(err)
	}
}

// stop ends the program and checks what it has kept: all that it acknowledged, once, and a log in
// which nothing is wrong. What the intake has acknowledged may wait there, and has to come by itself.
func (p *passing) stop() {
	p.t.Helper()
	began := time.Now()
	p.await("an empty intake", func() bool {
		return strings.Contains(p.body("/v1/status"), `"waiting":0`)
	})
	p.t.Logf("the intake is empty after %v", time.Since(began).Round(time.Millisecond))
	if err := p.process.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.process.Wait(); err != nil {
		p.t.Fatal(err)
	}
	code, stdout, stderr := runCommand(p.t, "log", "--data", p.dir, "--json")
	if code != 0 {
		p.t.Fatalf("log: %d %s", code, stderr)
	}
	seen := map[string]int{}
	for line := range strings.Lines(stdout) {
		var e struct{ ID string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			p.t.Fatal(err)
		}
		seen[e.ID]++
	}
	for _, acked := range p.acked {
		for n := acked[0]; n < acked[1]; n++ {
			if seen[strconv.Itoa(n)] != 1 {
				p.t.Fatalf("event %d was acknowledged and is there %d times", n,
					seen[strconv.Itoa(n)])
			}
		}
	}
	if code, stdout, _ := runCommand(p.t, "verify", "--data", p.dir); code != 0 {
		p.t.Errorf("verify: %d %s", code, stdout)
	}
}

// TestPassingFaults has writes fail for a while: both probes say so, and the ledger is well again
// by itself, with all that it acknowledged.
func TestPassingFaults(t *testing.T) {
	t.Run("longest file", func(t *testing.T) {
		testPassing(t, servePassing(t, t.TempDir()), 1, shortFiles)
	})
	t.Run("disk full", func(t *testing.T) {
		testPassing(t, servePassing(t, smallDisk(t, "size=400m")), 1, fullDisk)
	})
	if os.Getenv("CAKUPAN_LONG") == "" {
		return
	}
	// These are met when a block of 8 MiB is full and the next one is made.
	t.Run("descriptors", func(t *testing.T) {
		testPassing(t, servePassing(t, t.TempDir()), 10_000, noDescriptors)
	})
	t.Run("inodes", func(t *testing.T) {
		testPassing(t, servePassing(t, smallDisk(t, "nr_inodes=400")), 10_000, noInodes)
	})
}

// smallDisk returns a folder on a disk of its own.
func smallDisk(t *testing.T, options string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("no disk of its own can be had here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// noDescriptors leaves the program with the descriptors that it has.
func noDescriptors(p *passing) (end func()) {
	p.limit(unix.RLIMIT_NOFILE, 0)
	return func() { p.limit(unix.RLIMIT_NOFILE, math.MaxInt64) }
}

// shortFiles has the next record of the log begin and not end.
func shortFiles(p *passing) (end func()) {
	blocks, err := filepath.Glob(filepath.Join(p.dir, "nats/jetstream/*/streams/CAKUPAN/msgs/*.blk"))
	if err != nil || len(blocks) == 0 {
		p.t.Fatal(blocks, err)
	}
	info, err := os.Stat(blocks[len(blocks)-1])
	if err != nil {
		p.t.Fatal(err)
	}
	p.limit(unix.RLIMIT_FSIZE, uint64(info.Size())+40)
	return func() { p.limit(unix.RLIMIT_FSIZE, math.MaxInt64) }
}

// fullDisk leaves less room than is kept in reserve.
func fullDisk(p *passing) (end func()) {
	path := filepath.Join(p.dir, "filler")
	file, err := os.Create(path)
	if err != nil {
		p.t.Fatal(err)
	}
	for err == nil {
		_, err = file.Write(make([]byte, 1<<20))
	}
	_ = file.Close()
	return func() {
		if err := os.Remove(path); err != nil {
			p.t.Error(err)
		}
	}
}

// noInodes uses all of them up.
func noInodes(p *passing) (end func()) {
	dir := filepath.Join(p.dir, "fillers")
	err := os.Mkdir(dir, 0o700)
	for n := 0; err == nil; n++ {
		err = os.WriteFile(filepath.Join(dir, strconv.Itoa(n)), nil, 0o600)
	}
	return func() {
		if err := os.RemoveAll(dir); err != nil {
			p.t.Error(err)
		}
	}
}

// testPassing has a fault come and pass, twice.
func testPassing(t *testing.T, p *passing, events int, begin func(*passing) (end func())) {
	for range 2 {
		if status := p.post(events); status != http.StatusOK {
			t.Fatalf("post: %d", status)
		}
		end := begin(p)
		// What is in work when the write fails is either refused, or taken once it is well again.
		sent := make(chan struct{})
		var over atomic.Bool // a fault may pass without any event refused
		go func() {
			defer close(sent)
			for p.post(events) == http.StatusOK && events > 1 && !over.Load() {
			}
		}()
		p.await("503 of both probes", p.both(http.StatusServiceUnavailable))
		end()
		over.Store(true)
		ended := time.Now()
		p.await("health", p.both(http.StatusOK))
		<-sent
		t.Logf("well after %v", time.Since(ended).Round(time.Millisecond))
		if status := p.post(events); status != http.StatusOK {
			t.Fatalf("post after: %d", status)
		}
		p.sendMessage()
	}
	p.stop()
}

// sendMessage has the intake of messages take one.
func (p *passing) sendMessage() {
	p.t.Helper()
	conn, err := nats.Connect(p.nats)
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	answer, err := conn.Request("cakupan.intake.passing",
		[]byte(openedBy("urn:passing", strconv.Itoa(p.sent))), time.Minute)
	if err != nil || !bytes.Contains(answer.Data, []byte(`"stream"`)) {
		p.t.Fatalf("intake: %v, %v", answer, err)
	}
	p.acked = append(p.acked, [2]int{p.sent, p.sent + 1})
	p.sent++
}

// body returns what a route answers.
func (p *passing) body(route string) string {
	response, err := p.client.Get(p.url + route)
	if err != nil {
		return err.Error()
	}
	body, err := io.ReadAll(response.Body)
	return fmt.Sprint(string(body), errors.Join(err, response.Body.Close()))
}
