package intake

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/writer"
)

// nik is of no real person: there is no district 99, and no serial 9999.
const nik = "7599990101909999"

// died returns a death as JSON, with more members of the envelope where given.
func died(id, person, more string) []byte {
	return []byte(`{"specversion":"1.0","id":"` + id + `","source":"urn:test",` +
		`"type":"id.cakupan.worker.died.v1","data":{` + person + `,"on":"2020-06-15"}` + more + `}`)
}

func submit(t *testing.T, m *memory, opts Options, lines ...[]byte) []event.Receipt {
	t.Helper()
	receipts, err := New(m, m).Submit(t.Context(), lines, opts)
	if err != nil {
		t.Fatal(err)
	}
	return receipts
}

func statuses(receipts []event.Receipt) string {
	var all []string
	for _, r := range receipts {
		text := fmt.Sprintf("%s %d", r.Status, r.Sequence)
		if r.Refusal != nil {
			text += " " + string(r.Refusal.Code)
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func TestSubmitReplacesNIK(t *testing.T) {
	m := newMemory()
	receipts := submit(t, m, Options{}, died("a", `"nik":"`+nik+`"`, ""))
	if got := statuses(receipts); got != "appended 1" {
		t.Fatal(got)
	}
	if m.persisted[nik] == "" {
		t.Error("the worker id was recorded before it was persisted")
	}
	var e event.Event
	if _, err := codec.Decode(m.events[0], &e); err != nil || e.Data.Worker != m.persisted[nik] {
		t.Errorf("stored worker %q, %v", e.Data.Worker, err)
	}
	// The same fact, said with the worker id, is the same fact.
	receipts = submit(t, m, Options{},
		died("a", `"worker":"`+m.persisted[nik]+`"`, ""), died("a", `"nik":"`+nik+`"`, ""))
	if got := statuses(receipts); got != "duplicate 1, duplicate 1" {
		t.Error(got)
	}
}

// merged returns a merge as JSON.
func merged(id, persons string) []byte {
	return []byte(`{"specversion":"1.0","id":"` + id + `","source":"urn:test",` +
		`"type":"id.cakupan.worker.merged.v1","data":{` + persons + `}}`)
}

// TestSubmitReplacesBothNIKsOfAMerge: each side gets its worker, and who is one person already is
// not merged, however he was named.
func TestSubmitReplacesBothNIKsOfAMerge(t *testing.T) {
	const other = "7599994101909999"
	m := newMemory()
	both := `"nik":"` + nik + `","intoNik":"` + other + `"`
	submit(t, m, Options{}, merged("a", both))
	worker, into := m.persisted[nik], m.persisted[other]
	var e event.Event
	if _, err := codec.Decode(m.events[0], &e); err != nil || worker == "" || into == "" ||
		e.Data.Worker != worker || e.Data.Into != into || e.Data.Has&event.EdgeOnly != 0 {
		t.Fatalf("stored %+v, %v", e.Data, err)
	}
	receipts := submit(t, m, Options{},
		merged("a", `"worker":"`+worker+`","into":"`+into+`"`),
		merged("a", `"worker":"`+worker+`","intoNik":"`+other+`"`),
		merged("a", `"worker":"`+into+`","into":"`+worker+`"`),
		merged("b", `"worker":"`+worker+`","intoNik":"`+nik+`"`),
		merged("c", `"nik":"`+nik+`","into":"`+worker+`"`),
		merged("d", `"nik":"`+nik+`","intoNik":"`+nik+`"`))
	want := "duplicate 1, duplicate 1, refused 0 event.conflict, refused 0 field.invalid," +
		" refused 0 field.invalid, refused 0 field.invalid"
	if got := statuses(receipts); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for i, field := range []string{"data.intoNik", "data.into", "data.intoNik"} {
		if got := receipts[3+i].Refusal; got == nil || got.Field != field || receipts[3+i].ID == "" {
			t.Errorf("%+v, want field %s", receipts[3+i], field)
		}
	}
	// What was refused leaves no worker behind.
	submit(t, m, Options{}, merged("e", `"nik":"7599990101909998","intoNik":"7599990101909998"`))
	if len(m.tentative) != 2 {
		t.Errorf("workers %v", m.tentative)
	}
}

func TestSubmitAtomic(t *testing.T) {
	m := newMemory()
	good, other := died("a", `"worker":"w"`, ""), died("a", `"worker":"x"`, "")
	broken := died("b", `"worker":""`, "")
	for _, tc := range []struct {
		lines [][]byte
		want  string
	}{
		{[][]byte{good, broken}, "refused 0, refused 0 field.invalid"},
		{[][]byte{good, other}, "refused 0, refused 0 event.conflict"},
		{[][]byte{good, good, broken}, "refused 0, refused 0, refused 0 field.invalid"},
		{[][]byte{good, good}, "appended 1, duplicate 1"},
		{[][]byte{good, broken}, "duplicate 1, refused 0 field.invalid"},
		{[][]byte{broken}, "refused 0 field.invalid"},
	} {
		before := len(m.events)
		got := statuses(submit(t, m, Options{Atomic: true}, tc.lines...))
		if got != tc.want {
			t.Errorf("%s, want %s", got, tc.want)
		}
		if strings.Contains(got, "refused") && len(m.events) != before {
			t.Error("a refused batch appended something")
		}
	}
}

func TestSubmitDryRun(t *testing.T) {
	m := newMemory()
	submit(t, m, Options{}, died("a", `"worker":"w"`, ""))
	receipts := submit(t, m, Options{DryRun: true},
		died("a", `"worker":"w"`, ""), died("a", `"worker":"x"`, ""),
		died("b", `"nik":"`+nik+`"`, ""), died("b", `"nik":"`+nik+`"`, ""), []byte("x"))
	want := "duplicate 1, refused 0 event.conflict, appended 0, duplicate 0, refused 0 event.malformed"
	if got := statuses(receipts); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if len(m.events) != 1 || len(m.persisted) != 0 || len(m.tentative) != 0 {
		t.Error("a dry run kept something")
	}
}

func TestSubmitKeepsRecordTimes(t *testing.T) {
	m := newMemory()
	m.now = 2_000_000_000_000_000_000
	lines := [][]byte{
		died("a", `"worker":"w"`, `,"recordedat":"1970-01-01T00:00:00Z"`),
		died("b", `"worker":"w"`, `,"recordedat":"2020-01-01T08:00:00+08:00"`),
		died("c", `"worker":"w"`, `,"recordedat":"2019-12-31T23:59:59Z"`),
		died("d", `"worker":"w"`, `,"recordedat":"yesterday"`),
		died("e", `"worker":"w"`, `,"recordedat":"2999-01-01T00:00:00Z"`),
		died("f", `"worker":"w"`, ""),
		died("b", `"worker":"w"`, `,"recordedat":"1999-01-01T00:00:00Z"`),
	}
	want := "appended 1, appended 2, refused 0 recorded.order, refused 0 event.malformed," +
		" refused 0 recorded.order, appended 3, duplicate 2"
	if got := statuses(submit(t, m, Options{KeepRecorded: true}, lines...)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if at, _ := temporal.ParseInstant("2020-01-01T00:00:00Z"); m.at[0] != 0 || m.at[1] != at {
		t.Errorf("recorded at %v", m.at)
	}
	m = newMemory()
	if got := statuses(submit(t, m, Options{}, lines...)); strings.Contains(got, "refused") {
		t.Errorf("record times that are not kept: %s", got)
	}
}

func TestSubmitFails(t *testing.T) {
	m := newMemory()
	m.err = errBroken
	for _, line := range [][]byte{died("a", `"worker":"w"`, ""), died("a", `"nik":"`+nik+`"`, "")} {
		lines := make([][]byte, 3*shareMin)
		for i := range lines {
			lines[i] = line
		}
		for _, some := range [][][]byte{lines, lines[:1]} {
			receipts, err := New(m, m).Submit(t.Context(), some, Options{})
			if !errors.Is(err, errBroken) || receipts != nil {
				t.Errorf("Submit = %v, %v", receipts, err)
			}
			if err != nil && strings.Contains(err.Error(), nik) {
				t.Error("the error shows the NIK")
			}
		}
	}
}

func TestSubmitNothing(t *testing.T) {
	m := newMemory()
	if receipts := submit(t, m, Options{}); len(receipts) != 0 {
		t.Error(receipts)
	}
	if got := statuses(submit(t, m, Options{}, []byte("{"))); got != "refused 0 event.malformed" {
		t.Error(got)
	}
}

// TestSubmitKeepsNothingOfTheInput: a caller may use the memory of the lines again.
func TestSubmitKeepsNothingOfTheInput(t *testing.T) {
	m := newMemory()
	line := died("a", `"worker":"w"`, `,"note":"n"`)
	receipts := submit(t, m, Options{}, line)
	clear(line)
	var e event.Event
	if _, err := codec.Decode(m.events[0], &e); err != nil || e.Data.Worker != "w" {
		t.Error("the stored event changed")
	}
	if receipts[0].ID != "a" {
		t.Error("the receipt changed")
	}
}

// TestKeyOfRefusedIsMasked: a receipt repeats id and source, but never a NIK in them.
func TestKeyOfRefusedIsMasked(t *testing.T) {
	m := newMemory()
	got := submit(t, m, Options{}, died("x-"+nik, `"worker":"w"`, ""))[0]
	if got.Refusal == nil || got.Refusal.Code != event.NIKMisplaced || got.ID != "x-759999**********" {
		t.Errorf("%+v", got)
	}
}

func BenchmarkPrepare(b *testing.B) {
	lines := readLines(b, "random-3")[:4000]
	m := newMemory()
	in := New(m, m)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if _, err := in.prepare(&Batch{
			receipts: make([]event.Receipt, len(lines)), entries: make([]writer.Entry, len(lines)),
			opts: Options{KeepRecorded: true},
		}, lines, 0); err != nil {
			b.Fatal(err)
		}
		n += len(lines)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/event")
}

// TestSubmitScope: a publisher reports what it may, under its own name whatever the event says, and
// what is refused leaves no worker behind.
func TestSubmitScope(t *testing.T) {
	m := newMemory()
	scope := &event.Scope{
		Publisher: "dinas", Sources: []string{"urn:test"}, Types: []event.Type{event.WorkerDied},
	}
	own := died("1", `"worker":"w"`, `,"publishedby":"somebody-else"`)
	foreign := bytes.Replace(died("2", `"nik":"`+nik+`"`, ""),
		[]byte("urn:test"), []byte("urn:other"), 1)
	got := submit(t, m, Options{Scope: scope}, own, foreign)
	if statuses(got) != "appended 1, refused 0 publisher.forbidden" || got[1].ID != "2" {
		t.Fatalf("%+v", got)
	}
	var e event.Event
	if _, err := codec.Decode(m.events[0], &e); err != nil || e.Publisher != "dinas" {
		t.Errorf("published by %q, %v", e.Publisher, err)
	}
	if len(m.tentative) != 0 {
		t.Error("a refused event left a worker")
	}
}
