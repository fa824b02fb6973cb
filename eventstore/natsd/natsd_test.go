package natsd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func start(t testing.TB, opts Options) (*Server, *nats.Conn) {
	t.Helper()
	s, err := Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Shutdown() })
	conn, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return s, conn
}

func newStream(t testing.TB, conn *nats.Conn, name string) (jetstream.JetStream, jetstream.Stream) {
	t.Helper()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: name, Subjects: []string{name},
	})
	if err != nil {
		t.Fatal(err)
	}
	return js, stream
}

func TestRestartKeepsMessages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by", "start")
	s, conn := start(t, Options{StoreDir: dir})
	js, _ := newStream(t, conn, "S")
	for range 5 {
		if _, err := js.Publish(t.Context(), "S", []byte("message")); err != nil {
			t.Fatal(err)
		}
	}
	conn.Close()
	if err := s.Shutdown(); err != nil {
		t.Fatal(err)
	}
	_, conn = start(t, Options{StoreDir: dir})
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 5 {
		t.Errorf("%d messages after a restart, want 5", n)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v, %v; want mode 0700", info.Mode(), err)
	}
}

func TestStartRefuses(t *testing.T) {
	dir := t.TempDir()
	s, _ := start(t, Options{StoreDir: dir})
	if _, err := Start(Options{StoreDir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("second server on the folder: %v, want ErrInUse", err)
	}
	if err := s.Shutdown(); err != nil {
		t.Fatal(err)
	}
	start(t, Options{StoreDir: dir})

	if _, err := Start(Options{}); err == nil {
		t.Error("server without a folder: no error")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(Options{StoreDir: filepath.Join(file, "dir")}); err == nil {
		t.Error("server in a folder that cannot be made: no error")
	}
}

// TestStartGivesUp starts a server that cannot keep anything. It must not be waited for.
func TestStartGivesUp(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(Options{StoreDir: dir})
	if err == nil || !strings.Contains(err.Error(), "gave up") {
		t.Errorf("server with a file where its folder should be: %v", err)
	}
	t.Log(err)
}

// TestHalfMadeStream starts a server where another one was killed while it created a stream, and
// creates the stream again. What is then acknowledged must be there after the next start.
func TestHalfMadeStream(t *testing.T) {
	dir := t.TempDir()
	s, conn := start(t, Options{StoreDir: dir})
	newStream(t, conn, "S")
	conn.Close()
	if err := s.Shutdown(); err != nil {
		t.Fatal(err)
	}
	sums, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "S", "meta.sum"))
	if err != nil || len(sums) != 1 {
		t.Fatalf("checksums %v, %v", sums, err)
	}
	if err := os.Remove(sums[0]); err != nil {
		t.Fatal(err)
	}
	for message := range uint64(3) {
		s, conn = start(t, Options{StoreDir: dir})
		if message == 0 {
			newStream(t, conn, "S")
		}
		js, err := jetstream.New(conn)
		if err != nil {
			t.Fatal(err)
		}
		ack, err := js.Publish(t.Context(), "S", []byte("message"))
		if err != nil || ack.Sequence != message+1 {
			t.Fatalf("publish: %+v, %v; want message %d", ack, err, message+1)
		}
		conn.Close()
		if err := s.Shutdown(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNobodyShortensTheLog tries everything that could remove or change what a stream holds.
func TestNobodyShortensTheLog(t *testing.T) {
	_, conn := start(t, Options{StoreDir: t.TempDir()})
	js, stream := newStream(t, conn, "S")
	if _, err := js.Publish(t.Context(), "S", []byte("message")); err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]func(context.Context) error{
		"delete stream": func(ctx context.Context) error { return js.DeleteStream(ctx, "S") },
		"purge":         func(ctx context.Context) error { return stream.Purge(ctx) },
		"delete message": func(ctx context.Context) error {
			return stream.DeleteMsg(ctx, 1)
		},
		"give it limits": func(ctx context.Context) error {
			_, err := js.UpdateStream(ctx, jetstream.StreamConfig{
				Name: "S", Subjects: []string{"S"}, MaxMsgs: 1,
			})
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := try(ctx); err == nil {
			t.Errorf("%s: allowed", name)
		}
		cancel()
	}
	info, err := stream.Info(t.Context())
	if err != nil || info.State.Msgs != 1 || info.Config.MaxMsgs != -1 {
		t.Errorf("stream is changed: %+v, %v", info, err)
	}
}

func TestNoPort(t *testing.T) {
	s, _ := start(t, Options{StoreDir: t.TempDir()})
	if addr := s.now.Load().server.Addr(); addr != nil {
		t.Errorf("server listens on %v", addr)
	}
	if _, err := net.DialTimeout("tcp", "127.0.0.1:4222", time.Second); err == nil {
		t.Skip("something else listens on the default port of nats")
	}
}

func TestFreeSpace(t *testing.T) {
	s, _ := start(t, Options{StoreDir: t.TempDir()})
	if free, err := s.FreeSpace(); err != nil || free == 0 {
		t.Errorf("free space %d, %v", free, err)
	}
	if _, err := FreeSpace("/does/not/exist"); err == nil {
		t.Error("free space of a folder that is not there: no error")
	}
}

func TestLog(t *testing.T) {
	var out bytes.Buffer
	log := serverLog{log: slog.New(slog.NewTextHandler(&out, nil)), failed: func(string) {}}
	log.Noticef("quiet %d", 1)
	log.Debugf("quiet %d", 2)
	log.Tracef("quiet %d", 3)
	log.Warnf("loud %d", 4)
	log.Errorf("loud %d", 5)
	log.Fatalf("loud %d", 6)
	if text := out.String(); strings.Contains(text, "quiet") || strings.Count(text, "loud") != 3 {
		t.Errorf("logged %s", text)
	}
}

// BenchmarkTransport compares the in-process connection with the loopback interface: publishing,
// each message flushed, and reading with a pull consumer. It is why no port is opened.
func BenchmarkTransport(b *testing.B) {
	opts, err := serverOptions(Options{StoreDir: b.TempDir(), Address: "127.0.0.1:0"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	opts.CustomClientAuthentication, opts.DontListen = nil, false
	s, err := server.NewServer(opts)
	if err != nil {
		b.Fatal(err)
	}
	s.Start()
	b.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		b.Fatal("server does not become ready")
	}
	for name, option := range map[string]nats.Option{
		"in-process": nats.InProcessServer(s), "loopback": nats.Name("tcp"),
	} {
		conn, err := nats.Connect(s.ClientURL(), option)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(conn.Close)
		for _, size := range []int{300, 115_000} {
			stream := fmt.Sprintf("%s-%d", name, size)
			js, _ := newStream(b, conn, stream)
			payload := make([]byte, size)
			published := 0
			b.Run(fmt.Sprintf("publish/%d B/%s", size, name), func(b *testing.B) {
				for b.Loop() {
					if _, err := js.Publish(b.Context(), stream, payload); err != nil {
						b.Fatal(err)
					}
					published++
				}
			})
			b.Run(fmt.Sprintf("read/%d B/%s", size, name), func(b *testing.B) {
				b.SetBytes(int64(published) * int64(size))
				for b.Loop() {
					readAll(b, conn, stream, published)
				}
				messages := float64(published) * float64(b.N)
				b.ReportMetric(messages/b.Elapsed().Seconds(), "messages/s")
			})
		}
	}
}

// readAll reads the first n messages of the stream with requests for 64 at a time, two ahead.
func readAll(b *testing.B, conn *nats.Conn, stream string, n int) {
	js, err := jetstream.New(conn)
	if err != nil {
		b.Fatal(err)
	}
	consumer, err := js.CreateConsumer(b.Context(), stream, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true,
	})
	if err != nil {
		b.Fatal(err)
	}
	inbox := make(chan *nats.Msg, 1000)
	sub, err := conn.ChanSubscribe(nats.NewInbox(), inbox)
	if err != nil {
		b.Fatal(err)
	}
	const batch = 64
	ask := func() {
		name := "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + consumer.CachedInfo().Name
		request := fmt.Appendf(nil, `{"batch":%d,"expires":%d}`, batch, time.Minute)
		if err := conn.PublishRequest(name, sub.Subject, request); err != nil {
			b.Fatal(err)
		}
	}
	ask()
	ask()
	for got := 1; got <= n; got++ {
		<-inbox
		if got%batch == 0 {
			ask()
		}
	}
	if err := sub.Unsubscribe(); err != nil {
		b.Fatal(err)
	}
	if err := js.DeleteConsumer(b.Context(), stream, consumer.CachedInfo().Name); err != nil {
		b.Fatal(err)
	}
}
