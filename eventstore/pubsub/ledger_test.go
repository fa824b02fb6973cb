package pubsub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/index"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/pubsub"
	"cakupan/eventstore/writer"
)

const (
	source = "urn:test"
	opened = "id.cakupan.enrolment.opened.v1"
	died   = "id.cakupan.worker.died.v1"

	// within is how long what must happen may take on a busy machine.
	within = time.Minute
	// quiet is how long to look whether what must not happen does.
	quiet = 30 * time.Millisecond
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ledger takes events as the real one does, but for the vault: the real rules, writer and log.
type ledger struct {
	t      testing.TB
	log    eventstore.Log
	writer *writer.Writer
}

func identity() eventstore.Identity {
	return eventstore.Identity{Ledger: strings.Repeat("ab", 16), Created: 1}
}

// inMemory returns a ledger on a log in memory.
func inMemory(t testing.TB) (*ledger, *memlog.Log) {
	log := memlog.New(identity())
	return ledgerOn(t, log), log
}

// ledgerOn returns a ledger on a log.
func ledgerOn(t testing.TB, log eventstore.Log) *ledger {
	t.Helper()
	idx, err := index.Open(t.TempDir(), log.Identity())
	if err != nil {
		t.Fatal(err)
	}
	var clock atomic.Int64
	w, err := writer.Open(t.Context(), log, idx, writer.Options{
		Now: func() temporal.Instant { return temporal.Instant(clock.Add(1)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if err := idx.Close(); err != nil {
			t.Error(err)
		}
	})
	return &ledger{t: t, log: log, writer: w}
}

// startNATS starts a server and returns what connects to it.
func startNATS(t testing.TB) func() *nats.Conn {
	t.Helper()
	server, err := natsd.Start(natsd.Options{StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	return func() *nats.Conn {
		conn, err := server.Connect()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		return conn
	}
}

// overNATS returns a ledger on a JetStream log that answers requests, and a connection to it.
func overNATS(t testing.TB) (*ledger, *nats.Conn) {
	t.Helper()
	connect := startNATS(t)
	own, users := connect(), connect()
	log, err := jetstream.Create(t.Context(), own, jetstream.Options{}, identity())
	if err != nil {
		t.Fatal(err)
	}
	l := ledgerOn(t, log)
	if _, err := own.Subscribe("cakupan.request.*", l.answer); err != nil {
		t.Fatal(err)
	}
	if err := own.Flush(); err != nil {
		t.Fatal(err)
	}
	return l, users
}

// answer answers a request as the ledger does.
func (l *ledger) answer(m *nats.Msg) {
	events := []json.RawMessage{m.Data}
	if m.Header.Get("Content-Type") == "application/cloudevents-batch+json" {
		if err := json.Unmarshal(m.Data, &events); err != nil {
			l.t.Error(err)
			return
		}
	}
	raw := make([][]byte, len(events))
	for i := range events {
		raw[i] = events[i]
	}
	body, err := json.Marshal(cloudevents.Receipts(l.submit(raw...)))
	if err != nil {
		l.t.Error(err)
	}
	if err := m.Respond(body); err != nil {
		l.t.Error(err)
	}
}

// submit has events accepted or refused, and appended.
func (l *ledger) submit(raw ...[]byte) []event.Receipt {
	l.t.Helper()
	receipts := make([]event.Receipt, len(raw))
	var entries []writer.Entry
	var places []int
	for i := range raw {
		doc, refusal := cloudevents.ParseJSON(raw[i])
		var accepted event.Accepted
		if refusal == nil {
			accepted, refusal = event.Accept(doc, event.Options{})
		}
		receipts[i] = event.Receipt{Key: accepted.Key, Status: event.Refused, Refusal: refusal}
		if refusal != nil {
			continue
		}
		accepted.Publisher = "tester"
		entry := writer.Entry{Key: accepted.Key, Event: codec.Append(nil, &accepted.Event)}
		var err error
		if entry.Digest, err = codec.Digest(entry.Event); err != nil {
			l.t.Fatal(err)
		}
		entries, places = append(entries, entry), append(places, i)
	}
	if len(entries) == 0 {
		return receipts
	}
	results, err := l.writer.Append(context.Background(), entries, writer.AppendOptions{})
	if err != nil {
		l.t.Error(err)
		return receipts
	}
	for i, r := range results {
		receipt := &receipts[places[i]]
		receipt.Status, receipt.Sequence = r.Status, uint64(r.Sequence)
		receipt.Refusal = r.Refusal
	}
	return receipts
}

// fill appends a number of deaths, frame by frame: their sequences and ids are from first on.
func (l *ledger) fill(first, count int) {
	l.t.Helper()
	for n := first; n < first+count; n++ {
		got := l.submit(death(n))[0]
		if got.Status != event.Appended || got.Sequence != uint64(n) {
			l.t.Fatalf("event %d: %+v %v", n, got, got.Refusal)
		}
	}
}

// death is an event with a number as its id.
func death(n int) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"%s","type":"%s",`+
		`"data":{"worker":"w%d","on":"2021-02-01"}}`, n, source, died, n)
}

// opening is an event of another type.
func opening(id string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"%s","source":"%s","type":"%s",`+
		`"data":{"enrolment":"e","worker":"w","region":"75.03","segment":"PU",`+
		`"category":"PRIVATE","programmes":["JKK"],"payer":"EMPLOYER","from":"2021-02-01"}}`,
		id, source, opened)
}

// subscribe begins a subscription whose subscriber is closed at the end of the test.
func subscribe(t testing.TB, log eventstore.Log, config pubsub.SubscriberConfig, topic string,
) (*pubsub.Subscriber, <-chan *message.Message) {
	t.Helper()
	s := newSubscriber(t, log, config)
	messages, err := s.Subscribe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return s, messages
}

func newSubscriber(
	t testing.TB, log eventstore.Log, config pubsub.SubscriberConfig,
) *pubsub.Subscriber {
	t.Helper()
	s, err := pubsub.NewSubscriber(log, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeIt(t, s) })
	return s
}

func closeIt(t testing.TB, it interface{ Close() error }) {
	t.Helper()
	if err := it.Close(); err != nil {
		t.Error(err)
	}
}

// next returns the next message, which must be that of an event.
func next(t testing.TB, messages <-chan *message.Message, id string) *message.Message {
	t.Helper()
	select {
	case msg, open := <-messages:
		if !open {
			t.Fatalf("the channel is closed, want event %s", id)
		}
		if got := msg.Metadata.Get(pubsub.MetadataID); got != id {
			t.Fatalf("got event %s, want %s", got, id)
		}
		return msg
	case <-time.After(within):
		t.Fatalf("no message, want event %s", id)
	}
	return nil
}

// handle takes the events first to last and acknowledges each.
func handle(t testing.TB, messages <-chan *message.Message, first, last int) {
	t.Helper()
	for n := first; n <= last; n++ {
		next(t, messages, fmt.Sprint(n)).Ack()
	}
}

// nothing checks that no message comes.
func nothing(t testing.TB, messages <-chan *message.Message) {
	t.Helper()
	select {
	case msg, open := <-messages:
		if !open {
			t.Fatal("the channel is closed")
		}
		t.Fatalf("got event %s, want none", msg.Metadata.Get(pubsub.MetadataID))
	case <-time.After(quiet):
	}
}

// ends checks that the channel is closed without a further message.
func ends(t testing.TB, messages <-chan *message.Message) {
	t.Helper()
	select {
	case msg, open := <-messages:
		if open {
			t.Fatalf("got event %s, want the end", msg.Metadata.Get(pubsub.MetadataID))
		}
	case <-time.After(within):
		t.Fatal("the channel is not closed")
	}
}

// watchedLog is a log whose reading is counted and can be made to fail.
type watchedLog struct {
	eventstore.Log
	frames atomic.Int64

	mu     sync.Mutex
	broken error
	cancel context.CancelFunc // of the one that follows
}

// fail makes following fail from now on, also one that waits for events; nil ends that.
func (l *watchedLog) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = err
	if err != nil && l.cancel != nil {
		l.cancel()
	}
}

