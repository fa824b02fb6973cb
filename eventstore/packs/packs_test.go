package packs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/packs"
)

// identity is whose the streams of these tests are.
func identity() eventstore.Identity {
	return eventstore.Identity{Ledger: strings.Repeat("a7", 16), Created: 1_700_000_000_000_000_000}
}

// options are those of the vault's stream, the one that may be erased from.
func options() packs.Options {
	return packs.Options{
		Stream: "CAKUPAN_VAULT", Subject: "cakupan.vault", Description: "for tests", Erasable: true,
	}
}

// world is a server with a stream of records.
type world struct {
	t      *testing.T
	dir    string
	server *natsd.Server
	conn   *nats.Conn
	stream *packs.Stream
}

// newWorld starts a server on a folder, and opens the stream there, or makes it.
func newWorld(t *testing.T, dir string) *world {
	t.Helper()
	w := &world{t: t, dir: dir}
	var err error
	if w.server, err = natsd.Start(natsd.Options{StoreDir: dir}); err != nil {
		t.Fatal(err)
	}
	if w.conn, err = w.server.ConnectVault(); err != nil {
		t.Fatal(err)
	}
	w.stream, err = packs.Open(t.Context(), w.conn, options())
	if errors.Is(err, packs.ErrNoStream) {
		w.stream, err = packs.Create(t.Context(), w.conn, options(), identity())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.stop)
	return w
}

func (w *world) stop() {
	if w.server == nil {
		return
	}
	w.conn.Close()
	if err := w.server.Shutdown(); err != nil {
		w.t.Error(err)
	}
	w.server = nil
}

// add appends n records, "record 1" and so on by their numbers.
func (w *world) add(n int) packs.End {
	w.t.Helper()
	end, err := w.stream.Last(w.t.Context())
	for range n {
		if err != nil {
			break
		}
		end, err = w.stream.Append(w.t.Context(), fmt.Appendf(nil, "record %d", end.Number+1), end)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return end
}

// read returns what is in the stream from a number on: "1 record 1", "damage 2-3" and so on.
func (w *world) read(from uint64) (all []string) {
	w.t.Helper()
	for r, err := range w.stream.Read(w.t.Context(), from) {
		all = append(all, w.describe(&r, err))
	}
	return all
}

func (w *world) describe(r *packs.Record, err error) string {
	var damage *packs.DamageError
	switch {
	case errors.As(err, &damage):
		return fmt.Sprintf("damage %d-%d", damage.From, damage.To)
	case err != nil:
		w.t.Error(err)
		return err.Error()
	case len(r.Replaces) > 0:
		return fmt.Sprintf("%d %s for %v", r.Number, r.Data, r.Replaces)
	}
	return fmt.Sprintf("%d %s", r.Number, r.Data)
}

func (w *world) expect(from uint64, want ...string) {
	w.t.Helper()
	if got := w.read(from); !slices.Equal(got, want) {
		w.t.Errorf("from %d on there is %q, want %q", from, got, want)
	}
}

func TestAppend(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.expect(1)
	if end := w.add(3); end.Number != 3 {
		t.Errorf("the stream ends with %d", end.Number)
	}
	w.expect(0, "1 record 1", "2 record 2", "3 record 3")
	w.expect(3, "3 record 3")
	w.expect(4)
	w.expect(100)
	w.stop()
	w = newWorld(t, w.dir)
	if end := w.add(1); end.Number != 4 {
		t.Errorf("after a restart the stream ends with %d", end.Number)
	}
	w.expect(2, "2 record 2", "3 record 3", "4 record 4")
	if w.stream.Identity() != identity() {
		t.Errorf("it belongs to %v", w.stream.Identity())
	}
}

// TestFenced lets two append after the same end: one is refused and stores nothing, also when both
// say the same.
func TestFenced(t *testing.T) {
	w := newWorld(t, t.TempDir())
	end := w.add(1)
	if _, err := w.stream.Append(t.Context(), []byte("same"), end); err != nil {
		t.Fatal(err)
	}
	_, err := w.stream.Append(t.Context(), []byte("same"), end)
	if !errors.Is(err, eventstore.ErrFenced) {
		t.Errorf("the second one is told %v", err)
	}
	w.expect(1, "1 record 1", "2 same")
}

func TestTooLarge(t *testing.T) {
	w := newWorld(t, t.TempDir())
	end, err := w.stream.Append(t.Context(), make([]byte, packs.DataBytesMax), packs.End{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.stream.Append(t.Context(), make([]byte, packs.DataBytesMax+1), end)
	if !errors.Is(err, packs.ErrTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
}

func TestFull(t *testing.T) {
	w := newWorld(t, t.TempDir())
	opts := options()
	opts.FreeSpace = func() (uint64, error) { return 1 << 20, nil }
	stream, err := packs.Open(t.Context(), w.conn, opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Append(t.Context(), []byte("x"), packs.End{}); !errors.Is(err, eventstore.ErrFull) {
		t.Errorf("on a full disk: %v", err)
	}
	w.expect(1)
}

// TestUnsafe opens streams that could lose records, or are none.
func TestUnsafe(t *testing.T) {
	w := newWorld(t, t.TempDir())
	ledger, err := w.server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	js, err := jetstream.New(ledger)
	if err != nil {
		t.Fatal(err)
	}
	opts := packs.Options{Stream: "OTHER", Subject: "other"}
	if _, err := packs.Open(t.Context(), ledger, opts); !errors.Is(err, packs.ErrNoStream) {
		t.Errorf("no stream: %v", err)
	}
	for name, change := range map[string]func(*jetstream.StreamConfig){
		"MEMORY":  func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
		"AGE":     func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour },
		"DELETE":  func(c *jetstream.StreamConfig) { c.DenyDelete = false },
		"PURGE":   func(c *jetstream.StreamConfig) { c.DenyPurge = false },
		"OLDEST":  func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
		"FOREIGN": func(c *jetstream.StreamConfig) { c.Metadata = nil },
		"SUBJECT": func(c *jetstream.StreamConfig) { c.Subjects = []string{"else"} },
	} {
		opts := packs.Options{Stream: name, Subject: "of." + name}
		config := packs.ConfigOf(opts, identity())
		change(&config)
		if _, err := js.CreateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		if _, err := packs.Open(t.Context(), ledger, opts); !errors.Is(err, eventstore.ErrUnsafe) {
			t.Errorf("%s: %v", name, err)
		}
	}
	opts.Stream = "NEWER"
	config := packs.ConfigOf(opts, identity())
	config.Metadata["cakupan.records"] = "2"
	if _, err := js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if _, err := packs.Open(t.Context(), ledger, opts); !errors.Is(err, eventstore.ErrNewerFormat) {
		t.Errorf("newer: %v", err)
	}
}

// TestFollow hears of records as they come, and of those that replace others.
func TestFollow(t *testing.T) {
	w := newWorld(t, t.TempDir())
	end := w.add(2)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got []string
	for r, err := range w.stream.Follow(ctx, 2) {
		got = append(got, w.describe(&r, err))
		switch len(got) {
		case 1:
			end = w.add(1)
		case 2:
			old, err := w.stream.Get(ctx, 3)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.stream.Replace(ctx, old, []byte("new"), end); err != nil {
				t.Fatal(err)
			}
		}
		if len(got) == 3 {
			break
		}
	}
	if want := []string{"2 record 2", "3 record 3", "4 new for [3]"}; !slices.Equal(got, want) {
		t.Errorf("followed %q, want %q", got, want)
	}
}
