package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/cli"
)

// TestAuditorsChapter runs what docs/auditors.md shows, on the sample, and compares the answers.
// There, a line that is only … stands for any lines, and … in a line for any text.
func TestAuditorsChapter(t *testing.T) {
	if testing.Short() || underRace || os.Getenv("CAKUPAN_LONG") == "" {
		t.Skip("the sample has half a million events")
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "auditors.md"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	ran := 0
	for _, block := range strings.Split(string(page), "```console\n")[1:] {
		block, _, closed := strings.Cut(block, "```\n")
		if !closed {
			t.Fatal("a block has no end")
		}
		for _, shown := range strings.Split(block, "$ cakupan ")[1:] {
			command, want, _ := strings.Cut(shown, "\n")
			compareShown(t, command, want)
			ran++
		}
	}
	if ran < 11 {
		t.Errorf("%d commands were found: seven questions have more", ran)
	}
}

// compareShown runs a command, which may end with "> FILE", and compares what it prints.
func compareShown(t *testing.T, command, want string) {
	t.Helper()
	command, file, _ := strings.Cut(command, " > ")
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), strings.Fields(command), &cli.Console{
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Now: time.Now,
	})
	if code != 0 {
		t.Fatalf("%s: exit %d: %s", command, code, stderr.String())
	}
	if file != "" {
		if err := os.WriteFile(file, stdout.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	var lines []string
	for line := range strings.Lines(stdout.String()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	got := strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
	if !shownAs(want).MatchString(got) {
		t.Errorf("$ cakupan %s\nis shown as:\n%s\nand prints:\n%s", command, want,
			got[:min(len(got), 8<<10)])
	}
}

// shownAs returns what answers are shown as a text.
func shownAs(text string) *regexp.Regexp {
	pattern := regexp.QuoteMeta(text)
	pattern = strings.ReplaceAll("\n"+pattern, "\n…\n", "\n(?s:.*)")
	pattern = strings.ReplaceAll(strings.TrimPrefix(pattern, "\n"), "…", ".*")
	return regexp.MustCompile("^" + pattern + "$")
}
