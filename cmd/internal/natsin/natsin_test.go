package natsin_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	adapter "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	wm "github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/natsin"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/seal"
)

const structured, batch = "application/cloudevents+json", "application/cloudevents-batch+json"

func message(subject, contentType string, payload []byte) *nats.Msg {
	m := nats.NewMsg(subject)
	if contentType != "" {
		m.Header.Set("Content-Type", contentType)
	}
	m.Data = payload
	return m
}

// binaryMessage is an event in binary mode.
func binaryMessage(subject string, n int) *nats.Msg {
	m := message(subject, "application/json",
		fmt.Appendf(nil, `{"enrolment":"e-%d","from":"2020-01-01"}`, n))
	for name, value := range map[string]string{
		"specversion": "1.0", "id": fmt.Sprintf("e-%d", n), "source": "urn%3Abone",
		"type": "id.cakupan.enrolment.reinstated.v1", "subject": "caf%C3%A9",
	} {
		m.Header.Set("ce-"+name, value)
	}
	return m
}

// TestModes sends events in each way they may be written in, both with and without waiting.
func TestModes(t *testing.T) {
	w := newWorld(t)
	w.startIntake()
	conn := w.dial("")
	heard := w.hear(conn, "bone")
	twice := binaryMessage("", 9)
	twice.Header.Add("ce-id", "other")
	percent := binaryMessage("", 10)
	percent.Header.Set("ce-subject", "%zz")
	types := binaryMessage("", 12)
	types.Header.Add("Content-Type", batch)
	mark := binaryMessage("", 3)
	mark.Data = append([]byte("\xef\xbb\xbf"), mark.Data...)
	note := binaryMessage("", 11)
	note.Data = append(note.Data, `,"note":"n"`...)
	for i, c := range []struct {
		message *nats.Msg
		want    string // receipts
		problem string // of a request, where that differs
	}{
		{message("", structured, line("urn:bone", 1)), "e-1 appended", ""},
		{message("", structured+"; charset=UTF-8", line("urn:bone", 1)), "e-1 duplicate", ""},
		{message("", "", line("urn:bone", 2)), "e-2 appended", ""},
		{message("", "application/json", line("urn:bone", 2)), "e-2 duplicate", ""},
		{binaryMessage("", 3), "e-3 appended", ""},
		{message("", batch, bytes.Join([][]byte{
			[]byte("[ "), line("urn:bone", 4), []byte(",\n"), line("urn:bone", 1), []byte(`,{"x":[",]"]} ]`),
		}, nil)), "e-4 appended, e-1 duplicate, refused event.malformed", ""},
		{message("", batch, []byte("[]")), "", ""},
		{message("", batch, []byte("[1,]")), "refused event.malformed", "event.malformed"},
		{message("", batch, line("urn:bone", 4)), "refused event.malformed", "event.malformed"},
		{message("", "", []byte("hello")), "refused event.malformed", ""},
		{message("", "", nil), "refused event.malformed", ""},
		{message("", "text/plain", line("urn:bone", 5)), "refused event.malformed", "event.malformed"},
		{message("", "a/b/c", line("urn:bone", 5)), "refused event.malformed", "event.malformed"},
		{
			message("", structured+";charset=latin1", line("urn:bone", 5)), "refused event.malformed",
			"event.malformed",
		},
		{
			message("", "application/cloudevents+xml", line("urn:bone", 5)), "refused event.malformed",
			"event.malformed",
		},
		{twice, "refused event.malformed", ""},
		{note, "refused event.malformed", ""},
		{percent, "refused event.malformed", "event.malformed"},
		{types, "refused event.malformed", "event.malformed"},
		{mark, "e-3 duplicate", ""},
		{message("", batch, append([]byte("\xef\xbb\xbf["), append(line("urn:bone", 4), ']')...)), "e-4 duplicate", ""},
		{message("", structured, bytes.Repeat([]byte("x"), event.BytesMax+1)), "refused event.too_large", ""},
	} {
		c.message.Subject = natsin.SubjectIntake + "bone"
		w.publish(conn, c.message)
		if c.want != "" {
			if got := words(w.next(heard)); got != c.want {
				t.Errorf("message %d: %s, want %s", i, got, c.want)
			}
		}
		c.message.Subject = natsin.SubjectRequest + "bone"
		reply, err := conn.RequestMsg(c.message, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		var got cloudevents.Receipts
		var answer struct{ Code string }
		if err := errors.Join(json.Unmarshal(reply.Data, &got), json.Unmarshal(reply.Data, &answer)); err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(c.want, "appended", "duplicate")
		isProblem := reply.Header.Get("Content-Type") == "application/problem+json"
		if c.problem != "" {
			if !isProblem || answer.Code != c.problem {
				t.Errorf("request %d: %s, want the problem %s", i, reply.Data, c.problem)
			}
		} else if isProblem || words(got) != want {
			t.Errorf("request %d: %s, want %s", i, reply.Data, want)
		}
	}
	if w.length() != 4 {
		t.Errorf("the log has %d events, want 4", w.length())
	}
	if n := len(w.refused()); n != 14 {
		t.Errorf("%d are refused, want 14", n)
	}
	w.eventually("no pack waits", func() bool { return w.waiting() == 0 })
}

// TestClients publishes as clients do that know JetStream: each believes that it is one.
func TestClients(t *testing.T) {
	w := newWorld(t)
	w.startIntake()
	conn := w.dial("")
	old, err := conn.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if ack, err := old.Publish("cakupan.intake.bone", line("urn:bone", 1), nats.MsgId("x"),
		nats.ExpectStream(natsin.StreamIntake)); err != nil || ack.Sequence == 0 {
		t.Errorf("the older JetStream of nats.go: %+v, %v", ack, err)
	}
	publisher, err := adapter.NewPublisher(adapter.PublisherConfig{
		URL: w.server.URL(), Marshaler: &adapter.NATSMarshaler{},
		JetStream: adapter.JetStreamConfig{TrackMsgId: true},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = publisher.Close() })
	m := wm.NewMessage("id", line("urn:bone", 2))
	m.Metadata.Set("Content-Type", structured)
	if err := publisher.Publish("cakupan.intake.bone", m, m); err != nil {
		t.Errorf("watermill: %v", err)
	}
	if err := publisher.Publish("cakupan.intake.Bone", m); err == nil {
		t.Error("watermill is not told that its message was not taken")
	}
	w.eventually("both are in the log", func() bool { return w.length() == 2 })
}

// TestNotTaken sends what is not stored at all; each is answered as JetStream would.
func TestNotTaken(t *testing.T) {
	w := newWorld(t)
	full := new(atomic.Bool)
	w.startIntake(func(o *natsin.Options) {
		o.FreeSpace = func() (uint64, error) {
			if full.Load() {
				return 100 << 20, nil
			}
			return 1 << 40, nil
		}
	})
	conn := w.dial("")
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	good := line("urn:bone", 1)
	long := message("cakupan.intake.bone", "", good)
	long.Header.Set("ce-subject", strings.Repeat("x", 70_000))
	for name, c := range map[string]struct {
		m    *nats.Msg
		opts []jetstream.PublishOpt
	}{
		"name":     {message("cakupan.intake.Bone", "", good), nil},
		"number":   {message("cakupan.intake.7571991501900001", "", good), nil},
		"too long": {message("cakupan.intake.bone", "", make([]byte, natsd4MiB)), nil},
		"header":   {long, nil},
		"expected": {message("cakupan.intake.bone", "", good), []jetstream.PublishOpt{
			jetstream.WithExpectLastSequence(7),
		}},
		"stream": {message("cakupan.intake.bone", "", good), []jetstream.PublishOpt{
			jetstream.WithExpectStream("OTHER"),
		}},
	} {
		_, err := js.PublishMsg(t.Context(), c.m, c.opts...)
		var refused *jetstream.APIError
		if !errors.As(err, &refused) || strings.Contains(err.Error(), "7571991501900001") {
			t.Errorf("%s: %v", name, err)
		}
		c.m.Subject = strings.Replace(c.m.Subject, "intake", "request", 1)
		reply, err := conn.RequestMsg(c.m, time.Minute)
		if err != nil || reply.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("request %s: %v", name, err)
		}
	}
	full.Store(true)
	var refused *jetstream.APIError
	if _, err := js.Publish(t.Context(), "cakupan.intake.bone", good); !errors.As(err, &refused) ||
		refused.ErrorCode != 10047 {
		t.Errorf("full disk: %v", err)
	}
	full.Store(false)
	if _, err := js.Publish(t.Context(), "cakupan.intake.bone", good); err != nil {
		t.Errorf("room again: %v", err)
	}
	// Nobody waits for an answer.
	if err := conn.Publish("cakupan.intake.bone", line("urn:bone", 2)); err != nil {
		t.Fatal(err)
	}
	w.eventually("both are in the log", func() bool { return w.length() == 2 })
}

