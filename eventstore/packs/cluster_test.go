package packs_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream/copies"
	"cakupan/eventstore/natsd/clustertest"
	"cakupan/eventstore/packs"
)

// TestErasedElsewhere replaces a record while one server is down, which comes back with its copy of
// before, and gives another one back the record that it has erased. Neither is read, whoever leads,
// and no server has the bytes any more. Of another stream, which no server looks through when it
// starts, one has a record still that was replaced: that is told, and it is erased there.
func TestErasedElsewhere(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers, several times")
	}
	t.Parallel()
	const records, gone = 4, 2
	text := []byte("record 2")
	c := clustertest.Start(t)
	w := &world{t: t, conn: c.Dial()}
	book := copies.NewBook(time.Now, nil)
	opts := options()
	opts.Lacking = book
	c.Await("the stream is made", func() (err error) {
		w.stream, err = packs.Create(t.Context(), w.conn, opts, identity())
		if errors.Is(err, eventstore.ErrExists) {
			w.stream, err = packs.Open(t.Context(), w.conn, opts)
		}
		return err
	})
	js, err := jetstream.New(w.conn)
	if err != nil {
		t.Fatal(err)
	}
	c.Whole(js, opts.Stream, -1)
	kept := newKept(t, c, w.conn)
	end := w.add(records)
	c.Whole(js, opts.Stream, -1)
	var before []byte
	c.WhileOneDown(0, opts.Stream, func(folder string) {
		before = clustertest.Record(t, folder, gone)
		c.Await("a record is replaced", func() error {
			old, err := w.stream.Get(t.Context(), gone)
			if err == nil {
				end, err = w.stream.Replace(t.Context(), old, []byte("new"), end)
			}
			if end.Number == records+1 {
				return w.stream.Erase(t.Context(), gone)
			}
			return err
		})
	})
	c.Whole(js, opts.Stream, 1)
	// It may have learned of what came meanwhile by a snapshot, which removes and overwrites nothing:
	// then the bytes are there until it starts.
	c.WhileOneDown(0, opts.Stream, func(string) {})
	c.Whole(js, opts.Stream, 1)
	c.Whole(js, kept.opts.Stream, -1)
	c.WhileDown(opts.Stream, func(node int, folder string) {
		if node == 2 {
			clustertest.Restore(t, folder, before)
		} else {
			clustertest.Drop(t, kept.beside(folder), gone)
		}
	})
	c.Whole(js, kept.opts.Stream, -1)
	kept.erased(c, gone)
	want := []string{"1 record 1", "3 record 3", "4 record 4", "5 new for [2]"}
	for node := range 3 {
		c.Whole(js, opts.Stream, node)
		c.Await("all is read", func() error {
			if got := w.read(1); !slices.Equal(got, want) {
				return fmt.Errorf("%q", got)
			}
			return nil
		})
		if r, err := w.stream.Get(t.Context(), gone); !errors.Is(err, packs.ErrNoRecord) {
			t.Errorf("n%d leads: record %d: %q, %v", node, gone, r.Data, err)
		}
	}
	c.Await("copies are compared", func() error {
		return w.stream.CompareCopies(t.Context(), func() {})
	})
	if lacks := book.Lacks(); len(lacks) > 0 {
		t.Errorf("copies are said to be wrong: %+v", lacks)
	}
	c.WhileDown(opts.Stream, func(node int, folder string) {
		blocks, err := filepath.Glob(filepath.Join(folder, "msgs", "*.blk"))
		others, _ := filepath.Glob(filepath.Join(kept.beside(folder), "msgs", "*.blk"))
		for _, block := range append(others, blocks...) {
			content, failed := os.ReadFile(block)
			if err = failed; bytes.Contains(content, text) {
				t.Errorf("n%d has the bytes of record %d in %s", node, gone, block)
			}
		}
		if err != nil || len(blocks) == 0 {
			t.Errorf("blocks of n%d: %v", node, err)
		}
	})
}

// kept is a stream of which a record was replaced, and was not erased yet.
type kept struct {
	t      *testing.T
	opts   packs.Options
	stream *packs.Stream
	book   *copies.Book
	told   chan copies.Lack
}

func newKept(t *testing.T, c *clustertest.Cluster, conn *nats.Conn) *kept {
	t.Helper()
	k := &kept{t: t, opts: options(), told: make(chan copies.Lack, 9)}
	k.book = copies.NewBook(time.Now, func(found copies.Lack) { k.told <- found })
	k.opts.Stream, k.opts.Subject, k.opts.Lacking = "CAKUPAN_KEPT", "cakupan.kept", k.book
	c.Await("another stream is made", func() (err error) {
		k.stream, err = packs.Create(t.Context(), conn, k.opts, identity())
		if errors.Is(err, eventstore.ErrExists) {
			k.stream, err = packs.Open(t.Context(), conn, k.opts)
		}
		return err
	})
	for n := uint64(1); n <= 5; n++ {
		r := packs.Record{Number: n, Data: fmt.Appendf(nil, "record %d", n)}
		if n == 5 {
			r.Replaces = []uint64{2}
		}
		c.Await("a record is stored", func() error {
			m := nats.NewMsg(k.opts.Subject)
			m.Data = packs.Encode(r, [8]byte{1})
			m.Header.Set(jetstream.MsgIDHeader, fmt.Sprint(n))
			answer, err := conn.RequestMsg(m, time.Minute)
			if err == nil && bytes.Contains(answer.Data, []byte(`"error"`)) {
				err = errors.New(string(answer.Data))
			}
			return err
		})
	}
	return k
}

// beside is its folder, beside that of another stream.
func (k *kept) beside(folder string) string {
	return filepath.Join(filepath.Dir(folder), k.opts.Stream)
}

// erased wants it to be told that the last server keeps a message, until it is erased there.
func (k *kept) erased(c *clustertest.Cluster, message uint64) {
	k.t.Helper()
	want := copies.Lack{
		Stream: k.opts.Stream, Server: c.Name(2), Message: message, How: copies.Keeps,
	}
	c.Await("it is told that a record is kept", func() error {
		err := k.stream.CompareCopies(k.t.Context(), func() {})
		if err == nil && len(k.told) == 0 {
			err = errors.New("nothing is told")
		}
		return err
	})
	if found := <-k.told; found != want || len(k.told) > 0 {
		k.t.Errorf("%+v is told, and %d more", found, len(k.told))
	}
	c.Await("it is kept no more", func() error {
		k.stream.RecheckCopies(k.t.Context())
		if left := k.book.Lacks(); len(left) > 0 {
			return fmt.Errorf("%+v", left)
		}
		return nil
	})
}
