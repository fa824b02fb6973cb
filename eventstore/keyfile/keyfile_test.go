package keyfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

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
