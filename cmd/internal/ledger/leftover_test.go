package ledger

import (
	"os"
	"path/filepath"
	"testing"
)

// The files of the coverage, and of its rebuilds.
const (
	coverageFile   = "coverage.db"
	rebuildPattern = "coverage-*.db"
)

// TestLeftoverOfReplay opens a folder in which a killed replay has left its file.
func TestLeftoverOfReplay(t *testing.T) {
	dir := t.TempDir()
	fillLedger(t, dir, 0, 10)
	left := filepath.Join(dir, viewsFolder, "coverage-17.db")
	if err := os.MkdirAll(filepath.Dir(left), privateFolders); err != nil {
		t.Fatal(err)
	}
	writeText(t, left, "half a projection")
	if err := openWhole(t, dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
}
