package tiles_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cakupan/eventstore/inspect"
	"cakupan/eventstore/tiles"
)

// kept returns a folder of tiles over so many events, that nobody has open.
func kept(t *testing.T, events int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	tt, err := tiles.Open(dir, newLog(t, events))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tt.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := tt.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestIsFile knows each file that is made, and no other.
func TestIsFile(t *testing.T) {
	entries, err := os.ReadDir(kept(t, 300))
	if err != nil || len(entries) < 3 {
		t.Fatal(entries, err)
	}
	for _, e := range entries {
		if !tiles.IsFile(e.Name()) {
			t.Errorf("%s is not known", e.Name())
		}
	}
	level := entries[slices.IndexFunc(entries, func(e os.DirEntry) bool {
		return strings.HasSuffix(e.Name(), "0")
	})].Name()
	stem := strings.TrimSuffix(level, "0")
	for _, name := range []string{"", stem, stem + "-1", stem + "00", stem + "+1", stem + "99", "x", level + ".old"} {
		if tiles.IsFile(name) {
			t.Errorf("%q is taken for a file of tiles", name)
		}
	}
}

// TestInspect says whose each file is and how far, and of which nothing can be believed.
func TestInspect(t *testing.T) {
	const events = 300
	dir := kept(t, events)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	head, level := "", ""
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		r, err := tiles.Inspect(path)
		if err != nil || r.State != inspect.Whole {
			t.Errorf("%s: %+v, %v", e.Name(), r, err)
		}
		if r.Ledger != "" {
			head = path
			if r.Ledger != identity.Ledger || r.First != 1 || r.Last != events || r.Entries != events {
				t.Errorf("%s: %+v", e.Name(), r)
			}
		} else if r.Entries == events {
			level = path
		}
	}
	if head == "" || level == "" {
		t.Fatalf("no head or no first level among %v", entries)
	}
	text, err := os.ReadFile(head)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := os.ReadFile(level)
	if err != nil {
		t.Fatal(err)
	}
	turned := slices.Clone(hashes)
	turned[7*32] ^= 1
	for name, c := range map[string]struct {
		path    string
		content []byte
	}{
		"a head with another word": {head, []byte(strings.Replace(string(text), `"events":300`, `"events":301`, 1))},
		"a head without a sum":     {head, text[:len(text)-2]},
		"an endless head":          {head, slices.Repeat(text, 100)},
		"no head":                  {head, nil},
		"a hash with another bit":  {level, turned},
		"a level that is cut":      {level, hashes[:len(hashes)-1]},
	} {
		before, err := os.ReadFile(c.path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(c.path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := tiles.Inspect(head)
		if err != nil || r.State != inspect.Damaged {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if after, err := os.ReadFile(c.path); err != nil || string(after) != string(c.content) {
			t.Errorf("%s: it was changed by looking at it: %v", name, err)
		}
		if err := os.WriteFile(c.path, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(level); err != nil {
		t.Fatal(err)
	}
	if r, err := tiles.Inspect(head); err == nil && r.State == inspect.Whole {
		t.Error("a head without its levels is whole")
	}
}
