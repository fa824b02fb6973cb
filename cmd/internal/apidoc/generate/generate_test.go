package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// TestUndefined asks for a definition that there is not: the document is not written.
func TestUndefined(t *testing.T) {
	l := newLibrary("#/components/schemas/")
	made := o("paths", list{l.ref("Finding"), l.ref("Fnding")}).
		with("components", o("schemas", l.all))
	if got := made.undefined(); !slices.Equal(got, []string{"Fnding"}) {
		t.Errorf("%q are not defined", got)
	}
	if got := openAPI().undefined(); got != nil {
		t.Errorf("the document has no definitions of %q", got)
	}
}

// TestRepeated looks for a member that is there twice, of which a reader takes one or none at all.
func TestRepeated(t *testing.T) {
	made := o("a", list{o("b", 1), o("c", 1).with("b", 2).with("c", 3)}).with("b", nil)
	if got := made.repeated(); !slices.Equal(got, []string{"c"}) {
		t.Errorf("%q are there twice", got)
	}
	if got := openAPI().repeated(); got != nil {
		t.Errorf("the document has %q twice", got)
	}
	responses, _ := lookUp(decode(t, "openapi.json"),
		"#/paths/~1v1~1status/get/responses/503/content").(map[string]any)
	if responses[mediaJSON] == nil || responses[mediaProblem] == nil {
		t.Errorf("503 of /v1/status is one of %v", responses)
	}
}

// TestTags has each route among those of what it is about: none of coverage or of events is left
// with those about the ledger itself.
func TestTags(t *testing.T) {
	about := regexp.MustCompile(
		`^/(healthz|readyz|metrics|checkpoint.*|tile/.*|v1/(status|replay|verify|backup))$`)
	for _, op := range operations(newLibrary("#/")) {
		if got := tagOf(op.path); (got == "operation") != about.MatchString(op.path) {
			t.Errorf("%s is among those of %s", op.path, got)
		}
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
