package natsin_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"cakupan/cmd/internal/natsin"
)

// TestManyReceipts: receipts that are too many for one message come in several, in their order, and
// the pack goes its way.
func TestManyReceipts(t *testing.T) {
	w := newWorld(t)
	w.startIntake()
	heard := w.hear(w.dial(""), "bone")
	const events = 4_321
	var body bytes.Buffer
	for n := range events {
		body.WriteString("[,"[min(n, 1):][:1])
		fmt.Fprintf(&body, `{"specversion":"1.0","id":"%d","source":"urn:x","type":"x","data":{}}`, n)
	}
	body.WriteByte(']')
	w.publish(w.dial(""), message("cakupan.intake.bone", batch, body.Bytes()))
	got, parts := 0, 0
	for ; got < events; parts++ {
		for _, r := range w.next(heard) {
			if r.ID != fmt.Sprint(got) {
				t.Fatalf("receipt %d is for %s", got, r.ID)
			}
			got++
		}
	}
	if parts < 2 {
		t.Error("they came in one message: send more")
	}
	w.eventually("no pack waits", func() bool { return w.waiting() == 0 })
}

// TestManyRefusals: a message of very many refused events is kept as a whole, so that a few bytes
// that were sent cannot become many on the disk; taken in again, it is whole again.
func TestManyRefusals(t *testing.T) {
	w := newWorld(t)
	w.startIntake()
	body := append(bytes.Repeat([]byte("0,"), 9_998), line("urn:bone", 1)...)
	w.publish(w.dial(""), message("cakupan.intake.bone", batch, []byte("["+string(body)+"]")))
	w.eventually("the good one is in the log", func() bool { return w.length() == 1 })
	w.eventually("no pack waits", func() bool { return w.waiting() == 0 })
	refused := w.refused()
	if len(refused) != 1 || !strings.Contains(refused[0].Detail, "9998 of the 9999 events") ||
		len(refused[0].Message.Payload) != len(body)+2 {
		t.Fatalf("%d are listed, the first one: %s", len(refused), refused[0].Detail)
	}
	w.publish(w.dial(""), message("cakupan.intake.bone", batch,
		[]byte("["+strings.Repeat("0,", 1<<20)+"0]")))
	w.eventually("too many events are one refusal", func() bool { return len(w.refused()) == 2 })
}

// TestInbox: answers go nowhere but to inboxes.
func TestInbox(t *testing.T) {
	for reply, want := range map[string]bool{
		"": true, "_INBOX.abc.1": true, "_INBOX_dinas.x": true, "_R_.abc.def": true,
		"cakupan.log": false, "cakupan.receipts.other": false, "cakupan.sealed.intake": false,
		"$JS.API.STREAM.PURGE.CAKUPAN_INTAKE": false, "_INBOX": false, "inbox.x": false,
	} {
		if natsin.IsInbox(reply) != want {
			t.Errorf("%q: %t", reply, !want)
		}
	}
}