const natsd4MiB = 4<<20 - 1000

// TestOverload publishes more than may be held while the stream takes nothing: it is refused at
// once, and what was held is answered in the end.
func TestOverload(t *testing.T) {
	w := newWorld(t)
	stuck := make(chan struct{})
	w.startIntake(func(o *natsin.Options) {
		o.Fault = func(point string) {
			if point == natsin.FaultBeforeStore {
				<-stuck
			}
		}
	})
	conn := w.dial("")
	payload := append(line("urn:bone", 1), bytes.Repeat([]byte(" "), 1<<20)...)
	const messages = 100
	answers, err := conn.SubscribeSync(conn.NewInbox())
	if err != nil {
		t.Fatal(err)
	}
	for range messages {
		if err := conn.PublishRequest("cakupan.intake.bone", answers.Subject, payload); err != nil {
			t.Fatal(err)
		}
	}
	acked, refused := 0, 0
	for range messages {
		m, err := answers.NextMsg(time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case bytes.Contains(m.Data, []byte("too much is waiting")):
			refused++
		case bytes.Contains(m.Data, []byte(`"seq"`)):
			acked++
		default:
			t.Errorf("answer %s", m.Data)
		}
		if held := w.intake.HeldBytes(); held > natsin.HeldBytesMax {
			t.Errorf("%d bytes are held", held)
		}
		if refused == messages-natsin.HeldBytesMax/len(payload) {
			select {
			case <-stuck:
			default:
				close(stuck)
			}
		}
	}
	if acked+refused != messages || acked > natsin.HeldBytesMax>>20 || refused == 0 {
		t.Errorf("%d acknowledged, %d refused", acked, refused)
	}
}