// begin notes who follows.
func (l *watchedLog) begin(cancel context.CancelFunc) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cancel = cancel
	return l.broken
}

func (l *watchedLog) Follow(
	ctx context.Context, from eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	return func(yield func(eventstore.Frame, error) bool) {
		own, cancel := context.WithCancel(ctx)
		defer cancel()
		if err := l.begin(cancel); err != nil {
			yield(eventstore.Frame{}, err)
			return
		}
		for frame, err := range l.Log.Follow(own, from) {
			l.frames.Add(1)
			if own.Err() != nil && ctx.Err() == nil {
				frame, err = eventstore.Frame{}, l.begin(nil)
			}
			if !yield(frame, err) || err != nil {
				return
			}
		}
	}
}

// printed returns an event as `cakupan log --json` prints it.
func printed(t testing.TB, log eventstore.Log, sequence eventstore.Sequence) []byte {
	t.Helper()
	for frame, err := range log.Read(t.Context(), sequence) {
		if err != nil {
			t.Fatal(err)
		}
		for record := range frame.Records() {
			if record.Sequence != sequence {
				continue
			}
			var e event.Event
			if _, err := codec.Decode(record.Event, &e); err != nil {
				t.Fatal(err)
			}
			line := cloudevents.AppendJSON(nil, &e, uint64(sequence), record.RecordedAt)
			return bytes.Clone(line)
		}
	}
	t.Fatalf("there is no event %d", sequence)
	return nil
}
