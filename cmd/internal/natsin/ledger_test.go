package natsin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/natsin"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/index"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/seal"
	"cakupan/eventstore/vault/vaulttest"
	"cakupan/eventstore/writer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a ledger with its intake, on the real parts; the log is in memory. The switches make the
// log fail for a while, and people lose their rights.
type world struct {
	t      *testing.T
	dir    string
	server *natsd.Server
	sealer *seal.Sealer
	in     *intake.Intake
	log    *memlog.Log
	intake *natsin.Server

	mu      sync.Mutex
	failing error
	failed  string                  // whose events fail; empty: all
	scopes  map[string]*event.Scope // nil: the ledger is open
	tries   int                     // submits that failed
	panics  int                     // submits that will panic
	sizes   []int                   // events of each submit that did not
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	identity := eventstore.Identity{Ledger: "0123456789abcdef0123456789abcdef", Created: 1}
	w.log = memlog.New(identity)
	idx, err := index.Open(t.TempDir(), identity)
	if err != nil {
		t.Fatal(err)
	}
	wr, err := writer.Open(t.Context(), w.log, idx, writer.Options{
		Now: func() temporal.Instant { return temporal.Instant(time.Now().UnixNano()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	v := vaulttest.Open(t, identity)
	t.Cleanup(func() {
		if err := errors.Join(wr.Close(), idx.Close()); err != nil {
			t.Error(err)
		}
	})
	w.in = intake.New(v, wr)
	if w.sealer, err = seal.CreateKey(filepath.Join(w.dir, "key")); err != nil {
		t.Fatal(err)
	}
	w.startServer()
	t.Cleanup(func() { w.stopServer() })
	return w
}

func (w *world) startServer() {
	w.t.Helper()
	var err error
	w.server, err = natsd.Start(natsd.Options{
		StoreDir: filepath.Join(w.dir, "nats"), Address: "127.0.0.1:0",
		Authenticate: func(name, _, _ string) (natsd.Client, error) {
			if w.guarded() {
				return natsd.Client{Name: name, Role: natsd.RolePublisher}, nil
			}
			return natsd.Client{Role: natsd.RoleAnyone}, nil
		},
	})
	if err == nil {
		err = w.server.Listen()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) stopServer() {
	w.stopIntake()
	if w.server == nil {
		return
	}
	if err := w.server.Shutdown(); err != nil {
		w.t.Error(err)
	}
	w.server = nil
}

// startIntake starts the intake; it ends with the test.
func (w *world) startIntake(change ...func(*natsin.Options)) {
	w.t.Helper()
	opts := natsin.Options{
		Connect: natsin.Connect{Front: w.server.ConnectFront, Store: w.server.ConnectStore},
		Sealer:  w.sealer, Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)),
	}
	for _, c := range change {
		c(&opts)
	}
	var err error
	if w.intake, err = natsin.Start(w.t.Context(), w, opts); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) stopIntake() {
	if w.intake == nil {
		return
	}
	if err := w.intake.Close(); err != nil {
		w.t.Errorf("close intake: %v", err)
	}
	w.intake = nil
}

// Submit is that of the ledger, unless it fails.
func (w *world) Submit(
	ctx context.Context, raw [][]byte, opts intake.Options,
) ([]event.Receipt, error) {
	w.mu.Lock()
	failing := w.failing
	if w.failed != "" && !bytes.Contains(raw[0], []byte("urn:"+w.failed)) {
		failing = nil
	}
	if failing != nil {
		w.tries++
	}
	panics := w.panics > 0
	if panics {
		w.panics--
	}
	w.mu.Unlock()
	if panics {
		panic("a test wants it")
	}
	if failing != nil {
		return nil, failing
	}
	got, err := w.in.Submit(ctx, raw, opts)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sizes = append(w.sizes, len(raw))
	return got, err
}

// Scope returns what somebody may report.
func (w *world) Scope(publisher string) (*event.Scope, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.scopes == nil {
		return nil, nil
	}
	if scope := w.scopes[publisher]; scope != nil {
		return scope, nil
	}
	return nil, &event.Refusal{Code: event.Forbidden, Detail: "not registered"}
}

func (w *world) guarded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.scopes != nil
}

func (w *world) fail(err error) { w.failOf("", err) }

// failOf has the events of a source fail.
func (w *world) failOf(name string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed, w.failing = name, err
}

func (w *world) register(names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scopes = map[string]*event.Scope{}
	for _, name := range names {
		w.scopes[name] = &event.Scope{
			Publisher: name, Sources: []string{"urn:" + name}, Types: event.Types(),
		}
	}
}

// dial connects somebody over TCP.
func (w *world) dial(name string) *nats.Conn {
	w.t.Helper()
	conn, err := nats.Connect(w.server.URL(), nats.UserInfo(name, "x"), nats.MaxReconnects(0))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(conn.Close)
	return conn
}

// length returns how many events the log has.
func (w *world) length() int {
	w.t.Helper()
	_, tail, err := w.log.Last(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return int(tail.Sequence)
}

// eventually waits until something is so.
func (w *world) eventually(what string, so func() bool) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if so() {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	w.t.Fatalf("not so: %s", what)
}

// refused returns all that was refused.
func (w *world) refused() (all []natsin.Kept) {
	w.t.Helper()
	conn, err := w.server.ConnectStore()
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	r := natsin.NewRefusals(conn, w.sealer, nil, nil)
	for number := uint64(1); ; number = all[len(all)-1].Number + 1 {
		e, err := r.Next(w.t.Context(), number)
		if errors.Is(err, natsin.ErrNoSuch) {
			return all
		}
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, e)
	}
}

// inStore connects to where messages are kept, for one use: tests start the server again between.
func (w *world) inStore(use func(jetstream.JetStream) error) {
	w.t.Helper()
	conn, err := w.server.ConnectStore()
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err == nil {
		err = use(js)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// waiting returns how many packs wait.
func (w *world) waiting() (packs int) {
	w.t.Helper()
	w.inStore(func(js jetstream.JetStream) error {
		stream, err := js.Stream(w.t.Context(), natsin.StreamIntake)
		if err == nil {
			packs = int(stream.CachedInfo().State.Msgs)
		}
		return err
	})
	return packs
}

// line is an event of a source; the number makes it another one.
func line(source string, n int) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"e-%d","source":%q,"type":`+
		`"id.cakupan.enrolment.reinstated.v1","data":{"enrolment":"e-%d","from":"2020-01-01"}}`,
		n, source, n)
}

// publish publishes and wants an acknowledgement.
func (w *world) publish(conn *nats.Conn, m *nats.Msg) {
	w.t.Helper()
	js, err := jetstream.New(conn)
	if err != nil {
		w.t.Fatal(err)
	}
	ack, err := js.PublishMsg(w.t.Context(), m)
	if err != nil || ack.Stream != natsin.StreamIntake || ack.Sequence == 0 {
		w.t.Fatalf("publish: %+v, %v", ack, err)
	}
}

// hear subscribes to somebody's receipts.
func (w *world) hear(conn *nats.Conn, name string) chan cloudevents.Receipts {
	w.t.Helper()
	heard := make(chan cloudevents.Receipts, 10_000)
	if _, err := conn.Subscribe(natsin.SubjectReceipts+name, func(m *nats.Msg) {
		var r cloudevents.Receipts
		if err := json.Unmarshal(m.Data, &r); err != nil || m.Header.Get(natsin.HeaderPack) == "" {
			w.t.Errorf("receipts %s %v: %v", m.Data, m.Header, err)
		}
		heard <- r
	}); err != nil {
		w.t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		w.t.Fatal(err)
	}
	return heard
}

// next returns the next receipts.
func (w *world) next(heard chan cloudevents.Receipts) cloudevents.Receipts {
	w.t.Helper()
	select {
	case r := <-heard:
		return r
	case <-time.After(time.Minute):
		w.t.Fatal("no receipts")
		return nil
	}
}

// words says what receipts say, shortly.
func words(r cloudevents.Receipts) string {
	var text []string
	for _, r := range r {
		text = append(text, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.ID, r.Status, r.Why().Code)))
	}
	return strings.Join(text, ", ")
}
