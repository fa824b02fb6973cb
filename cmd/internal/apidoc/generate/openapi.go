package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// The media types of bodies.
const (
	mediaJSON    = "application/json"
	mediaEvent   = "application/cloudevents+json"
	mediaBatch   = "application/cloudevents-batch+json"
	mediaLines   = "application/x-ndjson"
	mediaProblem = "application/problem+json"
	mediaSchema  = "application/schema+json"
)

// version is that of the interface: the first number is that of the paths.
const version = "1.0.0"

const introduction = `A ledger of employment-social-security enrolment: events in, coverage out, ` +
	`on any day, as known at any moment.

Errors are RFC 9457 problems with a stable code, and a detail that a person can act on. ` +
	`An answer of 429 or 503 with Retry-After may be had by sending the same again: events that ` +
	`are there already are duplicates, never a second time in the log.

Bodies may be sent with Content-Encoding gzip or zstd. The limits (64 KiB for an event, 16 MiB ` +
	`and 10,000 events for a batch) count decoded bytes; a window of zstd may have 8 MiB.`

// operation is one method of one path, as the document tells it.
type operation struct {
	method, path string
	id, summary  string
	about        string
	parameters   list
	body         object // nil: none
	answer       object // of 200
	also         object // answers of other statuses that are no problems
	fails        []failure
}

// failure is a code that an operation may end with; of an event when that was refused.
type failure struct {
	code    problem.Code
	refused bool
}

// fails makes failures of the request as such.
func fails(codes ...problem.Code) (all []failure) {
	for _, code := range codes {
		all = append(all, failure{code: code})
	}
	return all
}

// openAPI makes the document of the routes.
func openAPI() object {
	l := newLibrary("#/components/schemas/")
	paths := object{}
	for _, op := range operations(l) {
		method := o(strings.ToLower(op.method), l.operation(op))
		if i := slices.IndexFunc(paths, func(m member) bool { return m.name == op.path }); i >= 0 {
			paths[i].value = paths[i].value.(object).join(method)
			continue
		}
		paths = paths.with(op.path, method)
	}
	l.ref("Problem")
	l.ref("Event")
	return o("openapi", "3.1.0").
		with("info", o("title", "Cakupan").with("version", version).
			with("description", introduction).
			with("license", o("name", "Apache-2.0").with("identifier", "Apache-2.0"))).
		with("servers", list{o("url", "/").with("description", "the server that gave this")}).
		with("security", list{o("bearer", list{}), o("basic", list{}), object{}}).
		with("tags", list{
			o("name", "events").with("description", "what is reported, in and out"),
			o("name", "coverage").with("description", "what it comes to"),
			o("name", "operation").with("description", "how the ledger is"),
			o("name", "documents").with("description", "what describes it, to programs and people"),
		}).
		with("paths", paths).
		with("components", o("schemas", l.all).with("securitySchemes", securitySchemes()))
}

// securitySchemes says how to log in: both ways carry the same secret.
func securitySchemes() object {
	return o("bearer", o("type", "http").with("scheme", "bearer").with("description",
		"The secret of a publisher or reader, once any is registered. Without any, a ledger on"+
			" the machine itself asks nobody.")).
		with("basic", o("type", "http").with("scheme", "basic").with("description",
			"The same, as name and secret."))
}

// operation makes the object of one operation.
func (l *library) operation(op operation) object {
	made := o("operationId", op.id).with("summary", op.summary).
		with("tags", texts(tagOf(op.path)))
	if op.about != "" {
		made = made.with("description", op.about)
	}
	if op.parameters != nil {
		made = made.with("parameters", op.parameters)
	}
	if op.body != nil {
		made = made.with("requestBody", op.body)
	}
	responses := o("200", op.answer).join(op.also)
	for _, status := range statusesOf(op.fails) {
		responses = responses.with(strconv.Itoa(status), l.failed(status, op.fails))
	}
	return made.with("responses", responses)
}

// tagOf groups the routes for readers.
func tagOf(path string) string {
	switch {
	case strings.HasPrefix(path, "/v1/events"), strings.HasPrefix(path, "/v1/lists"),
		strings.HasPrefix(path, "/v1/refused"), path == "/v1/retract":
		return "events"
	case slices.Contains([]string{
		"/v1/coverage", "/v1/series", "/v1/changes", "/v1/explain", "/v1/difference",
		"/v1/bundle", "/v1/attest",
		"/v1/funding", "/v1/history", "/v1/reconcile",
		"/v1/lookups", "/v1/reads",
	}, path):
		return "coverage"
	case strings.HasSuffix(path, ".json") || path == "/" || strings.HasPrefix(path, "/assets") ||
		strings.HasPrefix(path, "/schemas"):
		return "documents"
	}
	return "operation"
}

// error is the failure as the server tells it: its status comes from the one table.
func (f failure) error() *problem.Error {
	return &problem.Error{Code: f.code, Refused: f.refused}
}

// statusesOf returns the statuses of failures, each once: a document has one answer a status.
func statusesOf(fails []failure) (statuses []int) {
	for _, f := range fails {
		statuses = append(statuses, f.error().Status())
	}
	slices.Sort(statuses)
	return slices.Compact(statuses)
}

// failed makes the response of one status: the codes it may have, each with its title.
func (l *library) failed(status int, fails []failure) object {
	var lines []string
	headers := object{}
	for _, f := range fails {
		if f.error().Status() == status {
			lines = append(lines, fmt.Sprintf("- `%s`: %s", f.code, f.code.Title(false)))
		}
	}
	if status == 429 || status == 503 || status == 507 {
		headers = o("Retry-After", o("description", "Seconds; where it is worth to try again.").
			with("schema", o("type", "integer")))
	}
	made := o("description", strings.Join(lines, "\n"))
	if len(headers) > 0 {
		made = made.with("headers", headers)
	}
	return made.with("content", o(mediaProblem, o("schema", l.ref("Problem"))))
}

// content is a body or answer of one media type.
func content(media string, schema object) object {
	return o("description", "OK").with("content", o(media, o("schema", schema)))
}

// query is a parameter of a query.
func query(name, about string, schema object) object {
	return o("name", name).with("in", "query").with("description", about).with("schema", schema)
}

// header is a header of a request.
func header(name, about string, schema object) object {
	return o("name", name).with("in", "header").with("description", about).with("schema", schema)
}

// refusals returns the codes of refused events.
func refusals() (all []failure) {
	for _, code := range problem.Codes() {
		if code.OfEvent() {
			all = append(all, failure{code: code, refused: true})
		}
	}
	return all
}

// examples returns one example of each type.
func examples(of func(t event.Type) any) object {
	all := object{}
	for _, t := range event.Types() {
		all = all.with(strings.TrimPrefix(t.Name(), typePrefix),
			o("summary", aboutTypes[t]).with("value", of(t)))
	}
	return all
}
