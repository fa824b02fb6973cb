package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/folder"
)

// TestVerifyKeys has each key of a ledger be lost, and be another one: verify names its file, and
// says that all is not well. Where a change of the key was cut short, the next start is to end it,
// and nothing is wrong.
func TestVerifyKeys(t *testing.T) {
	t.Parallel()
	whole := filepath.Join(t.TempDir(), "whole")
	l := openToTest(t, Options{Dir: whole, Create: true})
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	submit(t, l, [][]byte{nobodys(1)})
	if _, err := l.openSealer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeNow(t, l)
	check := func(t *testing.T, want string, harm func(dir string) error) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "data")
		copyFolder(t, whole, dir)
		if err := harm(dir); err != nil {
			t.Fatal(err)
		}
		report, err := openToTest(t, Options{Dir: dir}).Verify(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, f := range report.Files {
			if f.damaged() {
				found = append(found, f.Findings...)
			}
		}
		text := strings.Join(found, "; ")
		if report.OK != (want == "") || !strings.Contains(text, want) || want == "" && text != "" {
			t.Errorf("OK %t, and it says %q, not %q", report.OK, text, want)
		}
	}
	check(t, "", func(string) error { return nil })
	for name := range keyUses {
		path := filepath.Join(folder.Vault, name)
		check(t, path+" is missing", func(dir string) error {
			return os.Remove(filepath.Join(dir, path))
		})
		check(t, path+" is not the key", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, path), []byte(strings.Repeat(name, 9)[:32]), 0o600)
		})
	}
	check(t, "", func(dir string) error {
		path := filepath.Join(dir, folder.Vault, folder.SigningKeyFile)
		return os.Rename(path, path+folder.NewSuffix)
	})
}
