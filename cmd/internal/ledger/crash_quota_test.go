package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/natsin"
)

// TestQuotaCrash kills a process while it removes old refusals for new ones, again and again. In the
// end no more is kept than may be, and of what is newest each once.
func TestQuotaCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	const of, messages = 300, 6 // refusals of a message
	orders := childOrders{
		Task: messageTask, Dir: filepath.Join(t.TempDir(), "data"), Point: natsin.FaultAfterRemoval,
		Refused: natsin.Limits{Count: natsin.LimitCountMin},
	}
	random := rand.New(rand.NewPCG(1, 3))
	for n := range messages {
		orders.Hit = 1 + random.IntN(150)
		command, answers, output := startChild(t, orders)
		var where opened
		if err := json.NewDecoder(answers).Decode(&where); err == nil {
			publishRefused(t, where.Detail, n, of)
			if n < 3 { // there is nothing to remove yet: else it kills itself
				_ = command.Process.Kill()
			}
		}
		_ = command.Wait()
		if strings.Contains(output.String(), "panic") {
			t.Fatalf("child: %s", output)
		}
	}
	l, err := Open(t.Context(), Options{
		Dir: orders.Dir, Create: true, Refused: orders.Refused,
		Messages: MessageOptions{Address: "127.0.0.1:0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := l.TakeMessages(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitSettled(t, l)
	// What waited when a process ended is refused in any order, and is as old as its refusal: the
	// newest are those of one more message.
	publishRefused(t, l.NATSURL(), messages, of)
	awaitSettled(t, l)
	kept := map[string]int{}
	if err := l.Refused(t.Context(), intake.RefusedQuery{}, func(one intake.Refused) error {
		kept[one.ID]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(kept) > natsin.LimitCountMin || len(kept) < natsin.LimitCountMin*8/10 {
		t.Errorf("%d are kept", len(kept))
	}
	for id, times := range kept {
		if times != 1 {
			t.Errorf("%s is kept %d times", id, times)
		}
	}
	for i := range of {
		if id := fmt.Sprintf("%d-%d", messages, i); kept[id] != 1 {
			t.Fatalf("%s, of the newest, is kept %d times", id, kept[id])
		}
	}
}

// publishRefused publishes one message of so many events that are all refused, and waits until it is
// stored.
func publishRefused(t *testing.T, url string, n, of int) {
	t.Helper()
	conn, err := nats.Connect(url, nats.MaxReconnects(0))
	if err != nil {
		return // it is dead already, of what waited
	}
	defer conn.Close()
	events := make([]string, of)
	for i := range events {
		events[i] = fmt.Sprintf(`{"specversion":"1.0","id":"%d-%d","source":"urn:crash"}`, n, i)
	}
	m := nats.NewMsg("cakupan.intake.crash")
	m.Header.Set("Content-Type", "application/cloudevents-batch+json")
	m.Data = []byte("[" + strings.Join(events, ",") + "]")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, _ = conn.RequestMsgWithContext(ctx, m)
}
