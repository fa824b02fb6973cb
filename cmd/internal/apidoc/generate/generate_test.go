package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"cakupan/cmd/internal/apidoc"
)

// TestDocuments makes sure that what is checked in, and served, is what the domain says now.
func TestDocuments(t *testing.T) {
	built, err := build()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range built {
		if text, found := apidoc.Document(d.name); !found || !bytes.Equal(text, d.text) {
			t.Errorf("%s is not what the domain says: go generate ./cmd/internal/apidoc", d.name)
		}
	}
	if got, want := len(apidoc.Schemas())+2, len(built); got != want {
		t.Errorf("%d documents are checked in, want %d", got, want)
	}
}

// TestRun writes into a folder that has a schema of a type that is no more: what is there then is
// what is checked in.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, schemas, "id.cakupan.old.v1.json")
	if err := os.MkdirAll(filepath.Dir(old), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{dir}); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(filepath.Join(dir, path))
		if checked, found := apidoc.Document(path); !found || !bytes.Equal(text, checked) {
			t.Errorf("%s is not what is checked in", path)
		}
		return err
	})
	if err != nil || files != len(apidoc.Schemas())+2 {
		t.Errorf("%d files, %v", files, err)
	}
	if err := run(nil); err == nil {
		t.Error("wrote without a folder")
	}
}
