package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestRetractKilled kills the program while it takes back, and asks the same of it again: however
// far it was, all is taken back once.
func TestRetractKilled(t *testing.T) {
	t.Parallel()
	const people = 300
	dir := t.TempDir()
	p := servePassing(t, dir)
	ask := func(path, contentType, body string) (string, error) {
		response, err := p.publisher.Post(p.url+path, contentType, strings.NewReader(body))
		if err != nil {
			return "", err
		}
		defer func() { _ = response.Body.Close() }()
		got, err := io.ReadAll(response.Body)
		return string(got), err
	}
	var lines []string
	for i := range people {
		lines = append(lines, openedBy("urn:dinas", fmt.Sprint("d", i)))
	}
	if got, err := ask("/v1/events", manyEvents, "["+strings.Join(lines, ",")+"]"); err != nil ||
		!strings.Contains(got, fmt.Sprintf(`"appended":%d`, people)) {
		t.Fatalf("%.200s, %v", got, err)
	}
	const body = `{"source":"urn:dinas","reason":"wrong file","request":"once"}`
	for range 3 {
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			_, _ = ask("/v1/retract", "application/json", body) // it may be killed before it answers
		}()
		_ = p.process.Process.Kill()
		_ = p.process.Wait()
		<-asked
		p = servePassing(t, dir)
	}
	got, err := ask("/v1/retract", "application/json", body)
	if err != nil || !strings.Contains(got, fmt.Sprintf(`"events":%d,`, people)) {
		t.Fatalf("%.300s, %v", got, err)
	}
	log, err := p.publisher.Get(p.url + "/v1/events?type=event.retracted.v1")
	if err != nil || log.StatusCode != http.StatusOK {
		t.Fatal(err)
	}
	defer func() { _ = log.Body.Close() }()
	all, err := io.ReadAll(log.Body)
	if n := strings.Count(string(all), "\n"); err != nil || n != people {
		t.Errorf("%d retractions, %v", n, err)
	}
	p.stop()
}
