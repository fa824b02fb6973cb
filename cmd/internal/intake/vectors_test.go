package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

const vectors = "../../../projections/coverage/testdata/vectors"

// counts is the last line of refused.tsv.
type counts struct {
	Read, Appended, Duplicates, Refused, First, Last int
}

// TestVectors takes in the events of each vector and compares every refusal, the counts, and the
// duplicates' receipts. Batch sizes must make no difference.
func TestVectors(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	for _, name := range []string{
		"bone-bolango", "random-1", "random-2", "random-3", "evidence", "random-4", "random-5",
	} {
		lines := readLines(t, name)
		want, wantCounts := readRefused(t, name)
		for _, size := range []int{1, 7, 1000, len(lines)} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				in := newMemory()
				in.now = 3_000_000_000_000_000_000 // 2065
				receipts := submitAll(t, New(in, in), lines, size)
				checkReceipts(t, lines, receipts, want)
				checkCounts(t, receipts, wantCounts)
				checkNoNIK(t, in)
			})
		}
	}
}

func readLines(t testing.TB, name string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(vectors, name, "events.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
}

func readRefused(t *testing.T, name string) (map[int]string, counts) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(vectors, name, "refused.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var last counts
	refused := map[int]string{}
	for row := range strings.Lines(string(text)) {
		row = strings.TrimSuffix(row, "\n")
		if summary, ok := strings.CutPrefix(row, "# "); ok {
			if err := json.Unmarshal([]byte(summary), &last); err != nil {
				t.Fatal(err)
			}
			continue
		}
		number, what, _ := strings.Cut(row, "\t")
		var line int
		if _, err := fmt.Sscan(number, &line); err != nil {
			t.Fatal(err)
		}
		refused[line] = what
	}
	return refused, last
}

func submitAll(t *testing.T, in *Intake, lines [][]byte, size int) (all []event.Receipt) {
	t.Helper()
	for from := 0; from < len(lines); from += size {
		receipts, err := in.Submit(t.Context(), lines[from:min(from+size, len(lines))],
			Options{KeepRecorded: true})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, receipts...)
	}
	return all
}

func checkReceipts(t *testing.T, lines [][]byte, receipts []event.Receipt, want map[int]string) {
	t.Helper()
	first := map[event.Key]uint64{}
	for i, receipt := range receipts {
		got := ""
		if receipt.Refusal != nil {
			got = string(receipt.Refusal.Code) + "\t" + receipt.Refusal.Field
			checkRefusalText(t, lines[i], receipt)
		}
		if got != want[i+1] {
			t.Errorf("line %d: %q, want %q: %.200s", i+1, got, want[i+1], lines[i])
		}
		switch receipt.Status {
		case event.Appended:
			first[receipt.Key] = receipt.Sequence
		case event.Duplicate:
			if receipt.Sequence != first[receipt.Key] {
				t.Errorf("line %d: duplicate of %d, want %d", i+1, receipt.Sequence, first[receipt.Key])
			}
		}
	}
}

// checkRefusalText: no 16 digits in a refusal, and its words end without the input's.
func checkRefusalText(t *testing.T, line []byte, receipt event.Receipt) {
	t.Helper()
	for _, text := range []string{
		receipt.Refusal.Error(), receipt.Refusal.Field, receipt.ID, receipt.Source,
		string(cloudevents.MaskNIK(line)),
	} {
		if event.HasNIK(text) {
			t.Errorf("a NIK is shown: %.40s…", text)
		}
	}
}

func checkCounts(t *testing.T, receipts []event.Receipt, want counts) {
	t.Helper()
	got := counts{Read: len(receipts)}
	for _, receipt := range receipts {
		switch receipt.Status {
		case event.Appended:
			got.Appended++
			if got.First == 0 {
				got.First = int(receipt.Sequence)
			}
			got.Last = int(receipt.Sequence)
		case event.Duplicate:
			got.Duplicates++
		case event.Refused:
			got.Refused++
		}
	}
	if got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}

// checkNoNIK looks for the digits of each NIK of the vault in what was stored.
func checkNoNIK(t *testing.T, m *memory) {
	t.Helper()
	for nik := range m.persisted {
		for i, stored := range m.events {
			if bytes.Contains(stored, []byte(nik)) {
				t.Fatalf("event %d holds a NIK", i+1)
			}
		}
	}
}
