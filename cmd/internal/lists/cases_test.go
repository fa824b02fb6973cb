package lists

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cakupan/domain/event"
)

// caseLines reads a file of testdata/cases and says what each of its rows came to.
func caseLines(t *testing.T, name string, opts Options) (said []string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata/cases", name))
	if err != nil {
		t.Fatal(err)
	}
	opts.Book = strings.HasSuffix(name, "x")
	_, lines, notices, err := readNoted(content, opts)
	if err != nil {
		return []string{err.Error()}
	}
	for _, l := range lines {
		said = append(said, fmt.Sprintf("%d %s", l.row, l.says()))
	}
	for _, n := range notices {
		said = append(said, "note "+n)
	}
	return said
}

// says returns what became of a row, short: what the event says, or the column and words of the
// refusal.
func (l *line) says() string {
	if l.fault != nil {
		return "! " + string(l.fault.Code) + " " + l.fault.Field + ": " + l.fault.Detail
	}
	var parts []string
	for _, key := range []string{
		"nik", "enrolment", "region", "programmes", "commitment", "from", "until", "reason",
	} {
		value, found := l.data[key]
		text := fmt.Sprint(value)
		if !found || strings.HasPrefix(text, "nik-") {
			continue
		}
		if key == "nik" {
			text = text[12:]
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

const (
	casesDir = "testdata/cases"
	// caseOriginals is beside the repository, where there is one.
	caseOriginals = "../../../../shared/cases/lists"
)

// TestCases reads lists as they really come, after public reports, and compares what becomes of
// each row with what must: see expected.txt, which says it file by file, and has been read by
// people. After a change that is meant, run with CAKUPAN_UPDATE=1 and read what has changed.
func TestCases(t *testing.T) {
	all, err := os.ReadDir(casesDir)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, e := range all {
		if e.Name() == "expected.txt" || strings.HasSuffix(e.Name(), "json") {
			continue
		}
		fmt.Fprintf(&got, "== %s\n", e.Name())
		for _, said := range caseLines(t, e.Name(), Options{ID: "X"}) {
			fmt.Fprintf(&got, "%s\n", said)
			if event.HasNIK(said) {
				t.Errorf("%s: a NIK is shown: %s", e.Name(), event.MaskNIK(said))
			}
		}
	}
	path := filepath.Join(casesDir, "expected.txt")
	if os.Getenv("CAKUPAN_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Error(diff)
	}
}

// TestCasesAreTheOriginals makes sure that the files are those that came from outside, all of them.
func TestCasesAreTheOriginals(t *testing.T) {
	originals, err := os.ReadDir(caseOriginals)
	if err != nil {
		t.Skip("the originals are not here")
	}
	for _, e := range originals {
		if e.Name() == "README.md" {
			continue
		}
		want, err := os.ReadFile(filepath.Join(caseOriginals, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(casesDir, e.Name())); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is another file: %v", e.Name(), err)
		}
	}
}
