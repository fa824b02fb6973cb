package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/jetstream"
)

// newDamaged makes a ledger of several frames, and flips one bit of its log.
func newDamaged(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		lines := [][]byte{opening("urn:test", 2*i, "75.03"), opening("urn:test", 2*i+1, "75.03")}
		if _, err := l.Submit(t.Context(), lines, intake.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	blocks, err := filepath.Glob(filepath.Join(
		l.NATSFolder(), "jetstream", "*", "streams", jetstream.StreamDefault, "msgs", "*.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatalf("blocks: %v, %v", blocks, err)
	}
	block, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	block[len(block)/2] ^= 1
	writeText(t, blocks[0], string(block))
	return dir
}

// TestDamagedLedger asks the program about a damaged log: it says so, with the exit code and the
// status that are for that, and builds nothing on it.
func TestDamagedLedger(t *testing.T) {
	dir := newDamaged(t)
	code, stdout, stderr := runCommand(t, "verify", "--json", "--data", dir)
	var report ledger.VerifyReport
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	if code != problem.ExitCheckFailed || report.OK || len(report.Findings) == 0 {
		t.Fatalf("verify: exit %d, %+v", code, report)
	}
	if code, stdout, _ := runCommand(t, "verify", "--data", dir); code != problem.ExitCheckFailed ||
		!strings.Contains(stdout, fmt.Sprintf("events %d ", report.Findings[0].From)) {
		t.Errorf("verify: exit %d, %s", code, stdout)
	}
	events := filepath.Join(t.TempDir(), "events.ndjson")
	writeText(t, events, string(opening("urn:test", 1_000, "75.03")))
	checkSentence(t, problem.ExitCheckFailed, "damaged", "import", "--data", dir, events)
	checkSentence(t, problem.ExitCheckFailed, "damaged", "coverage", "--data", dir)
	checkServes503(t, dir)
}

// checkSentence checks that a command fails with one sentence for its operator.
func checkSentence(t *testing.T, exit int, words string, args ...string) {
	t.Helper()
	code, stdout, stderr := runCommand(t, args...)
	t.Logf("cakupan %s: exit %d: %s", args[0], code, stderr)
	if code != exit || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, words) {
		t.Errorf("cakupan %v: exit %d, stdout %q, stderr %q; want exit %d and one sentence: %s",
			args, code, stdout, stderr, exit, words)
	}
}

// checkServes503 checks that a serve on a damaged log starts, says what is wrong, and answers
// nothing else.
func checkServes503(t *testing.T, dir string) {
	t.Helper()
	url, stop := e2eServe(t, dir)
	defer stop()
	status, body := 0, []byte(nil)
	for end := time.Now().Add(time.Minute); status != http.StatusServiceUnavailable; {
		if time.Now().After(end) { // the log is checked in the background
			t.Fatalf("healthz: %d %s", status, body)
		}
		status, body = e2eDo(t, http.MethodGet, url+"/healthz", "", nil)
	}
	if !strings.Contains(string(body), "damaged") {
		t.Errorf("healthz: %s", body)
	}
	for _, c := range []struct{ method, path string }{
		{http.MethodGet, "/v1/coverage"},
		{http.MethodGet, "/v1/events"},
		{http.MethodGet, "/v1/series?region=75.03&from=2020-01-01&until=2020-02-01&step=day"},
		{http.MethodPost, "/v1/events"},
	} {
		status, text := e2eDo(t, c.method, url+c.path, oneEvent, opening("urn:test", 1_001, "75.03"))
		if status != http.StatusServiceUnavailable || !strings.Contains(string(text), string(problem.LogDamaged)) {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, text)
		}
	}
}

// TestHealedFileIsTold damages the file of the coverage: a command answers as before, and says what
// it found. Asked again it has nothing more to say.
func TestHealedFileIsTold(t *testing.T) {
	dir, events := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "events.ndjson")
	writeText(t, events, string(opening("urn:test", 1, "75.03")))
	if code, _, stderr := runCommand(t, "import", "--data", dir, events); code != 0 {
		t.Fatalf("import: exit %d, %s", code, stderr)
	}
	ask := []string{"coverage", "--data", dir, "--region", "75.03", "--json"}
	_, want, told := runCommand(t, ask...)
	if told != "" {
		t.Errorf("of files that are whole: %s", told)
	}
	path := filepath.Join(dir, "projections", "coverage.db")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, path, strings.Repeat("\x00", len(file)))
	code, got, told := runCommand(t, ask...)
	if code != 0 || got != want || !strings.Contains(told, "built anew") ||
		!strings.Contains(told, "damaged") {
		t.Errorf("exit %d, %s, want %s; told %q", code, got, want, told)
	}
	if _, got, told := runCommand(t, ask...); got != want || told != "" {
		t.Errorf("asked again: %s, want %s; told %q", got, want, told)
	}
}

// TestFolderSentences opens folders that cannot be used, and reads the one sentence that says so.
func TestFolderSentences(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	checkSentence(t, problem.ExitNotFound, "there is no ledger in "+dir, "coverage", "--data", dir)
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	inUse := fmt.Sprintf("%s is open in process %d: wait until it has ended", dir, os.Getpid())
	checkSentence(t, problem.ExitFailed, inUse, "replay", "--data", dir)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	writeText(t, filepath.Join(dir, "ledger.json"), `{"format":2,"identity":"of another kind"}`)
	newer := "has format 2, this program knows up to 1: use a newer cakupan"
	checkSentence(t, problem.ExitFailed, newer, "coverage", "--data", dir)
}
