package ledger

import (
	"bytes"
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

// TestKeysOfServing has each key of a ledger that runs be lost, be another one, and be put back. What
// it has in memory goes on: so the list of its keys, a copy of them and its health have to say so.
func TestKeysOfServing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := openToTest(t, Options{Dir: dir, Create: true})
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	// Whoever copies the keys once it serves has that of checkpoints, too.
	if _, err := os.Stat(filepath.Join(dir, folder.Vault, folder.SigningKeyFile)); err != nil {
		t.Error(err)
	}
	if _, err := l.openSealer(t.Context()); err != nil {
		t.Fatal(err)
	}
	submit(t, l, [][]byte{nobodys(1)})
	check := func(want string) {
		t.Helper()
		lookAtKeys(t, l)
		health := l.Health(t.Context())
		if health.Status != HealthOK || !strings.Contains(health.Keys, want) ||
			want == "" && health.Keys != "" {
			t.Errorf("health is %q, keys %q, not %q", health.Status, health.Keys, want)
		}
		if ready := l.Ready(t.Context(), l.opts.Now()); ready.Keys != health.Keys {
			t.Errorf("ready says %q", ready.Keys)
		}
		if lost := l.Measures().LostKeys; (lost > 0) != (want != "") {
			t.Errorf("%d keys are lost", lost)
		}
		_, err := l.BackupKeys(t.Context(), filepath.Join(t.TempDir(), "keys"))
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("a copy of the keys: %v, not %q", err, want)
		}
	}
	check("")
	for name := range keyUses {
		path := filepath.Join(dir, folder.Vault, name)
		key, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		flipped := bytes.Clone(key)
		flipped[5] ^= 1
		for _, step := range []struct {
			key  []byte // nil: no file
			want string
		}{
			{flipped, path + " is not the key"},
			{key[:9], path + " is damaged"},
			{key, ""},
			{nil, path + " is missing"},
			{key, ""},
		} {
			err := os.RemoveAll(path)
			if step.key != nil {
				err = os.WriteFile(path, step.key, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			check(step.want)
		}
	}
	if err := l.RotateKey(t.Context(), "vault"); err != nil {
		t.Fatal(err)
	}
	check("")
}
