package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cakupan/cmd/internal/nobody"
	"cakupan/domain/event"
)

// TestWays publishes over all ways at once while the server is killed and started again: what was
// acknowledged is in the log exactly once, and what was refused is listed, whatever the way.
// CAKUPAN_LONG: 100,000 events and ten kills.
func TestWays(t *testing.T) {
	events, kills := 4_000, 2
	if os.Getenv("CAKUPAN_LONG") != "" {
		events, kills = 100_000, 10
	}
	w := newWays(t, events)
	w.start()
	publishing := make(chan struct{})
	go func() {
		defer close(publishing)
		w.publishAll()
	}()
	random := rand.New(rand.NewPCG(3, 3))
	for range kills {
		select {
		case <-publishing: // too fast for all kills; those that are left hit the settling
		case <-time.After(time.Duration(300+random.IntN(1_500)) * time.Millisecond):
		}
		w.kill()
		w.start()
	}
	<-publishing
	if t.Failed() {
		return
	}
	w.settle()
	w.stop()
	w.check()
}

// ways is a server that is killed, and publishers who do not mind.
type ways struct {
	t      *testing.T
	dir    string
	http   string // address
	nats   string // address
	secret string
	server *exec.Cmd

	events []wayEvent
	rows   int // of the list

	mu       sync.Mutex
	receipts map[string]wayReceipt // by event id, from ways that answer with receipts
	received map[string]bool       // by event id, acknowledged by the intake
}

// wayEvent is one event to be published.
type wayEvent struct {
	id      string
	raw     []byte
	refused bool // it names a region that there is not
}

type wayReceipt struct {
	status   event.Status
	sequence uint64
}

// Who publishes, and from where.
const (
	waysPublisher = "ways"
	waysSource    = "urn:ways"
)

