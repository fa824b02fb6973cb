package intake

import (
	"bytes"
	"testing"
	"time"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/index"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/vault/vaulttest"
	"cakupan/eventstore/writer"
)

// newLedger returns an intake on the real vault and writer, over a log in memory.
func newLedger(t *testing.T) (*Intake, *memlog.Log) {
	t.Helper()
	log := memlog.New(eventstore.Identity{
		Ledger: "0123456789abcdef0123456789abcdef", Created: 1,
	})
	return ledgerOn(t, log), log
}

// ledgerOn returns an intake on a log that is there, with an index that is not.
func ledgerOn(t *testing.T, log *memlog.Log) *Intake {
	t.Helper()
	idx, err := index.Open(t.TempDir(), log.Identity())
	if err != nil {
		t.Fatal(err)
	}
	w, err := writer.Open(t.Context(), log, idx, writer.Options{
		Now: func() temporal.Instant { return temporal.Instant(time.Now().UnixNano()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	v := vaulttest.Open(t, log.Identity())
	t.Cleanup(func() {
		for name, err := range map[string]error{
			"writer": w.Close(), "index": idx.Close(),
		} {
			if err != nil {
				t.Errorf("close %s: %v", name, err)
			}
		}
	})
	return New(v, w)
}

// TestVectorsOnLedger: the vectors' refusals and counts with the real parts, and what is in the log
// can be read, printed, and taken in again as duplicates.
func TestVectorsOnLedger(t *testing.T) {
	for _, name := range []string{"bone-bolango", "random-1", "random-2", "evidence", "random-4"} {
		t.Run(name, func(t *testing.T) {
			in, log := newLedger(t)
			lines := readLines(t, name)
			want, wantCounts := readRefused(t, name)
			receipts := submitAll(t, in, lines, 500)
			checkReceipts(t, lines, receipts, want)
			checkCounts(t, receipts, wantCounts)

			printed := printLog(t, log)
			if len(printed) != wantCounts.Appended {
				t.Fatalf("%d events in the log, want %d", len(printed), wantCounts.Appended)
			}
			again, err := in.Submit(t.Context(), printed, Options{KeepRecorded: true})
			if err != nil {
				t.Fatal(err)
			}
			for i, receipt := range again {
				if receipt.Status != event.Duplicate || receipt.Sequence != uint64(i+1) {
					t.Fatalf("event %d again: %+v %v", i+1, receipt, receipt.Refusal)
				}
			}
		})
	}
}

// TestProgrammesAreASet: in another order, or named twice, they are the same fact, also when the
// first was recorded by a program that knew them by their order: the bytes of the log are as sent,
// and an index that is made from them knows the set.
func TestProgrammesAreASet(t *testing.T) {
	opened := func(programmes string) []byte {
		return []byte(`{"specversion":"1.0","id":"a","source":"urn:test",` +
			`"type":"id.cakupan.enrolment.opened.v1","data":{"enrolment":"e","worker":"w",` +
			`"region":"75.03","segment":"BPU","category":"OTHER","programmes":[` + programmes + `],` +
			`"payer":"SELF","from":"2020-01-01"}}`)
	}
	in, log := newLedger(t)
	first, err := in.Submit(t.Context(), [][]byte{opened(`"JKM","JKK"`)}, Options{})
	if err != nil || statuses(first) != "appended 1" {
		t.Fatal(statuses(first), err)
	}
	stored := printLog(t, log)[0]
	if !bytes.Contains(stored, []byte(`"programmes":["JKM","JKK"]`)) {
		t.Errorf("stored as %s", stored)
	}
	for _, in := range []*Intake{in, ledgerOn(t, log)} {
		got, err := in.Submit(t.Context(), [][]byte{
			opened(`"JKK","JKM"`), opened(`"JKM","JKK"`), opened(`"JKK","JKM","JKK"`),
			opened(`"JKK"`), opened(`"JKK","JKM","JHT"`),
		}, Options{})
		const want = "duplicate 1, duplicate 1, duplicate 1, refused 0 event.conflict," +
			" refused 0 event.conflict"
		if err != nil || statuses(got) != want {
			t.Errorf("%s, %v, want %s", statuses(got), err, want)
		}
	}
}

// printLog returns every event of the log as JSON, and fails when one shows a NIK.
func printLog(t *testing.T, log eventstore.Log) (lines [][]byte) {
	t.Helper()
	var e event.Event
	for frame, err := range log.Read(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		for record := range frame.Records() {
			if _, err := codec.Decode(record.Event, &e); err != nil {
				t.Fatal(err)
			}
			line := cloudevents.AppendJSON(nil, &e, uint64(record.Sequence), record.RecordedAt)
			if masked := cloudevents.MaskNIK(line); !bytes.Equal(masked, line) {
				t.Fatalf("event %d shows a NIK", record.Sequence)
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// TestAtomicOnLedger: the receipts of atomic batches and dry runs with the real writer.
func TestAtomicOnLedger(t *testing.T) {
	in, _ := newLedger(t)
	good, other := died("a", `"worker":"w"`, ""), died("a", `"worker":"x"`, "")
	broken, person := died("b", `"worker":""`, ""), died("c", `"nik":"`+nik+`"`, "")
	for _, tc := range []struct {
		opts  Options
		lines [][]byte
		want  string
	}{
		{Options{Atomic: true}, [][]byte{good, broken}, "refused 0, refused 0 field.invalid"},
		{Options{Atomic: true}, [][]byte{good, other}, "refused 0, refused 0 event.conflict"},
		{Options{DryRun: true}, [][]byte{good, good, other}, "appended 0, duplicate 0, refused 0 event.conflict"},
		{Options{DryRun: true, Atomic: true}, [][]byte{good, other}, "refused 0, refused 0 event.conflict"},
		{Options{Atomic: true}, [][]byte{good, good, person}, "appended 1, duplicate 1, appended 2"},
		{Options{Atomic: true}, [][]byte{good, broken}, "duplicate 1, refused 0 field.invalid"},
		{Options{DryRun: true}, [][]byte{person, good}, "duplicate 2, duplicate 1"},
	} {
		receipts, err := in.Submit(t.Context(), tc.lines, tc.opts)
		if err != nil {
			t.Fatal(err)
		}
		if got := statuses(receipts); got != tc.want {
			t.Errorf("%+v: %s, want %s", tc.opts, got, tc.want)
		}
	}
}
