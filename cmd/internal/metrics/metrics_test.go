package metrics

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"cakupan/domain/event"
)

func read(t *testing.T, m *Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	if answer.Code != 200 || !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %v", answer.Code, answer.Header())
	}
	return answer.Body.String()
}

// TestMetrics counts from many goroutines at once, and reads what was counted.
func TestMetrics(t *testing.T) {
	m := New()
	if got := read(t, m); !strings.Contains(got, `cakupan_events_total{status="refused"} 0`) {
		t.Error("what has not happened yet is not there")
	}
	m.Ask(Figure{Name: "head", Help: "h", Values: func() map[string]float64 {
		return map[string]float64{"": 7}
	}})
	m.Ask(Figure{Name: "failed_total", Help: "h", Label: "reason", Counts: true, Values: func() map[string]float64 {
		return map[string]float64{"unknown": 3, "wrong": 0}
	}})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				m.Begin()
				m.Receipts([]event.Receipt{
					{Status: event.Appended},
					{Status: event.Duplicate},
					{Status: event.Refused, Refusal: &event.Refusal{Code: event.Forbidden}},
					{Status: event.Refused}, // held back for another one's sake
				})
				m.End("POST /v1/events", 200)
			}
		})
	}
	all.Wait()
	m.Appended(1000, 3*time.Millisecond)
	m.Begin()
	m.End("GET /v1/coverage", 429)
	m.End("other", 0)
	got := read(t, m)
	for _, want := range []string{
		`cakupan_events_total{status="appended"} 800`,
		`cakupan_events_total{status="duplicate"} 800`,
		`cakupan_events_total{status="refused"} 1600`,
		`cakupan_refusals_total{code="publisher.forbidden"} 800`,
		`cakupan_http_requests_total{class="2xx",route="POST /v1/events"} 800`,
		`cakupan_http_requests_total{class="4xx",route="GET /v1/coverage"} 1`,
		`cakupan_http_requests_total{class="none",route="other"} 1`,
		"cakupan_http_too_many_requests_total 1",
		`cakupan_append_seconds_bucket{le="0.002"} 0`, `cakupan_append_seconds_bucket{le="0.004"} 1`,
		"cakupan_append_batch_events_sum 1000", `cakupan_build_info{goversion="go1`,
		"cakupan_http_requests_in_work -1", // one more End than Begin
		"\nhead 7", "# TYPE head gauge", "# TYPE failed_total counter",
		`failed_total{reason="unknown"} 3`, `failed_total{reason="wrong"} 0`,
		"process_open_fds", "go_goroutines",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing", want)
		}
	}
}
