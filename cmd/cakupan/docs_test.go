package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"cakupan/cmd/internal/apidoc"
	"cakupan/cmd/internal/dashboard"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/ledger"
)

// TestDocsCoverRoutes compares the document of the routes with the table of routes: none is
// missing on either side.
func TestDocsCoverRoutes(t *testing.T) {
	text, _ := apidoc.Document("openapi.json")
	var document struct {
		Paths map[string]map[string]any
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	var described []string
	for path, methods := range document.Paths {
		for method := range methods {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	var routes []string
	for _, route := range httpapi.New(nil, httpapi.Config{}).Routes() {
		route = strings.TrimSuffix(route, "{$}")
		route = strings.ReplaceAll(route, "...}", "}") // the rest of a path is one parameter
		if route == "GET /assets/" {                   // a folder, whose parts the document names
			route += "{name}"
		}
		routes = append(routes, route)
	}
	slices.Sort(described)
	slices.Sort(routes)
	for _, route := range routes {
		if !slices.Contains(described, route) {
			t.Errorf("%s is not in the document: add it in cmd/internal/apidoc/generate/operations.go", route)
		}
	}
	for _, route := range described {
		if !slices.Contains(routes, route) {
			t.Errorf("%s is in the document, and no route", route)
		}
	}
}

// TestDocsTellTheAnswers asks a ledger everything, and checks each answer by the schema that the
// document gives for it.
func TestDocsTellTheAnswers(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	handler := httpapi.New(l, httpapi.Config{
		Documents: apidoc.Handler(), Pages: dashboard.Handler(dashboard.Options{}), Log: slog.New(slog.DiscardHandler),
	})
	lines, err := os.ReadFile(filepath.Join(e2eVectors, "bone-bolango", "events.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	array := "[" + strings.ReplaceAll(strings.TrimSpace(string(lines)), "\n", ",") + "]"
	first, _, _ := strings.Cut(string(lines), "\n")
	const (
		event, batch = "application/cloudevents+json", "application/cloudevents-batch+json"
		stream       = "application/x-ndjson"
	)
	for _, c := range []struct {
		method, path, contentType, body string
		status                          int
		document                        string // its path, where it differs
	}{
		{"POST", "/v1/events", batch, array, 200, ""},
		{"POST", "/v1/events", event, first, 200, ""},
		{"POST", "/v1/events", stream, string(lines) + "no event\n", 200, ""},
		{"POST", "/v1/events", event, strings.Replace(first, "75.03", "7503", 1), 422, ""},
		{"POST", "/v1/events?atomic=true", batch, "[" + first + ",1]", 422, ""},
		{"POST", "/v1/events", "text/plain", first, 415, ""},
		{"POST", "/v1/events", batch, "{}", 400, ""},
		{"GET", "/v1/events", "", "", 200, ""},
		{"GET", "/v1/events?type=x", "", "", 400, ""},
		{"GET", "/v1/coverage?on=2021-01-31", "", "", 200, ""},
		{"GET", "/v1/coverage?on=2021-01-31&region=75.03&by=sector&by=evidence&by=programme&count=enrolments", "", "", 200, ""},
		{"GET", "/v1/coverage?on=2010-01-01&known=0", "", "", 200, ""},
		{"GET", "/v1/coverage?region=7503", "", "", 404, ""},
		{"GET", "/v1/series?region=75&from=2019-01-01&until=2021-12-31", "", "", 200, ""},
		{"GET", "/v1/funding", "", "", 200, ""},
		{"GET", "/v1/funding?commitment=none&known=5", "", "", 200, ""},
		{"GET", "/v1/history?enrolment=bpu-4", "", "", 200, ""},
		{"GET", "/v1/history?worker=w3", "", "", 200, ""},
		{"GET", "/v1/history?commitment=apbd-2020", "", "", 200, ""},
		{"GET", "/v1/history?worker=nobody", "", "", 404, ""},
		{"GET", "/v1/history?worker=w3&enrolment=bpu-4", "", "", 400, ""},
		{"GET", "/v1/reconcile?region=75.03&on=2020-06-16&percent=50", "", "", 200, ""},
		{"GET", "/v1/reconcile?region=75.03&on=2020-06-16&count=5&limit=3", "", "", 200, ""},
		{"GET", "/v1/reconcile?percent=5&known=0", "", "", 200, ""},
		{"GET", "/v1/reconcile?percent=5&count=5", "", "", 400, ""},
		{"GET", "/v1/reconcile?percent=many", "", "", 400, ""},
		{"POST", "/v1/lookups", "application/json", `{"nik":"7503014101900001"}`, 404, ""},
		{"POST", "/v1/lookups", "application/json", `{"nik":"750301410190000"}`, 400, ""},
		{"POST", "/v1/lookups", "application/json", `{"worker":"w1"}`, 400, ""},
		{"GET", "/v1/lookups", "", "", 200, ""},
		{"GET", "/v1/reads", "", "", 200, ""},
		{"GET", "/v1/reads?what=none", "", "", 400, ""},
		{"POST", "/v1/retract", "application/json", `{"enrolment":"bpu-4","dryRun":true}`, 200, ""},
		{"POST", "/v1/retract", "application/json", `{"enrolment":"bpu-4","reason":"x","request":"r"}`, 200, ""},
		{"POST", "/v1/retract", "application/json", `{"enrolment":"bpu-4","reason":"x","request":"r"}`, 200, ""},
		{"POST", "/v1/retract", "application/json", `{"enrolment":"bpu-4","reason":"y","request":"r"}`, 409, ""},
		{"POST", "/v1/retract", "application/json", `{"enrolment":"bpu-4","reason":"x"}`, 404, ""},
		{"POST", "/v1/retract", "application/json", `{"reason":"x"}`, 400, ""},
		{"GET", "/v1/funding?year=0", "", "", 400, ""},
		{"GET", "/v1/lists/key", "", "", 200, ""},
		{"POST", "/v1/lists/matches?source=urn:x", "application/json", `[{"event":{}}]`, 200, ""},
		{"POST", "/v1/lists/matches?source=urn:x", "application/json", `[{}]`, 400, ""},
		{"POST", "/v1/lists/matches?x=1", "", "", 400, ""},
		{"GET", "/healthz", "", "", 200, ""},
		{"GET", "/healthz?x=1", "", "", 400, ""},
		{"GET", "/v1/status", "", "", 200, ""},
		{"GET", "/readyz", "", "", 200, ""},
		{"GET", "/readyz?x=1", "", "", 400, ""},
		{"GET", "/v1/lists/key?x=1", "", "", 400, ""},
		{"GET", "/openapi.json?x=1", "", "", 400, ""},
		{"POST", "/v1/attest?region=75.03&on=2021-01-31", "", "", 200, ""},
		{"GET", "/v1/events?type=figure.published.v1", "", "", 200, ""},
		{"GET", "/v1/bundle?known=0", "", "", 404, ""},
		{"GET", "/checkpoint?witnessed=true", "", "", 404, ""},
		{"GET", "/checkpoint/key?x=1", "", "", 400, ""},
		{"POST", "/checkpoint", "text/plain", "x", 422, ""},
		{"GET", "/tile/9/000", "", "", 404, "/tile/{path}"},
		{"POST", "/v1/replay?to=5", "", "", 200, ""},
		{"POST", "/v1/verify", "", "", 200, ""},
		{"GET", "/v1/backup?file=x", "", "", 400, ""},
		{"GET", "/openapi.json", "", "", 200, ""},
		{"GET", "/asyncapi.json", "", "", 200, ""},
		{"GET", "/schemas/", "", "", 200, ""},
		{"GET", "/schemas/event.json", "", "", 200, "/schemas/{name}"},
		{"GET", "/schemas/none.json", "", "", 404, "/schemas/{name}"},
		{"GET", "/assets/none.json", "", "", 404, "/assets/{name}"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.contentType)
		r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost"
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		path, _, _ := strings.Cut(c.path, "?")
		if c.document != "" {
			path = c.document
		}
		if w.Code != c.status {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
			continue
		}
		checkAnswer(t, c.method, path, w.Result(), w.Body.Bytes())
	}
}

// checkAnswer checks an answer by the schema of the document for its path, status and media type.
func checkAnswer(t *testing.T, method, path string, response *http.Response, body []byte) {
	t.Helper()
	text, _ := apidoc.Document("openapi.json")
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource("https://test/openapi.json", document); err != nil {
		t.Fatal(err)
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1").Replace
	media := response.Header.Get("Content-Type")
	schema, err := compiler.Compile("https://test/openapi.json#/paths/" + escape(path) + "/" +
		strings.ToLower(method) + "/responses/" + response.Status[:3] + "/content/" + escape(media) +
		"/schema")
	if err != nil {
		t.Errorf("%s %s: %d as %s is not in the document: %v", method, path, response.StatusCode, media, err)
		return
	}
	parts := [][]byte{body}
	if media == "application/x-ndjson" {
		parts = bytes.Split(bytes.TrimSpace(body), []byte("\n"))
	}
	for _, part := range parts {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(part))
		if err == nil {
			err = schema.Validate(value)
		}
		if err != nil {
			t.Errorf("%s %s: %d: %s\n%v", method, path, response.StatusCode, part, err)
		}
	}
}
