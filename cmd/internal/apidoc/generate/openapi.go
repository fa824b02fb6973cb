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

// version is that of the interface: the first number is that of the paths. It is not that of the
// program: it moves when a client has to be told, and is the same in both documents.
const version = "1.0.0"

// introduction is what holds for all routes, and so is said of none: errors, repetition,
// compression and bounds (contract, section 7).
const introduction = `A ledger of employment-social-security enrolment: events in, coverage out, ` +
	`on any day, as known at any moment.

Errors are RFC 9457 problems with a stable code, and a detail that a person can act on. ` +
	`An answer of 429 or 503 with Retry-After may be had by sending the same again: events that ` +
	`are there already are duplicates, never a second time in the log.

Bodies may be sent with Content-Encoding gzip or zstd. The limits (64 KiB for an event, 16 MiB ` +
	`and 10,000 events for a batch) count decoded bytes; a window of zstd may have 8 MiB.`

// operation is one method of one path, as the document tells it. What is common to all, the shape
// of a problem and the ways to log in, is not in here. The path is the server's own, but for the
// braces of its wildcards.
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

// failure is a code that an operation may end with; of an event when that was refused. The same
// code has two statuses in the table of problems: a bad field is 422 of an event, and would be 400
// of a request.
type failure struct {
	code    problem.Code
	refused bool
}

// fails makes failures of the request as such. Which status each is told with is in the one table
// of problems; here is only which may happen.
func fails(codes ...problem.Code) (all []failure) {
	for _, code := range codes {
		all = append(all, failure{code: code})
	}
	return all
}

// openAPI makes the document of the routes. Paths stand in the order of operations, each once with
// all its methods; after them the definitions that they have asked for. Those of a problem and of
// an event are asked for by name, so that whoever generates a client finds them whatever the routes
// refer to.
func openAPI() object {
	l := newLibrary("#/components/schemas/")
	paths := object{}
	for _, op := range operations(l) {
		method := o(strings.ToLower(op.method), l.operation(op))
		// A path may have several methods, which are members of one object.
		if i := slices.IndexFunc(paths, func(m member) bool { return m.name == op.path }); i >= 0 {
			paths[i].value = paths[i].value.(object).join(method)
			continue
		}
		paths = paths.with(op.path, method)
	}
	l.ref("Problem")
	l.ref("Event")
	// 3.1 has JSON Schema as it is, so the definitions are those of the schemas.
	return o("openapi", "3.1.0").
		with("info", o("title", "Cakupan").with("version", version).
			with("description", introduction).
			with("license", o("name", "Apache-2.0").with("identifier", "Apache-2.0"))).
		with("servers", list{o("url", "/").with("description", "the server that gave this")}).
		// An empty object is the third way: without any member registered, nobody logs in.
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

// securitySchemes says how to log in: both ways carry the same secret. A secret is shown once, when
// it is made; the document says nothing of how.
func securitySchemes() object {
	return o("bearer", o("type", "http").with("scheme", "bearer").with("description",
		"The secret of a publisher or reader, once any is registered. Without any, a ledger on"+
			" the machine itself asks nobody.")).
		with("basic", o("type", "http").with("scheme", "basic").with("description",
			"The same, as name and secret."))
}

// operation makes the object of one operation. The answer of 200 comes first, then other statuses
// that are no failure, then problems in the order of their statuses. Members that would be empty
// are left out. The id is what a generated client calls its method, so it stays when the words
// change.
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
		name, failed := strconv.Itoa(status), l.failed(status, op.fails)
		if other, found := responses.member(name); found {
			responses = responses.replace(name, either(other.(object), failed))
			continue
		}
		responses = responses.with(name, failed)
	}
	return made.with("responses", responses)
}

// either makes one response of an answer that is no problem and of a problem of the same status:
// which of the two it is, its media type says.
func either(answer, failed object) object {
	about, _ := answer.member("description")
	codes, _ := failed.member("description")
	body, _ := answer.member("content")
	more, _ := failed.member("content")
	return failed.replace("description", about.(string)+"\n"+codes.(string)).
		replace("content", append(slices.Clone(body.(object)), more.(object)...))
}

// tagOf groups the routes for readers. What it does not know is of operation, which is the group of
// those that are about the ledger itself.
func tagOf(path string) string {
	switch {
	case strings.HasPrefix(path, "/v1/events"), strings.HasPrefix(path, "/v1/lists"),
		strings.HasPrefix(path, "/v1/refused"), strings.HasPrefix(path, "/upload"),
		path == "/v1/retract":
		return "events"
	case slices.Contains([]string{
		"/v1/coverage", "/v1/series", "/v1/changes", "/v1/explain", "/v1/difference",
		"/v1/bundle", "/v1/attest",
		"/v1/findings", "/v1/funding", "/v1/history", "/v1/reconcile",
		"/v1/lookups", "/v1/reads",
	}, path):
		return "coverage"
	case strings.HasSuffix(path, ".json") || path == "/" || strings.HasPrefix(path, "/assets") ||
		strings.HasPrefix(path, "/schemas") || path == "/sw.js":
		return "documents"
	}
	return "operation"
}

// error is the failure as the server tells it: its status comes from the one table. It is never
// returned to anybody; it only asks the table.
func (f failure) error() *problem.Error {
	return &problem.Error{Code: f.code, Refused: f.refused}
}

// statusesOf returns the statuses of failures, each once: a document has one answer a status. They
// ascend.
func statusesOf(fails []failure) (statuses []int) {
	for _, f := range fails {
		statuses = append(statuses, f.error().Status())
	}
	slices.Sort(statuses)
	return slices.Compact(statuses)
}

// failed makes the response of one status: the codes it may have, each with its title. Titles are
// in English, as all of the document is. A client is to branch on the code and not on its title.
// status is one of those that [statusesOf] returns for the same failures, so there is a line at
// least.
func (l *library) failed(status int, fails []failure) object {
	var lines []string
	headers := object{}
	for _, f := range fails {
		if f.error().Status() == status {
			lines = append(lines, fmt.Sprintf("- `%s`: %s", f.code, f.code.Title(false)))
		}
	}
	// Not each code of these statuses has it: one that waiting does not help says nothing of when
	// to come again.
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

// content is a body or answer of one media type. A description is asked for by the standard and
// says little where there is one good answer.
func content(media string, schema object) object {
	return o("description", "OK").with("content", o(media, o("schema", schema)))
}

// query is a parameter of a query. It may be left out unless the caller adds that it is required.
func query(name, about string, schema object) object {
	return o("name", name).with("in", "query").with("description", about).with("schema", schema)
}

// header is a header of a request. A header whose name the standard gives to the media type or the
// login is ignored by its readers, so none such is made.
func header(name, about string, schema object) object {
	return o("name", name).with("in", "header").with("description", about).with("schema", schema)
}

// refusals returns the codes of refused events. They are read from the table of problems: a new one
// is in the document without a change here.
func refusals() (all []failure) {
	for _, code := range problem.Codes() {
		if code.OfEvent() {
			all = append(all, failure{code: code, refused: true})
		}
	}
	return all
}

// examples returns one example of each type. They are named by their type without what all types
// begin with, in the order of the types.
func examples(of func(t event.Type) any) object {
	all := object{}
	for _, t := range event.Types() {
		all = all.with(strings.TrimPrefix(t.Name(), typePrefix),
			o("summary", aboutTypes[t]).with("value", of(t)))
	}
	return all
}
