package lease_test

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore/jetstream/lease"
	"cakupan/eventstore/natsd"
)

// TestLostBucket has the server lose the bucket of a lease: who looks and who renews has it made
// anew, and of two that take it then one gets it.
func TestLostBucket(t *testing.T) {
	t.Parallel()
	node, err := natsd.StartNode(natsd.NodeOptions{
		Name: "alone", StoreDir: t.TempDir(), Address: "127.0.0.1:0",
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(node.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		if err := node.Leave(); err != nil {
			t.Error(err)
		}
	})
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	l, err := lease.Open(ctx, conn, 1)
	if err != nil {
		t.Fatal(err)
	}
	one, other := lease.Holder{ID: "one"}, lease.Holder{ID: "other"}
	held, err := l.Take(ctx, lease.State{}, one)
	if err != nil {
		t.Fatal(err)
	}
	for name, find := range map[string]func() error{
		"by who looks":  func() error { _, err := l.Look(ctx); return err },
		"by who renews": func() error { _, err := l.Take(ctx, held, one); return err },
	} {
		if err := js.DeleteStream(ctx, lease.Stream); err != nil {
			t.Fatal(err)
		}
		if err := find(); err == nil || errors.Is(err, lease.ErrTaken) {
			t.Errorf("%s: a lease without a bucket: %v", name, err)
		}
		free, err := l.Look(ctx)
		if err != nil || free != (lease.State{}) {
			t.Fatalf("%s: a bucket made anew has %+v, %v", name, free, err)
		}
		if _, err := l.Take(ctx, held, one); !errors.Is(err, lease.ErrTaken) {
			t.Errorf("%s: a lease of before is renewed: %v", name, err)
		}
		if held, err = l.Take(ctx, free, one); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Take(ctx, free, other); !errors.Is(err, lease.ErrTaken) {
			t.Errorf("%s: it is taken twice: %v", name, err)
		}
	}
}
