package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/nobody"
	"cakupan/domain/event"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/pubsub"
)

// TestConformance runs Watermill's own suite for Pub/Subs against a ledger in a process of its own,
// in which a publisher and an auditor are registered. CAKUPAN_LONG: with its full volumes.
func TestConformance(t *testing.T) {
	s := startConformance(t)
	features := tests.Features{
		ConsumerGroups:  true,
		GuaranteedOrder: true,
		Persistent:      true,
		ForceShort:      os.Getenv("CAKUPAN_LONG") == "",
	}
	inGroup := func(t *testing.T, group string) (message.Publisher, message.Subscriber) {
		return s.publisher(), s.subscriber(t, group)
	}
	// All subscribers in one group: what the suite calls a subscriber is a member of it.
	t.Run("group", func(t *testing.T) {
		inOneGroup := func(t *testing.T) (message.Publisher, message.Subscriber) {
			return inGroup(t, "all")
		}
		tests.TestPubSub(t, features, inOneGroup, inGroup)
	})
	// Each subscriber by itself, from the first event on.
	t.Run("alone", func(t *testing.T) {
		alone := func(t *testing.T) (message.Publisher, message.Subscriber) {
			return inGroup(t, "")
		}
		features := features
		features.NewSubscriberReceivesOldMessages = true
		tests.TestPubSub(t, features, alone, inGroup)
	})
}

// TestConformanceReconnect is the part of the suite that restarts the ledger while it publishes
// 10,000 messages: here it is killed.
func TestConformanceReconnect(t *testing.T) {
	if os.Getenv("CAKUPAN_LONG") == "" {
		t.Skip("CAKUPAN_LONG is not set")
	}
	s := startConformance(t)
	// The suite compares what it has received with what its publishers have noted, and they note it
	// when Publish has returned: the last messages must not be read before that.
	s.age = time.Second
	constructor := func(t *testing.T) (message.Publisher, message.Subscriber) {
		return s.publisher(), s.subscriber(t, "all")
	}
	tests.TestReconnect(t, tests.TestContext{TestID: tests.NewTestID(), Features: tests.Features{
		RestartServiceCommand: []string{"sh", "-c", `kill -KILL "$(cat ` + s.pid + `)"`},
	}}, constructor)
}

// TestPublishedBy: a publisher's name stays with its events, and what it may not report is refused.
func TestPublishedBy(t *testing.T) {
	s := startConformance(t)
	p := pubsub.NewPublisher(pubsub.OverNATS(s.writes, conformancePublisher), pubsub.PublisherConfig{})
	death := func(source string) *message.Message {
		return message.NewMessage("m", fmt.Appendf(nil, `{"specversion":"1.0","id":"1","source":"%s",`+
			`"type":"id.cakupan.worker.died.v1","data":{"nik":"%s","on":"2021-02-01"}}`,
			source, nobody.NIK(7)))
	}
	err := p.Publish(pubsub.TopicEvents, death("urn:suite"), death("urn:other"), death("urn:suite"))
	var refused *pubsub.RefusedError
	if !errors.As(err, &refused) || len(refused.Refusals) != 1 ||
		refused.Refusals[0].Code != event.Forbidden || refused.Refusals[0].Field != "source" {
		t.Fatal(err)
	}
	other := pubsub.NewPublisher(pubsub.OverNATS(s.writes, "somebody"),
		pubsub.PublisherConfig{Timeout: time.Second})
	if err := other.Publish(pubsub.TopicEvents, death("urn:suite")); err == nil ||
		!strings.Contains(err.Error(), "may not publish as somebody") {
		t.Errorf("under another name: %v", err)
	}
	subscriber, err := pubsub.NewSubscriber(s.log, pubsub.SubscriberConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = subscriber.Close() }()
	messages, err := subscriber.Subscribe(t.Context(), "id.cakupan.worker.died.v1")
	if err != nil {
		t.Fatal(err)
	}
	msg := <-messages
	if by := msg.Metadata.Get(pubsub.MetadataPublisher); by != conformancePublisher {
		t.Errorf("published by %q", by)
	}
	if bytes.Contains(msg.Payload, []byte(nobody.NIK(7))) {
		t.Errorf("it shows the number: %s", msg.Payload)
	}
	// In front of the death stands what the ledger itself says of it: this publisher has no right to
	// the people of the nation, and is not told whether anybody knows him.
	_, tail, err := s.log.Last(t.Context())
	if err != nil || tail.Sequence != 2 {
		t.Errorf("the log ends with event %d, %v", tail.Sequence, err)
	}
}

