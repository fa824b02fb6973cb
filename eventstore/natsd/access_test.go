package natsd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	log "cakupan/eventstore/jetstream"
	"cakupan/eventstore/merkle"
)

// within is how long what must happen may take on a busy machine.
const within = time.Minute

// members is a register of people for tests: the secret of each is his name backwards.
type members struct {
	mu   sync.Mutex
	role map[string]Role
	gone map[string]bool
	open bool
}

func (m *members) authenticate(name, secret, _ string) (Client, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open {
		return Client{Role: RoleAnyone}, nil
	}
	role, found := m.role[name]
	if !found || m.gone[name] || secret != backwards(name) {
		return Client{}, errors.New("no")
	}
	return Client{Name: name, Role: role, Valid: func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return !m.gone[name]
	}}, nil
}

func (m *members) setOpen(open bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open = open
}

func (m *members) revoke(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone[name] = true
}

func backwards(s string) string {
	b := []byte(s)
	for i := range len(b) / 2 {
		b[i], b[len(b)-1-i] = b[len(b)-1-i], b[i]
	}
	return string(b)
}

// guarded is a server with a log, an intake, refusals, and members.
type guarded struct {
	*Server
	members *members
	log     *log.Log
	output  *bytes.Buffer
}

func startGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{members: &members{
		gone: map[string]bool{},
		role: map[string]Role{
			"bone": RolePublisher, "goron": RolePublisher, "auditor": RoleAuditor, "board": RoleViewer,
		},
	}, output: new(bytes.Buffer)}
	s, ledger := start(t, Options{
		StoreDir: t.TempDir(), Address: "127.0.0.1:0", Authenticate: g.members.authenticate,
		Log: slog.New(slog.NewTextHandler(g.output, nil)), Now: time.Now,
	})
	g.Server = s
	err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	g.log, err = log.Create(t.Context(), ledger, log.Options{}, eventstore.NewIdentity(1))
	if err != nil {
		t.Fatal(err)
	}
	tail := eventstore.Tail{}
	for i := range 3 {
		var b eventstore.FrameBuilder
		b.Reset(tail.Sequence+1, merkle.Hash{}, temporal.Instant(1))
		if err := b.Append(temporal.Instant(1), fmt.Append(nil, "event", i)); err != nil {
			t.Fatal(err)
		}
		if tail, err = g.log.Append(t.Context(), b.Bytes(), tail); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// dial connects as somebody; the errors that the server reports come out of the channel.
func (g *guarded) dial(t *testing.T, name string, opts ...nats.Option) (*nats.Conn, chan error) {
	t.Helper()
	errs := make(chan error, 100)
	opts = append(opts, nats.UserInfo(name, backwards(name)), nats.MaxReconnects(0),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { errs <- err }))
	conn, err := nats.Connect(g.URL(), opts...)
	if err != nil {
		t.Fatalf("connect as %s: %v", name, err)
	}
	t.Cleanup(conn.Close)
	return conn, errs
}

