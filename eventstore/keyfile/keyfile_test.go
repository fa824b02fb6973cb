package keyfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"cakupan/eventstore/durable"
	"cakupan/eventstore/durable/durabletest"
)

// TestLeftover: what a crash has left of making a key stands in nobody's way, and a key that is
// there is never replaced.
func TestLeftover(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.key")
	if _, err := Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path+".tmp", []byte("half"), 0o600); err != nil { // before the link
		t.Fatal(err)
	}
	key, err := Create(path)
	if err != nil || len(key) != Size {
		t.Fatalf("%d bytes, %v", len(key), err)
	}
	if err := os.WriteFile(path+".tmp", key, 0o600); err != nil { // after the link
		t.Fatal(err)
	}
	if _, err := Create(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second key: %v", err)
	}
	if again, err := Read(path); err != nil || !bytes.Equal(again, key) {
		t.Errorf("the key is another one: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestPowerCut cuts the power at each step of making a key: then there is a key or none, never a
// part of one, and what is missing can be made.
func TestPowerCut(t *testing.T) {
	for _, cut := range durabletest.Cuts() {
		t.Run(cut.Name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.key")
			if !cut.Run(t, filepath.Dir(path), func() { _, _ = Create(path) }) {
				t.Fatal("was not cut")
			}
			key, err := Read(path)
			if errors.Is(err, fs.ErrNotExist) {
				key, err = Create(path)
			}
			if err != nil || len(key) != Size {
				t.Fatalf("%d bytes, %v", len(key), err)
			}
			if _, err := Create(path); !errors.Is(err, fs.ErrExist) {
				t.Errorf("a second key: %v", err)
			}
			if again, err := Read(path); err != nil || !bytes.Equal(again, key) {
				t.Errorf("the key is another one: %v", err)
			}
		})
	}
}

// TestRead refuses what is no key, and a key that others can read, and says what to do without
// showing anything of it.
func TestRead(t *testing.T) {
	secret := append(bytes.Repeat([]byte("S"), Size-1), 'T')
	for _, c := range []struct {
		name    string
		content []byte
		mode    os.FileMode
		want    error
	}{
		{"key", secret, 0o600, nil},
		{"only read", secret, 0o400, nil},
		{"empty", nil, 0o600, ErrInvalid},
		{"short", secret[:Size-1], 0o600, ErrInvalid},
		{"long", append(bytes.Clone(secret), '\n'), 0o600, ErrInvalid},
		{"lost by the disk", make([]byte, Size), 0o600, ErrInvalid},
		{"group", secret, 0o640, ErrExposed},
		{"others", secret, 0o604, ErrExposed},
		{"group may write", secret, 0o620, ErrExposed},
	} {
		path := filepath.Join(t.TempDir(), "a.key")
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		key, err := Read(path)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) ||
			(key != nil) != (c.want == nil) {
			t.Errorf("%s: %d bytes, %v; want %v", c.name, len(key), err, c.want)
		}
		if err != nil && bytes.Contains([]byte(err.Error()), []byte("SSS")) {
			t.Errorf("%s: the error shows the key", c.name)
		}
	}
	if _, err := Read(t.TempDir()); err == nil {
		t.Error("a folder is taken for a key")
	}
}

// TestKeysDiffer: no two keys are the same, and none is zero.
func TestKeysDiffer(t *testing.T) {
	seen := map[string]bool{string(make([]byte, Size)): true}
	for range 20 {
		key, err := Create(filepath.Join(t.TempDir(), "a.key"))
		if err != nil || seen[string(key)] {
			t.Fatalf("a key twice, or zero: %v", err)
		}
		seen[string(key)] = true
	}
}

// TestReadLasts has a key that somebody copied there made to last before anybody uses it: one that
// cannot be is not used.
func TestReadLasts(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "copied.key")
	if err := os.WriteFile(path, []byte("0123456789abcdef0123456789abcdef"), mode); err != nil {
		t.Fatal(err)
	}
	synced := 0
	remove := durable.Inject(dir, func(step durable.Step, of string) error {
		if step == durable.BeforeSync && of == path {
			synced++
			return syscall.EIO
		}
		return nil
	})
	if _, err := Read(path); !errors.Is(err, syscall.EIO) || synced != 1 {
		t.Errorf("synced %d times, %v", synced, err)
	}
	remove()
	if key, err := Read(path); err != nil || len(key) != Size {
		t.Errorf("%d bytes, %v", len(key), err)
	}
	if err := lasting(syscall.EROFS, nil, &fs.PathError{Op: "sync", Err: syscall.EINVAL}); err != nil {
		t.Errorf("on a disk that is only read: %v", err)
	}
}
