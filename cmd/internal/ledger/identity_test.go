package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
)

// TestIdentityIsBelieved only as it was written: any other file keeps the ledger closed, and is left
// as it is. None may be taken for a new folder, which would get a second ledger.
func TestIdentityIsBelieved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	l, err := Open(t.Context(), Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, folder.IdentityFile)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	made := l.log.Identity().Ledger
	other := strings.Replace(string(sound), made, strings.Repeat("ef", len(made)/2), 1)
	for name, c := range map[string]struct {
		text string
		want problem.Code // "": any
	}{
		"empty":        {"", ""},
		"an object":    {"{}", ""},
		"null":         {"null", ""},
		"a list":       {"[]", ""},
		"format 0":     {strings.Replace(string(sound), `"format": 1`, `"format": 0`, 1), ""},
		"below":        {strings.Replace(string(sound), `"format": 1`, `"format": -1`, 1), ""},
		"newer":        {strings.Replace(string(sound), `"format": 1`, `"format": 2`, 1), problem.FolderNewer},
		"cut off":      {string(sound[:len(sound)/2]), ""},
		"another one":  {other, problem.FolderOtherLedger},
		"newer, alien": {`{"format": 7, "identity": 3}`, problem.FolderNewer},
	} {
		if c.text == string(sound) {
			t.Fatalf("%s is what was written", name)
		}
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(t.Context(), Options{Dir: dir, Create: true})
		if err == nil {
			t.Errorf("%s: it opens", name)
			_ = l.Close()
			continue
		}
		if c.want != "" && problem.From(err).Code != c.want ||
			!strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if left, err := os.ReadFile(path); err != nil || string(left) != c.text {
			t.Errorf("%s: it was changed to %s, %v", name, left, err)
		}
	}
	if err := os.WriteFile(path, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err = Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
