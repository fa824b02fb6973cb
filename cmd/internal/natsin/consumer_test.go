package natsin_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/natsin"
	"cakupan/eventstore"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/natsd"
)

// TestConsumerMadeAnew takes the consumer of the packs away from a ledger that takes them, in each
// way, once while the log is away and once with nothing in work. All is taken in, and nobody is
// told a receipt twice.
func TestConsumerMadeAnew(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(context.Context, jetstream.Stream) error{
		"lost": func(context.Context, jetstream.Stream) error { return nil },
		"another, which begins with what comes": func(
			ctx context.Context, stream jetstream.Stream,
		) error {
			return remake(ctx, stream, jetstream.ConsumerConfig{
				DeliverPolicy: jetstream.DeliverNewPolicy, DeliverSubject: "cakupan.delivery.else",
			})
		},
		"another, which is not delivered": func(ctx context.Context, stream jetstream.Stream) error {
			return remake(ctx, stream, jetstream.ConsumerConfig{})
		},
		"another, from the first on": func(ctx context.Context, stream jetstream.Stream) error {
			return remake(ctx, stream, jetstream.ConsumerConfig{
				DeliverSubject: "cakupan.delivery.else",
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.startIntake()
			conn := w.dial("")
			heard := w.hear(conn, "bone")
			publish := func(n int) {
				w.publish(conn, message("cakupan.intake.bone", "", line("urn:bone", n)))
			}
			publish(0)
			w.eventually("the first is in the log", func() bool { return w.length() == 1 })
			w.fail(eventstore.ErrUnknownOutcome)
			publish(1) // in work when the consumer goes
			w.unmake(change)
			publish(2) // stored meanwhile
			w.fail(nil)
			publish(3)
			w.eventually("all are in the log", func() bool { return w.length() == 4 })
			w.eventually("no pack waits", func() bool { return w.waiting() == 0 })
			w.unmake(change)
			publish(4)
			w.eventually("no pack waits", func() bool { return w.waiting() == 0 })
			w.once(heard, 5)
		})
	}
}

// remake makes a consumer of the name that the intake's has.
func remake(ctx context.Context, stream jetstream.Stream, config jetstream.ConsumerConfig) error {
	config.Durable, config.AckPolicy = "intake", jetstream.AckExplicitPolicy
	if config.DeliverSubject != "" {
		_, err := stream.CreatePushConsumer(ctx, config)
		return err
	}
	_, err := stream.CreateConsumer(ctx, config)
	return err
}

// unmake takes the consumer away, and changes what is there instead of it. The ledger may have made
// it anew in between.
func (w *world) unmake(change func(context.Context, jetstream.Stream) error) {
	w.t.Helper()
	w.inStore(func(js jetstream.JetStream) error {
		stream, err := js.Stream(w.t.Context(), natsin.StreamIntake)
		for range 3 {
			err = errors.Join(err, stream.DeleteConsumer(w.t.Context(), "intake"))
			if err != nil {
				return err
			}
			if err = change(w.t.Context(), stream); err == nil {
				return nil
			}
			w.t.Logf("made anew already: %v", err)
			err = nil
		}
		return errors.New("the consumer is always there")
	})
}

// once wants one receipt of each of so many events, and no more.
func (w *world) once(heard chan cloudevents.Receipts, events int) {
	w.t.Helper()
	told := map[string]int{}
	for len(told) < events {
		for _, r := range w.next(heard) {
			told[r.ID]++
		}
	}
	for len(heard) > 0 {
		for _, r := range <-heard {
			told[r.ID]++
		}
	}
	for id, times := range told {
		if times != 1 {
			w.t.Errorf("the receipt of %s was told %d times", id, times)
		}
	}
}

// TestConsumerStalls has the consumer send a pack into a connection that breaks. It is not waited
// for until the server gives it up, which would take ackWait.
func TestConsumerStalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startIntake()
	conn := w.dial("")
	// Somebody else takes a pack on the ledger's subject, as one that is gone by then.
	var subject string
	w.inStore(func(js jetstream.JetStream) error {
		consumer, err := js.PushConsumer(w.t.Context(), natsin.StreamIntake, "intake")
		if err == nil {
			subject = consumer.CachedInfo().Config.DeliverSubject
		}
		return err
	})
	other, err := w.server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	lost := make(chan *nats.Msg, 100)
	if _, err := other.ChanQueueSubscribe(subject, "cakupan", lost); err != nil {
		t.Fatal(err)
	}
	if err := other.Flush(); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for ; len(lost) == 0; sent++ {
		w.publish(conn, message("cakupan.intake.bone", "", line("urn:bone", sent)))
	}
	other.Close()
	since := time.Now()
	w.eventually("all are in the log", func() bool { return w.length() == sent })
	t.Logf("%d of %d were lost, and came again after %v", len(lost), sent, time.Since(since))
}

// TestStreamLost has a server lose the streams while the ledger runs: the operator is told, and
// messages go on.
func TestStreamLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	node, err := natsd.StartNode(natsd.NodeOptions{
		Name: "alone", StoreDir: t.TempDir(), Address: "127.0.0.1:0",
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	connect := func() (*nats.Conn, error) { return nats.Connect(node.URL()) }
	conn, err := connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		w.stopIntake()
		if err := node.Leave(); err != nil {
			t.Error(err)
		}
	})
	var said logtext
	w.startIntake(func(o *natsin.Options) {
		o.Connect = natsin.Connect{Front: connect, Store: connect}
		o.Log = slog.New(slog.NewTextHandler(&said, nil))
	})
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	send := func(n int) bool {
		m := message("cakupan.intake.bone", "", line("urn:bone", n))
		reply, err := conn.Request(m.Subject, m.Data, time.Minute)
		return err == nil && bytes.Contains(reply.Data, []byte(`"seq"`))
	}
	for n, stream := range []string{natsin.StreamIntake, natsin.StreamRefused} {
		if err := js.DeleteStream(t.Context(), stream); err != nil {
			t.Fatal(err)
		}
		w.eventually("it is said that "+stream+" was lost", func() bool {
			return said.contains("a stream was lost", "stream="+stream)
		})
		w.eventually("a message is taken", func() bool { return send(n) })
		w.eventually("its event is in the log", func() bool { return w.length() == n+1 })
	}
}

// logtext is what a log says.
type logtext struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logtext) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// contains tells whether a line has all of some words.
func (l *logtext) contains(words ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if !slices.ContainsFunc(words, func(word string) bool {
			return !strings.Contains(line, word)
		}) {
			return true
		}
	}
	return false
}
