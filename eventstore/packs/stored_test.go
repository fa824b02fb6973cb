package packs_test

import (
	"errors"
	"slices"
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/packs"
)

// store is whether writes fail, as a test says.
type store struct {
	failed chan struct{}
	err    error
}

func (s *store) Check() error            { return s.err }
func (s *store) Broken() <-chan struct{} { return s.failed }

func (s *store) fail() {
	s.err = eventstore.ErrNotWritable
	close(s.failed)
}

func (s *store) mend() { s.failed, s.err = make(chan struct{}), nil }

// TestShownWhileWritesFail: what the server shows after a write has failed is not there for who
// reads, nor for who appends, until the streams were opened again and have it still.
func TestShownWhileWritesFail(t *testing.T) {
	w := newWorld(t, t.TempDir())
	writes := new(store)
	writes.mend()
	opts := options()
	opts.Store = writes
	var err error
	if w.stream, err = packs.Open(t.Context(), w.conn, opts); err != nil {
		t.Fatal(err)
	}
	first := w.add(1)
	shown := packs.Encode(packs.Record{Number: 2, Data: []byte("shown")}, [8]byte{1})
	if err := w.conn.Publish(opts.Subject, shown); err != nil {
		t.Fatal(err)
	}
	if err := w.conn.Flush(); err != nil {
		t.Fatal(err)
	}
	writes.fail()
	if end, err := w.stream.Last(t.Context()); err != nil || end != first {
		t.Errorf("the stream ends with %v, %v", end, err)
	}
	if got := w.read(1); !slices.Equal(got, []string{"1 record 1"}) {
		t.Errorf("%q is read", got)
	}
	unaware, err := packs.Open(t.Context(), w.conn, opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unaware.Last(t.Context()); !errors.Is(err, eventstore.ErrNotWritable) {
		t.Errorf("who knows nothing of the stream is told its end: %v", err)
	}
	writes.mend()
	for len(w.read(2)) == 0 { // it was not acknowledged, and comes when it comes
	}
	if got := w.read(2); !slices.Equal(got, []string{"2 shown"}) {
		t.Errorf("%q is read of a stream that was opened again", got)
	}
}
