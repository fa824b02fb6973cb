package natsd

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// fillBucket makes the bucket with a value, and returns what puts more.
func (g *guarded) fillBucket(t *testing.T) jetstream.JetStream {
	t.Helper()
	conn, err := g.ConnectView()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: streamView, Subjects: []string{subjectBucket + ">"}, MaxMsgsPerSubject: 1,
		Storage: jetstream.MemoryStorage, AllowDirect: true, AllowRollup: true,
		RePublish: &jetstream.RePublish{Source: subjectBucket + ">", Destination: SubjectCoverage + ">"},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), subjectBucket+"ID", []byte("1")); err != nil {
		t.Fatal(err)
	}
	return js
}

// TestEverybodyWatches has each role watch the bucket, through more than flow control lets pass
// without an answer.
func TestEverybodyWatches(t *testing.T) {
	const values, size = 100, 128 << 10 // 12 MiB
	g := startGuarded(t)
	js := g.fillBucket(t)
	who := map[string]*nats.Conn{}
	for _, name := range []string{"bone", "auditor", "board"} {
		who[name], _ = g.dial(t, name, nats.CustomInboxPrefix("_INBOX_"+name))
	}
	g.members.setOpen(true)
	who["anyone"], _ = g.dial(t, "")
	watchers := map[string]jetstream.KeyWatcher{}
	for name, conn := range who {
		view, err := jetstream.New(conn)
		if err != nil {
			t.Fatal(err)
		}
		kv, err := view.KeyValue(t.Context(), Bucket)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if entry, err := kv.Get(t.Context(), "ID"); err != nil || string(entry.Value()) != "1" {
			t.Errorf("%s gets: %v", name, err)
		}
		if watchers[name], err = kv.WatchAll(t.Context()); err != nil {
			t.Fatalf("%s watches: %v", name, err)
		}
		if _, err := conn.Request(subjectBucket+"ID", nil, 20*time.Millisecond); err == nil {
			t.Errorf("%s puts", name)
		}
	}
	big := make([]byte, size)
	for n := range values {
		if _, err := js.Publish(t.Context(), fmt.Sprint(subjectBucket, n), big); err != nil {
			t.Fatal(err)
		}
	}
	for name, watcher := range watchers {
		deadline := time.After(within)
		for n := 0; n < values; {
			select {
			case entry := <-watcher.Updates():
				switch {
				case entry == nil:
				case entry.Key() != "ID":
					n++
				case string(entry.Value()) != "1":
					t.Errorf("somebody has put %q", entry.Value())
				}
			case <-deadline:
				t.Fatalf("%s is told of %d values of %d", name, n, values)
			}
		}
	}
}

// TestWatchesAreHeld has somebody ask for watches that reach what is not his.
func TestWatchesAreHeld(t *testing.T) {
	g := startGuarded(t)
	g.fillBucket(t)
	board, _ := g.dial(t, "board")
	bone, _ := g.dial(t, "bone")
	const good = `"ack_policy":"none","flow_control":true,"idle_heartbeat":5000000000,`
	for i, config := range []string{
		good + `"deliver_subject":"$JS.API.STREAM.DELETE.CAKUPAN"`,
		good + `"deliver_subject":"cakupan.log"`,
		good + `"deliver_subject":"_INBOX.*"`, good + `"deliver_subject":"_INBOX.>"`,
		good + `"deliver_subject":"_INBOX.a b"`, good + `"deliver_subject":""`,
		good + `"deliver_subject":"_INBOX.a","durable_name":"n"`,
		good + `"deliver_subject":"_INBOX.a","name":"other"`,
		`"ack_policy":"explicit","deliver_subject":"_INBOX.a"`,
		`"ack_policy":"none","deliver_subject":"_INBOX.a"`,
		`"ack_policy":"none","deliver_subject":"_INBOX.a","flow_control":true,"idle_heartbeat":1`,
		`}`,
	} {
		if consumerOf(t, board, i, config) {
			t.Errorf("may have the consumer %s", config)
		}
	}
	heard, err := bone.SubscribeSync("_INBOX.mine")
	if err != nil {
		t.Fatal(err)
	}
	own, err := board.SubscribeSync("_INBOX.mine")
	if err != nil {
		t.Fatal(err)
	}
	if err := bone.Flush(); err != nil {
		t.Fatal(err)
	}
	if !consumerOf(t, board, 99, good+`"deliver_subject":"_INBOX.mine"`) {
		t.Error("may not have a watch")
	}
	if m, err := own.NextMsg(within); err != nil || m.Subject != subjectBucket+"ID" {
		t.Errorf("hears %v, %v", m, err)
	}
	if err := bone.Flush(); err != nil { // what was sent to him before has arrived now
		t.Fatal(err)
	}
	if n, _, err := heard.Pending(); err != nil || n != 0 {
		t.Errorf("somebody else hears %d messages of a watch, %v", n, err)
	}
}

// consumerOf asks for a consumer of the bucket, and tells whether it was made.
func consumerOf(t *testing.T, conn *nats.Conn, n int, config string) bool {
	t.Helper()
	subject := fmt.Sprintf("$JS.API.CONSUMER.CREATE.%s.n%d", streamView, n)
	body := `{"stream_name":"` + streamView + `","config":{` + config + `}}`
	reply, err := conn.Request(subject, []byte(body), within)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Error *jetstream.APIError }
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Error == nil
}

// TestShareOfWatches fills the share of one account: another's is untouched, and what has ended
// makes room.
func TestShareOfWatches(t *testing.T) {
	g := startGuarded(t)
	g.fillBucket(t)
	v := g.viewing
	full := map[string]bool{}
	for i := range watchesMax {
		full[fmt.Sprint(i)] = true
	}
	of := &viewing{conn: v.conn, js: v.js, watches: map[string]map[string]bool{"A": full}}
	if !of.enter(t.Context(), "A", "new") || len(of.watches["A"]) != 1 {
		t.Errorf("%d watches that have ended take room", len(of.watches["A"]))
	}
	// Those that are there are told by the server.
	board, _ := g.dial(t, "board")
	if _, err := board.SubscribeSync("_INBOX.mine"); err != nil {
		t.Fatal(err)
	}
	const good = `"ack_policy":"none","flow_control":true,"idle_heartbeat":5000000000,` +
		`"deliver_subject":"_INBOX.mine"`
	if !consumerOf(t, board, 1, good) {
		t.Fatal("may not have a watch")
	}
	full["n1"] = true
	of.watches["A"] = full
	if !of.enter(t.Context(), "A", "new") || len(of.watches["A"]) != 2 || !of.watches["A"]["n1"] {
		t.Errorf("%d watches, one of which is there", len(of.watches["A"]))
	}
}

// TestHeartbeats: a watch is silent for no longer than a client should need to find out that it has
// ended, whatever its client asks for; one that asks for more is served as it asks.
func TestHeartbeats(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		time.Second: time.Second, 5 * time.Second: 5 * time.Second,
		30 * time.Second: 5 * time.Second, time.Hour: 5 * time.Second,
	} {
		body := fmt.Appendf(nil, `{"stream_name":%q,"config":{"ack_policy":"none","flow_control":true,`+
			`"idle_heartbeat":%d,"deliver_subject":"_INBOX.a"}}`, streamView, asked)
		passed, err := vetWatch("A", "n", "", body)
		var made watchRequest
		if err != nil || json.Unmarshal(passed, &made) != nil || made.Config.Heartbeat != want {
			t.Errorf("asked for one in %v, has one in %v, %v", asked, made.Config.Heartbeat, err)
		}
	}
}
