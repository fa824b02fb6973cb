package vault_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore/jetstream/copies"
	"cakupan/eventstore/natsd/clustertest"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/vault"
)

// forge changes a bit of what is sealed in a record, and makes its checksum anew.
func forge(record []byte) {
	body := record[:len(record)-4]
	body[len(body)-20] ^= 1
	sum := crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(record[len(record)-4:], sum)
}

// TestForged has a server hold a pack that can be read and not opened, and another one the secret
// so. Whoever leads, all people are found by a vault without its cache, and it is told whose copies
// differ.
func TestForged(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers, several times")
	}
	t.Parallel()
	const secret, pack = 1, 3 // messages
	c := clustertest.Start(t)
	w := &world{TB: t, conn: c.Dial(), dir: t.TempDir()}
	w.opts = vault.Options{Dir: filepath.Join(w.dir, "vault"), Identity: identity()}
	book := copies.NewBook(time.Now, nil)
	opts := vault.StreamOptions()
	opts.Lacking = book
	open := func() (v *vault.Vault, stream *packs.Stream) {
		t.Helper()
		c.Await("the vault is opened", func() (err error) {
			stream, err = packs.Open(t.Context(), w.conn, opts)
			if err != nil && !errors.Is(err, packs.ErrNoStream) {
				return err
			}
			with := w.opts
			with.Stream = stream
			with.Create = func(ctx context.Context) (*packs.Stream, error) {
				return packs.Create(ctx, w.conn, opts, with.Identity)
			}
			v, err = vault.Open(t.Context(), with)
			return err
		})
		return v, stream
	}
	v, _ := open()
	all := map[int]string{}
	for n := range 3 {
		all[n] = resolve(t, v, nik(n))
		c.Await("a pack is stored", func() error { return v.Persist(t.Context(), 0) })
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(w.conn)
	if err != nil {
		t.Fatal(err)
	}
	c.Whole(js, vault.StreamName, -1)
	c.WhileDown(vault.StreamName, func(node int, folder string) {
		if node < 2 {
			clustertest.Forge(t, folder, [...]uint64{pack, secret}[node], forge)
		}
	})
	want := []copies.Lack{
		{Stream: vault.StreamName, Server: c.Name(0), Message: pack, How: copies.Differs},
		{Stream: vault.StreamName, Server: c.Name(1), Message: secret, How: copies.Differs},
	}
	for node := range 2 {
		c.Whole(js, vault.StreamName, node)
		caches, _ := filepath.Glob(filepath.Join(w.opts.Dir, "lookup*"))
		for _, cache := range caches {
			if err := os.RemoveAll(cache); err != nil {
				t.Fatal(err)
			}
		}
		v, stream := open()
		expect(t, v, maps.Clone(all))
		stream.Prove(v.Opens)
		c.Await("copies are told that differ", func() error {
			err := stream.CompareCopies(t.Context(), func() {})
			if err == nil && !slices.Equal(book.Lacks(), want) {
				err = fmt.Errorf("%+v", book.Lacks())
			}
			return err
		})
		if err := v.Audit(t.Context()); err != nil {
			t.Errorf("n%d leads: %v", node, err)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		book = copies.NewBook(time.Now, nil)
		opts.Lacking = book
	}
}
