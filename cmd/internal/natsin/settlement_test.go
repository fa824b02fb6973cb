package natsin

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// TestReceiptsFit: however short a message of the server may be, receipts come in messages that fit
// it, unless one alone does not; together they are all receipts, in their order, once.
func TestReceiptsFit(t *testing.T) {
	for _, c := range []struct{ receipts, bytesMax int }{
		{0, 1}, {3, 1}, {300, 100}, {300, 1_000}, {4_100, 5_000}, {4_100, 60_000}, {4_100, 1 << 20},
	} {
		s := settlement{publisher: "bone"}
		for n := range c.receipts {
			s.receipts = append(s.receipts, event.Receipt{
				Key: event.Key{Source: "urn:x", ID: strconv.Itoa(n)}, Status: event.Appended,
				Sequence: uint64(n) + 1,
			})
		}
		var told cloudevents.Receipts
		for _, m := range s.told(c.bytesMax) {
			var part cloudevents.Receipts
			if err := json.Unmarshal(m.text, &part); err != nil || len(part) == 0 {
				t.Fatalf("%s: %v", m.text, err)
			}
			if len(part) > receiptsMax || len(m.text) > c.bytesMax && len(part) > 1 {
				t.Errorf("%+v: %d receipts in %d bytes", c, len(part), len(m.text))
			}
			told = append(told, part...)
		}
		if !slices.EqualFunc(told, s.receipts, func(a, b event.Receipt) bool {
			return reflect.DeepEqual(a, b)
		}) {
			t.Errorf("%+v: %d receipts were told", c, len(told))
		}
	}
}
