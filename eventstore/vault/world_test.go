package vault_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"cakupan/eventstore"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/vault"
)

func identity() eventstore.Identity {
	return eventstore.Identity{Ledger: "0123456789abcdef0123456789abcdef", Created: 1}
}

// nik returns the number of an invented person: the serial number 9999 is nobody's.
func nik(n int) string {
	return fmt.Sprintf("7503%02d%02d%02d%02d9999", n/372/100%100, 1+n%31, 1+n/31%12, n/372%100)
}

// world is a folder with a server's files and a vault's, the server, and vaults that are open.
type world struct {
	testing.TB
	dir    string
	server *natsd.Server
	conn   *nats.Conn
	opts   vault.Options // for open
	vaults []*vault.Vault
}

// newWorld starts a server on a folder.
func newWorld(t testing.TB, dir string) *world {
	t.Helper()
	w := &world{TB: t, dir: dir, opts: vault.Options{
		Dir: filepath.Join(dir, "vault"), Identity: identity(),
	}}
	var err error
	if w.server, err = natsd.Start(natsd.Options{StoreDir: filepath.Join(dir, "nats")}); err != nil {
		t.Fatal(err)
	}
	if w.conn, err = w.server.ConnectVault(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.stop)
	return w
}

// stop closes everything.
func (w *world) stop() {
	if w.server == nil {
		return
	}
	for _, v := range w.vaults {
		if err := v.Close(); err != nil {
			w.Error(err)
		}
	}
	w.conn.Close()
	if err := w.server.Shutdown(); err != nil {
		w.Error(err)
	}
	w.vaults, w.server = nil, nil
}

// tryOpen opens the vault, and makes it where there is none.
func (w *world) tryOpen(change ...func(*vault.Options)) (*vault.Vault, error) {
	w.Helper()
	opts := w.opts
	for _, f := range change {
		f(&opts)
	}
	stream, err := packs.Open(w.Context(), w.conn, vault.StreamOptions())
	if err != nil && !errors.Is(err, packs.ErrNoStream) {
		w.Fatal(err)
	}
	opts.Stream = stream
	opts.Create = func(ctx context.Context) (*packs.Stream, error) {
		return packs.Create(ctx, w.conn, vault.StreamOptions(), opts.Identity)
	}
	v, err := vault.Open(w.Context(), opts)
	if err == nil {
		w.vaults = append(w.vaults, v)
	}
	return v, err
}

func (w *world) open(change ...func(*vault.Options)) *vault.Vault {
	w.Helper()
	v, err := w.tryOpen(change...)
	if err != nil {
		w.Fatal(err)
	}
	return v
}

// openNew starts a server on a folder and opens the vault there.
func openNew(t testing.TB, dir string) (*world, *vault.Vault) {
	t.Helper()
	w := newWorld(t, dir)
	return w, w.open()
}

// again closes everything and opens it again.
func (w *world) again() (*world, *vault.Vault) {
	w.Helper()
	w.stop()
	return openNew(w.TB, w.dir)
}

// crash returns a folder with all files as they are now: what a killed process leaves.
func (w *world) crash() string {
	w.Helper()
	left := w.TempDir()
	err := os.CopyFS(left, os.DirFS(w.dir))
	for errors.Is(err, fs.ErrNotExist) { // the server replaces files meanwhile
		left = w.TempDir()
		err = os.CopyFS(left, os.DirFS(w.dir))
	}
	if err != nil {
		w.Fatal(err)
	}
	keys, err := filepath.Glob(filepath.Join(left, "vault", "*.key*"))
	for _, key := range keys {
		err = errors.Join(err, os.Chmod(key, 0o600))
	}
	if err != nil {
		w.Fatal(err)
	}
	return left
}

func resolve(t testing.TB, v *vault.Vault, nik string) string {
	t.Helper()
	worker, err := v.Resolve(nik)
	if err != nil {
		t.Fatal(err)
	}
	return worker
}

func persist(t testing.TB, v *vault.Vault) {
	t.Helper()
	if err := v.Persist(t.Context(), v.Overtaken()); err != nil {
		t.Fatal(err)
	}
}

// enrol gives ids to persons from n on, a pack each, and returns them.
func enrol(t testing.TB, v *vault.Vault, n, persons int) (workers map[int]string) {
	t.Helper()
	workers = map[int]string{}
	for i := n; i < n+persons; i++ {
		workers[i] = resolve(t, v, nik(i))
		persist(t, v)
	}
	return workers
}

// expect looks persons up; "": nobody has the number.
func expect(t testing.TB, v *vault.Vault, workers map[int]string) {
	t.Helper()
	for n, want := range workers {
		worker, ok, err := v.Lookup(nik(n))
		if worker != want || ok != (want != "") || err != nil {
			t.Errorf("person %d is worker %q, %t, %v; want %q", n, worker, ok, err, want)
		}
	}
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path, content, 0o600), os.Chmod(path, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// holds tells whether any file below a folder has the bytes.
func holds(t testing.TB, dir, want string) (in string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), want) {
			in = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return in
}
