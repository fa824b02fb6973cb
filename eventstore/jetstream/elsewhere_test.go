package jetstream_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/logtest"
)

// TestElsewhere flips a bit of one message in one copy of three, and has the server of that copy lead:
// the log is read whole, by way of another one, and it is told whose copy is damaged.
func TestElsewhere(t *testing.T) {
	if os.Getenv("CAKUPAN_LONG") == "" {
		t.Skip("set CAKUPAN_LONG=1 to damage one copy of three")
	}
	t.Parallel()
	servers, options := cluster(t)
	const frames, damaged = 9, 3
	log := create(t, connect(t, servers[0]), jetstream.Options{Replicas: 3})
	var maker logtest.Maker
	fill(t, log, &maker, frames)

	servers[2].Shutdown()
	servers[2].WaitForShutdown()
	flip(t, filepath.Join(options[2].StoreDir, "jetstream", "$G", "streams", "CAKUPAN", "msgs"),
		damaged, 200)
	servers[2] = start3(t, options[2])

	conn := connect(t, servers[0])
	leads(t, conn, servers[2].Name())
	var lacking string
	var message uint64
	log, err := jetstream.Open(t.Context(), conn, jetstream.Options{
		Lacks: func(server string, number uint64) { lacking, message = server, number },
	})
	if err != nil {
		t.Fatal(err)
	}
	for lacking == "" { // another server may come to lead in between
		leads(t, conn, servers[2].Name())
		if lost := damages(t, log.Read(t.Context(), 1)); len(lost) > 0 {
			t.Fatalf("named as lost: %v", lost)
		}
		leads(t, conn, servers[2].Name())
		if number, err := log.Get(t.Context(), damaged); number != damaged || err != nil {
			t.Fatalf("message %d: %v", number, err)
		}
	}
	if lacking != servers[2].Name() || message != damaged {
		t.Errorf("told: %q has not message %d", lacking, message)
	}
}

// leads waits until a server leads the log.
func leads(t *testing.T, conn *nats.Conn, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		var info struct {
			Cluster struct{ Leader string }
		}
		answer, err := conn.RequestWithContext(ctx, "$JS.API.STREAM.INFO.CAKUPAN", nil)
		if err == nil {
			err = json.Unmarshal(answer.Data, &info)
		}
		if err == nil && info.Cluster.Leader == name {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s does not lead: %v", name, err)
		}
		_, _ = conn.Request("$JS.API.STREAM.LEADER.STEPDOWN.CAKUPAN",
			[]byte(`{"placement":{"preferred":"`+name+`"}}`), time.Second)
		time.Sleep(100 * time.Millisecond)
	}
}
