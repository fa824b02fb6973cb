package jetstream_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/natsd"
)

// TestAsk loses the first question, as a leader does that is gone: it is asked again. Who gives up
// is told so.
func TestAsk(t *testing.T) {
	t.Parallel()
	server, err := natsd.Start(natsd.Options{StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	var asked atomic.Int64
	if _, err := conn.Subscribe("question", func(m *nats.Msg) {
		if asked.Add(1) > 1 {
			_ = m.Respond([]byte(`{"answer":42}`))
		}
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.SubscribeSync("silence"); err != nil {
		t.Fatal(err)
	}
	var got struct{ Answer int }
	if err := jetstream.Ask(t.Context(), conn, "question", nil, &got); err != nil ||
		got.Answer != 42 || asked.Load() < 2 {
		t.Errorf("%+v after %d questions: %v", got, asked.Load(), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := jetstream.Ask(ctx, conn, "silence", nil, &got); !errors.Is(err,
		context.DeadlineExceeded) || errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("who gives up is told %v", err)
	}
	if err := jetstream.Ask(t.Context(), conn, "nobody", nil, &got); !errors.Is(err,
		eventstore.ErrClosed) {
		t.Errorf("where nobody is, the error is %v", err)
	}
}
