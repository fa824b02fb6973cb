package natsin_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/natsin"
)

// TestOutlines: a list that opens nothing says of each the same as what is sealed, whoever sent it,
// also of one that an older program has stored; from any number on, and none that is gone.
func TestOutlines(t *testing.T) {
	w := newWorld(t)
	conn, err := w.server.ConnectStore()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	stored := natsin.NewRefusals(conn, w.sealer, nil, nil)
	list := func(from uint64, publisher string) (all []intake.Refused) {
		t.Helper()
		err := stored.Outlines(t.Context(), from, publisher, func(one intake.Refused) error {
			if one.Bytes <= 0 {
				t.Errorf("%d has %d bytes", one.Number, one.Bytes)
			}
			one.Bytes = 0
			all = append(all, one)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := list(1, ""); len(got) > 0 {
		t.Fatalf("of no stream: %+v", got)
	}
	w.startIntake()
	w.refuse("bone", "a", 1_203, 0)
	w.refuse("goron", "b", 3, 10)
	w.spoil()
	w.inStore(func(js jetstream.JetStream) error {
		stream, err := js.Stream(t.Context(), natsin.StreamRefused)
		if err != nil {
			return err
		}
		m, err := stream.GetMsg(t.Context(), 7)
		if err == nil { // as before there were headers
			_, err = js.PublishMsg(t.Context(), &nats.Msg{Subject: m.Subject, Data: m.Data})
		}
		return err
	})
	var want []intake.Refused
	for _, k := range w.refused() {
		want = append(want, intake.Refused{
			Number: k.Number, Publisher: k.Publisher, Code: k.Code, ReceivedAt: k.ReceivedAt,
		})
	}
	if len(want) != 1_203+3+1+1 {
		t.Fatal(len(want))
	}
	if got := list(0, ""); !slices.Equal(got, want) {
		t.Errorf("%d, want %d", len(got), len(want))
	}
	if got := list(1_200, ""); !slices.Equal(got, want[1_199:]) {
		t.Errorf("from 1200 on: %+v", got)
	}
	if got := list(1, "goron"); !slices.Equal(got, want[1_203:1_206]) {
		t.Errorf("of one: %+v", got)
	}
	for number := uint64(1); number <= 20; number++ {
		if err := stored.Drop(t.Context(), number); err != nil {
			t.Fatal(err)
		}
	}
	if got := list(1, "bone"); !slices.Equal(got, append(want[20:1_203:1_203], want[1_207])) {
		t.Errorf("after others were dropped: %d", len(got))
	}
	stop := errors.New("stop")
	err = stored.Outlines(t.Context(), 1, "", func(intake.Refused) error { return stop })
	if !errors.Is(err, stop) {
		t.Error(fmt.Errorf("an error of whoever is told: %w", err))
	}
}
