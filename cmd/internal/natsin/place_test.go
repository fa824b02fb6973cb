package natsin

import (
	"strings"
	"testing"

	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// TestPlaces tells where JSON is broken in the message as it was sent.
func TestPlaces(t *testing.T) {
	for payload, want := range map[string]string{
		"{\"a\" 1}":              "line 1, column 6: expected",
		"\n\n  {\"a\" 1}\n":      "line 3, column 8: expected",
		"[{},\n {\"a\" 1}]":      "line 2, column 7: expected",
		"\ufeff[\n{\"a\" 1}, 5]": "line 2, column 6: expected",
	} {
		m := &Message{Payload: []byte(payload)}
		if strings.Contains(payload, "[") {
			m.Header = []Field{{Name: contentType, Value: batchType}}
		}
		raw, refusal := m.events()
		if refusal != nil {
			t.Fatal(refusal)
		}
		o := outcome{raw: raw, receipts: make([]event.Receipt, len(raw))}
		told := ""
		for i := range raw {
			if _, o.receipts[i].Refusal = cloudevents.ParseJSON(raw[i]); o.receipts[i].Refusal != nil {
				o.receipts[i].Status = event.Refused
			}
		}
		explain(m, &o)
		for _, r := range o.receipts {
			if why := r.Why(); why.Detail != "" {
				told = why.Detail
			}
		}
		if !strings.Contains(told, "("+want) {
			t.Errorf("%q: %s, want %s", payload, told, want)
		}
	}
}
