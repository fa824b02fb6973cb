package httpapi

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// dearLedger tells publishers to wait, a number of times.
type dearLedger struct {
	*memory
	waits atomic.Int64
	retry int
}

func (l *dearLedger) Submit(ctx context.Context, raw [][]byte, opts intake.Options,
) ([]event.Receipt, error) {
	if l.waits.Add(-1) >= 0 {
		return nil, &problem.Error{Code: problem.EventsDear, Detail: "later", Retry: l.retry}
	}
	return l.memory.Submit(ctx, raw, opts)
}

// TestDearEvents: a request of dear events is answered with when to send them again. A stream is
// held up instead, unless the wait is long.
func TestDearEvents(t *testing.T) {
	l := &dearLedger{memory: newMemory(t)}
	server := serve(t, l, Config{})
	post := func(contentType string, waits int64, retry int) (*http.Response, string) {
		t.Helper()
		l.waits.Store(waits)
		l.retry = retry
		line := `{"specversion":"1.0","id":"` + strings.Repeat("x", 1+len(l.submitted)) +
			`","source":"urn:dear","type":"id.cakupan.worker.died.v1",` +
			`"data":{"worker":"w","on":"2020-01-01"}}`
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			server.URL()+"/v1/events", bytes.NewReader([]byte(line)))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", contentType)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(body)
	}
	mustWait := func(contentType string, retry int, want string) {
		t.Helper()
		got, body := post(contentType, 1, retry)
		if got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") != want ||
			!strings.Contains(body, `"code":"events.dear"`) {
			t.Errorf("%s: %d %v %s", contentType, got.StatusCode, got.Header, body)
		}
	}
	mustWait(eventType, 7, "7")
	mustWait(streamType, 31, "31")
	got, body := post(streamType, 2, 0)
	if got.StatusCode != http.StatusOK || !strings.Contains(body, `"appended"`) ||
		l.waits.Load() >= 0 {
		t.Errorf("a stream: %d %s", got.StatusCode, body)
	}
}