// TestShare has many publishers with single messages share packs and frames.
func TestShare(t *testing.T) {
	w := newWorld(t)
	w.startIntake()
	const each, publishers = 200, 8
	var wait sync.WaitGroup
	for p := range publishers {
		conn := w.dial("")
		heard := w.hear(conn, fmt.Sprintf("p%d", p))
		js, err := jetstream.New(conn)
		if err != nil {
			t.Fatal(err)
		}
		wait.Go(func() {
			for i := range each {
				if _, err := js.PublishAsync(fmt.Sprintf("cakupan.intake.p%d", p),
					line(fmt.Sprintf("urn:p%d", p), i)); err != nil {
					t.Error(err)
				}
			}
			appended := 0
			for appended < each {
				select {
				case r := <-heard:
					fresh, duplicates, refused := r.Count()
					appended += fresh
					if refused+duplicates > 0 || !strings.Contains(r[0].Source, fmt.Sprint("p", p)) {
						t.Errorf("receipts of p%d: %+v", p, r)
					}
				case <-time.After(time.Minute):
					t.Errorf("%d appended", appended)
					return
				}
			}
		})
	}
	wait.Wait()
	frames := 0
	for _, err := range w.log.Read(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		frames++
	}
	if w.length() != each*publishers || frames > each*publishers/4 {
		t.Errorf("%d events in %d frames", w.length(), frames)
	}
}

