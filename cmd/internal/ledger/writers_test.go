package ledger

import (
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/clock"
	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/takeback"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/index"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/verify"
	"cakupan/eventstore/writer"
	"cakupan/projections/effect"
)

// startNATS runs a server of its own, as a cluster would be one, and returns its address.
func startNATS(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, SyncAlways: true, StoreDir: t.TempDir(),
		MaxPayload: 4 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("server does not become ready")
	}
	return s.ClientURL()
}

// party is somebody who writes to a log over a connection of his own.
type party struct {
	log    *jetstream.Log
	index  *index.Index
	writer *writer.Writer

	patience time.Duration // of the writer
}

func newParty(t *testing.T, url string, create bool, patience time.Duration, opts ...nats.Option) *party {
	t.Helper()
	conn, err := nats.Connect(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	p := &party{patience: patience}
	if create {
		p.log, err = jetstream.Create(t.Context(), conn, jetstream.Options{},
			eventstore.NewIdentity(1))
	} else {
		p.log, err = jetstream.Open(t.Context(), conn, jetstream.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	if p.index, err = index.Open(t.TempDir(), p.log.Identity()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.index.Close() })
	p.open(t)
	return p
}

func (p *party) open(t *testing.T) {
	t.Helper()
	var err error
	p.writer, err = writer.Open(t.Context(), p.log, p.index,
		writer.Options{Now: clock.Wall, Patience: p.patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.writer.Close() })
}

// entriesOf returns n events of somebody, from the one numbered first on.
func entriesOf(t *testing.T, who string, first, n int) (entries []writer.Entry) {
	t.Helper()
	for i := first; i < first+n; i++ {
		e := event.Event{
			Key:  event.Key{Source: "urn:test:" + who, ID: fmt.Sprint(i)},
			Type: event.EnrolmentReinstated,
		}
		e.Data.Enrolment, e.Data.From = fmt.Sprintf("%s-%d", who, i), temporal.Date(18_000)
		e.Data.Has = e.Data.Has.With(event.FieldEnrolment).With(event.FieldFrom)
		entry, err := intake.EntryOf(&e, 0)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	return entries
}

// places are the sequences of events by their keys.
type places map[event.Key]eventstore.Sequence

// append appends batches until the writer is refused or all are in the log.
func (p *party) append(t *testing.T, who string, batches int) (places, error) {
	got := places{}
	for b := range batches {
		entries := entriesOf(t, who, b*7, 7)
		results, err := p.writer.Append(t.Context(), entries, writer.AppendOptions{})
		for i, r := range results {
			if r.Status == event.Appended || r.Status == event.Duplicate {
				got[entries[i].Key] = r.Sequence
			}
		}
		if err != nil {
			return got, err
		}
	}
	return got, nil
}

// checkKept checks that the log is sound and dense and has each event once, where its receipt says.
func (p *party) checkKept(t *testing.T, all ...places) {
	t.Helper()
	found := places{}
	var e event.Event
	for frame, err := range p.log.Read(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		for record := range frame.Records() {
			if _, err := codec.Decode(record.Event, &e); err != nil {
				t.Fatal(err)
			}
			if was, twice := found[e.Key]; twice {
				t.Errorf("events %d and %d are the same", was, record.Sequence)
			}
			found[e.Key] = record.Sequence
		}
	}
	for _, got := range all {
		for key, seq := range got {
			if found[key] != seq {
				t.Errorf("%v has the receipt %d and is event %d", key, seq, found[key])
			}
		}
	}
	report, err := verify.Check(t.Context(), p.log, verify.Options{})
	if err != nil || !report.OK() || int(report.Events) != len(found) {
		t.Errorf("verify: %+v, %v; want %d events", report, err, len(found))
	}
}

// TestTwoWriters lets two writers append to one log at the same time: one of them is refused and
// can find out what became of its events; the other one goes on.
func TestTwoWriters(t *testing.T) {
	const batches = 100
	url := startNATS(t)
	parties := []*party{newParty(t, url, true, time.Minute), newParty(t, url, false, time.Minute)}
	got, errs := make([]places, 2), make([]error, 2)
	var wait sync.WaitGroup
	for i := range parties {
		wait.Go(func() { got[i], errs[i] = parties[i].append(t, fmt.Sprint(i), batches) })
	}
	wait.Wait()
	refused := 0
	if errs[0] == nil {
		refused = 1
	}
	t.Logf("writer %d: %v, after %d events; the other one: %v, %d events", refused, errs[refused],
		len(got[refused]), errs[1-refused], len(got[1-refused]))
	if !errors.Is(errs[refused], writer.ErrOtherWriter) || errs[1-refused] != nil {
		t.Fatalf("errors %v; want one writer refused", errs)
	}
	parties[0].checkKept(t, got...)
	// The refused one starts again, and sends everything again. Now the other one is behind.
	parties[refused].open(t)
	again, err := parties[refused].append(t, fmt.Sprint(refused), batches)
	if err != nil || len(again) != 7*batches {
		t.Errorf("append after starting again: %d events, %v", len(again), err)
	}
	_, err = parties[1-refused].append(t, "late", 1)
	if !errors.Is(err, writer.ErrOtherWriter) {
		t.Errorf("append of the writer that is behind now: %v", err)
	}
	parties[0].checkKept(t, got[0], got[1], again)
}

// TestTwoLedgersOfOneCluster has two programs take events in for one log. One of them writes, the
// other one forwards to it, answers, and writes as soon as the first one has ended. An event that
// both get is there once.
func TestTwoLedgersOfOneCluster(t *testing.T) {
	url := startNATS(t)
	active := startOn(t, url, "")
	awaitRole(t, active, cluster.RoleWriter) // and has made the keys
	standby := startOn(t, url, active.folder.Dir)
	writers := 0
	awaitRole(t, active, cluster.RoleWriter, standby)
	for _, l := range []*Ledger{active, standby} {
		if h := l.Health(t.Context()); h.Role == cluster.RoleWriter {
			writers++
		} else if active == l {
			active, standby = standby, active
		}
	}
	if writers != 1 {
		t.Fatalf("%d of two ledgers write", writers)
	}
	submit(t, active, [][]byte{plainEvent(0), plainEvent(1)})
	got, err := standby.Submit(t.Context(),
		[][]byte{plainEvent(1), plainEvent(2), []byte("{"), plainEvent(2)}, intake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []event.Status{event.Duplicate, event.Appended, event.Refused, event.Duplicate}
	for i := range want {
		if got[i].Status != want[i] {
			t.Errorf("receipt %d of the ledger that stands by: %+v, want %s", i, got[i], want[i])
		}
	}
	_, err = standby.Submit(t.Context(), [][]byte{plainEvent(3), []byte("{")},
		intake.Options{Atomic: true})
	if _, head := err, standby.Health(t.Context()).Head; err != nil || head != 3 {
		t.Errorf("atomic batch with an error: %v, and the log ends at event %d", err, head)
	}
	// To take back, and to ask what events would do, is for the one that writes.
	for _, dry := range []bool{true, false} {
		_, err := standby.TakeBack(t.Context(),
			&takeback.Asked{Request: "r", Reason: "r", DryRun: dry}, &takeback.Actor{Source: "urn:s"})
		if problem.From(err).Code != problem.LogUnavailable ||
			!strings.Contains(err.Error(), "stands by") {
			t.Errorf("taken back by one that stands by: %v", err)
		}
	}
	_, err = standby.Effect(t.Context(), [][]byte{plainEvent(9)}, intake.Options{}, 0,
		effect.Asked{})
	if problem.From(err).Code != problem.LogUnavailable {
		t.Errorf("effect at one that stands by: %v", err)
	}
	if err := active.Close(); err != nil {
		t.Error(err)
	}
	again := submit(t, standby, [][]byte{plainEvent(1), plainEvent(3)})
	if again[0].Status != event.Duplicate || again[1].Status != event.Appended {
		t.Errorf("receipts of the ledger that took over: %v", again)
	}
	awaitRole(t, standby, cluster.RoleWriter)
	if view, err := standby.View(t.Context(), 4); err != nil || view.Known() != 4 {
		t.Errorf("view: %v", err)
	}
	if events := readLog(t, standby); len(events) != 4 {
		t.Errorf("the log has %d events, want 4", len(events))
	}
}

// TestRotatedWhileAnotherWrites changes keys in the folder of a ledger that is not started, while
// another one of the cluster writes: that is refused, and nothing is changed. Once that one has
// ended they are changed, and a ledger that has copies of them goes on.
func TestRotatedWhileAnotherWrites(t *testing.T) {
	url := startNATS(t)
	active := startOn(t, url, "")
	awaitRole(t, active, cluster.RoleWriter)
	submit(t, active, [][]byte{nobodys(1)})
	stopped := filepath.Join(t.TempDir(), "data")
	copyKeys(t, active.folder.Dir, stopped)
	l, err := Open(t.Context(), Options{Dir: stopped, Create: true, NATS: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for _, which := range []string{"vault", "intake"} {
		err := l.RotateKey(t.Context(), which)
		if p := problem.From(err); p.Code != problem.LogUnavailable ||
			!strings.Contains(p.Detail, "another ledger of the cluster writes") {
			t.Errorf("key of the %s: %v", which, err)
		}
		checkKeysSound(t, active)
	}
	submit(t, active, [][]byte{nobodys(2)})
	if err := active.Close(); err != nil {
		t.Fatal(err)
	}
	for _, which := range []string{"vault", "intake"} {
		if err := l.RotateKey(t.Context(), which); err != nil {
			t.Errorf("key of the %s, once nobody writes: %v", which, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := startOn(t, url, stopped)
	awaitRole(t, again, cluster.RoleWriter)
	submit(t, again, [][]byte{nobodys(3)})
	checkKeysSound(t, again)
	if workers := again.vault.Workers(); workers != 3 {
		t.Errorf("%d workers", workers)
	}
}

// startOn serves a ledger of a cluster in a new folder that has the keys of another one, if one is
// named.
func startOn(t *testing.T, url, keys string) *Ledger {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if keys != "" {
		copyKeys(t, keys, dir)
	}
	l, err := Open(t.Context(), Options{Dir: dir, Create: true, NATS: url})
	if err == nil {
		err = l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// awaitRole waits until one of the ledgers has a role.
func awaitRole(t *testing.T, l *Ledger, role cluster.Role, others ...*Ledger) {
	t.Helper()
	for range 6000 { // two minutes
		for _, one := range append(others, l) {
			if one.Health(t.Context()).Role == role {
				return
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("no ledger becomes %s", role)
}

// TestLostAnswer loses the connection between a frame's being sent and its answer. The writer
// finds out that the frame is stored. When it cannot in time, whoever sends again gets the first
// receipt.
func TestLostAnswer(t *testing.T) {
	var link cuttable
	p := newParty(t, startNATS(t), true, 200*time.Millisecond, nats.SetCustomDialer(&link), nats.MaxReconnects(-1),
		nats.ReconnectWait(20*time.Millisecond), nats.ReconnectBufSize(-1))
	first, err := p.append(t, "a", 1)
	if err != nil {
		t.Fatal(err)
	}
	link.cut.Store(true)
	second, err := p.append(t, "b", 1)
	if err != nil || !link.lost.Load() || len(second) != 7 {
		t.Errorf("append with a lost answer: %v, %v, answer lost %t", second, err, link.lost.Load())
	}
	link.lost.Store(false)
	link.cut.Store(true)
	link.down.Store(true)
	unknown, err := p.append(t, "c", 1)
	if !errors.Is(err, eventstore.ErrUnknownOutcome) || !link.lost.Load() || len(unknown) > 0 {
		t.Errorf("append while the server cannot be reached: %v, %v", unknown, err)
	}
	if _, err := p.append(t, "c", 1); problem.From(err).Code != problem.LogUnavailable {
		t.Errorf("append again while the server cannot be reached: %v", err)
	}
	link.down.Store(false)
	third, err := p.again(t, "c")
	if err != nil {
		t.Fatal(err)
	}
	p.checkKept(t, first, second, third)
	if tail := p.writer.Head(); tail.Sequence != 21 {
		t.Errorf("the log ends with event %d, want 21", tail.Sequence)
	}
}

// again appends until the server can be reached.
func (p *party) again(t *testing.T, who string) (got places, err error) {
	for range 3000 { // a minute
		got, err = p.append(t, who, 1)
		if err == nil || problem.From(err).Code != problem.LogUnavailable {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return got, err
}

// cuttable makes connections that end when the next large write has been answered, before anybody
// hears the answer.
type cuttable struct {
	cut, lost atomic.Bool
	down      atomic.Bool // no new connection
}

func (c *cuttable) Dial(network, address string) (net.Conn, error) {
	if c.down.Load() {
		return nil, errors.New("the network is down")
	}
	conn, err := net.DialTimeout(network, address, time.Second)
	return &cutConn{Conn: conn, link: c}, err
}

type cutConn struct {
	net.Conn
	link *cuttable
	dead atomic.Bool // nothing is heard from it any more
}

func (c *cutConn) Write(p []byte) (int, error) {
	const frame = 300 // bytes; what else is written is shorter
	if len(p) < frame || !c.link.cut.CompareAndSwap(true, false) {
		return c.Conn.Write(p)
	}
	c.dead.Store(true)
	return c.Conn.Write(p)
}

func (c *cutConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil || !c.dead.Load() {
		return n, err
	}
	c.link.lost.Store(true) // the server has stored it, and says so
	return 0, errors.Join(io.ErrUnexpectedEOF, c.Close())
}
