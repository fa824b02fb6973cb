package cloudevents

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"cakupan/domain/event"
)

// TestAppendReceipts makes sure that what is written by hand is what encoding/json reads back.
func TestAppendReceipts(t *testing.T) {
	texts := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", "urn:a", `"\`, "<&>", "\u2028", "\x00\x1f\x7f", "é😀",
	}))
	rapid.Check(t, func(t *rapid.T) {
		got := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event.Receipt {
			r := event.Receipt{
				Key:    event.Key{Source: texts.Draw(t, "source"), ID: texts.Draw(t, "id")},
				Status: rapid.SampledFrom([]event.Status{event.Appended, event.Duplicate}).Draw(t, "status"),
			}
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				r.Sequence = rapid.Uint64().Draw(t, "sequence")
			case 1:
				r.Status = event.Refused
				r.Refusal = &event.Refusal{
					Code: event.Malformed, Field: texts.Draw(t, "field"), Detail: texts.Draw(t, "detail"),
				}
			default:
				r.Status = event.Refused
			}
			return r
		}), 0, 5).Draw(t, "receipts")
		want := ReceiptsOf(got)
		line := AppendReceipts([]byte("x"), got)
		var back Receipts
		if err := json.Unmarshal(line[1:], &back); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if !reflect.DeepEqual(back, want) || bytes.IndexByte(line, '\n') >= 0 {
			t.Fatalf("%s\nis %+v\nwant %+v", line, back, want)
		}
	})
}

func BenchmarkAppendReceipts(b *testing.B) {
	got := make([]event.Receipt, 1000)
	for i := range got {
		got[i] = event.Receipt{
			Key:    event.Key{Source: "urn:example:office:7503", ID: "0123456789"},
			Status: event.Appended, Sequence: uint64(i + 1),
		}
	}
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst = AppendReceipts(dst[:0], got)
	}
}
