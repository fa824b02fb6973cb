package cloudevents

import (
	"bytes"
	"encoding/json"
	"errors"
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
				r.Notice = texts.Draw(t, "notice")
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
		line := AppendReceipts([]byte("x"), got)
		var back Receipts
		var counts struct{ Appended, Duplicates, Refused int }
		if err := errors.Join(json.Unmarshal(line[1:], &back), json.Unmarshal(line[1:], &counts)); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		appended, duplicates, refused := 0, 0, 0
		for i := range got {
			one, err := ParseReceipt(AppendReceipt(nil, &got[i]))
			if err != nil || !reflect.DeepEqual(one, back[i]) {
				t.Fatalf("receipt %d alone is %+v, among others %+v, %v", i, one, back[i], err)
			}
			appended += map[bool]int{true: 1}[got[i].Status == event.Appended]
			duplicates += map[bool]int{true: 1}[got[i].Status == event.Duplicate]
			refused += map[bool]int{true: 1}[got[i].Status == event.Refused]
			if why := got[i].Why(); got[i].Status == event.Refused {
				got[i].Refusal = &why
			}
		}
		if !reflect.DeepEqual(back, Receipts(got)) || bytes.IndexByte(line, '\n') >= 0 {
			t.Fatalf("%s\nis %+v\nwant %+v", line, back, got)
		}
		if counts.Appended != appended || counts.Duplicates != duplicates || counts.Refused != refused {
			t.Fatalf("%s\ncounts %+v", line, counts)
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

// TestUnknownStatus: a status that says neither taken nor refused is an error, alone and among
// others, and nothing of the answer is believed.
func TestUnknownStatus(t *testing.T) {
	good := `{"source":"urn:a","id":"1","status":"appended","sequence":7}`
	for _, status := range []string{`"maybe"`, `""`, `null`, `"Appended"`, `7`} {
		bad := `{"source":"urn:a","id":"2","status":` + status + `}`
		if r, err := ParseReceipt([]byte(bad)); err == nil || r != (event.Receipt{}) {
			t.Errorf("%s: %+v, %v", status, r, err)
		}
		var all Receipts
		text := `{"receipts":[` + good + `,` + bad + `]}`
		if err := json.Unmarshal([]byte(text), &all); err == nil || len(all) > 0 {
			t.Errorf("%s: %+v, %v", status, all, err)
		}
	}
	var none Receipts
	if err := json.Unmarshal([]byte(`{"code":"log.full"}`), &none); err != nil || len(none) != 0 {
		t.Errorf("a problem: %+v, %v", none, err)
	}
}
