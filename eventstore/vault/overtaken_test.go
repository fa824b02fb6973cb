package vault_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"cakupan/eventstore"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/vault"
)

// readers are the ways in which a vault learns what others have added, other than when it appends.
var readers = map[string]func(context.Context, *vault.Vault) error{
	"CatchUp": func(ctx context.Context, v *vault.Vault) error { return v.CatchUp(ctx) },
	"Audit":   func(ctx context.Context, v *vault.Vault) error { return v.Audit(ctx) },
	"Watch": func(ctx context.Context, v *vault.Vault) error {
		_, err := v.Watch(ctx, func() {})
		return err
	},
}

// TestOvertakenUnseen: what another one was faster with must not be used, nor stored, also where this
// one has learned of it before it appends. Those who have ids of the same commit are all told.
func TestOvertakenUnseen(t *testing.T) {
	t.Parallel()
	for name, read := range readers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, first := openNew(t, t.TempDir())
			workers := enrol(t, first, 0, 1)
			dir := w.crash()
			second := w.open(func(o *vault.Options) { o.Dir = filepath.Join(dir, "vault") })
			since := first.Overtaken()
			stale, other := resolve(t, first, nik(1)), resolve(t, first, nik(2))
			workers[1] = enrol(t, second, 1, 1)[1]
			if err := read(t.Context(), first); err != nil {
				t.Fatal(err)
			}
			for range 2 { // two whose ids are of one commit
				if err := first.Persist(t.Context(), since); !errors.Is(err, vault.ErrOvertaken) {
					t.Errorf("persisted what another one has overtaken: %v", err)
				}
			}
			if again := resolve(t, first, nik(1)); again == stale || again != workers[1] {
				t.Errorf("then worker %s", again)
			}
			if again := resolve(t, first, nik(2)); again == other {
				t.Error("an id that was given up is given out again")
			} else {
				workers[2] = again
			}
			persist(t, first)
			for _, v := range []*vault.Vault{first, second} {
				if err := v.Audit(t.Context()); err != nil {
					t.Error(err)
				}
				expect(t, v, workers)
				if n := v.Workers(); n != 3 {
					t.Errorf("%d workers", n)
				}
			}
		})
	}
}

// held is a server whose answers can be kept back.
type held struct {
	*server.Server
	mu sync.RWMutex // locked: nothing comes through
}

type heldConn struct {
	net.Conn
	by *held
}

func (h *held) InProcessConn() (net.Conn, error) {
	conn, err := h.Server.InProcessConn()
	return &heldConn{conn, h}, err
}

func (c *heldConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.by.mu.RLock()
	defer c.by.mu.RUnlock()
	return n, err
}

// TestStoredUnknown: ids whose storing had no answer are stored once, also where something has read
// them before they are tried again.
func TestStoredUnknown(t *testing.T) {
	t.Parallel()
	for name, read := range readers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := server.NewServer(&server.Options{
				DontListen: true, NoSigs: true, NoLog: true, JetStream: true, SyncAlways: true,
				StoreDir: t.TempDir(),
			})
			if err != nil {
				t.Fatal(err)
			}
			s.Start()
			t.Cleanup(s.Shutdown)
			h := &held{Server: s}
			conn, err := nats.Connect("", nats.InProcessServer(h), nats.Timeout(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(conn.Close)
			opts := vault.StreamOptions()
			v, err := vault.Open(t.Context(), vault.Options{
				Dir: t.TempDir(), Identity: identity(),
				Create: func(ctx context.Context) (*packs.Stream, error) {
					_, err := packs.Create(ctx, conn, opts, identity())
					opts.Patience = 200 * time.Millisecond // from now on
					if err != nil {
						return nil, err
					}
					return packs.Open(ctx, conn, opts)
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = v.Close() }()
			worker := resolve(t, v, nik(1))
			h.mu.Lock()
			if err := v.Persist(t.Context(), 0); !errors.Is(err, eventstore.ErrUnknownOutcome) {
				t.Errorf("without an answer: %v", err)
			}
			h.mu.Unlock()
			for err = errors.New("not read"); err != nil && t.Context().Err() == nil; {
				err = read(t.Context(), v) // it may be impatient
			}
			for err = errors.New("not tried"); err != nil && t.Context().Err() == nil; {
				err = v.Persist(t.Context(), 0)
			}
			if err := v.Audit(t.Context()); err != nil {
				t.Error(err)
			}
			if again := resolve(t, v, nik(1)); again != worker || v.Workers() != 1 {
				t.Errorf("%s, not %s, of %d workers", again, worker, v.Workers())
			}
		})
	}
}

// TestStoredTwice: a worker whom an older program has stored twice is one, in any table; and an erasure
// leaves nothing of him.
func TestStoredTwice(t *testing.T) {
	t.Parallel()
	w, v := openNew(t, t.TempDir())
	workers := enrol(t, v, 0, 3)
	if err := v.StoreAgain(t.Context(), nik(1)); err != nil {
		t.Fatal(err)
	}
	check := func(v *vault.Vault) {
		t.Helper()
		expect(t, v, workers)
		if err := v.Audit(t.Context()); err != nil {
			t.Error(err)
		}
		if n := v.Workers(); n != 4 { // numbers that were given
			t.Errorf("%d workers", n)
		}
	}
	check(v)
	w.stop()
	w = newWorld(t, w.dir)
	crashed := map[string]string{}
	v = w.open(func(o *vault.Options) {
		o.Fault = func(point string) { crashed[point] = w.crash() }
	})
	check(v)
	e, err := v.Erase(t.Context(), nik(1), vault.Erasure{Request: "R", Ground: "G", Decision: "D"})
	if err != nil || e.Worker != workers[1] {
		t.Fatalf("%+v, %v", e, err)
	}
	workers[1] = ""
	erased := func(v *vault.Vault) {
		t.Helper()
		check(v)
		_, err := v.Erase(t.Context(), "", vault.Erasure{Worker: e.Worker})
		if !errors.Is(err, vault.ErrUnknownWorker) {
			t.Errorf("there is something left of him: %v", err)
		}
	}
	erased(v)
	for _, point := range []string{vault.FaultErasing, vault.FaultCopyErased, vault.FaultErased} {
		_, v := openNew(t, crashed[point])
		erased(v)
	}
}
