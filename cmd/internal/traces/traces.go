// Package traces tells a collector of OpenTelemetry how long requests and appends take.
//
// It is off unless the environment names a collector, by the variables that OpenTelemetry has for
// that. A span holds the route, the status and the code of a problem, each from a list of this
// program, and nothing that somebody sent: no path, no query, no message of an error.
package traces

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"cakupan/cmd/internal/build"
	"cakupan/cmd/internal/problem"
)

// Traces makes spans and sends them. A nil one makes none: its methods may be called.
type Traces struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// Open returns what sends to the collector that the environment names, nil where it names none. A
// collector that does not answer costs spans, and nothing else: the log says so.
func Open(ctx context.Context, getenv func(string) string, log *slog.Logger) (*Traces, error) {
	first := func(name string) string {
		if v := getenv("OTEL_EXPORTER_OTLP_TRACES_" + name); v != "" {
			return v
		}
		return getenv("OTEL_EXPORTER_OTLP_" + name)
	}
	kind := getenv("OTEL_TRACES_EXPORTER")
	switch {
	case strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true"), kind == "none",
		kind == "" && first("ENDPOINT") == "":
		return nil, nil //nolint:nilnil // off: a nil one makes no spans
	case kind != "" && kind != "otlp":
		return nil, problem.New(problem.UsageWrong, "OTEL_TRACES_EXPORTER is otlp or none")
	}
	if p := first("PROTOCOL"); p != "" && p != "http/protobuf" {
		return nil, problem.New(problem.UsageWrong, "OTEL_EXPORTER_OTLP_PROTOCOL is"+
			" http/protobuf, for which a collector has a port of its own, often 4318")
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("send traces: %w", err)
	}
	// What the environment says of the service comes last, and so holds.
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "cakupan"),
			attribute.String("service.version", build.Current().Version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("describe the service of traces: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.WarnContext(context.Background(), "traces were not sent", slog.Any("error", err))
	}))
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))
	return &Traces{provider, provider.Tracer("cakupan")}, nil
}

// Close sends what is left.
func (t *Traces) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Request begins the span of a request, which goes on in a span of whoever asks. Who calls end says
// which route it was, of a fixed list, and what status was sent.
func (t *Traces) Request(r *http.Request,
) (within *http.Request, end func(route string, status int)) {
	if t == nil {
		return r, func(string, int) {}
	}
	ctx := parent(r)
	ctx, span := t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	return r.WithContext(ctx), func(route string, status int) {
		span.SetName(route)
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		// Of no route there is no method either: it may be any word.
		if method, path, found := strings.Cut(route, " "); found {
			span.SetAttributes(attribute.String("http.request.method", method),
				attribute.String("http.route", path))
		}
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// parent returns a context in the span that a client names. What else he sends with it, tracestate,
// is not taken over: it may hold anything; nor is a span whose id could be read as a NIK.
func parent(r *http.Request) context.Context {
	asked := propagation.TraceContext{}.Extract(context.Background(),
		propagation.HeaderCarrier(r.Header))
	of := trace.SpanContextFromContext(asked).WithTraceState(trace.TraceState{})
	if !of.IsValid() || strings.Trim(of.SpanID().String(), "0123456789") == "" {
		return r.Context()
	}
	return trace.ContextWithRemoteSpanContext(r.Context(), of)
}

// Begin begins a span of a name of this program. Who calls end says what came of it.
func (t *Traces) Begin(ctx context.Context, name string) (within context.Context, end func(error)) {
	if t == nil {
		return ctx, func(error) {}
	}
	ctx, span := t.tracer.Start(ctx, name)
	return ctx, func(err error) {
		if err != nil {
			span.SetAttributes(attribute.String("problem.code", string(problem.From(err).Code)))
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}