// TestRequestsShare sends many requests of single events at a time.
func TestRequestsShare(t *testing.T) {
	w := newWorld(t)
	w.startIntake()
	conn := w.dial("")
	var wait sync.WaitGroup
	for i := range 500 {
		wait.Go(func() {
			reply, err := conn.Request("cakupan.request.bone", line("urn:bone", i), time.Minute)
			var r cloudevents.Receipts
			if err != nil || json.Unmarshal(reply.Data, &r) != nil ||
				words(r) != fmt.Sprintf("e-%d appended", i) {
				t.Errorf("request %d: %v", i, err)
			}
		})
	}
	wait.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.sizes); n > 250 {
		t.Errorf("500 requests in %d submits", n)
	}
}

// TestLogUnavailable lets the log fail for a while. Nothing is refused; all of it is in the log in
// the end, once. A request fails meanwhile.
func TestLogUnavailable(t *testing.T) {
	w := newWorld(t)
	w.startIntake()
	conn := w.dial("")
	heard := w.hear(conn, "bone")
	for _, failing := range []error{eventstore.ErrUnknownOutcome, eventstore.ErrFull} {
		w.fail(failing)
		before := w.length()
		for i := range 20 {
			w.publish(conn, message("cakupan.intake.bone", "", line("urn:bone", before+i)))
		}
		reply, err := conn.Request("cakupan.request.bone", line("urn:bone", 1000+before), time.Minute)
		if err != nil || reply.Header.Get("Content-Type") != "application/problem+json" ||
			!bytes.Contains(reply.Data, []byte(`"code":"log.`)) {
			t.Errorf("request while the log fails: %v", err)
		}
		w.eventually("it is tried again", func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.tries > 16
		})
		w.fail(nil)
		for appended := 0; appended < 20; {
			fresh, _, _ := w.next(heard).Count()
			appended += fresh
		}
		if w.length() != before+20 || len(w.refused()) != 0 {
			t.Errorf("%d events, %d refused", w.length(), len(w.refused()))
		}
		w.mu.Lock()
		w.tries = 0
		w.mu.Unlock()
	}
}

// TestPanic: a pack on which the ledger panics is put off, and comes again; others go on.
func TestPanic(t *testing.T) {
	w := newWorld(t)
	w.startIntake()
	panics := func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.panics = 1
	}
	conn := w.dial("")
	panics()
	reply, err := conn.Request("cakupan.request.bone", line("urn:bone", 0), time.Minute)
	if err != nil || !bytes.Contains(reply.Data, []byte(`"code":"internal"`)) {
		t.Errorf("request: %v", err)
	}
	panics()
	for i := range 3 {
		w.publish(conn, message("cakupan.intake.bone", "", line("urn:bone", i)))
	}
	w.eventually("all are in the log", func() bool { return w.length() == 3 })
	w.eventually("no pack waits", func() bool { return w.waiting() == 0 })
	refused := len(w.refused())
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.panics != 0 || refused != 0 {
		t.Errorf("%d panics are left, %d are refused", w.panics, refused)
	}
}

// TestRestart stops everything with packs waiting, and starts it again.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	w.startIntake()
	w.fail(eventstore.ErrUnknownOutcome)
	conn := w.dial("")
	for i := range 30 {
		w.publish(conn, message("cakupan.intake.bone", "", line("urn:bone", i)))
	}
	w.stopServer() // what cannot be stored is given up
	w.fail(nil)
	w.startServer()
	w.startIntake()
	w.eventually("all are in the log", func() bool { return w.length() == 30 })
	w.eventually("no pack waits", func() bool { return w.waiting() == 0 })
	// Stopped with nothing to do, it leaves nothing behind that would come again: it ends by itself,
	// not by being given up.
	w.intake.NeverGiveUp()
	w.stopServer()
}

