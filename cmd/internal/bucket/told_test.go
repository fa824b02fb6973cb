package bucket

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/nobody"
	"cakupan/eventstore/natsd"
)

// cluster connects to a server of NATS that is not the ledger's own, as those of a cluster are, as a
// user to whom some subjects are denied.
func cluster(t *testing.T, denied ...string) *nats.Conn {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		DontListen: true, JetStream: true, StoreDir: t.TempDir(), NoSigs: true,
		Users: []*server.User{{Username: "ledger", Password: "x", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Deny: denied},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	conn, err := nats.Connect("", nats.InProcessServer(s), nats.UserInfo("ledger", "x"),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// TestToldAnew opens a bucket that a version made which told its values nowhere else: from then on
// they are heard on the plain subject, in the order stored, and nothing else of it has changed.
func TestToldAnew(t *testing.T) {
	conn := cluster(t)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	var log nobody.Buffer
	o := Options{Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil))}
	old := o.config(1)
	old.RePublish = nil
	made, err := js.CreateStream(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to change
		b, err := o.open(t.Context(), conn)
		if err != nil {
			t.Fatal(err)
		}
		now := b.stream.CachedInfo().Config
		if now.RePublish == nil || *now.RePublish != *republish() {
			t.Fatalf("values are told on %+v", now.RePublish)
		}
		if was := made.CachedInfo().Config; now.FirstSeq != was.FirstSeq ||
			now.MaxMsgsPerSubject != 1 || !now.AllowDirect || now.Storage != was.Storage {
			t.Errorf("was %+v, is %+v", was, now)
		}
	}
	heard, err := conn.SubscribeSync(natsd.SubjectCoverage + "75.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"1", "2"} {
		if _, err := js.Publish(t.Context(), prefix+"75.03", []byte(value)); err != nil {
			t.Fatal(err)
		}
		m, err := heard.NextMsg(time.Minute)
		if err != nil || string(m.Data) != value || m.Subject != "cakupan.coverage.75.03" {
			t.Errorf("heard %v %v", m, err)
		}
	}
	if string(log.Bytes()) != "" {
		t.Errorf("said %s", string(log.Bytes()))
	}
}

// TestNotTold opens a bucket that the ledger's user may not change: it is filled all the same, and
// what does not work is said.
func TestNotTold(t *testing.T) {
	const update = "$JS.API.STREAM.UPDATE." + stream
	conn := cluster(t, update)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	var log nobody.Buffer
	o := Options{
		Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil)),
		patience: 10 * time.Millisecond,
	}
	old := o.config(1)
	old.RePublish = nil
	if _, err := js.CreateStream(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), prefix+"75.03", []byte("1")); err != nil {
		t.Fatal(err)
	}
	b, err := o.open(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.regions) != 1 || b.regions[0].String() != "75.03" {
		t.Errorf("holds %v", b.regions)
	}
	if said := string(log.Bytes()); !strings.Contains(said, natsd.SubjectCoverage+">") {
		t.Errorf("said %q", said)
	}
}
