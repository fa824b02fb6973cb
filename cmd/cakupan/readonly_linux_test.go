package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// asking are commands that only ask.
var asking = [][]string{
	{"verify"},
	{"coverage", "--on", "2026-01-01"},
	{"series", "--region", "75.03", "--from", "2026-01-01", "--until", "2026-02-01", "--step", "month"},
	{"log", "--json"},
	{"explain", "--region", "75.03", "--on", "2026-01-01"},
}

// TestAskingWritesNothing asks a folder that is served, and one that is mounted read-only.
func TestAskingWritesNothing(t *testing.T) {
	dir := smallDisk(t, "size=400m")
	t.Setenv("TMPDIR", t.TempDir())
	p := servePassing(t, filepath.Join(dir, "data"))
	if status := p.post(100); status != http.StatusOK {
		t.Fatalf("post: %d", status)
	}
	check := func() {
		t.Helper()
		for _, args := range asking {
			code, stdout, stderr := runCommand(t, append(args, "--data", p.dir)...)
			if code != 0 || stdout == "" || !strings.Contains(stderr, "a copy in") {
				t.Errorf("%v: exit %d %s %s", args, code, stdout, stderr)
			}
		}
		if code, _, stderr := runCommand(t, "inspect", p.dir); code != 0 {
			t.Errorf("inspect: exit %d %s", code, stderr)
		}
		if left, err := filepath.Glob(filepath.Join(os.TempDir(), "cakupan-scratch-*")); len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	}
	check()
	p.stop()
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	check()
}