// TestPubsubExamples runs the example programs as their comments say.
func TestPubsubExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	s := startConformance(t)
	office := s.cakupan("publisher", "add", "office", "--data", s.dir, "--source", "urn:example",
		"--regions", "75.03", "--types", "enrolment.opened.v1")
	binaries := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binaries,
		"../../eventstore/pubsub/examples/...")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	run := func(program, name, secret string) *exec.Cmd {
		command := exec.CommandContext(t.Context(), filepath.Join(binaries, program))
		command.Dir = binaries
		command.Env = append(os.Environ(), "CAKUPAN_NATS=nats://"+s.nats, "CAKUPAN_NAME="+name,
			"CAKUPAN_SECRET="+secret)
		return command
	}
	for _, want := range []string{"urn:example row-1 appended 1\n", "urn:example row-1 duplicate 1\n"} {
		output, err := run("publish", "office", office).CombinedOutput()
		if err != nil || string(output) != want {
			t.Fatalf("%v\n%s", err, output)
		}
	}
	// The first time it begins with the first event, the second time it goes on: an interrupt after
	// the line comes before or after the acknowledgement, and the program ends with both done.
	for _, want := range []string{`"publishedby":"office"`, `"publishedby":"suite"`} {
		if err := s.publisher().Publish("topic", message.NewMessage(want, nil)); err != nil {
			t.Fatal(err)
		}
		subscribe := run("subscribe", conformanceAuditor, s.auditor)
		var stderr bytes.Buffer
		subscribe.Stderr = &stderr
		stdout, err := subscribe.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := subscribe.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(stdout).ReadString('\n')
		if err != nil || !strings.Contains(line, want) {
			t.Errorf("it prints %q, want %s; %v", line, want, err)
		}
		err = errors.Join(subscribe.Process.Signal(os.Interrupt), subscribe.Wait())
		if err != nil {
			t.Fatalf("%v\n%s", err, stderr.Bytes())
		}
	}
}

// Who is registered.
const (
	conformancePublisher = "suite"
	conformanceAuditor   = "inspector"
)

// conformance is a ledger in a process that is started again when it was killed, and what
// connects to it.
type conformance struct {
	t         *testing.T
	dir       string // data folder
	nats      string // address
	pid       string // file with the number of the process
	secret    string // of the publisher
	auditor   string // secret of the auditor
	writes    *nats.Conn
	log       *jetstream.Log
	positions pubsub.Positions
	age       time.Duration // of events before they are delivered
}

