package jetstream

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"cakupan/eventstore"
	"cakupan/eventstore/logtest"
)

// TestPullerKeepsGoing reads many small messages and then some large ones. A puller that loses
// count of what it asked for falls silent; its user would still read everything, but one by one.
func TestPullerKeepsGoing(t *testing.T) {
	s, err := server.NewServer(&server.Options{
		DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	conn, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	log, err := Create(t.Context(), conn, Options{}, eventstore.NewIdentity(1))
	if err != nil {
		t.Fatal(err)
	}
	var maker logtest.Maker
	var frames uint64
	add := func(n, events int) {
		for range n {
			tail, err := log.Append(t.Context(), maker.Frame(events), maker.Before())
			if err != nil {
				t.Fatal(err)
			}
			maker.Appended(tail)
			frames++
		}
	}
	add(5000, 1)
	add(60, 1000)

	p, err := log.newPuller(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for want := uint64(1); want <= frames; want++ {
		msg, err := p.receive(t.Context(), time.Minute)
		if err != nil || msg.number != want {
			t.Fatalf("message %d of %d: got %d, %v", want, frames, msg.number, err)
		}
	}
	if _, err := p.receive(t.Context(), 10*time.Millisecond); !errors.Is(err, errSilent) {
		t.Errorf("at the end: %v, want errSilent", err)
	}
	add(1, 1)
	if msg, err := p.receive(t.Context(), time.Minute); err != nil || msg.number != frames {
		t.Errorf("new message: %d, %v", msg.number, err)
	}
	// A consumer that vanishes is noticed at once, not when patience ends.
	name := "$JS.API.CONSUMER.DELETE." + p.stream + "." + p.consumer
	if _, err := conn.Request(name, nil, time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := p.receive(t.Context(), time.Hour); !errors.Is(err, errSilent) {
		t.Errorf("after the consumer was deleted: %v, want errSilent", err)
	}
	p.stop()
}
