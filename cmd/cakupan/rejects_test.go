package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// TestRejectsDestroyNothing imports files that are named as the file of refusals too, whatever
// leads to them: wrong usage, and not a byte is lost.
func TestRejectsDestroyNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	contents := map[string]string{
		"events.ndjson": "{}\n", "list.csv": "Daftar;X\nNIK;Alasan;Hari Terakhir\n",
		"other.csv": "a", "notes.txt": "remember",
	}
	for name, content := range contents {
		if err := os.WriteFile(path(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("list.csv", path("symbolic.csv")),
		os.Link(path("list.csv"), path("hard.csv"))); err != nil {
		t.Fatal(err)
	}
	const same, there = "is what you import", "is there already"
	for _, c := range []struct{ input, rejects, want string }{
		{"events.ndjson", "events.ndjson", same},
		{"-", "events.ndjson", same},
		{"list.csv", "list.csv", same},
		{"list.csv", "symbolic.csv", same},
		{"list.csv", "hard.csv", same},
		{"list.csv", "other.csv", there},
		{"list.csv", "notes.txt", there},
		{"events.ndjson", "notes.txt", there},
	} {
		input := c.input
		if input != "-" {
			input = path(input)
		}
		stdin, err := os.Open(path("events.ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		_, diagnostics, code := e2eRun(t.Context(), t, stdin, "import", "--data", path("ledger"),
			input, "--rejects", path(c.rejects))
		if code != 2 || !strings.Contains(diagnostics, c.want) {
			t.Errorf("%s, refused to %s: exit %d: %s", c.input, c.rejects, code, diagnostics)
		}
		if err := stdin.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range contents {
		if got, err := os.ReadFile(path(name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := os.Stat(path("ledger")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was read: %v", err)
	}
}

// TestRejectsAreWhole ends files of refusals after imports that succeed and that fail: each is
// there whole or not at all, an older one stays until then, and nothing else is left.
func TestRejectsAreWhole(t *testing.T) {
	t.Parallel()
	broken := errors.New("the server is gone")
	for _, c := range []struct {
		name    string
		refused int
		failed  error
		want    string // what the file begins with
	}{
		{"some.ndjson", 2, nil, `{"line":3,`},
		{"interrupted.ndjson", 1, broken, `{"line":3,`},
		{"none.ndjson", 0, nil, ""},
		{"failed.ndjson", 0, broken, "older"},
		{"none.csv", 0, nil, "older"},
		{"failed.xlsx", 0, broken, "older"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, c.name)
		if err := os.WriteFile(path, []byte("older"), 0o600); err != nil {
			t.Fatal(err)
		}
		notes := 0
		r, err := newRejects(path, false, func(string, ...any) { notes++ })
		if err != nil {
			t.Fatal(err)
		}
		for range c.refused {
			receipt := &cloudevents.Receipt{Code: event.Malformed, Detail: "no event"}
			if err := r.add("x", 3, receipt, []byte("{")); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "older" {
			t.Errorf("%s, before its end: %q, %v", c.name, got, err)
		}
		if err := r.close(c.failed); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		got, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(got), c.want) || c.want == "" && len(got) > 0 ||
			strings.Count(string(got), "\n") != c.refused {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
		if said := c.name == "none.csv"; notes > 0 != said {
			t.Errorf("%s: %d notes", c.name, notes)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
			t.Errorf("%s: %v is left, %v", c.name, left, err)
		}
	}
}
