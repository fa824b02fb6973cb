package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
