package natsd

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// TestPermissionsAreBuiltOnce has members come twice: what each may do is built once, is his own,
// and holds for the second connection as for the first. When this fails with another version of the
// server, it keeps permissions elsewhere: look at builtOf.
func TestPermissionsAreBuiltOnce(t *testing.T) {
	g := startGuarded(t)
	g.fillBucket(t)
	var conns []*nats.Conn
	kept := map[string][]any{}
	for range 2 {
		for _, name := range []string{"bone", "goron", "board"} {
			conn, errs := g.dial(t, name)
			id, err := conn.GetClientID()
			if err != nil {
				t.Fatal(err)
			}
			client := g.now.Load().server.GetClient(id)
			if client == nil || builtOf(client) == nil {
				t.Fatal("this version of the server keeps permissions elsewhere")
			}
			kept[name] = append(kept[name], builtOf(client).get())
			conns = append(conns, conn)
			if _, err := conn.SubscribeSync("cakupan.receipts.other"); err != nil {
				t.Fatal(err)
			}
			if err := conn.Publish(subjectBucket+"ID", []byte("a lie")); err != nil {
				t.Fatal(err)
			}
			if err := conn.Flush(); err != nil {
				t.Fatal(err)
			}
			for _, what := range []string{"Subscription to", "Publish to"} {
				select {
				case err := <-errs:
					if !strings.Contains(err.Error(), what) {
						t.Errorf("%s: %v, not of a %s", name, err, what)
					}
				case <-time.After(within):
					t.Fatalf("%s is not told that it may not: %s", name, what)
				}
			}
		}
	}
	for name, of := range kept {
		if of[0] != of[1] {
			t.Errorf("the permissions of %s are built for each connection", name)
		}
	}
	if kept["bone"][0] == kept["goron"][0] || kept["bone"][0] == kept["board"][0] {
		t.Error("one has what another may do")
	}
	if _, err := conns[len(conns)-1].Subscribe(SubjectCoverage+">", func(*nats.Msg) {}); err != nil {
		t.Error(err)
	}
}