// TestStopInWork stops while messages keep coming: what was acknowledged is in the log after the
// next start, what was not is not counted on.
func TestStopInWork(t *testing.T) {
	w := newWorld(t)
	acked := map[int]bool{}
	for round := range 3 {
		w.startIntake()
		conn := w.dial("")
		var mu sync.Mutex
		var wait sync.WaitGroup
		for i := range 200 {
			wait.Go(func() {
				n := round*1000 + i
				reply, err := conn.Request("cakupan.intake.bone", line("urn:bone", n), 5*time.Second)
				if err == nil && bytes.Contains(reply.Data, []byte(`"seq"`)) {
					mu.Lock()
					acked[n] = true
					mu.Unlock()
				}
			})
		}
		time.Sleep(time.Duration(round) * time.Millisecond)
		w.stopIntake()
		wait.Wait()
	}
	t.Logf("%d acknowledged", len(acked))
	w.startIntake()
	w.eventually("no pack waits", func() bool { return w.waiting() == 0 })
	if w.length() < len(acked) {
		t.Errorf("%d acknowledged, %d in the log", len(acked), w.length())
	}
	conn := w.dial("")
	for n := range acked {
		reply, err := conn.Request("cakupan.request.bone", line("urn:bone", n), time.Minute)
		if err != nil || !bytes.Contains(reply.Data, []byte(`"duplicates":1`)) {
			t.Fatalf("event %d was acknowledged and is not in the log: %v", n, err)
		}
	}
}

// TestScopes: publishers report within their scopes; one that is revoked while his messages wait
// is refused; and each hears his own receipts only.
func TestScopes(t *testing.T) {
	w := newWorld(t)
	w.register("bone", "goron", "gone")
	w.startIntake()
	bone, goron, gone := w.dial("bone"), w.dial("goron"), w.dial("gone")
	heardBone, heardGoron := w.hear(bone, "bone"), w.hear(goron, "goron")
	w.fail(eventstore.ErrUnknownOutcome)
	w.publish(bone, message("cakupan.intake.bone", batch,
		fmt.Appendf(nil, "[%s,%s]", line("urn:bone", 1), line("urn:goron", 1))))
	w.publish(goron, message("cakupan.intake.goron", "", line("urn:goron", 1)))
	w.publish(gone, message("cakupan.intake.gone", "", line("urn:gone", 1)))
	w.register("bone", "goron")
	w.fail(nil)
	if got := words(w.next(heardBone)); got != "e-1 appended, e-1 refused publisher.forbidden" {
		t.Errorf("receipts of bone: %s", got)
	}
	if got := words(w.next(heardGoron)); got != "e-1 appended" {
		t.Errorf("receipts of goron: %s", got)
	}
	w.eventually("all is settled", func() bool { return w.waiting() == 0 })
	for _, heard := range []chan cloudevents.Receipts{heardBone, heardGoron} {
		if len(heard) > 0 {
			t.Errorf("heard also %+v", <-heard)
		}
	}
	var who []string
	for _, e := range w.refused() {
		who = append(who, e.Message.Publisher+" "+string(e.Code))
	}
	if got := strings.Join(who, ", "); strings.Count(got, "publisher.forbidden") != 2 ||
		!strings.Contains(got, "gone") {
		t.Errorf("refused: %s", got)
	}
}

