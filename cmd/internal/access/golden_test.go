package access

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore/inspect"
)

const goldenRegister = "testdata/access-v1.json"

func goldenEntries() []Entry {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 8, 0, 0, 0, time.UTC) }
	return []Entry{
		{
			Name: "bone-2", Role: Publisher, Sources: []string{"urn:bone:"},
			Regions: []region.Code{7503}, Types: event.Types()[:2],
			CreatedAt: day(1), RotatedAt: day(2), key: sha256.Sum256([]byte("1")),
		},
		{Name: "inspector", Role: Auditor, CreatedAt: day(3), key: sha256.Sum256([]byte("2"))},
		{
			Name: "screen", Role: Dashboard, CreatedAt: day(4), RevokedAt: day(5),
			key: sha256.Sum256([]byte("3")),
		},
	}
}

// TestGolden writes a register as ever, byte for byte, and reads one that another day's program
// wrote.
func TestGolden(t *testing.T) {
	r := &Registry{path: filepath.Join(t.TempDir(), "access.json")}
	if err := r.write(goldenEntries()); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(goldenRegister)
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != string(want) {
		t.Errorf("the register is\n%s\nwant\n%s", written, want)
	}
	if entries, err := parse(want); err != nil || !reflect.DeepEqual(entries, goldenEntries()) {
		t.Errorf("read %+v, %v", entries, err)
	}
}

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
