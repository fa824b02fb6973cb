package apidoc

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the documents anew")

// TestDocuments makes sure that what is checked in, and served, is what the domain says now.
func TestDocuments(t *testing.T) {
	built, err := Build()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.RemoveAll(filepath.Join(folder, schemas)); err != nil {
			t.Fatal(err)
		}
		for _, f := range built {
			at := filepath.Join(folder, filepath.FromSlash(f.Name))
			if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, f.Text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	for _, f := range built {
		if text, found := Document(f.Name); !found || !bytes.Equal(text, f.Text) {
			t.Errorf("%s is not what the domain says: go generate ./cmd/internal/apidoc", f.Name)
		}
	}
	if got, want := len(Schemas())+2, len(built); got != want {
		t.Errorf("%d documents are checked in, want %d", got, want)
	}
}
