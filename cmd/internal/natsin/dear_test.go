package natsin_test

import (
	"bytes"
	"testing"
	"time"

	"cakupan/cmd/internal/problem"
)

// TestDearEventsWait: what is stored of a publisher whose events are dear waits, and is taken in
// once the ledger takes it. A request is told when to come again.
func TestDearEventsWait(t *testing.T) {
	w := newWorld(t)
	w.startIntake()
	conn := w.dial("")
	heard := w.hear(conn, "bone")
	w.fail(&problem.Error{Code: problem.EventsDear, Detail: "later", Retry: 7})
	w.publish(conn, message("cakupan.intake.bone", "", line("urn:bone", 1)))
	reply, err := conn.Request("cakupan.request.bone", line("urn:bone", 2), time.Minute)
	if err != nil || reply.Header.Get("Retry-After") != "7" ||
		!bytes.Contains(reply.Data, []byte(`"code":"events.dear"`)) {
		t.Fatalf("request: %v, %v", reply, err)
	}
	w.eventually("it is tried again", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.tries > 3
	})
	if w.length() != 0 || w.waiting() != 1 {
		t.Errorf("%d events, %d packs wait", w.length(), w.waiting())
	}
	w.fail(nil)
	if got := words(w.next(heard)); got != "e-1 appended" {
		t.Errorf("told: %s", got)
	}
	if len(w.refused()) != 0 {
		t.Error("it was refused")
	}
}
