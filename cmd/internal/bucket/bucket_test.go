package bucket_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/bucket"
	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/live"
	"cakupan/cmd/internal/nobody"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/natsd"
	"cakupan/projections/coverage"
)

const (
	within = time.Minute
	stream = "KV_" + natsd.Bucket
	key    = "$KV." + natsd.Bucket + ".ID"
	opened = `{"specversion":"1.0","id":"1","source":"urn:x","type":` +
		`"id.cakupan.enrolment.opened.v1","data":{"enrolment":"e-1","worker":"w-1",` +
		`"region":"75.03","segment":"PU","category":"PRIVATE","programmes":["JKK"],` +
		`"payer":"EMPLOYER","from":"2020-01-01"}}`
)

// fed is a ledger whose bucket is fed, and somebody who may write into it.
type fed struct {
	js     jetstream.JetStream // writes
	view   jetstream.JetStream // reads
	writes atomic.Bool
	watch  atomic.Int64              // how many, as was told last
	asked  atomic.Int64              // how often it was whether it writes
	conn   atomic.Pointer[nats.Conn] // of the last feed
	hub    *live.Hub
	ill    atomic.Pointer[string] // why the coverage is behind, and is not answered
	log    nobody.Buffer
}

// unwell is a ledger that a test can say to be building its coverage.
type unwell struct {
	*ledger.Ledger
	ill *atomic.Pointer[string]
}

func (u unwell) View(ctx context.Context, least eventstore.Sequence) (*coverage.View, error) {
	if why := u.ill.Load(); why != nil {
		return nil, problem.New(problem.ProjectionBehind, *why)
	}
	return u.Ledger.View(ctx, least)
}

func (u unwell) Ready(ctx context.Context, now temporal.Instant) ledger.Readiness {
	r := u.Ledger.Ready(ctx, now)
	if why := u.ill.Load(); why != nil {
		r.Status, r.Why = ledger.ReadyBehind, *why
	}
	return r
}

func feed(t *testing.T) *fed {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{
		Dir: filepath.Join(t.TempDir(), "data"), Create: true,
		Messages: ledger.MessageOptions{Address: "127.0.0.1:0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if err := l.Serve(t.Context(), "", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := l.TakeMessages(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Submit(t.Context(), [][]byte{[]byte(opened)}, intake.Options{}); err != nil {
		t.Fatal(err)
	}
	f := &fed{}
	f.writes.Store(true)
	conn, err := l.ConnectBucket()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if f.js, err = jetstream.New(conn); err != nil {
		t.Fatal(err)
	}
	anyone, err := nats.Connect(l.NATSURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(anyone.Close)
	if f.view, err = jetstream.New(anyone); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&f.log, nil))
	ctx, stop := context.WithCancel(t.Context())
	f.hub = live.New(unwell{l, &f.ill}, time.Now, log)
	wait := f.hub.Start(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		bucket.Options{
			Hides: func() bool { return false },
			Connect: func() (*nats.Conn, error) {
				conn, err := l.ConnectBucket()
				f.conn.Store(conn)
				return conn, err
			},
			Writes: func(context.Context) bool {
				f.asked.Add(1)
				return f.writes.Load()
			},
			Watched: func(watchers int) { f.watch.Store(int64(watchers)) },
			Now:     time.Now, Log: log,
		}.Feed(ctx, f.hub)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		wait()
	})
	return f
}

// value returns the last message of the nation's key.
func (f *fed) value(t *testing.T) (data []byte, sequence uint64) {
	t.Helper()
	return f.last(t, key)
}

func (f *fed) last(t *testing.T, key string) (data []byte, sequence uint64) {
	t.Helper()
	s, err := f.view.Stream(t.Context(), stream)
	if err != nil {
		return nil, 0
	}
	m, err := s.GetLastMsgForSubject(t.Context(), key)
	if err != nil {
		return nil, 0
	}
	return m.Data, m.Sequence
}

