package ledger_test

import (
	"fmt"
	"testing"

	"cakupan/cmd/internal/intake"
	"cakupan/domain/event"
)

// TestRightsOfLives: a death or a merge of somebody who is enrolled elsewhere is refused by the very
// words by which one of somebody is whom nobody knows, so that it does not tell which he is. Who has
// enrolled somebody himself may tell it, and whoever comes second changes nothing of that.
func TestRightsOfLives(t *testing.T) {
	l := newLedger(t)
	a, b := publisherOf(t, "bone", "75.03"), publisherOf(t, "kota", "75.71")
	join(t, l, a, b)
	s := &saying{t: t, l: l}
	for _, own := range []struct {
		by   *event.Scope
		data string
	}{{a, opening("ea", "wa", "75.03")}, {b, opening("eb", "wb", "75.71")}} {
		if got := s.say(own.by, "enrolment.opened", own.data); got != "appended" {
			t.Fatal(got)
		}
	}
	refusal := func(opts intake.Options, kind, data string) string {
		s.n++
		raw := fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"urn:kota",`+
			`"type":"id.cakupan.%s.v1","data":{%s}}`, s.n, kind, data)
		opts.Scope = b
		receipts, err := l.Submit(t.Context(), [][]byte{raw}, opts)
		if err != nil {
			t.Fatal(err)
		}
		if r := receipts[0].Refusal; r != nil {
			return fmt.Sprintf("%s %s %s", r.Code, r.Field, r.Detail)
		}
		return string(receipts[0].Status)
	}
	for _, opts := range []intake.Options{{}, {DryRun: true}, {Atomic: true}} {
		for _, way := range []struct{ kind, data string }{
			{"worker.died", `"worker":%q,"on":"2021-03-01"`},
			{"worker.merged", `"worker":%q,"into":"wb"`},
			{"worker.merged", `"worker":"wb","into":%q`},
			{"worker.merged", `"worker":%q,"into":"wy"`},
		} {
			elsewhere := refusal(opts, way.kind, fmt.Sprintf(way.data, "wa"))
			nowhere := refusal(opts, way.kind, fmt.Sprintf(way.data, "wx"))
			if elsewhere != nowhere || elsewhere == string(event.Appended) {
				t.Errorf("%s: who is enrolled elsewhere: %s; who is not: %s", way.kind, elsewhere,
					nowhere)
			}
		}
	}
	// Once he is enrolled by who tells it, it is his to tell; another's enrolment of the same person
	// comes later and changes nothing.
	death := `"worker":"wx","on":"2021-03-01"`
	for _, c := range []struct {
		by         *event.Scope
		kind, data string
		want       string
	}{
		{b, "worker.died", death, "publisher.forbidden"},
		{b, "enrolment.opened", opening("ex", "wx", "75.71"), "appended"},
		{b, "worker.died", death, "appended"},
		{a, "enrolment.opened", opening("ex2", "wx", "75.03"), "appended"},
		{a, "worker.died", `"worker":"wx","on":"2021-02-01"`, "publisher.forbidden"},
		{b, "worker.died", `"worker":"wx","on":"2021-02-01"`, "publisher.forbidden"},
	} {
		if got := s.say(c.by, c.kind, c.data); got != c.want {
			t.Errorf("%s %s by %s: %s, want %s", c.kind, c.data, c.by.Publisher, got, c.want)
		}
	}
}

// TestRightsOfLivesTogether: a person may be enrolled and his death told in one batch; where the
// enrolment is refused, so is the death.
func TestRightsOfLivesTogether(t *testing.T) {
	l := newLedger(t)
	a, b := publisherOf(t, "bone", "75.03"), publisherOf(t, "kota", "75.71")
	join(t, l, a, b)
	s := &saying{t: t, l: l}
	if got := s.say(a, "enrolment.opened", opening("ea", "wa", "75.03")); got != "appended" {
		t.Fatal(got)
	}
	for i, c := range []struct {
		enrolment, worker string
		want              [2]event.Status
	}{
		{"eb", "wb", [2]event.Status{event.Appended, event.Appended}},
		{"ea", "wx", [2]event.Status{event.Refused, event.Refused}}, // the enrolment is another's
	} {
		one := func(id, kind, data string) []byte {
			return fmt.Appendf(nil, `{"specversion":"1.0","id":"%s%d","source":"urn:kota",`+
				`"type":"id.cakupan.%s.v1","data":{%s}}`, id, i, kind, data)
		}
		receipts, err := l.Submit(t.Context(), [][]byte{
			one("o", "enrolment.opened", opening(c.enrolment, c.worker, "75.71")),
			one("d", "worker.died", fmt.Sprintf(`"worker":%q,"on":"2021-03-01"`, c.worker)),
		}, intake.Options{Scope: b})
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]event.Status{receipts[0].Status, receipts[1].Status}; got != c.want {
			t.Errorf("%s: %v, want %v", c.enrolment, got, c.want)
		}
	}
}
