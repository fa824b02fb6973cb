package access

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cakupan/eventstore/inspect"
)

// goldenRegister is an access.json as it was written before the register was a stream.
const goldenRegister = "testdata/access-v1.json"

// TestInspect inspects the golden register, and what it became.
func TestInspect(t *testing.T) {
	sound, err := os.ReadFile(goldenRegister)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "access.json")
	look := func(content []byte, rights os.FileMode) inspect.Report {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, rights); err != nil {
			t.Fatal(err)
		}
		r, err := Inspect(path)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := look(sound, 0o600); r.State != inspect.Unproven || r.Entries != 3 || r.Format != "1" {
		t.Errorf("%+v", r)
	}
	for at := range sound {
		broken := slices.Clone(sound)
		broken[at] ^= 1 << (at % 8)
		if r := look(broken, 0o600); r.State == inspect.Whole {
			t.Errorf("byte %d is wrong: %+v", at, r)
		}
		if r := look(sound[:at], 0o600); at < len(sound)-1 && r.State != inspect.Damaged {
			t.Errorf("cut at %d: %+v", at, r)
		}
	}
	if r := look(sound, 0o644); r.State != inspect.Damaged {
		t.Errorf("open to others: %+v", r)
	}
	if r := look([]byte(`{"format":2,"members":{}}`), 0o600); r.State != inspect.Newer {
		t.Errorf("of a newer format: %+v", r)
	}
}
