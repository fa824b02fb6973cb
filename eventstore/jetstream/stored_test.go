package jetstream_test

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/logtest"
)

// writable is a store on which no write has failed.
type writable struct{}

func (writable) Check() error            { return nil }
func (writable) Broken() <-chan struct{} { return nil }

// TestShownAndTakenBack: a message is in the stream that the log was not told of, and another one
// is in its place afterwards, as after a write that failed. Who follows sees the second alone, and
// who reads does not see the first.
func TestShownAndTakenBack(t *testing.T) {
	conn := connect(t, run(t, &server.Options{}))
	own := jetstream.Options{Store: writable{}}
	log, err := jetstream.Create(t.Context(), conn, own, eventstore.NewIdentity(1))
	if err != nil {
		t.Fatal(err)
	}
	maker := new(logtest.Maker)
	fill(t, log, maker, 1)
	followed := make(chan eventstore.Frame)
	go func() {
		defer close(followed)
		for frame, err := range log.Follow(t.Context(), 1) {
			if err != nil {
				return
			}
			select {
			case followed <- frame:
			case <-t.Context().Done():
				return
			}
		}
	}()
	first := <-followed

	shown := maker.Frame(2)
	if err := conn.Publish(jetstream.Subject, shown); err != nil {
		t.Fatal(err)
	}
	other, err := jetstream.Open(t.Context(), conn, jetstream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for frame, err := range other.Follow(t.Context(), 3) {
		if err != nil || frame.First() != 3 {
			t.Fatalf("it is not shown: %v", err)
		}
		break
	}
	for frame, err := range log.Read(t.Context(), 1) {
		if err != nil || frame.Last() > 2 {
			t.Errorf("events up to %d are read, %v", frame.Last(), err)
		}
	}

	if err := streams(t, conn).DeleteStream(t.Context(), jetstream.StreamDefault); err != nil {
		t.Fatal(err)
	}
	again, err := jetstream.Create(t.Context(), conn, own, eventstore.NewIdentity(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Append(t.Context(), first.Raw(), eventstore.Tail{}); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), maker.Frame(3), maker.Before()); err != nil {
		t.Fatal(err)
	}
	if frame := <-followed; frame.First() != 3 || frame.Count() != 3 {
		t.Errorf("%d events from %d on follow", frame.Count(), frame.First())
	}
}

// TestAnswerLost: a frame that is in the log though its answer was lost is followed once the end of
// the log was read, and so are those before it.
func TestAnswerLost(t *testing.T) {
	conn := connect(t, run(t, &server.Options{}))
	log, err := jetstream.Create(t.Context(), conn, jetstream.Options{Store: writable{}},
		eventstore.NewIdentity(1))
	if err != nil {
		t.Fatal(err)
	}
	other, err := jetstream.Open(t.Context(), conn, jetstream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, other, new(logtest.Maker), 5)
	if _, _, err := log.Last(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := eventstore.Sequence(1)
	for frame, err := range log.Follow(t.Context(), 1) {
		if err != nil || frame.First() != want {
			t.Fatalf("event %d instead of %d: %v", frame.First(), want, err)
		}
		if want = frame.Last() + 1; want > 10 {
			break
		}
	}
}
