package client

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// server answers how it is, and every event with its own name.
func server(t *testing.T, name, health string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/under/healthz" {
			_, _ = io.WriteString(w, health)
			return
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, name+" "+r.URL.RequestURI()+" "+string(body))
	}))
	t.Cleanup(s.Close)
	return s
}

// TestSeveralServers finds the one of several servers that writes, and another one when that is gone.
func TestSeveralServers(t *testing.T) {
	gone := server(t, "gone", "")
	gone.Close()
	ill := server(t, "ill", `{"status":"failing","role":"writer"}`)
	standby := server(t, "standby", `{"status":"ok","role":"standby"}`)
	writer := server(t, "writer", `{"status":"ok","role":"writer"}`)
	list := func(servers ...*httptest.Server) string {
		var all []string
		for _, s := range servers {
			all = append(all, s.URL+"/under/")
		}
		return strings.Join(all, ", ")
	}
	ask := func(s *Client) string {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			s.URL("/v1/events?a=b"), strings.NewReader("event"))
		if err != nil {
			t.Fatal(err)
		}
		response, err := s.Ask(t.Context(), request)
		if err != nil {
			return err.Error()
		}
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Error(err)
		}
		_ = response.Body.Close()
		return string(text)
	}
	dial := func(servers ...*httptest.Server) *Client {
		s, err := Dial(t.Context(), list(servers...), "", func(string, ...any) {})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	all := dial(gone, ill, standby, writer)
	for s, want := range map[*Client]string{
		all: "writer", dial(gone, standby, ill): "standby", dial(ill, gone): "ill",
		dial(gone, ill): "ill",
	} {
		if got := ask(s); got != want+" /under/v1/events?a=b event" {
			t.Errorf("%s answers, want %s", got, want)
		}
	}
	writer.Close()
	if got := ask(all); got != "ill /under/v1/events?a=b event" {
		t.Errorf("%s answers after the writer has ended", got)
	}
	if got := ask(dial(gone)); !strings.Contains(got, "does not answer") {
		t.Errorf("a server that is gone: %s", got)
	}
	if got := ask(dial(gone, writer)); !strings.Contains(got, "none of "+gone.URL+"/under, "+
		writer.URL+"/under answers") {
		t.Errorf("two servers that are gone: %s", got)
	}
}