func startConformance(t *testing.T) *conformance {
	t.Helper()
	dir := t.TempDir()
	s := &conformance{t: t, dir: filepath.Join(dir, "data"), pid: filepath.Join(dir, "pid")}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.nats, err = freeAddress(); err != nil {
		t.Fatal(err)
	}
	s.secret = s.cakupan("publisher", "add", conformancePublisher, "--data", s.dir,
		"--source", "urn:suite", "--regions", "75", "--types", "all")
	s.auditor = s.cakupan("reader", "add", conformanceAuditor, "--data", s.dir, "--role", "auditor")
	s.keepServing()
	s.writes = s.connect(conformancePublisher, s.secret)
	s.log, err = jetstream.Open(t.Context(), s.connect(conformanceAuditor, s.auditor),
		jetstream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s.positions, err = pubsub.NewFilePositions(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	return s
}

// cakupan runs a command of the program and returns what it prints.
func (s *conformance) cakupan(args ...string) string {
	s.t.Helper()
	var stderr bytes.Buffer
	command := program(args...)
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		s.t.Fatalf("cakupan %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return strings.TrimSpace(string(output))
}

// program returns the program as a process of its own: this binary, under its name.
func program(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		return &exec.Cmd{Err: err}
	}
	return &exec.Cmd{Path: self, Args: append([]string{"cakupan"}, args...)}
}

// keepServing starts the ledger until the end of the test, anew whenever it ends.
func (s *conformance) keepServing() {
	s.t.Helper()
	var mu sync.Mutex // guards both
	var server *exec.Cmd
	ending := false
	var stderr bytes.Buffer
	start := func() error {
		mu.Lock()
		defer mu.Unlock()
		if ending {
			return errors.New("the test is over")
		}
		server = program("serve", "--data", s.dir, "--listen", "127.0.0.1:0", "--nats-listen", s.nats,
			"--consumers", "1000")
		server.Stderr = &stderr
		if err := server.Start(); err != nil {
			return err
		}
		return os.WriteFile(s.pid, []byte(strconv.Itoa(server.Process.Pid)), 0o600)
	}
	if err := start(); err != nil {
		s.t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			_ = server.Wait() // killed, or told to end
			if start() != nil {
				return
			}
		}
	})
	s.t.Cleanup(func() {
		mu.Lock()
		ending = true
		err := server.Process.Signal(syscall.SIGTERM)
		mu.Unlock()
		served.Wait()
		if err != nil || server.ProcessState.ExitCode() != 0 {
			s.t.Errorf("the ledger ended with %v, %v\n%s", err, server.ProcessState, stderr.Bytes())
		}
	})
}

// connect connects as somebody, as soon as the ledger is there.
func (s *conformance) connect(name, secret string) *nats.Conn {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		conn, err := nats.Connect("nats://"+s.nats, nats.UserInfo(name, secret),
			nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
		if err == nil {
			s.t.Cleanup(conn.Close)
			return conn
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("connect as %s: %v", name, err)
		}
	}
}

func (s *conformance) publisher() message.Publisher {
	return pubsub.NewPublisher(pubsub.OverNATS(s.writes, conformancePublisher),
		pubsub.PublisherConfig{Marshal: marshalAnything, Timeout: 30 * time.Second})
}

func (s *conformance) subscriber(t *testing.T, group string) message.Subscriber {
	t.Helper()
	config := pubsub.SubscriberConfig{
		Group: group, Topic: topicOfAnything,
		Unmarshal: func(r pubsub.Recorded) (*message.Message, error) {
			time.Sleep(time.Until(time.Unix(0, int64(r.RecordedAt)).Add(s.age)))
			return unmarshalAnything(r)
		},
		NackDelay: time.Millisecond, Logger: watermill.NewStdLogger(false, false),
	}
	if group != "" {
		config.Positions = s.positions
	}
	subscriber, err := pubsub.NewSubscriber(s.log, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(subscriber.Close(), subscriber.Err()); err != nil {
			t.Error(err)
		}
	})
	return subscriber
}

// anything is a message of the suite. It is kept in the basis of a target: the suite's payloads are
// no events.
type anything struct {
	UUID     string
	Payload  []byte
	Metadata message.Metadata
}

func marshalAnything(topic string, msg *message.Message) ([]byte, error) {
	basis, err := json.Marshal(anything{msg.UUID, msg.Payload, msg.Metadata})
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"specversion": "1.0", "source": "urn:suite", "type": event.TargetSet.Name(),
		"id": topic + "/" + msg.UUID, "subject": topic, // one message goes to several topics
		"data": map[string]any{
			"region": "75", "sector": "ALL", "percent": "60", "from": "2020-01-01",
			"basis": string(basis),
		},
	})
}

func topicOfAnything(topic string) (func(*event.Event) bool, error) {
	return func(e *event.Event) bool { return e.Subject == topic }, nil
}

func unmarshalAnything(r pubsub.Recorded) (*message.Message, error) {
	var a anything
	if err := json.Unmarshal([]byte(r.Event.Data.Basis), &a); err != nil {
		return nil, err
	}
	msg := message.NewMessage(a.UUID, a.Payload)
	msg.Metadata = a.Metadata
	return msg, nil
}
