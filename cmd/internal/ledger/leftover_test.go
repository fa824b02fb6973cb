package ledger

import (
	"os"
	"path/filepath"
	"testing"

	"cakupan/cmd/internal/folder"
)

// The files of the coverage, and of its rebuilds.
const (
	coverageFile   = "coverage.db"
	rebuildPattern = "coverage-*.db"
)

// TestLeftoverOfReplay opens a folder in which killed replays have left their files.
func TestLeftoverOfReplay(t *testing.T) {
	dir := t.TempDir()
	fillLedger(t, dir, 0, 10)
	if err := os.MkdirAll(filepath.Join(dir, folder.Views), folder.FolderMode); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, name := range []string{"coverage-17.db", "history-18.db"} {
		left := filepath.Join(dir, folder.Views, name)
		writeText(t, left, "half a projection")
		all = append(all, left)
	}
	if err := openWhole(t, dir); err != nil {
		t.Fatal(err)
	}
	for _, left := range all {
		if _, err := os.Stat(left); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", left, err)
		}
	}
}
