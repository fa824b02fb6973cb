package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/lookups"
	"cakupan/eventstore/packs"
)

// TestLookUpsAreRecorded looks people up, known and unknown ones: each is recorded before it is
// answered, in order, for good, and without the NIK.
func TestLookUpsAreRecorded(t *testing.T) {
	t.Parallel()
	const known, unknown = "7503014101900001", "7503014101900002"
	dir := t.TempDir()
	open := func() *Ledger {
		l, err := Open(t.Context(), Options{Dir: dir, Create: true})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := open()
	if all := lookupsOf(t, l); len(all) != 0 {
		t.Fatalf("look-ups of nobody: %+v", all)
	}
	receipts, err := l.Submit(t.Context(), [][]byte{[]byte(`{"specversion":"1.0","id":"1",` +
		`"source":"urn:test","type":"id.cakupan.worker.died.v1","data":{"nik":"` + known +
		`","on":"2020-01-01"}}`)}, intake.Options{})
	if err != nil || receipts[0].Refusal != nil {
		t.Fatalf("%+v, %v", receipts, err)
	}
	worker, err := l.LookUp(t.Context(), known, "inspektorat", 1)
	if err != nil || worker == "" {
		t.Fatalf("worker %q, %v", worker, err)
	}
	if again, err := l.LookUp(t.Context(), known, "", 2); again != worker || err != nil {
		t.Fatalf("worker %q, then %q, %v", worker, again, err)
	}
	_, err = l.LookUp(t.Context(), unknown, "inspektorat", 3)
	if problem.From(err).Code != problem.NotFound {
		t.Fatalf("of an unknown NIK: %v", err)
	}
	if _, err = l.LookUp(t.Context(), "75030141019", "inspektorat", 4); err == nil {
		t.Fatal("a NIK that is none was looked up")
	}
	before := lookupsOf(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open()
	after := lookupsOf(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, one := range after {
		said = append(said, fmt.Sprint(one.Number, " ", one.Who, " ", one.Worker))
	}
	want := []string{"1 inspektorat " + worker, "2  " + worker, "3 inspektorat "}
	if !slices.Equal(before, after) || !slices.Equal(said, want) {
		t.Errorf("recorded are %q, want %q", said, want)
	}
	text, err := json.Marshal(after)
	if err != nil || strings.Contains(string(text), known[:15]) {
		t.Errorf("a NIK is recorded: %s, %v", text, err)
	}
}

// TestVerifyLookups names a look-up that cannot be read.
func TestVerifyLookups(t *testing.T) {
	t.Parallel()
	l := openToTest(t, Options{Dir: t.TempDir(), Create: true})
	if err := submitNobody(t, l); err != nil {
		t.Fatal(err)
	}
	_, err := l.LookUp(t.Context(), "7503014101900002", "bpk", 1)
	if problem.From(err).Code != problem.NotFound {
		t.Fatal(err)
	}
	found := func() (of []FileReport, ok bool) {
		t.Helper()
		report, err := l.Verify(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range report.Files {
			if report.Files[i].Path == lookups.StreamName {
				of = append(of, report.Files[i])
			}
		}
		return of, report.OK
	}
	if of, ok := found(); !ok || len(of) != 1 || of[0].State != "whole" {
		t.Errorf("of a whole one: %v, %+v", ok, of)
	}
	opts := l.lookupsStream()
	broken := (&packs.Record{Number: 2, Data: []byte("x")}).Bytes()
	broken[len(broken)-1] ^= 1
	if _, err := l.conn.Request(opts.Subject, broken, time.Minute); err != nil {
		t.Fatal(err)
	}
	of, ok := found()
	if ok || len(of) != 1 || of[0].State != "damaged" || len(of[0].Findings) != 1 ||
		!strings.Contains(of[0].Findings[0], "2") {
		t.Errorf("of a damaged one: %v, %+v", ok, of)
	}
}

func lookupsOf(t *testing.T, l *Ledger) (all []lookups.Read) {
	t.Helper()
	err := l.Reads(t.Context(), func(one lookups.Read) error {
		all = append(all, one)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
