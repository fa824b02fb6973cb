package client

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"cakupan/cmd/internal/problem"
)

// TestPatience asks a server that is slow, one that falls silent, and one that never answers: only
// while the server says how it is a request goes on.
func TestPatience(t *testing.T) {
	var stopped atomic.Bool
	asked := make(chan struct{}, 100)
	ending := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/readyz":
			<-ending
		case stopped.Load():
			panic(http.ErrAbortHandler) // hangs up
		case r.URL.Path == "/healthz":
			_, _ = io.WriteString(w, `{"status":"ok"}`)
			asked <- struct{}{}
		case r.URL.Path == "/slow":
			for range 3 { // longer than anybody may be silent
				<-asked
			}
			_, _ = io.WriteString(w, "done")
		default:
			_, _ = io.WriteString(w, "begun")
			_ = http.NewResponseController(w).Flush()
			<-ending
		}
	}))
	defer server.Close()
	defer close(ending)
	client, err := Dial(t.Context(), server.URL, "", t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	p := newPatience(server.URL)
	p.silence = time.Millisecond
	client.client.Transport = p
	response, err := client.Get(t.Context(), "/slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(response.Body); string(body) != "done" || err != nil {
		t.Errorf("slow: %q, %v", body, err)
	}
	_ = response.Body.Close()

	if response, err = client.Get(t.Context(), "/stream", nil); err != nil {
		t.Fatal(err)
	}
	stopped.Store(true)
	body, err := io.ReadAll(response.Body)
	if string(body) != "begun" || problem.From(err).Code != problem.ServerUnreachable {
		t.Errorf("fell silent: %q, %v", body, err)
	}
	_ = response.Body.Close()
	impatient := newPatience(server.URL)
	impatient.probe = time.Millisecond
	client.client = &http.Client{Transport: impatient}
	var said *problem.Error
	if _, err = client.Ready(t.Context()); !errors.As(err, &said) ||
		said.Code != problem.ServerUnreachable {
		t.Errorf("never answers: %v", err)
	}
}