// TestPoison stores packs that cannot be read. They are listed, and do not stand in the way.
func TestPoison(t *testing.T) {
	w := newWorld(t)
	w.startIntake()
	conn, err := w.server.ConnectStore()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	other, err := seal.New(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	lost, err := natsin.SealPack(other, []natsin.Message{{
		Publisher: "bone", Payload: line("urn:bone", 1),
	}})
	if err != nil {
		t.Fatal(err)
	}
	damaged, err := w.sealer.Seal(nil, []byte("\x01no pack"), natsin.StreamIntake)
	if err != nil {
		t.Fatal(err)
	}
	for _, pack := range [][]byte{lost, damaged, []byte("x"), nil} {
		if _, err := js.Publish(t.Context(), natsin.SubjectPacks, pack); err != nil {
			t.Fatal(err)
		}
	}
	w.eventually("all are refused", func() bool { return len(w.refused()) == 4 })
	w.eventually("no pack waits", func() bool { return w.waiting() == 0 })
	w.publish(w.dial(""), message("cakupan.intake.bone", "", line("urn:bone", 2)))
	w.eventually("others go on", func() bool { return w.length() == 1 })
	for _, e := range w.refused() {
		if e.Code != natsin.PackUnreadable || e.Message.Publisher != "" {
			t.Errorf("refused: %+v", e)
		}
	}
	// With its key, a pack is taken in after all.
	stored := natsin.NewRefusals(conn, w.sealer, nil, nil)
	first := w.refused()[0]
	if got, err := natsin.Retry(t.Context(), stored, w, first.Number); err != nil ||
		got[0].Refusal.Code != natsin.PackUnreadable || len(w.refused()) != 4 {
		t.Errorf("retry without its key: %v, %v", got, err)
	}
}

// TestRetryAndDrop settles what was refused.
func TestRetryAndDrop(t *testing.T) {
	w := newWorld(t)
	w.register("bone")
	w.startIntake()
	conn := w.dial("bone")
	w.publish(conn, message("cakupan.intake.bone", batch, fmt.Appendf(nil, "[%s,%s,%s]",
		line("urn:office", 1), line("urn:office", 2), `{"x":1}`)))
	w.eventually("three are refused", func() bool { return len(w.refused()) == 3 })
	store, err := w.server.ConnectStore()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	stored := natsin.NewRefusals(store, w.sealer, nil, nil)
	all := w.refused()
	got, err := natsin.Retry(t.Context(), stored, w, all[0].Number)
	if err != nil || got[0].Refusal == nil || len(w.refused()) != 3 {
		t.Errorf("retry without a change: %v, %v", got, err)
	}
	w.mu.Lock()
	w.scopes["bone"].Sources = append(w.scopes["bone"].Sources, "urn:office")
	w.scopes["bone"].Types = event.Types()[:1]
	w.mu.Unlock()
	got, err = natsin.Retry(t.Context(), stored, w, all[0].Number)
	if err != nil || got[0].Refusal == nil || got[0].Refusal.Field != "type" {
		t.Errorf("retry with another scope: %v, %v", got, err)
	}
	now := w.refused()
	if len(now) != 3 || now[2].Field != "type" || now[2].Number <= all[2].Number {
		t.Errorf("refused for another reason: %+v", now)
	}
	w.mu.Lock()
	w.scopes["bone"].Types = event.Types()
	w.mu.Unlock()
	for _, number := range []uint64{all[1].Number, now[2].Number} {
		if got, err := natsin.Retry(t.Context(), stored, w, number); err != nil || got[0].Status != event.Appended {
			t.Errorf("retry %d: %v, %v", number, got, err)
		}
	}
	if err := stored.Drop(t.Context(), all[2].Number); err != nil {
		t.Error(err)
	}
	if len(w.refused()) != 0 || w.length() != 2 {
		t.Errorf("%d refused, %d in the log", len(w.refused()), w.length())
	}
	for _, number := range []uint64{0, 1, all[2].Number, 999} {
		_, err := stored.Get(t.Context(), number)
		_, again := natsin.Retry(t.Context(), stored, w, number)
		if drop := stored.Drop(t.Context(), number); !errors.Is(err, natsin.ErrNoSuch) ||
			!errors.Is(again, natsin.ErrNoSuch) || !errors.Is(drop, natsin.ErrNoSuch) {
			t.Errorf("number %d: %v, %v, %v", number, err, again, drop)
		}
	}
}

// TestTwice stores one pack several times, as if its acknowledgement were lost: each refusal is
// listed once, and the log has each event once.
func TestTwice(t *testing.T) {
	w := newWorld(t)
	var messages []natsin.Message
	for i := range 1_500 {
		messages = append(messages, natsin.Message{Publisher: "bone", Payload: line("urn:bone", i)})
		messages = append(messages, natsin.Message{Publisher: "goron", Payload: []byte("wrong")})
	}
	pack, err := natsin.SealPack(w.sealer, messages)
	if err != nil {
		t.Fatal(err)
	}
	w.startIntake()
	conn, err := w.server.ConnectStore()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := js.Publish(t.Context(), natsin.SubjectPacks, pack); err != nil {
			t.Fatal(err)
		}
		w.eventually("no pack waits", func() bool { return w.waiting() == 0 })
	}
	if n := len(w.refused()); n != 1_500 || w.length() != 1_500 {
		t.Errorf("%d refused, %d in the log", n, w.length())
	}
}
