package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cakupan/cmd/internal/datafolder"
	"cakupan/eventstore/inspect"
)

// inspectFiles runs `cakupan inspect --json` and returns what it says.
func inspectFiles(t *testing.T, wantExit int, path string) (in datafolder.Inspection) {
	t.Helper()
	out, diagnostics, code := e2eRun(t.Context(), t, nil, "inspect", "--json", path)
	if code != wantExit {
		t.Fatalf("exit %d, want %d: %s%s", code, wantExit, out, diagnostics)
	}
	if err := json.Unmarshal([]byte(out), &in); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return in
}

// TestInspectServing inspects a folder that a ledger is running on: nothing is damaged, every file
// is known, and the ledger goes on.
func TestInspectServing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	events := filepath.Join(e2eVectors, "bone-bolango", "events.ndjson")
	if out, diagnostics, code := e2eRun(t.Context(), t, nil, "import", "--data", dir,
		"--keep-recorded", events); code != 0 {
		t.Fatalf("%s%s", out, diagnostics)
	}
	url, stop := e2eServe(t, dir)
	if status, body := e2eDo(t, http.MethodPost, url+"/v1/events", "application/cloudevents+json",
		[]byte(openedBy("urn:s", "1"))); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	in := inspectFiles(t, 0, dir)
	kinds := map[string]inspect.Report{}
	for _, f := range in.Files {
		kind, _, _ := strings.Cut(f.Kind, ":")
		kinds[kind] = f
		if f.State.Worse(inspect.Unproven) {
			t.Errorf("%+v", f)
		}
	}
	for kind, last := range map[string]uint64{
		"identity of the ledger": 0, "log": 23, "vault": 0, "key": 0,
	} {
		if r, found := kinds[kind]; !found || r.Last != last {
			t.Errorf("%s: %+v", kind, r)
		}
	}
	if status, body := e2eDo(t, http.MethodGet, url+"/healthz", "", nil); status != http.StatusOK {
		t.Errorf("the ledger is not well: %d %s", status, body)
	}
	stop()
	views := inspectFiles(t, 0, filepath.Join(dir, "projections"))
	if len(views.Files) != 3 || views.Files[0].Last != 23 || views.Files[2].Last != 23 {
		t.Errorf("%+v", views)
	}
	out, _, code := e2eRun(t.Context(), t, nil, "inspect", "--data", dir)
	if code != 0 || !strings.Contains(out, "JetStream stream CAKUPAN, format 1, ledger ") {
		t.Errorf("exit %d: %s", code, out)
	}
}

// TestInspectExit: the exit code tells a script what was found.
func TestInspectExit(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]struct {
		content string
		exit    int
		state   inspect.State
	}{
		"notes.txt":   {"Call the office.", 4, inspect.Unknown},
		"vault.db":    {"", 5, inspect.Damaged},
		"ledger.json": {`{"format":9}`, 1, inspect.Newer},
		"cakupan.key": {"0123456789abcdef0123456789abcdef", 0, inspect.Unproven},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(want.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if in := inspectFiles(t, want.exit, path); in.State != want.state {
			t.Errorf("%s: %+v", name, in)
		}
	}
	for want, args := range map[int][]string{
		2: {"inspect", "--server", "http://127.0.0.1:1"},
		4: {"inspect", filepath.Join(dir, "nothing")},
	} {
		if out, diagnostics, code := e2eRun(t.Context(), t, nil, args...); code != want || out != "" {
			t.Errorf("%v: exit %d, want %d: %s%s", args, code, want, out, diagnostics)
		}
	}
}

// TestGoldenIdentity: a new folder's ledger.json is the golden one, but for the numbers that name
// the ledger; and a ledger that is made under the golden one has its identity.
func TestGoldenIdentity(t *testing.T) {
	const path = "testdata/ledger-v1.json"
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	events := filepath.Join(e2eVectors, "bone-bolango", "events.ndjson")
	dir := t.TempDir()
	file := filepath.Join(dir, "ledger.json")
	importInto := func() string {
		if out, diagnostics, code := e2eRun(t.Context(), t, nil, "import", "--data", dir,
			"--keep-recorded", events); code != 0 {
			t.Fatalf("%s%s", out, diagnostics)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	made := importInto()
	for number, instead := range map[string]string{
		`"[0-9a-f]{32}"`:    `"0123456789abcdef0123456789abcdef"`,
		`"Created": [0-9]+`: `"Created": 1609459200000000000`,
	} {
		made = regexp.MustCompile(number).ReplaceAllString(made, instead)
	}
	if made != string(want) {
		t.Errorf("ledger.json is\n%s\nwant\n%s", made, want)
	}
	dir = t.TempDir()
	file = filepath.Join(dir, "ledger.json")
	notMadeYet := strings.Replace(string(want), `"logMade": true`, `"logMade": false`, 1)
	if err := os.WriteFile(file, []byte(notMadeYet), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := importInto(); got != string(want) {
		t.Errorf("ledger.json became\n%s\nwant\n%s", got, want)
	}
	for _, f := range inspectFiles(t, 0, dir).Files {
		if f.Ledger != "" && f.Ledger != "0123456789abcdef0123456789abcdef" {
			t.Errorf("%+v", f)
		}
	}
}
