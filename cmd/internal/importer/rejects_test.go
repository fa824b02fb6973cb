package importer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/domain/event"
)

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
		r, err := NewRejects(path, false, func(string, ...any) { notes++ })
		if err != nil {
			t.Fatal(err)
		}
		for range c.refused {
			receipt := &event.Receipt{Refusal: &event.Refusal{Code: event.Malformed, Detail: "no event"}}
			if err := r.add("x", 3, receipt, input{raw: []byte("{")}); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "older" {
			t.Errorf("%s, before its end: %q, %v", c.name, got, err)
		}
		if err := r.Close(c.failed); err != nil {
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

// TestOtherBooks says of workbooks that are not read what to do with them, by their names.
func TestOtherBooks(t *testing.T) {
	for name, want := range map[string]string{
		"a.xls": "simpan sebagai .xlsx", "A.XLSB": "simpan sebagai .xlsx",
		"a.fods": "simpan sebagai .xlsx", "a.numbers": "simpan sebagai .xlsx",
		"a.xml": "berakhir dengan .csv", "a": "berakhir dengan .csv",
	} {
		if err := CheckFile(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
