package jetstream_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"cakupan/eventstore/jetstream"
)

// TestDoubt answers as a leader does that cannot read a message for a moment: that there is none,
// or only later ones. A reader asks again; what is never found is lost.
func TestDoubt(t *testing.T) {
	t.Parallel()
	conn := speechless(t)
	const none = `{"error":{"code":404,"err_code":10037,"description":"no message found"}}`
	found := func(number int) string { return fmt.Sprintf(`{"message":{"seq":%d}}`, number) }
	for stream, c := range map[string]struct {
		bad   string // what is answered at first
		times int64  // how often
		want  uint64
		fails bool
	}{
		"SOUND":   {times: 0, want: 1},
		"NONE":    {bad: none, times: 2, want: 1},
		"LATER":   {bad: found(2), times: 3, want: 1},
		"LOST":    {bad: none, times: jetstream.DoubtsMax + 1, fails: true},
		"GAP":     {bad: found(2), times: jetstream.DoubtsMax + 1, want: 2},
		"AT_LAST": {bad: none, times: jetstream.DoubtsMax, want: 1},
	} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			if _, err := conn.Subscribe("$JS.API.STREAM.MSG.GET."+stream, func(m *nats.Msg) {
				answer := found(1)
				if asked.Add(1) <= c.times {
					answer = c.bad
				}
				_ = m.Respond([]byte(answer))
			}); err != nil {
				t.Fatal(err)
			}
			got, err := jetstream.Get(t.Context(), conn, stream, 1)
			if got != c.want || (err != nil) != c.fails {
				t.Errorf("message %d: %v", got, err)
			}
			if want := min(c.times, jetstream.DoubtsMax) + 1; asked.Load() != want {
				t.Errorf("asked %d times, want %d", asked.Load(), want)
			}
		})
	}
}

// TestUnavailable answers as a cluster does that has no leader: who asks waits for it. Another error
// is told at once.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	conn := speechless(t)
	const (
		between = `{"error":{"code":503,"err_code":10008,"description":"temporarily unavailable"}}`
		refused = `{"error":{"code":503,"err_code":10023,"description":"insufficient resources"}}`
		empty   = `{"state":{"messages":0,"first_seq":1,"last_seq":0}}`
	)
	for stream, c := range map[string]struct {
		bad   string
		asked int64 // in the end
		fails bool
	}{
		"BETWEEN": {bad: between, asked: 4},
		"REFUSED": {bad: refused, asked: 1, fails: true},
	} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			if _, err := conn.Subscribe("$JS.API.STREAM.INFO."+stream, func(m *nats.Msg) {
				answer := empty
				if asked.Add(1) <= 3 {
					answer = c.bad
				}
				_ = m.Respond([]byte(answer))
			}); err != nil {
				t.Fatal(err)
			}
			frames, err := jetstream.ReadAll(t.Context(), conn, stream)
			if frames != 0 || (err != nil) != c.fails || asked.Load() != c.asked {
				t.Errorf("%d frames, asked %d times: %v", frames, asked.Load(), err)
			}
		})
	}
}

// speechless returns a connection to a server without JetStream, for whose API a test answers.
func speechless(t *testing.T) *nats.Conn {
	t.Helper()
	server, err := natsserver.NewServer(&natsserver.Options{DontListen: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(server.Shutdown)
	conn, err := nats.Connect("", nats.InProcessServer(server))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}
