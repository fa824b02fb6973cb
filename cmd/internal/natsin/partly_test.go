package natsin_test

import (
	"testing"

	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
)

// TestDearEventsOfOne: while what one publisher has sent waits because it is dear, others of the same
// pack are told what became of theirs, once.
func TestDearEventsOfOne(t *testing.T) {
	w := newWorld(t)
	w.failOf("bone", &problem.Error{Code: problem.EventsDear, Detail: "later", Retry: 7})
	w.startIntake()
	conn := w.dial("")
	bone, goron := w.hear(conn, "bone"), w.hear(conn, "goron")
	w.pack(natsin.Message{Publisher: "bone", Payload: line("urn:bone", 1)},
		natsin.Message{Publisher: "goron", Payload: line("urn:goron", 2)})
	if got := words(w.next(goron)); got != "e-2 appended" {
		t.Errorf("told: %s", got)
	}
	w.eventually("it is tried again", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.tries > 2
	})
	if w.length() != 1 || w.waiting() != 1 {
		t.Errorf("%d events, %d packs wait", w.length(), w.waiting())
	}
	w.failOf("", nil)
	if got := words(w.next(bone)); got != "e-1 appended" {
		t.Errorf("told: %s", got)
	}
	w.eventually("no pack waits", func() bool { return w.waiting() == 0 })
	if len(goron) != 0 {
		t.Error("told again")
	}
}
