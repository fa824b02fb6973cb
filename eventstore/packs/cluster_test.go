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

	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream/copies"
	"cakupan/eventstore/natsd/clustertest"
	"cakupan/eventstore/packs"
)

// TestErasedElsewhere replaces a record while one server is down, which comes back with its copy of
// before, and gives another one back the record that it has erased. Neither is read, whoever leads,
// and no server has the bytes any more.
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
	c.WhileOneDown(2, opts.Stream, func(folder string) {
		clustertest.Restore(t, folder, before)
	})
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
		for _, block := range blocks {
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
