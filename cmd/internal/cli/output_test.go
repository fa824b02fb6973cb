package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/eventstore/durable"
)

// TestOutputAlone: of two commands that write one file, the second is refused, and what the first
// has written is whole; what a crash has left is written over.
func TestOutputAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backup")
	left := strings.Repeat("left by a crash", 100)
	if err := os.WriteFile(durable.Temporary(path), []byte(left), 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := BeginOutput(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.WriteString("all of it"); err != nil {
		t.Fatal(err)
	}
	if second, err := BeginOutput(path); err == nil || !strings.Contains(err.Error(),
		"another command") {
		t.Errorf("%v, %v", second, err)
	}
	if err := durable.Commit(first, path); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "all of it" {
		t.Errorf("%q, %v", got, err)
	}
	again, err := BeginOutput(path)
	if err != nil {
		t.Fatal(err)
	}
	// A name that was lost between the opening and the lock.
	if err := os.Remove(again.Name()); err != nil {
		t.Fatal(err)
	}
	if err := sameFile(again, again.Name()); err == nil {
		t.Error("a file without its name is taken for the one that has it")
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
