package packs_test

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"cakupan/eventstore"
	"cakupan/eventstore/packs"
)

// wire is a connection to a server in which a test may change once what passes.
type wire struct {
	net.Conn
	to, from *change
}

// change replaces bytes, by others of the same length, the first time that they pass.
type change struct{ old, with []byte }

func (c *change) apply(b []byte) {
	if c.old == nil {
		return
	}
	if at := bytes.Index(b, c.old); at >= 0 {
		copy(b[at:], c.with)
		c.old = nil
	}
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.from.apply(b[:n])
	return n, err
}

func (w *wire) Write(b []byte) (int, error) {
	b = bytes.Clone(b)
	w.to.apply(b)
	return w.Conn.Write(b)
}

// tapped gives connections to a server that go through a wire.
type tapped struct {
	server   *server.Server
	to, from change
}

func (p *tapped) InProcessConn() (net.Conn, error) {
	conn, err := p.server.InProcessConn()
	return &wire{conn, &p.to, &p.from}, err
}

func startTapped(t *testing.T) *tapped {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		DontListen: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	return &tapped{server: s}
}

// TestLostAnswer spoils what the server hears or answers: a record whose answer was lost is found,
// one that was not stored is stored, and one that somebody else was faster with is fenced.
func TestLostAnswer(t *testing.T) {
	tap := startTapped(t)
	conn, err := nats.Connect("", nats.InProcessServer(tap))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	opts := options()
	opts.Patience = time.Minute
	w := &world{t: t}
	if w.stream, err = packs.Create(t.Context(), conn, opts, identity()); err != nil {
		t.Fatal(err)
	}
	end := w.add(1)

	tap.from = change{[]byte(`{"stream":`), []byte(`not JSON..`)}
	if end, err = w.stream.Append(t.Context(), []byte("answer lost"), end); err != nil {
		t.Fatal(err)
	}
	tap.to = change{[]byte("Sequence: 2"), []byte("Sequence: 7")}
	if end, err = w.stream.Append(t.Context(), []byte("never stored"), end); err != nil {
		t.Fatal(err)
	}
	if tap.from.old != nil || tap.to.old != nil {
		t.Error("nothing was spoilt")
	}
	if end.Number != 3 {
		t.Errorf("the stream ends with %d", end.Number)
	}

	before := end
	if _, err = w.stream.Append(t.Context(), []byte("somebody's"), before); err != nil {
		t.Fatal(err)
	}
	tap.from = change{[]byte(`{"error":`), []byte(`not JSON.`)}
	_, err = w.stream.Append(t.Context(), []byte("somebody's"), before)
	if !errors.Is(err, eventstore.ErrFenced) {
		t.Errorf("the slower one is told %v", err)
	}
	want := []string{"1 record 1", "2 answer lost", "3 never stored", "4 somebody's"}
	if got := w.read(1); !slices.Equal(got, want) {
		t.Errorf("there is %q, want %q", got, want)
	}
}
