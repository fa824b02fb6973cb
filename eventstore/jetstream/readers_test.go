package jetstream_test

import (
	"slices"
	"sync"
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/natsd"
)

// TestManyReaders reads a log from 32 places at once over one connection. A server disconnects a
// client that it has too much for, so the readers must share what they ask for.
func TestManyReaders(t *testing.T) {
	const readers, frames, events = 32, 100, 8
	server, err := natsd.Start(natsd.Options{StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Shutdown() })
	conn, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	log, err := jetstream.Create(t.Context(), conn, jetstream.Options{}, eventstore.NewIdentity(1))
	if err != nil {
		t.Fatal(err)
	}
	var maker logtest.Maker
	sizes := slices.Repeat([]int{14_000}, events)
	for range frames {
		tail, err := log.Append(t.Context(), maker.FrameOf(sizes...), maker.Before())
		if err != nil {
			t.Fatal(err)
		}
		maker.Appended(tail)
	}
	var wait sync.WaitGroup
	for range readers {
		wait.Go(func() {
			var last eventstore.Sequence
			for frame, err := range log.Read(t.Context(), 1) {
				if err != nil {
					t.Error(err)
					return
				}
				last = frame.Last()
			}
			if last != frames*events {
				t.Errorf("a reader came to %d", last)
			}
		})
	}
	wait.Wait()
	if n := conn.Stats().Reconnects; n != 0 {
		t.Errorf("the server has disconnected the readers %d times", n)
	}
}