func newWays(t *testing.T, events int) *ways {
	t.Helper()
	w := &ways{
		t: t, dir: filepath.Join(t.TempDir(), "data"), rows: events / 20,
		receipts: map[string]wayReceipt{}, received: map[string]bool{},
	}
	for _, address := range []*string{&w.http, &w.nats} {
		var err error
		if *address, err = freeAddress(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range events - w.rows {
		w.events = append(w.events, wayEventOf(i))
	}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w.secret = strings.TrimSpace(w.run(0, "publisher", "add", waysPublisher, "--data", w.dir,
		"--source", waysSource, "--source", "urn:cakupan:list", "--regions", "75",
		"--types", "all"))
	return w
}

// wayEventOf returns the event with a number. Each fiftieth is refused, and half of the others
// come with a NIK.
func wayEventOf(i int) wayEvent {
	e := wayEvent{id: fmt.Sprintf("way-%d", i), refused: i%50 == 7}
	person, region := fmt.Sprintf(`"worker":"w-%d"`, i), "75.03"
	if i%2 == 0 {
		person = `"nik":"` + nobody.NIK(i%8_000) + `"`
	}
	if e.refused {
		region = "75.99"
	}
	e.raw = fmt.Appendf(nil, `{"specversion":"1.0","id":"%s","source":"%s",`+
		`"type":"id.cakupan.enrolment.opened.v1","data":{"enrolment":"e-%d",%s,"region":"%s",`+
		`"segment":"PU","category":"PRIVATE","programmes":["JKK","JKM"],"payer":"EMPLOYER",`+
		`"from":"2020-01-01"}}`, e.id, waysSource, i, person, region)
	return e
}

// command returns the program as a process of its own: this binary, under its name.
func (w *ways) command(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	return &exec.Cmd{
		Path: self, Args: append([]string{"cakupan"}, args...),
		Env: append(os.Environ(), "CAKUPAN_SECRET="+w.secret),
	}
}

// run runs a command to its end and returns what it printed.
func (w *ways) run(exit int, args ...string) string {
	w.t.Helper()
	command := w.command(args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	if command.ProcessState == nil || command.ProcessState.ExitCode() != exit {
		w.t.Fatalf("cakupan %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return stdout.String()
}

// start starts the server, and returns when it says that it serves.
func (w *ways) start() {
	w.t.Helper()
	w.server = w.command("serve", "--data", w.dir, "--listen", w.http, "--nats-listen", w.nats)
	log, err := os.OpenFile(filepath.Join(w.t.ArtifactDir(), "serve.log"),
		os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	w.server.Stderr, w.server.Stdout = log, log
	if err := w.server.Start(); err != nil {
		w.t.Fatal(err)
	}
	for range 6_000 {
		if healthOf("http://"+w.http) != "" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Fatal("the server does not answer")
}

func (w *ways) kill() {
	_ = w.server.Process.Signal(syscall.SIGKILL)
	_ = w.server.Wait()
}

func (w *ways) stop() {
	w.t.Helper()
	if err := w.server.Process.Signal(syscall.SIGTERM); err != nil {
		w.t.Fatal(err)
	}
	if err := w.server.Wait(); err != nil {
		w.t.Fatalf("the server ended with %v", err)
	}
}

// settle waits until everything that the intake has acknowledged is in the log or listed.
func (w *ways) settle() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		w.kill() // once more, at the least convenient moment
		inLog, listed := w.logged(), w.listed()
		open := 0
		for id := range w.received {
			if len(inLog[id]) == 0 && listed[id] == 0 {
				open++
			}
		}
		w.start()
		if open == 0 {
			return
		}
		time.Sleep(time.Second)
	}
	w.t.Fatal("what the intake has acknowledged is not all in the log or listed after a minute")
}

// logged returns the sequences of each event of the log, by its id.
func (w *ways) logged() map[string][]uint64 {
	w.t.Helper()
	sequences := map[string][]uint64{}
	for line := range strings.Lines(w.run(0, "log", "--json", "--data", w.dir)) {
		var e struct {
			ID, Source, PublishedBy string
			Sequence                uint64
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			w.t.Fatal(err)
		}
		if e.PublishedBy != waysPublisher {
			w.t.Errorf("%s was published by %q", e.ID, e.PublishedBy)
		}
		if e.Source != waysSource {
			e.ID = "row " + e.ID
		}
		sequences[e.ID] = append(sequences[e.ID], e.Sequence)
	}
	return sequences
}

// listed returns how often each event is listed as refused, by its id.
func (w *ways) listed() map[string]int {
	w.t.Helper()
	times := map[string]int{}
	var refused []struct{ ID, Code string }
	text := w.run(0, "refused", "list", "--json", "--data", w.dir)
	if err := json.Unmarshal([]byte(text), &refused); err != nil {
		w.t.Fatalf("%v:\n%s", err, text)
	}
	for _, r := range refused {
		times[r.ID]++
	}
	return times
}

// check compares the log with what the publishers were told.
func (w *ways) check() {
	w.t.Helper()
	inLog, listed := w.logged(), w.listed()
	rows, refused := 0, 0
	for id := range inLog {
		if strings.HasPrefix(id, "row ") {
			rows++
		}
	}
	if rows != w.rows {
		w.t.Errorf("%d rows of the list are in the log, want %d", rows, w.rows)
	}
	for i := range w.events {
		e := &w.events[i]
		receipt, answered := w.receipts[e.id]
		places := inLog[e.id]
		switch {
		case e.refused && len(places) > 0:
			w.t.Errorf("%s is in the log, and should have been refused", e.id)
		case e.refused && w.received[e.id] && listed[e.id] == 0:
			w.t.Errorf("%s was taken by the intake and refused, and is not listed", e.id)
		case e.refused && answered && receipt.status != event.Refused:
			w.t.Errorf("%s should have been refused, and was %s", e.id, receipt.status)
		case !e.refused && len(places) != 1:
			w.t.Errorf("%s is in the log %d times", e.id, len(places))
		case !e.refused && answered && receipt.sequence != places[0]:
			w.t.Errorf("%s is event %d, and its receipt said %d", e.id, places[0], receipt.sequence)
		}
		if e.refused {
			refused++
		}
	}
	w.run(0, "verify", "--data", w.dir)
	w.run(0, "replay", "--data", w.dir)
	w.t.Logf("%d events in the log, %d refused, %d of them listed; %d receipts, %d acknowledged"+
		" by the intake", len(inLog), refused, len(listed), len(w.receipts), len(w.received))
}
