package traces

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/proto"

	"cakupan/cmd/internal/problem"
)

// TestSpans sends spans to a collector: they hang together, and hold nothing that was sent.
func TestSpans(t *testing.T) {
	var bodies [][]byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		bodies = append(bodies, body)
	}))
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL}
	traces, err := Open(t.Context(), func(name string) string { return env[name] }, slog.Default())
	if err != nil || traces == nil {
		t.Fatal(traces, err)
	}
	const nik = "7503014501900001"
	for _, of := range []string{"00f067aa0ba902b7", nik} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/events?nik="+nik, nil)
		r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-"+of+"-01")
		r.Header.Set("Tracestate", "who="+nik)
		r, end := traces.Request(r)
		_, ended := traces.Begin(r.Context(), "commit")
		ended(errors.Join(errors.New(nik), problem.New(problem.LogUnavailable, nik)))
		end("POST /v1/events", http.StatusServiceUnavailable)
	}
	if err := traces.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	for _, body := range bodies {
		if strings.Contains(string(body), nik) {
			t.Error("a NIK is in a span")
		}
		var got collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		for _, of := range got.GetResourceSpans() {
			names["of a version"] += len(valuesOf(of.GetResource().GetAttributes())["service.version"])
			for _, scope := range of.GetScopeSpans() {
				for _, span := range scope.GetSpans() {
					names[span.GetName()]++
					values := valuesOf(span.GetAttributes())
					names[values["http.request.method"]+" of "+values["http.route"]]++
					if span.GetTraceState() != "" || span.GetStatus().GetMessage() != "" {
						t.Errorf("says more than it may: %v", span)
					}
					if id := string(span.GetTraceId()); id == "\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36" {
						names["of the client"]++
					}
				}
			}
		}
	}
	if names["of a version"] == 0 || names["POST of /v1/events"] != 2 {
		t.Errorf("attributes: %v", names)
	}
	if names["POST /v1/events"] != 2 || names["commit"] != 2 || names["of the client"] != 2 {
		t.Errorf("spans: %v", names)
	}
}

func valuesOf(attributes []*common.KeyValue) map[string]string {
	values := map[string]string{}
	for _, a := range attributes {
		values[a.GetKey()] = a.GetValue().GetStringValue()
	}
	return values
}

// TestOff makes nothing where no collector is named, and says what it cannot do.
func TestOff(t *testing.T) {
	for _, env := range []map[string]string{
		{},
		{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
		{"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
	} {
		traces, err := Open(t.Context(), func(name string) string { return env[name] }, slog.Default())
		if traces != nil || err != nil {
			t.Errorf("%v: %v, %v", env, traces, err)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		within, end := traces.Request(r)
		end("GET /", http.StatusOK)
		_, ended := traces.Begin(r.Context(), "commit")
		ended(nil)
		if within != r || traces.Close(t.Context()) != nil {
			t.Error("something is made")
		}
	}
	for _, env := range []map[string]string{
		{"OTEL_TRACES_EXPORTER": "zipkin"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
	} {
		if _, err := Open(t.Context(), func(name string) string { return env[name] }, slog.Default()); err == nil {
			t.Errorf("%v is taken", env)
		}
	}
}
