package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
)

// TestReady asks whether a ledger answers: it does, it does not, and it could but for the server.
func TestReady(t *testing.T) {
	m := newMemory(t)
	api := New(m, Config{Limits: Limits{Requests: 2}})
	url := serve(t, m, Config{}).URL()
	response, body := call(t, "GET", url+"/readyz", "", "")
	if response.StatusCode != 200 || body != `{"status":"ok","head":0,"projections":null,"role":"writer"}`+"\n" ||
		response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	response, body = call(t, "GET", url+"/v1/coverage?min_seq=1", "", "")
	if response.StatusCode != 503 || response.Header.Get("Retry-After") != "1" ||
		!strings.Contains(body, `"code":"projection.behind"`) {
		t.Errorf("%d %v %s", response.StatusCode, response.Header, body)
	}
	m.health = ledger.Health{Status: ledger.ReadyBehind, Why: "it is being built"}
	response, body = call(t, "GET", url+"/readyz", "", "")
	if response.StatusCode != 503 || response.Header.Get("Retry-After") == "" ||
		!strings.Contains(body, `"status":"behind"`) ||
		!strings.Contains(body, `"why":"it is being built"`) {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	m.health = ledger.Health{Status: ledger.HealthOK}
	if answer := ask(t, api, "GET", "/readyz", "localhost"); answer.StatusCode != 200 {
		t.Errorf("room for requests: %s", answer.Status)
	}
	api.requests.Add(2)
	for path, want := range map[string]int{"/readyz": 503, "/healthz": 200, "/v1/coverage": 429} {
		if answer := ask(t, api, "GET", path, "localhost"); answer.StatusCode != want {
			t.Errorf("no room for requests: %s: %s", path, answer.Status)
		}
	}
	api.requests.Add(-2)
	api.drain()
	if answer := ask(t, api, "GET", "/readyz", "localhost"); answer.StatusCode != 503 {
		t.Errorf("the server is stopping: %s", answer.Status)
	}
}

// TestUnknownParameters asks each route with a parameter that it does not know. The page alone
// does not look: its script reads what stands there.
func TestUnknownParameters(t *testing.T) {
	m := newMemory(t)
	url := serve(t, m, Config{}).URL()
	path := strings.NewReplacer("{$}", "", "{number}", "1", "{name}", "x.json")
	for _, route := range New(m, Config{}).routes() {
		if route.path == "/{$}" || route.path == "/sw.js" || route.path == "/assets/" {
			continue
		}
		asked := path.Replace(route.path) + "?regio=75"
		answer, body := call(t, route.method, url+asked, batchType, "[]")
		p := problemOf(t, answer, body)
		if answer.StatusCode != 400 || p.Code != "query.invalid" || p.Field != "regio" {
			t.Errorf("%s %s: %s", route.method, asked, body)
		}
	}
}

// TestStarting asks a server whose ledger is being opened: it says how far that is and when to come
// again, and asks nothing of the ledger. Then it answers.
func TestStarting(t *testing.T) {
	server, err := Listen(t.Context(), "127.0.0.1:0", New(newMemory(t), Config{}))
	if err != nil {
		t.Fatal(err)
	}
	server.Begin(func(context.Context) string { return "event 7 of 9" })
	for _, path := range []string{"/healthz", "/v1/coverage"} {
		response, body := call(t, "GET", server.URL()+path, "", "")
		if response.StatusCode != http.StatusServiceUnavailable ||
			response.Header.Get("Retry-After") == "" || !strings.Contains(body, "event 7 of 9") ||
			!strings.Contains(body, string(problem.ServerStarting)) {
			t.Errorf("%s: %d %v %s", path, response.StatusCode, response.Header, body)
		}
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	for status := 0; status != http.StatusOK; {
		response, _ := call(t, "GET", server.URL()+"/healthz", "", "")
		status = response.StatusCode
	}
	http.DefaultClient.CloseIdleConnections()
	if err := errors.Join(server.Shutdown(t.Context()), <-served); err != nil {
		t.Error(err)
	}
}
