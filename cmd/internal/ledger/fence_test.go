package ledger_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
)

// rowOf is an event of a list.
func rowOf(list, source, id string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":%q,"type":"id.cakupan.worker.died.v1",`+
		`"list":%q,"data":{"worker":"w-%s","on":"2021-01-01"}}`, id, source, list, id)
}

// openFenced opens a ledger and returns what sends one event with what was seen of its list.
func openFenced(t *testing.T) (*ledger.Ledger, func(seen *intake.Seen, dry bool, raw ...[]byte) string) {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l, func(seen *intake.Seen, dry bool, raw ...[]byte) string {
		got, err := l.Submit(t.Context(), raw, intake.Options{
			Atomic: seen != nil, DryRun: dry, Seen: seen,
		})
		if err != nil {
			return string(problem.From(err).Code)
		}
		text := ""
		for i := range got {
			text += fmt.Sprint(got[i].Status, got[i].Sequence, " ")
		}
		return text
	}
}

// TestFence appends what corrects a list only while that is as it was seen.
func TestFence(t *testing.T) {
	t.Parallel()
	l, send := openFenced(t)
	at := func(n uint64) *intake.Seen { return &intake.Seen{Sequence: n} }
	const changed = "list.changed"
	for i, c := range []struct {
		seen *intake.Seen
		dry  bool
		raw  [][]byte
		want string
	}{
		{at(0), true, [][]byte{rowOf("L", "urn:a", "1")}, "appended0 "},
		{at(0), false, [][]byte{rowOf("L", "urn:a", "1"), rowOf("L", "urn:a", "2")}, "appended1 appended2 "},
		// Sent again, as after an answer that was lost, and by others who say the same.
		{at(0), false, [][]byte{rowOf("L", "urn:a", "1"), rowOf("L", "urn:a", "2")}, "duplicate1 duplicate2 "},
		{at(0), false, [][]byte{rowOf("L", "urn:a", "1")}, changed},
		{at(0), false, [][]byte{rowOf("L", "urn:a", "3")}, changed},
		{at(1), false, [][]byte{rowOf("L", "urn:a", "3")}, changed},
		{at(1), true, [][]byte{rowOf("L", "urn:a", "3")}, changed},
		{at(2), false, [][]byte{rowOf("L", "urn:a", "3")}, "appended3 "},
		// Rows of another list, and of another source's of that id, are none of it.
		{nil, false, [][]byte{rowOf("M", "urn:a", "4"), rowOf("L", "urn:b", "5")}, "appended4 appended5 "},
		{at(3), false, [][]byte{rowOf("L", "urn:a", "6")}, "appended6 "},
		// A row that came by itself changes the list too, and is not asked what it has seen.
		{nil, false, [][]byte{rowOf("L", "urn:a", "7")}, "appended7 "},
		{at(6), false, [][]byte{rowOf("L", "urn:a", "8")}, changed},
		// What was shown is a publisher's own.
		{
			&intake.Seen{Sequence: 6, Publisher: "urn:x"}, false,
			[][]byte{rowOf("L", "urn:a", "9")},
			"appended8 ",
		},
		{at(99), false, [][]byte{rowOf("L", "urn:a", "10")}, "query.invalid"},
		{
			at(8), false,
			[][]byte{[]byte(`{"specversion":"1.0","id":"x","source":"urn:a","type":` +
				`"id.cakupan.worker.died.v1","data":{"worker":"w","on":"2021-01-01"}}`)},
			"query.invalid",
		},
	} {
		if got := send(c.seen, c.dry, c.raw...); got != c.want {
			t.Errorf("%d: %s, want %s", i, got, c.want)
		}
	}
	if head, err := l.Head(t.Context()); err != nil || head.Sequence != 8 {
		t.Errorf("the log ends with %d, %v", head.Sequence, err)
	}
}

// TestFenceInOrder has many correct one list at once, each on what it has seen of it, while rows of
// it come by themselves: what was corrected says what stood right before it.
func TestFenceInOrder(t *testing.T) {
	t.Parallel()
	l, send := openFenced(t)
	const clerks, times = 4, 6
	// On a busy machine the history may be behind: then it is asked again.
	behind := func(err error) bool { return problem.From(err).Code == problem.ProjectionBehind }
	last := func() (seq uint64, err error) {
		err = l.ListEvents(t.Context(), excerpt.List{List: "L"}, func(line []byte) error {
			var one listed
			err := json.Unmarshal(line, &one)
			seq = one.Sequence
			return err
		})
		return seq, err
	}
	var all sync.WaitGroup
	for clerk := range clerks {
		all.Go(func() {
			for done := 0; done < times && !t.Failed(); {
				if clerk == 0 {
					send(nil, false, rowOf("L", "urn:a", fmt.Sprint("alone-", done)))
					done++
					continue
				}
				seen, err := last()
				if err != nil {
					if !behind(err) {
						t.Error(err)
					}
					continue
				}
				got := send(&intake.Seen{Sequence: seen}, false,
					rowOf("L", "urn:a", fmt.Sprintf("%d-%d-%d", clerk, done, seen)))
				switch {
				case strings.HasPrefix(got, "appended"):
					done++
				case got != string(problem.ListChanged) && got != string(problem.ProjectionBehind):
					t.Error(got)
				}
			}
		})
	}
	all.Wait()
	before, n := uint64(0), 0
	err := l.ListEvents(t.Context(), excerpt.List{List: "L"}, func(line []byte) error {
		var one listed
		err := json.Unmarshal(line, &one)
		var clerk, done int
		var seen uint64
		if k, _ := fmt.Sscanf(one.ID, "%d-%d-%d", &clerk, &done, &seen); k == 3 && seen != before {
			t.Errorf("event %d corrects what ended with %d: it ended with %d", one.Sequence, seen, before)
		}
		before, n = one.Sequence, n+1
		return err
	})
	if err != nil || n != clerks*times {
		t.Errorf("%d rows, %v", n, err)
	}
}
