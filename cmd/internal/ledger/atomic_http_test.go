package ledger_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/ledger"
	"cakupan/eventstore/writer"
)

// atomicArray returns events as an array; each has an attribute that takes so many bytes.
func atomicArray(id string, n, bytes int) string {
	var array strings.Builder
	for i := range n {
		fmt.Fprintf(&array, `,{"specversion":"1.0","id":"%s-%d","source":"urn:test","more":"%s",`+
			`"type":"id.cakupan.worker.died.v1","data":{"worker":"w-%d","on":"2020-01-01"}}`,
			id, i, strings.Repeat("x", bytes), i)
	}
	return "[" + array.String()[1:] + "]"
}

// TestAtomicOverHTTP posts atomic batches of the largest number and size, and larger ones: they
// are refused with the size and the limit, and nothing of them is in the log.
func TestAtomicOverHTTP(t *testing.T) {
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	handler := httpapi.New(l, httpapi.Config{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	broken := strings.Replace(atomicArray("broken", 1_001, 0), "worker.died", "worker.born", 1)
	for _, c := range []struct {
		query, body string
		status      int
		words       string
	}{
		{"atomic=true", atomicArray("more", 1_001, 0), 413, "at most 1000 events, this one has 1001"},
		{"atomic=true", broken, 413, "at most 1000 events, this one has 1001"},
		{"atomic=true&dry_run=true", atomicArray("more", 1_001, 0), 413, "this one has 1001"},
		{"atomic=true", atomicArray("large", 300, 4_000), 413, fmt.Sprint("at most ", writer.AtomicBytesMax, " bytes")},
		{"atomic=true&dry_run=true", atomicArray("large", 300, 4_000), 413, "bytes in the log, this one takes 12"},
		{"atomic=true", strings.Replace(atomicArray("x", 2, 0), "worker.died", "worker.born", 1), 422, "event 1 of the batch"},
		{"atomic=true", atomicArray("whole", 1_000, 0), 200, `{"appended":1000,`},
		{"atomic=true", atomicArray("whole", 1_000, 0), 200, `{"appended":0,"duplicates":1000,`},
		{"", atomicArray("more", 1_001, 0), 200, `{"appended":1001,`},
		{"", atomicArray("large", 300, 4_000), 200, `{"appended":300,`},
		{"atomic=true", atomicArray("more", 1_001, 0), 413, "this one has 1001"}, // the same for ever
	} {
		before, err := l.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/events?"+c.query,
			strings.NewReader(c.body))
		request.RemoteAddr, request.Host = "127.0.0.1:5", "127.0.0.1"
		request.Header.Set("Content-Type", "application/cloudevents-batch+json")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.words) {
			t.Errorf("%s: %d %.300s, want %d %s", c.query, answer.Code, answer.Body, c.status, c.words)
		}
		var problem struct{ Code, Detail string }
		_ = json.Unmarshal(answer.Body.Bytes(), &problem)
		if c.status == 413 && problem.Code != "batch.too_large" {
			t.Errorf("%s: %s", c.query, answer.Body)
		}
		after, err := l.Head(t.Context())
		if err != nil || c.status != 200 && after.Sequence != before.Sequence {
			t.Errorf("%s: refused, and the log ends at %d after %d, %v", c.query, after.Sequence, before.Sequence, err)
		}
	}
}

// TestAtomicIsTold makes sure that the texts name the number that the code has.
func TestAtomicIsTold(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("../apidoc/document/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	number := fmt.Sprintf("%d,%03d", writer.AtomicEventsMax/1000, writer.AtomicEventsMax%1000)
	if !bytes.Contains(readme, []byte("`?atomic=true` an array of at most "+number+" events")) {
		t.Errorf("README.md does not say %s", number)
	}
	if !bytes.Contains(document, fmt.Appendf(nil, "At most %d events that take at most %d bytes",
		writer.AtomicEventsMax, writer.AtomicBytesMax)) {
		t.Errorf("openapi.json does not say %d", writer.AtomicEventsMax)
	}
}
