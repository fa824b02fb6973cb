package natsin_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/nobody"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/cloudevents"
)

// TestShapesOfNIK sends numbers in random shapes by NATS, in each place that may hold a text, and
// beside them in other fields of the header: each is refused as nik.misplaced, and none is found in
// what is answered, kept, stored or said. CAKUPAN_LONG: 6,000 events.
func TestShapesOfNIK(t *testing.T) {
	events := 300
	if os.Getenv("CAKUPAN_LONG") != "" {
		events = 6_000
	}
	r, n := nobody.Random(t), nobody.New()
	var log nobody.Buffer
	w := newWorld(t)
	w.startIntake(func(o *natsin.Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	conn := w.dial("")
	heard := w.hear(conn, "bone")
	check := func(m *nobody.Misplaced, receipts cloudevents.Receipts) {
		t.Helper()
		n.Search(t, "the receipt of "+m.Place, fmt.Appendf(nil, "%+v", receipts))
		if len(receipts) != 1 || receipts[0].Why().Code != event.NIKMisplaced || receipts[0].Why().Field != m.Place {
			t.Fatalf("%s: %+v of %+q", m.Place, receipts, *m)
		}
	}
	for i := range events {
		m := n.Misplaced(t, r, i)
		msg := nats.NewMsg("cakupan.intake.bone")
		msg.Data = m.Structured(t)
		switch r.IntN(3) {
		case 0:
			msg.Header.Set("Content-Type", "application/cloudevents+json")
		case 1:
			var header map[string]string
			header, msg.Data = m.Binary(t)
			for name, value := range header {
				msg.Header.Set(name, value)
			}
		}
		msg.Header.Set("Nats-Msg-Id", nobody.Shaped(r, n.Next("key of a message")))
		msg.Header.Set("X-Office", nobody.Shaped(r, n.Next("other field")))
		if r.IntN(4) == 0 {
			msg.Subject = "cakupan.request.bone"
			reply, err := conn.RequestMsg(msg, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			n.Search(t, "the answer", fmt.Append(reply.Data, reply.Header))
			var receipts cloudevents.Receipts
			if err := json.Unmarshal(reply.Data, &receipts); err != nil {
				t.Fatalf("%s: %v", reply.Data, err)
			}
			check(&m, receipts)
			continue
		}
		w.publish(conn, msg)
		check(&m, w.next(heard))
	}
	w.namesInShapes(conn, n, func() string { return nobody.Shaped(r, n.Next("name in a subject")) })
	for _, kept := range w.refused() {
		kept.Message = natsin.Message{} // what was sent, which the steward may see
		n.Search(t, "what is kept of a refusal", fmt.Appendf(nil, "%+v", kept))
	}
	if w.length() != 0 {
		t.Errorf("%d events are in the log", w.length())
	}
	for frame, err := range w.log.Read(t.Context(), eventstore.Sequence(1)) {
		if err != nil {
			t.Fatal(err)
		}
		n.Search(t, "a frame", frame.Raw())
	}
	w.stopServer()
	n.SearchFolder(t, w.dir)
	n.Search(t, "the operator's log", log.Bytes())
}

// namesInShapes publishes under names that are numbers: none is taken.
func (w *world) namesInShapes(conn *nats.Conn, n *nobody.Numbers, shaped func() string) {
	w.t.Helper()
	tokens := []rune(".*> \t")
	for range 100 {
		name := shaped()
		if slices.ContainsFunc([]rune(name), func(r rune) bool { return slices.Contains(tokens, r) }) {
			continue // several tokens, or none
		}
		for _, subject := range []string{"cakupan.intake.", "cakupan.request."} {
			m := nats.NewMsg(subject + name)
			m.Data = line("urn:bone", 1)
			reply, err := conn.RequestMsg(m, time.Minute)
			if err != nil {
				w.t.Fatalf("%q: %v", name, err)
			}
			n.Search(w.t, "the answer to a name", fmt.Append(reply.Data, reply.Header))
		}
	}
}
