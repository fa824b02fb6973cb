package coverage_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"cakupan/domain/event"
)

const (
	vectorsDir   = "testdata/vectors"
	originalsDir = "../../../shared/vectors-2" // beside the repository, where there is one
)

var vectorNames = [...]string{
	"bone-bolango", "evidence", "random-1", "random-2", "random-3", "random-4", "random-5",
}

func TestVectorsAreTheOriginals(t *testing.T) {
	if _, err := os.Stat(originalsDir); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no %s to compare with", originalsDir)
	}
	originals, copies := filesIn(t, originalsDir), filesIn(t, vectorsDir)
	for name, want := range originals {
		if got, found := copies[name]; !found || !bytes.Equal(got, want) {
			t.Errorf("%s is not the original's copy: found %t, %d bytes for %d",
				name, found, len(got), len(want))
		}
	}
	for name := range copies {
		if _, found := originals[name]; !found {
			t.Errorf("%s has no original", name)
		}
	}
}

// filesIn returns the contents of all files under dir by their path in it.
func filesIn(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	tree := os.DirFS(dir)
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[path], err = fs.ReadFile(tree, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestModelAnswersVectors proves the model on answers made by others.
func TestModelAnswersVectors(t *testing.T) {
	for _, name := range vectorNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vector := readVector(t, name)
			m := newModel(vector.history)
			for i, q := range vector.queries {
				vector.check(t, i, encode(m.answer(q)))
			}
		})
	}
}

// vector is one folder of inputs and the answers the contract demands.
type vector struct {
	history []Recorded
	queries []query
	answers []json.RawMessage
}

// check compares an answer, as JSON, with that of query i. The vectors leave names out.
func (v vector) check(t *testing.T, i int, got []byte) {
	t.Helper()
	if diff := differs(v.answers[i], got); diff != "" {
		t.Errorf("query %d %+v %s", i, v.queries[i], diff)
	}
}

// readVector reads a folder. Events get their sequences as the ledger would give them: the
// refused lines and the repeated ones have none.
func readVector(t *testing.T, name string) vector {
	t.Helper()
	dir := filepath.Join(vectorsDir, name)
	refused, appended := readRefused(t, filepath.Join(dir, "refused.tsv"))
	v := vector{history: readHistory(t, filepath.Join(dir, "events.ndjson"), refused)}
	if len(v.history) != appended {
		t.Fatalf("%d events are recorded, want %d", len(v.history), appended)
	}
	var asked []vectorQuery
	readJSON(t, filepath.Join(dir, "queries.json"), &asked)
	readJSON(t, filepath.Join(dir, "answers.json"), &v.answers)
	if len(asked) != len(v.answers) {
		t.Fatalf("%d queries have %d answers", len(asked), len(v.answers))
	}
	for i, a := range asked {
		q, err := a.query(v.history)
		if err != nil {
			t.Fatalf("query %d: %v", i, err)
		}
		v.queries = append(v.queries, q)
	}
	return v
}

// readRefused returns the numbers of the refused lines and how many events were appended.
func readRefused(t *testing.T, path string) (refused map[int]bool, appended int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused = map[int]bool{}
	for line := range strings.Lines(string(text)) {
		if summary, last := strings.CutPrefix(line, "# "); last {
			var counts struct{ Appended int }
			if err := json.Unmarshal([]byte(summary), &counts); err != nil {
				t.Fatal(err)
			}
			return refused, counts.Appended
		}
		number, _, _ := strings.Cut(line, "\t")
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		refused[n] = true
	}
	t.Fatalf("%s ends without its summary", path)
	return nil, 0
}

func readHistory(t *testing.T, path string, refused map[int]bool) []Recorded {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()

	var history []Recorded
	var reader lineReader
	recorded := map[event.Key]bool{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20) // a refused line may be too large for an event
	for number := 1; lines.Scan(); number++ {
		if refused[number] {
			continue
		}
		e, err := reader.read(lines.Bytes())
		if err != nil {
			t.Fatalf("line %d: %v", number, err)
		}
		if recorded[e.Key] {
			continue
		}
		recorded[e.Key] = true
		e.Sequence = uint64(len(history) + 1)
		history = append(history, e)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return history
}

// vectorQuery is a query as queries.json writes it.
type vectorQuery struct {
	Region, On string
	Known      any // a sequence, a date, an RFC 3339 time, or absent
	Indicator  string
	By         []string
	Count      string
}

func (v vectorQuery) query(history []Recorded) (q query, err error) {
	q = query{Indicator: event.Employed, By: v.By, Count: v.Count}
	if q.Region, err = regionOf(v.Region); err != nil {
		return q, err
	}
	if q.On, err = parseDate(v.On); err != nil {
		return q, err
	}
	if v.Indicator != "" {
		if err := code(indicatorNames[:], v.Indicator, &q.Indicator); err != nil {
			return q, err
		}
	}
	q.Known, err = knownOf(v.Known, history)
	return q, err
}

func knownOf(known any, history []Recorded) (uint64, error) {
	switch known := known.(type) {
	case nil:
		return uint64(len(history)), nil
	case float64:
		return min(uint64(known), uint64(len(history))), nil
	case string:
		if day, err := parseDate(known); err == nil {
			return knownAt(history, endOfDay(day)), nil
		}
		at, err := parseInstant(known)
		return knownAt(history, at), err
	default:
		return 0, fmt.Errorf("known is a %T", known)
	}
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
