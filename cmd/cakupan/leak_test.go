package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/nobody"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// TestNoNIKAnywhere sends numbers in every possible place, and then looks for them: in all files
// of the data folder, in what the ledger answers and says of itself, and in the operator's log.
func TestNoNIKAnywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	n := nobody.New()
	var log nobody.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	dir := filepath.Join(t.TempDir(), "data")
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: dir, Create: true, Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	lines := n.Events(t)
	counts := map[event.Status]int{}
	for _, opts := range []intake.Options{
		{DryRun: true}, {Atomic: true}, {}, {KeepRecorded: true},
	} {
		for chunk := range slices.Chunk(lines, 500) {
			receipts, err := l.Submit(t.Context(), chunk, opts)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range receipts {
				counts[r.Status]++
				// The bytes of a receipt's key are those that were sent: whoever shows it
				// hides what is refused. What says why must be clean by itself.
				n.Search(t, "a refusal", fmt.Appendf(nil, "%v", r.Refusal))
				if r.Refusal != nil {
					n.Search(t, "a refusal", fmt.Appendf(nil, "%+v", *r.Refusal))
				} else if r.Status != event.Refused {
					n.Search(t, "a receipt", fmt.Appendf(nil, "%+v of %d", r.Key, i))
				}
			}
		}
	}
	t.Logf("%d numbers in %d events: %v", n.Count(), len(lines), counts)
	if counts[event.Appended] == 0 || counts[event.Duplicate] == 0 || counts[event.Refused] == 0 {
		t.Errorf("receipts: %v, want some of each", counts)
	}
	leakAsk(t, n, httpapi.New(l, httpapi.Config{Now: time.Now, Log: logger}), lines)
	leakTell(t, n, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	n.Search(t, "the operator's log", log.Bytes())
	n.SearchFolder(t, dir)
	leakImport(t, n, lines)
	if number := n.Next("the text that is searched"); len(n.Find([]byte("\x00123"+number+"4"))) != 1 {
		t.Error("the search finds nothing")
	}
}

// leakImport imports the events as a file, and looks at what the command says.
func leakImport(t *testing.T, n *nobody.Numbers, lines [][]byte) {
	t.Helper()
	dir := t.TempDir()
	file, rejects := filepath.Join(dir, "events.ndjson"), filepath.Join(dir, "rejects.ndjson")
	writeText(t, file, string(bytes.Join(lines, []byte("\n"))))
	data := filepath.Join(dir, "data")
	for _, more := range [][]string{nil, {"--json"}, {"--rejects", rejects}} {
		args := append([]string{"import", "--data", data, file}, more...)
		code, stdout, stderr := runCommand(t, args...)
		if code != problem.ExitRefused {
			t.Errorf("import: exit %d: %s", code, stderr)
		}
		n.Search(t, "what import prints", []byte(stdout+stderr))
	}
	text, err := os.ReadFile(rejects)
	if err != nil || bytes.Count(text, []byte("\n")) < len(lines)/2 {
		t.Errorf("rejects: %v, %d lines", err, bytes.Count(text, []byte("\n")))
	}
	n.Search(t, "the file of rejects", text)
	n.SearchFolder(t, data)
}

// leakAsk sends the events and more over HTTP, and reads all that there is to read.
func leakAsk(t *testing.T, n *nobody.Numbers, handler http.Handler, lines [][]byte) {
	t.Helper()
	ask := func(method, target, contentType string, body []byte) {
		request := httptest.NewRequestWithContext(t.Context(), method, target, bytes.NewReader(body))
		request.RemoteAddr, request.Host = "127.0.0.1:5", "127.0.0.1"
		request.Header.Set("Content-Type", contentType)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		path, _, _ := strings.Cut(target, "?")
		n.Search(t, "the answer to "+method+" "+path, answer.Body.Bytes())
		n.Search(t, "a header of the answer to "+method+" "+path, fmt.Append(nil, answer.Header()))
	}
	for _, line := range lines[:min(len(lines), 300)] {
		ask(http.MethodPost, "/v1/events", "application/cloudevents+json", line)
	}
	ask(http.MethodPost, "/v1/events", "application/x-ndjson", bytes.Join(lines, []byte("\n")))
	array := append(append([]byte("["), bytes.Join(lines[:500], []byte(","))...), ']')
	ask(http.MethodPost, "/v1/events", "application/cloudevents-batch+json", array)
	ask(http.MethodPost, "/v1/events?atomic=true", "application/cloudevents-batch+json", array)
	for _, path := range []string{"/v1/events", "/v1/coverage?region=75.03", "/healthz", "/metrics"} {
		ask(http.MethodGet, path, "", nil)
	}
	for _, parameter := range []string{
		"region", "on", "known", "indicator", "by", "min_seq", "from", "until", "to", "type",
		"enrolment", "worker", "commitment", "limit", "nik",
	} {
		for _, path := range []string{"/v1/coverage", "/v1/series", "/v1/events"} {
			query := url.Values{parameter: {n.Next(path + " " + parameter)}}
			ask(http.MethodGet, path+"?"+query.Encode(), "", nil)
		}
	}
	ask(http.MethodGet, "/v1/"+n.Next("path"), "", nil)
	ask(n.Next("method"), "/v1/events", "", nil)
	ask(http.MethodPost, "/v1/events", n.Next("media type"), nil)
}

// leakTell reads what the ledger tells of itself.
func leakTell(t *testing.T, n *nobody.Numbers, l *ledger.Ledger) {
	t.Helper()
	view, err := l.View(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	at, err := view.RecordedAt(view.Known())
	n.Search(t, "the coverage", fmt.Appendf(nil, "%v %v", at, err))
	report, err := l.Verify(t.Context(), nil)
	n.Search(t, "the report of a check", fmt.Appendf(nil, "%+v %v", report, err))
}