// answerAll answers requests as the ledger's intake would, with the subject they came on.
func (g *guarded) answerAll(t *testing.T) *nats.Conn {
	t.Helper()
	front, err := g.ConnectFront()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(front.Close)
	for _, subject := range []string{subjectIntake, subjectRequest} {
		if _, err := front.Subscribe(subject+"*", func(m *nats.Msg) {
			_ = m.Respond([]byte(m.Subject))
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := front.Flush(); err != nil {
		t.Fatal(err)
	}
	return front
}

func TestNames(t *testing.T) {
	if streamLog != log.StreamDefault {
		t.Errorf("the log's stream is %s, not %s", log.StreamDefault, streamLog)
	}
}

func TestAuthenticate(t *testing.T) {
	g := startGuarded(t)
	url := g.URL()
	for _, who := range [][]nats.Option{
		{},
		{nats.UserInfo("bone", "wrong")},
		{nats.UserInfo("", "")},
		{nats.Token("x")},
		{nats.UserInfo("nobody", "ydobon")},
		{nats.UserInfo(userLedger, "")},
		{nats.UserInfo(userStore, "x")},
		{nats.UserInfo("7571991501900001", "x")},
		{nats.UserInfo("bone", "wrong"), nats.Name("7571991501900001")},
	} {
		if conn, err := nats.Connect(url, who...); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("connected: %v", err)
			conn.Close()
		}
	}
	if _, err := Start(Options{StoreDir: t.TempDir(), Address: "127.0.0.1:0"}); err == nil {
		t.Error("a port without anybody at the door")
	}
	for _, address := range []string{"127.0.0.1", "127.0.0.1:x", ":-1", ":99999"} {
		if _, err := Start(Options{
			StoreDir: t.TempDir(), Address: address, Authenticate: g.members.authenticate,
		}); err == nil {
			t.Errorf("takes the address %q", address)
		}
	}
	taken, _ := start(t, Options{
		StoreDir: t.TempDir(), Address: strings.TrimPrefix(g.URL(), "nats://"),
		Authenticate: g.members.authenticate,
	})
	if err := taken.Listen(); err == nil || taken.URL() != "" {
		t.Errorf("listens where another server does, at %q: %v", taken.URL(), err)
	}
	if err := g.Shutdown(); err != nil {
		t.Fatal(err)
	}
	output := g.output.String()
	if strings.Contains(output, "Plaintext") || strings.Contains(output, "7571991501900001") {
		t.Errorf("log: %s", output)
	}
}

// TestPublisherAlone has one publisher try all that is not his.
func TestPublisherAlone(t *testing.T) {
	g := startGuarded(t)
	front := g.answerAll(t)
	bone, boneErrs := g.dial(t, "bone")
	goron, _ := g.dial(t, "goron")
	for _, subject := range []string{subjectIntake, subjectRequest} {
		reply, err := bone.Request(subject+"bone", []byte("x"), within)
		if err != nil || string(reply.Data) != subject+"bone" {
			t.Errorf("own %s: %v", subject, err)
		}
		if _, err := bone.Request(subject+"goron", nil, 100*time.Millisecond); err == nil {
			t.Errorf("publishes as another on %s", subject)
		}
	}
	heard := make(chan *nats.Msg, 100)
	for _, subject := range []string{
		">", "cakupan.>", "cakupan.receipts.*", "cakupan.receipts.goron", "cakupan.intake.*",
		"cakupan.log", "$JS.>", "_INBOX_goron.>", "_R_.>", "$SYS.>",
	} {
		if _, err := bone.ChanSubscribe(subject, heard); err != nil {
			t.Fatal(err)
		}
	}
	for _, subject := range []string{"_INBOX.>", "cakupan.receipts.bone"} { // his own
		if _, err := bone.ChanSubscribe(subject, heard); err != nil {
			t.Fatal(err)
		}
	}
	if err := bone.Flush(); err != nil {
		t.Fatal(err)
	}
	for n := range 12 { // of the foreign names, and of the subjects of another
		select {
		case err := <-boneErrs:
			if !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("error %v", err)
			}
		case <-time.After(within):
			t.Fatalf("%d violations reported", n)
		}
	}
	if _, err := goron.Request(subjectRequest+"goron", []byte("secret"), within); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"goron", "bone"} {
		if err := front.Publish(subjectReceipts+name, []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case m := <-heard:
		if m.Subject != "cakupan.receipts.bone" || string(m.Data) != "bone" {
			t.Errorf("heard %s %s", m.Subject, m.Data)
		}
	case <-time.After(within):
		t.Error("does not hear his receipts")
	}
	// What was sent before a flush of the sender is with the reader after a flush of his own.
	if err := errors.Join(front.Flush(), goron.Flush(), bone.Flush()); err != nil {
		t.Fatal(err)
	}
	for len(heard) > 0 {
		m := <-heard
		t.Errorf("heard also %s %s", m.Subject, m.Data)
	}
}

// TestNobodyReachesTheAPI has everybody try what could change what is stored.
func TestNobodyReachesTheAPI(t *testing.T) {
	g := startGuarded(t)
	store, err := g.ConnectStore()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	js, err := jetstream.New(store)
	if err != nil {
		t.Fatal(err)
	}
	for name, subject := range map[string]string{
		streamIntake: "cakupan.sealed.intake", streamRefused: "cakupan.sealed.refused.>",
	} {
		config := jetstream.StreamConfig{Name: name, Subjects: []string{subject}}
		if _, err := js.CreateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		subject = strings.Replace(subject, ">", "x", 1)
		if _, err := js.Publish(t.Context(), subject, []byte("sealed")); err != nil {
			t.Fatal(err)
		}
	}
	vault, err := g.ConnectVault()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(vault.Close)
	who := map[string]*nats.Conn{"store": store, "vault": vault}
	if who["ledger"], err = g.Connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(who["ledger"].Close)
	for _, name := range []string{"bone", "auditor", "board"} {
		who[name], _ = g.dial(t, name)
	}
	g.members.setOpen(true)
	who["anyone"], _ = g.dial(t, "")
	for name, conn := range who {
		for _, stream := range []string{streamLog, streamIntake, streamRefused, streamVault} {
			for _, try := range []struct{ verb, body string }{
				{"DELETE", ""},
				{"PURGE", ""},
				{"PURGE", `{"keep":0}`},
				{"MSG.DELETE", `{"seq":1}`},
				{"UPDATE", `{"name":"` + stream + `","subjects":["x"],"max_msgs":1}`},
				{"RESTORE", `{"config":{"name":"` + stream + `"}}`},
				{"SNAPSHOT", `{}`},
			} {
				subject := "$JS.API.STREAM." + try.verb + "." + stream
				if name == "store" && (try.verb == "MSG.DELETE" && stream == streamRefused ||
					try.verb == "PURGE" && stream == streamIntake) {
					continue // removes what is done
				}
				if name == "vault" && stream == streamVault && try.verb == "MSG.DELETE" {
					continue // of people who are erased
				}
				if try.verb == "SNAPSHOT" && name == "ledger" {
					continue // is a copy
				}
				reply, err := conn.Request(subject, []byte(try.body), 20*time.Millisecond)
				if err == nil {
					t.Errorf("%s: %s is answered: %s", name, subject, reply.Data)
				}
			}
		}
		if name == "ledger" {
			continue
		}
		for _, subject := range []string{
			"$JS.API.STREAM.CREATE.X", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.INFO",
			"$JS.API.STREAM.MSG.GET." + streamIntake, "$JS.API.CONSUMER.NAMES." + streamLog,
			"$JS.API.CONSUMER.DURABLE.CREATE." + streamLog + ".x",
			"cakupan.log", "cakupan.gate.x", "$SYS.REQ.SERVER.PING", "cakupan.sealed.intake",
		} {
			if name == "store" && strings.HasSuffix(subject, "sealed.intake") ||
				name == "store" && strings.HasSuffix(subject, "MSG.GET."+streamIntake) {
				continue // stores packs, and is delivered them anyway
			}
			reply, err := conn.Request(subject, []byte(`{"seq":1}`), 20*time.Millisecond)
			if err == nil {
				t.Errorf("%s: %s is answered: %s", name, subject, reply.Data)
			}
		}
	}
	if _, tail, err := g.log.Last(t.Context()); err != nil || tail.Sequence != 3 {
		t.Errorf("the log ends with event %d, %v", tail.Sequence, err)
	}
}

// TestReaders has those who may read the log read it, as eventstore/jetstream does, and try what
// lies beyond reading.
func TestReaders(t *testing.T) {
	g := startGuarded(t)
	auditor, _ := g.dial(t, "auditor")
	g.members.setOpen(true)
	anyone, _ := g.dial(t, "")
	g.members.setOpen(false)
	for name, conn := range map[string]*nats.Conn{"auditor": auditor, "anyone": anyone} {
		l, err := log.Open(t.Context(), conn, log.Options{})
		if err != nil {
			t.Fatalf("%s opens the log: %v", name, err)
		}
		frames := 0
		for frame, err := range l.Read(t.Context(), 1) {
			if err != nil || frame.IsZero() {
				t.Fatalf("%s reads: %v", name, err)
			}
			frames++
		}
		ctx, cancel := context.WithTimeout(t.Context(), within)
		for frame, err := range l.Follow(ctx, 3) {
			if err != nil || frame.First() != 3 {
				t.Errorf("%s follows: %v", name, err)
			}
			break
		}
		cancel()
		if frames != 3 {
			t.Errorf("%s read %d frames", name, frames)
		}
		tryConsumers(t, name, conn)
	}
	if _, tail, err := g.log.Last(t.Context()); err != nil || tail.Sequence != 3 {
		t.Errorf("the log ends with event %d, %v", tail.Sequence, err)
	}
}

// tryConsumers asks for consumers that do more than reading.
func tryConsumers(t *testing.T, who string, conn *nats.Conn) {
	t.Helper()
	for i, config := range []string{
		`"ack_policy":"none","deliver_subject":"$JS.API.STREAM.DELETE.CAKUPAN","headers_only":true`,
		`"ack_policy":"none","deliver_subject":"cakupan.log"`,
		`"ack_policy":"none","durable_name":"n"`, `"ack_policy":"explicit"`,
		`"ack_policy":"none","name":"other"`, `}`,
	} {
		name := fmt.Sprintf("n%d", i)
		body := `{"stream_name":"CAKUPAN","config":{"deliver_policy":"all",` + config + `}}`
		reply, err := conn.Request("$JS.API.CONSUMER.CREATE.CAKUPAN."+name, []byte(body), within)
		var answer struct{ Error *jetstream.APIError }
		if err != nil || json.Unmarshal(reply.Data, &answer) != nil || answer.Error == nil {
			t.Errorf("%s: consumer %s: %v, %s", who, config, err, reply.Data)
		}
	}
	// A consumer that is there is not changed, also not by who knows its name.
	for i, want := range []bool{true, false} {
		body := fmt.Sprintf(`{"stream_name":"CAKUPAN","config":{"ack_policy":"none","max_waiting":%d}}`,
			i+1)
		reply, err := conn.Request("$JS.API.CONSUMER.CREATE.CAKUPAN."+who, []byte(body), within)
		if err != nil || bytes.Contains(reply.Data, []byte(`"error"`)) == want {
			t.Errorf("%s: consumer %d: %v, %s", who, i+1, err, reply.Data)
		}
	}
}

// TestPushConsumersWrite shows why there is a gate: whoever may make any consumer of a stream may
// have the server publish for him, wherever he likes, in the server's name.
func TestPushConsumersWrite(t *testing.T) {
	_, conn := start(t, Options{StoreDir: t.TempDir()})
	js, _ := newStream(t, conn, "S")
	_, other := newStream(t, conn, "T")
	if _, err := js.Publish(t.Context(), "S", []byte("message")); err != nil {
		t.Fatal(err)
	}
	body := `{"stream_name":"S","config":{"ack_policy":"none","deliver_policy":"all",` +
		`"deliver_subject":"T"}}`
	if _, err := conn.Request("$JS.API.CONSUMER.CREATE.S", []byte(body), within); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if info, err := other.Info(t.Context()); err != nil || info.State.Msgs > 0 {
			return
		}
	}
	t.Error("no message has gone from one stream to the other: is the gate needed?")
}

func TestRecheck(t *testing.T) {
	g := startGuarded(t)
	g.answerAll(t)
	var closed atomic.Int32
	ended := nats.ClosedHandler(func(*nats.Conn) { closed.Add(1) })
	one, _ := g.dial(t, "bone", ended)
	two, _ := g.dial(t, "bone", ended)
	other, _ := g.dial(t, "goron", ended)
	g.Recheck()
	if _, err := one.Request(subjectRequest+"bone", nil, within); err != nil {
		t.Fatal(err)
	}
	g.members.revoke("bone")
	g.Recheck()
	for end := time.Now().Add(within); closed.Load() < 2 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if !one.IsClosed() || !two.IsClosed() || closed.Load() != 2 {
		t.Errorf("%d connections of a revoked name are closed, want 2", closed.Load())
	}
	if _, err := other.Request(subjectRequest+"goron", nil, within); err != nil {
		t.Errorf("another one's connection: %v", err)
	}
	url := g.URL()
	if _, err := nats.Connect(url, nats.UserInfo("bone", "enob")); err == nil {
		t.Error("a revoked name connects again")
	}
}
