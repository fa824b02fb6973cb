package jetstream_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/logtest"
)

// run runs a plain server whose connections may do anything, unlike those of natsd.
func run(t testing.TB, opts *server.Options) *server.Server {
	t.Helper()
	opts.Host, opts.Port, opts.NoSigs, opts.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	opts.JetStream, opts.SyncAlways, opts.StoreDir = true, true, t.TempDir()
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("server does not become ready")
	}
	return s
}

func connect(t testing.TB, s *server.Server, opts ...nats.Option) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect(s.ClientURL(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func streams(t testing.TB, conn *nats.Conn) natsjs.JetStream {
	t.Helper()
	js, err := natsjs.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// TestDeletedMessage deletes messages behind the log's back, on a stream that lets it happen.
func TestDeletedMessage(t *testing.T) {
	conn := connect(t, run(t, &server.Options{}))
	js := streams(t, conn)
	config := jetstream.ConfigOf(jetstream.Options{}, eventstore.NewIdentity(1))
	config.DenyDelete = false
	stream, err := js.CreateStream(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jetstream.Open(t.Context(), conn, jetstream.Options{}); !errors.Is(
		err, eventstore.ErrUnsafe) {
		t.Errorf("open a stream that lets messages be deleted: %v", err)
	}
	log, err := jetstream.OpenUnchecked(t.Context(), conn, jetstream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, log, new(logtest.Maker), 50)
	for _, number := range []uint64{1, 20, 21, 50} {
		if err := stream.DeleteMsg(t.Context(), number); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"1-2", "39-42", "99-0"}
	if lost := damages(t, log.Read(t.Context(), 1)); !slices.Equal(lost, want) {
		t.Errorf("read names %v, want %v", lost, want)
	}
	if lost := damages(t, log.Read(t.Context(), 41)); !slices.Equal(lost, want[1:]) {
		t.Errorf("read from a lost event names %v, want %v", lost, want[1:])
	}
	var damage *eventstore.DamageError
	if _, _, err := log.Last(t.Context()); !errors.As(err, &damage) || damage.From != 99 {
		t.Errorf("Last: %v, want damage from event 99 on", err)
	}
	// A follower must not wait for ever at a damaged end.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var followed []string
	for _, err := range log.Follow(ctx, 1) {
		if errors.As(err, &damage) {
			followed = append(followed, fmt.Sprintf("%d-%d", damage.From, damage.To))
			if damage.To == 0 {
				break
			}
		}
	}
	if !slices.Equal(followed, want) {
		t.Errorf("follow names %v, want %v", followed, want)
	}
}

func fill(t testing.TB, log eventstore.Log, maker *logtest.Maker, frames int) {
	t.Helper()
	for range frames {
		tail, err := log.Append(t.Context(), maker.Frame(2), maker.Before())
		if err != nil {
			t.Fatal(err)
		}
		maker.Appended(tail)
	}
}

// damages returns the ranges named by an iteration, and fails the test on any other error.
func damages(t *testing.T, frames func(func(eventstore.Frame, error) bool)) (lost []string) {
	t.Helper()
	for _, err := range frames {
		var damage *eventstore.DamageError
		switch {
		case errors.As(err, &damage):
			lost = append(lost, fmt.Sprintf("%d-%d", damage.From, damage.To))
		case err != nil:
			t.Fatal(err)
		}
	}
	return lost
}

func TestOpenRefuses(t *testing.T) {
	conn := connect(t, run(t, &server.Options{}))
	js := streams(t, conn)
	if _, err := jetstream.Open(t.Context(), conn, jetstream.Options{}); !errors.Is(
		err, eventstore.ErrNoLog) {
		t.Errorf("open without a stream: %v, want ErrNoLog", err)
	}
	for _, test := range []struct {
		name   string
		change func(*natsjs.StreamConfig)
		want   error
		text   string
	}{
		{"none", func(*natsjs.StreamConfig) {}, nil, ""},
		{
			"memory", func(c *natsjs.StreamConfig) { c.Storage = natsjs.MemoryStorage },
			eventstore.ErrUnsafe, "files",
		},
		{
			"discard old", func(c *natsjs.StreamConfig) { c.Discard = natsjs.DiscardOld },
			eventstore.ErrUnsafe, "oldest",
		},
		{
			"work queue", func(c *natsjs.StreamConfig) { c.Retention = natsjs.WorkQueuePolicy },
			eventstore.ErrUnsafe, "consumed",
		},
		{"age", func(c *natsjs.StreamConfig) { c.MaxAge = time.Hour }, eventstore.ErrUnsafe, "age"},
		{
			"per subject", func(c *natsjs.StreamConfig) { c.MaxMsgsPerSubject = 10 },
			eventstore.ErrUnsafe, "per subject",
		},
		{
			"purge", func(c *natsjs.StreamConfig) { c.DenyPurge = false },
			eventstore.ErrUnsafe, "purged",
		},
		{
			"async", func(c *natsjs.StreamConfig) { c.PersistMode = natsjs.AsyncPersistMode },
			eventstore.ErrUnsafe, "before it stores",
		},
		{
			"subjects", func(c *natsjs.StreamConfig) { c.Subjects = []string{"cakupan.>"} },
			eventstore.ErrUnsafe, "subject",
		},
		{
			"no identity", func(c *natsjs.StreamConfig) { c.Metadata = nil },
			eventstore.ErrUnsafe, "identity",
		},
		{
			"newer", func(c *natsjs.StreamConfig) { c.Metadata["cakupan.format"] = "2" },
			eventstore.ErrNewerFormat, "format 2",
		},
	} {
		config := jetstream.ConfigOf(jetstream.Options{}, eventstore.NewIdentity(1))
		test.change(&config)
		_, err := js.CreateStream(t.Context(), config)
		for range 1200 { // the server may still be removing the files of the stream before
			if err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
			_, err = js.CreateStream(t.Context(), config)
		}
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		_, err = jetstream.Open(t.Context(), conn, jetstream.Options{})
		if !errors.Is(err, test.want) || (err != nil && !strings.Contains(err.Error(), test.text)) {
			t.Errorf("open a stream with %s: %v", test.name, err)
		} else if err != nil {
			t.Log(err)
		}
		_, err = jetstream.Create(t.Context(), conn, jetstream.Options{}, eventstore.NewIdentity(2))
		if !errors.Is(err, eventstore.ErrExists) {
			t.Errorf("create where a stream is (%s): %v, want ErrExists", test.name, err)
		}
		if err := js.DeleteStream(t.Context(), config.Name); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAccountFull fills the room that an account has.
func TestAccountFull(t *testing.T) {
	conn := connect(t, run(t, &server.Options{JetStreamMaxStore: 64 << 10}))
	log := create(t, conn, jetstream.Options{})
	var maker logtest.Maker
	for range 100 {
		tail, err := log.Append(t.Context(), maker.Frame(10), maker.Before())
		if err != nil {
			if !errors.Is(err, eventstore.ErrFull) {
				t.Errorf("append without room: %v, want ErrFull", err)
			}
			t.Log(err)
			break
		}
		maker.Appended(tail)
	}
	if _, tail, err := log.Last(t.Context()); err != nil || tail != maker.Before() {
		t.Errorf("Last: %+v, %v; want %+v", tail, err, maker.Before())
	}
}

// TestLostAnswer cuts the connection while an append is under way.
func TestLostAnswer(t *testing.T) {
	s := run(t, &server.Options{})
	conn := connect(t, s)
	log := create(t, conn, jetstream.Options{})
	var maker logtest.Maker
	fill(t, log, &maker, 1)

	raw := maker.Frame(2)
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	if _, err := log.Append(ctx, raw, maker.Before()); errors.Is(
		err, eventstore.ErrUnknownOutcome) || err == nil {
		t.Errorf("append under a context that has ended: %v, want a certain failure", err)
	}
	s.Shutdown()
	ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := log.Append(ctx, raw, maker.Before()); !errors.Is(
		err, eventstore.ErrUnknownOutcome) {
		t.Errorf("append to a server that is gone: %v, want ErrUnknownOutcome", err)
	}
	conn.Close()
	if _, err := log.Append(t.Context(), raw, maker.Before()); !errors.Is(
		err, eventstore.ErrClosed) {
		t.Errorf("append on a closed connection: %v, want ErrClosed", err)
	}
}

// TestCluster runs the suite on three servers that replicate the log.
func TestCluster(t *testing.T) {
	if os.Getenv("CAKUPAN_LONG") == "" {
		t.Skip("set CAKUPAN_LONG=1 to run the suite on a cluster of three servers")
	}
	servers, _ := cluster(t)
	conn := connect(t, servers[0])
	opts := jetstream.Options{Replicas: 3}
	logtest.Run(t, func(t *testing.T) eventstore.Log {
		log := create(t, conn, opts)
		t.Cleanup(func() {
			if err := streams(t, conn).DeleteStream(context.Background(), "CAKUPAN"); err != nil {
				t.Error(err)
			}
		})
		return log
	})
}

// cluster runs three servers and waits until they can make a stream with three replicas. options are
// those with which each can be started again.
func cluster(t *testing.T) (servers []*server.Server, options []*server.Options) {
	t.Helper()
	var routes []string
	for range 3 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		routes = append(routes, "nats://"+listener.Addr().String())
		listener.Close()
	}
	for n, route := range routes {
		host, port, _ := strings.Cut(strings.TrimPrefix(route, "nats://"), ":")
		opts := &server.Options{
			ServerName: fmt.Sprintf("n%d", n),
			Cluster:    server.ClusterOpts{Name: "c", Host: host},
			Routes:     server.RoutesFromStr(strings.Join(routes, ",")),
		}
		if _, err := fmt.Sscan(port, &opts.Cluster.Port); err != nil {
			t.Fatal(err)
		}
		servers, options = append(servers, start3(t, opts)), append(options, opts)
	}
	js := streams(t, connect(t, servers[0]))
	deadline := time.Now().Add(2 * time.Minute)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := js.CreateStream(ctx, natsjs.StreamConfig{Name: "PROBE", Replicas: 3})
		cancel()
		if err == nil {
			return servers, options
		}
		if time.Now().After(deadline) {
			t.Fatalf("no cluster: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// start3 starts a server of a cluster, which becomes ready only with the others.
func start3(t *testing.T, opts *server.Options) *server.Server {
	t.Helper()
	opts.Host, opts.Port, opts.NoSigs, opts.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	opts.JetStream, opts.SyncAlways = true, true
	if opts.StoreDir == "" {
		opts.StoreDir = t.TempDir()
	}
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}