// until waits until the value says how many are covered.
func (f *fed) until(t *testing.T, covered int) {
	t.Helper()
	want := fmt.Appendf(nil, `"covered":%d,"`, covered)
	f.await(t, string(want), func() bool {
		data, _ := f.value(t)
		return bytes.Contains(data, want)
	})
}

func (f *fed) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			data, _ := f.value(t)
			t.Fatalf("not yet: %s; the bucket holds %s: %s", what, data, f.log.Bytes())
		}
	}
}

// TestWatched tells how many watch, for as long as they do, and only where the bucket is filled.
func TestWatched(t *testing.T) {
	t.Parallel() // it waits for what is looked at each second
	f := feed(t)
	f.until(t, 1)
	kv, err := f.view.KeyValue(t.Context(), natsd.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	var watchers []jetstream.KeyWatcher
	for range 3 {
		w, err := kv.Watch(t.Context(), "75.03")
		if err != nil {
			t.Fatal(err)
		}
		watchers = append(watchers, w)
	}
	told := func(n int64) func() bool { return func() bool { return f.watch.Load() == n } }
	f.await(t, "three watch", told(3))
	if err := watchers[0].Stop(); err != nil {
		t.Fatal(err)
	}
	f.await(t, "two watch", told(2))
	f.writes.Store(false)
	f.await(t, "it is not filled", told(0))
}

// TestState has the bucket tell how the ledger is: that it is live, that its coverage is being built,
// also to a feed that begins just then and can put no figures, and that it is live again.
func TestState(t *testing.T) {
	t.Parallel() // it waits for what is looked at each second
	f := feed(t)
	is := func(want live.Status) func() bool {
		return func() bool {
			data, _ := f.last(t, "$KV."+natsd.Bucket+"."+bucket.KeyState)
			var got live.Status
			return json.Unmarshal(data, &got) == nil && got.Since != "" &&
				got.State == want.State && got.Why == want.Why && got.Role == cluster.RoleWriter
		}
	}
	well := live.Status{State: live.Live}
	f.await(t, "it is live", is(well))
	f.until(t, 1)
	first, second := "it is being built", "it is being built again"
	f.ill.Store(&first)
	f.await(t, "it is behind", is(live.Status{State: live.Behind, Why: first}))
	f.writes.Store(false)
	f.await(t, "the feed has ended", func() bool { return f.conn.Load().IsClosed() })
	f.ill.Store(&second)
	f.await(t, "the hub knows", func() bool {
		data, err := f.hub.Status()
		return err == nil && bytes.Contains(data, []byte(second))
	})
	f.writes.Store(true)
	f.await(t, "a new feed tells", is(live.Status{State: live.Behind, Why: second}))
	f.ill.Store(nil)
	f.await(t, "it is live again", is(well))
	f.until(t, 1)
}

// TestHeals puts a wrong value into the bucket: the right one comes back though nothing changes in
// the ledger, and only while that writes.
func TestHeals(t *testing.T) {
	t.Parallel() // it waits for what is looked at each second
	f := feed(t)
	f.until(t, 1)
	first, sequence := f.value(t)
	if micro := uint64(time.Now().UnixMicro()); sequence > micro || sequence < micro/2 {
		t.Errorf("the first value has number %d", sequence)
	}
	if _, err := f.js.Publish(t.Context(), key, []byte("y")); err != nil {
		t.Fatal(err)
	}
	f.until(t, 1)
	f.writes.Store(false)
	f.await(t, "the feed has ended", func() bool { return f.conn.Load().IsClosed() })
	if _, err := f.js.Publish(t.Context(), key, []byte("x")); err != nil {
		t.Fatal(err)
	}
	asked := f.asked.Load()
	f.await(t, "it is asked again", func() bool { return f.asked.Load() > asked+1 })
	if data, _ := f.value(t); string(data) != "x" {
		t.Errorf("a ledger that does not write has put %s", data)
	}
	f.writes.Store(true)
	f.until(t, 1)
	if last, _ := f.value(t); !bytes.Equal(first, last) {
		t.Errorf("first %s, then %s", first, last)
	}
}
