package main

import (
	"fmt"
	"net/http"
	"strings"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/writer"
	"cakupan/projections/coverage"
)

// guarded are the codes that any route may end with that is not for everybody. more are those of
// the route itself. Most are answered before the route's own handler is asked, so none of them says
// anything of the route.
func guarded(more ...problem.Code) []failure {
	return fails(append([]problem.Code{
		problem.Unauthenticated, problem.LoginThrottled, problem.RegisterUnavailable,
		problem.Forbidden, problem.Overloaded, problem.Internal,
	}, more...)...)
}

// operations lists every operation once, in the order of the document. A test compares them with
// the routes that the server has. The order is that in which a newcomer reads: events in and out,
// figures, then what fewer ask.
func operations(l *library) []operation {
	all := []operation{
		l.postEvents(), l.getEvents(), l.getCoverage(), l.getSeries(),
		l.getChanges(),
	}
	all = append(all, l.ofLists()...)
	all = append(all, l.postRetract())
	all = append(all, l.ofAuditors()...)
	all = append(all, l.ofProof()...)
	all = append(all, l.ofRefused()...)
	all = append(all, l.forOperators()...)
	return append(all, l.documents()...)
}

// atomicBounds says what an atomic batch may be. The numbers are the writer's: what fits one frame
// is what can be appended as a whole.
var atomicBounds = fmt.Sprintf("At most %d events that take at most %d bytes in the log: what is"+
	" more is answered with 413.", writer.AtomicEventsMax, writer.AtomicBytesMax)

// postEvents is the way in. One route takes four forms by their media types, and so has one list of
// failures: which of them a form can end with is told by the words of each code. Receipts may come
// with a problem, see the definition of that.
func (l *library) postEvents() operation {
	flag := o("type", "boolean").with("default", false)
	return operation{
		method: http.MethodPost, path: "/v1/events", id: "postEvents",
		summary: "Report events: one, an array, or a stream.",
		about: "Answers once what was appended is on stable storage. One event that is refused is" +
			" a problem with its receipt; in a batch, each event has a receipt of its own, and" +
			" the others are appended unless atomic is asked for. A stream is answered with a" +
			" receipt a line, as the events become durable: read while you send. What goes wrong" +
			" after the first receipt of a stream is its last line, a problem.\n\n" +
			"In binary mode the body is the data, and each other attribute is in a header that" +
			" begins with ce-, percent-encoded.",
		parameters: list{
			query("atomic", "Append a batch as a whole or not at all, whatever happens; nothing"+
				" when one of its events is refused. Not for streams. "+atomicBounds, flag),
			query("dry_run", "Judge, and append nothing.", flag),
			query("list_seen", "Append a batch that corrects a list only while that is as it was"+
				" seen: the sequence of its last event of GET /v1/lists/events, 0 where it had"+
				" none. Of whoever was ahead: list.changed. Needs atomic.",
				o("type", "integer").with("minimum", 0)),
			query("keep_recorded", "Take recordedat of each event as its record time, as an older"+
				" system recorded it. Not for registered publishers.", flag),
			query("findings", "Tell with each receipt what of the event contradicts others, once"+
				" that is known.", flag),
			query("lang", "Language of the words of findings.", l.language()),
			header("Content-Encoding", "How the body is compressed.",
				o("enum", texts("identity", "gzip", "zstd")).with("default", "identity")),
			// Told because clients of other interfaces send it out of habit, and would rely on it.
			header("Idempotency-Key", "Accepted, and not needed: an event is the same event by its"+
				" source and id, for ever, whatever this header says. The server does not look at"+
				" it: the same events under another key are duplicates, and other events under the"+
				" same key are not.", o("type", "string")),
			header("ce-specversion", "Binary mode alone: as every attribute of the event but data"+
				" and datacontenttype.", o("const", "1.0")),
			header("ce-id", "Binary mode alone.", l.ref("EventId")),
			header("ce-source", "Binary mode alone.", l.ref("Source")),
			header("ce-type", "Binary mode alone.", o("enum", typeNames())),
		},
		body: l.eventBodies(),
		answer: o("description", "A receipt for each event, in the order sent.").
			with("content", o(mediaJSON, o("schema", l.ref("Receipts")).
				with("example", exampleReceipts())).
				with(mediaLines, o("schema", l.ref("Receipt")).
					with("example", exampleReceipt()))),
		// Section 1's refusals are added to those of the request: of one event they are the answer,
		// of a batch they stand in receipts.
		fails: append(guarded(problem.QueryInvalid, problem.MediaType, problem.EncodingUnsupported,
			problem.EncodingDamaged, problem.EventsDear, problem.ListChanged, problem.Malformed,
			problem.BodyTooLarge,
			problem.BodyIncomplete, problem.RequestTooSlow, problem.LogFull,
			problem.LogUnavailable, problem.LogDamaged,
			problem.ServerStopping), refusals()...),
	}
}

// typeNames returns the names of all types that a publisher may report, in the order of the domain.
func typeNames() (names list) {
	for _, t := range event.Types() {
		names = append(names, t.Name())
	}
	return names
}

// eventBodies makes the bodies of events in each media type. The data of binary mode may be that of
// any type: which one, a header says, and OpenAPI cannot tie the two together. anyOf and not oneOf,
// since data of one type may be valid as that of another.
func (l *library) eventBodies() object {
	var data, batch list
	for _, t := range event.Types() {
		data = append(data, l.ref(typeName(t)+"Data"))
	}
	// Ids of their own: two events of one source and id in a batch would be a conflict.
	for _, t := range []event.Type{event.EnrolmentOpened, event.FundingGranted} {
		id := strings.TrimPrefix(t.Name(), typePrefix)
		batch = append(batch, exampleEvent(t).replace("id", id))
	}
	return o("required", true).with("content", o(mediaEvent, o("schema", l.ref("Event")).
		with("examples", examples(func(t event.Type) any { return exampleEvent(t) }))).
		with(mediaBatch, o("schema", l.ref("Batch")).with("example", batch)).
		with(mediaLines, o("schema", l.ref("Event")).
			with("example", exampleEvent(event.EnrolmentOpened))).
		with(mediaJSON, o("schema", o("description", "Binary mode: data of the type in ce-type.").
			with("anyOf", data)).
			with("examples", examples(func(t event.Type) any { return exampleData[t] }))))
}

// exampleReceipt is the receipt of an event that was appended.
func exampleReceipt() object {
	return o("source", exampleSource).with("id", "2020-000417").
		with("status", string(event.Appended)).with("sequence", 4711)
}

// exampleReceipts shows a success beside a refusal, because that is what a client must expect of a
// batch: 200, and not all of it in the log.
func exampleReceipts() object {
	return o("appended", 1).with("duplicates", 0).with("refused", 1).with("receipts", list{
		exampleReceipt(),
		o("source", exampleSource).with("id", "2020-000418").with("status", string(event.Refused)).
			with("code", string(event.RegionUnknown)).with("field", "data.region").
			with("detail", "data.region is not in the register of regions: did you mean 75.03"+
				" Kabupaten Bone Bolango? BPS uses 7503 for Pohuwato"),
	})
}

// getEvents is the log. A stream has no length, so its schema is that of one line. Who must follow
// the log by the network can: follow never ends by itself.
func (l *library) getEvents() operation {
	sequence := o("type", "integer").with("minimum", 0)
	key := l.ref("Key")
	return operation{
		method: http.MethodGet, path: "/v1/events", id: "getEvents",
		summary: "Read the log, in its order.",
		about: "One event a line. What goes wrong after the first line is the last line: a" +
			" problem instead of an event.",
		parameters: list{
			query("from", "The first sequence.", sequence),
			query("to", "The last sequence.", sequence),
			query("type", "Events of this type alone; "+typePrefix+" may be left out.",
				o("type", "string")),
			query("enrolment", "Events whose data has this enrolment.", key),
			query("worker", "Events whose data has this worker, in into too; merges"+
				" are not followed.", key),
			query("commitment", "Events whose data has this commitment.", key),
			query("source", "Events of this source.", l.ref("Source")),
			query("publisher", "Events of this publisher: the registered name, or the source of"+
				" who was none.", o("type", "string")),
			// The bound is the server's: it must hold what is last until it knows that it is.
			query("last", "Of all these the last so many; not with limit.",
				o("type", "integer").with("minimum", 1).with("maximum", 1_000_000)),
			query("follow", "Go on as the log grows.", o("type", "boolean").with("default", false)),
			query("limit", "At most so many events.", o("type", "integer").with("minimum", 1)),
		},
		answer: content(mediaLines, l.ref("RecordedEvent")),
		fails: guarded(problem.QueryInvalid, problem.LogDamaged, problem.LogUnavailable,
			problem.LogFull, problem.ServerStopping),
	}
}

// knowledge are the parameters that all questions about coverage have. Some questions take a part
// of them, by its place: region is the first, known the second, indicator the third, min_seq the
// last. A new one goes to the end. Each call makes a list of its own, to which a caller may append.
func (l *library) knowledge() list {
	return list{
		query("region", "ID, a province or a regency.", l.ref("Region")),
		query("known", "As known at a sequence, a time, or the end of a date in Asia/Makassar;"+
			" everything that is recorded when it is left out.", o("type", "string")),
		query("indicator", "What the percentage is of.",
			o("enum", codeLists()["Indicator"]).with("default", "EMPLOYED")),
		query("min_seq", "Answer once this event is applied: read your own write. Waits 5 s at"+
			" most.", o("type", "integer").with("minimum", 0)),
	}
}

// getCoverage is the question that the ledger is for (contract, sections 3 and 4).
func (l *library) getCoverage() operation {
	return operation{
		method: http.MethodGet, path: "/v1/coverage", id: "getCoverage",
		// Without region and with region=ID are two questions: see the words.
		summary: "Who is covered, on a day, as known at a moment.",
		about: "Without region: the nation, and every province and regency with something to" +
			" show.",
		parameters: append(l.knowledge(),
			query("on", "The day; today in Asia/Makassar when it is left out.", l.ref("Date")),
			query("by", "Divide by a dimension; may be repeated.",
				arrayOf(o("enum", texts(coverage.DimensionNames()...)))),
			query("count", "What the cells of by count; covered, sectors and"+
				" percentages are of workers all the same.",
				o("enum", texts(coverage.CountNames()...)).
					with("default", coverage.Workers.String()))),
		answer: content(mediaJSON, arrayOf(l.ref("Coverage"))),
		fails: guarded(problem.QueryInvalid, problem.RegionUnknown, problem.ProjectionBehind,
			problem.ProjectionStopped, problem.LogDamaged),
	}
}

// getSeries is the same over time. How many points there may be is told by the error, not here: it
// is a bound of the server and no part of the interface.
func (l *library) getSeries() operation {
	return operation{
		method: http.MethodGet, path: "/v1/series", id: "getSeries",
		summary: "How the coverage of a region moved over days or months.",
		parameters: append(l.knowledge(),
			query("from", "The first day; a year before until when it is left out.", l.ref("Date")),
			query("until", "The last day; today in Asia/Makassar when it is left out.",
				l.ref("Date")),
			query("step", "Each day, or the last day of each month.",
				o("enum", texts("day", "month")).with("default", "month"))),
		answer: content(mediaJSON, arrayOf(l.ref("SeriesPoint"))),
		fails: guarded(problem.QueryInvalid, problem.RegionUnknown, problem.ProjectionBehind,
			problem.ProjectionStopped, problem.LogDamaged),
	}
}

// getChanges is the subscription of section 9 of the contract. OpenAPI has no words for what
// streams in, so the frames are told in prose, and their data by the schema of coverage that is
// named there.
func (l *library) getChanges() operation {
	last := o("name", "Last-Event-ID").with("in", "header").
		with("description", "The id of the last event that was seen: what has changed since is"+
			" told first, instead of all.").
		with("schema", o("type", "string").with("pattern", "^[0-9]+$"))
	return operation{
		method: http.MethodGet, path: "/v1/changes", id: "getChanges",
		summary: "What changes, as it does: Server-Sent Events.",
		about: "First `snapshot`, the answers of all regions asked for, then `change`, those that" +
			" have changed, at most ten times a second; the data of both are an array as" +
			" of /v1/coverage, and the id is a sequence. `state` says whether that is live," +
			" behind or stale, how far, and as role whether this server is the writer or a" +
			" standby. `end` says why there is no more.",
		parameters: list{
			query("region", "Watch this region; may be repeated. All when it is left out.",
				arrayOf(l.ref("Region"))),
			query("by", "Divide by a dimension; may be repeated.",
				arrayOf(o("enum", texts(coverage.DimensionNames()...)))),
			query("on", "The day; today in Asia/Makassar, moving on at midnight, when it is"+
				" left out.", l.ref("Date")),
			last,
		},
		answer: content("text/event-stream", o("type", "string")),
		fails: guarded(problem.QueryInvalid, problem.RegionUnknown, problem.ProjectionBehind,
			problem.ProjectionStopped, problem.LogDamaged, problem.Overloaded),
	}
}

// forOperators are the routes that are not about events or figures. Health and readiness are for
// everybody and so have none of the failures of logins: what asks them is often a machine without a
// secret.
func (l *library) forOperators() []operation {
	health := content(mediaJSON, l.ref("Health")).
		replace("description", "It takes events and answers.")
	return []operation{
		{
			method: http.MethodGet, path: "/healthz", id: "getHealth",
			summary: "How the ledger is.",
			about: "For everybody. 503 with the same body, and why," +
				" when it cannot take events or answer.",
			answer: health,
			// 503 is no problem here but the same body, for whoever reads why.
			also: o("503", content(mediaJSON, l.ref("Health")).replace("description",
				"It cannot take events, or cannot answer; see why.")),
			fails: fails(problem.QueryInvalid),
		},
		{
			method: http.MethodGet, path: "/readyz", id: "getReady",
			summary: "Whether events and questions are answered now.",
			// The 5 s are of section 7 of the contract.
			about: "For everybody. 503 with the same body, and why, when they are not: so also" +
				" while a projection is being built, or is more than 5 s behind the log. That is" +
				" measured by the record time of the oldest event that it has not applied.",
			answer: content(mediaJSON, l.ref("Readiness")).
				replace("description", "Events and questions are answered now."),
			also: o("503", content(mediaJSON, l.ref("Readiness")).replace("description",
				"They are not; see why.")),
			fails: fails(problem.QueryInvalid),
		},
		{
			method: http.MethodGet, path: "/metrics", id: "getMetrics",
			summary: "What was counted, for Prometheus.",
			about:   "For auditors, and on the machine itself.",
			answer:  content("text/plain", o("type", "string")),
			fails:   guarded(problem.QueryInvalid, problem.NotFound),
		},
		l.ofStatus(),
		{
			method: http.MethodPost, path: "/v1/replay", id: "postReplay",
			summary: "Rebuild a projection from the log and compare.",
			about:   "For auditors, and on the machine itself.",
			parameters: list{
				// No list of names: a projection may be added, and one that there is not is refused
				// by name.
				query("projection", "Which one: coverage, unless another is named, or history.",
					words("string", "the name of a projection")),
				query("to", "The last sequence to apply.", o("type", "integer").with("minimum", 0)),
				query("swap", "Put the rebuilt one in place. On the machine itself alone.",
					o("type", "boolean")),
			},
			answer: content(mediaJSON, l.ref("ReplayResult")),
			fails: guarded(problem.QueryInvalid, problem.LogDamaged, problem.LogUnavailable,
				problem.ProjectionStopped),
		},
		{
			method: http.MethodPost, path: "/v1/verify", id: "postVerify",
			summary: "Read and check the whole log.",
			about:   "For auditors, and on the machine itself. Damage is told in the report.",
			answer:  content(mediaJSON, l.ref("VerifyReport")),
			fails:   guarded(problem.QueryInvalid, problem.LogUnavailable),
		},
		getBackup(),
	}
}

// getBackup is the backup of a running ledger. The schema is of bytes without structure: the format
// is not an interface between programs, and cakupan restore reads it.
func getBackup() operation {
	number := o("type", "integer").with("minimum", 0)
	text := o("type", "string").with("pattern", "^[0-9a-f]*$")
	return operation{
		method: http.MethodGet, path: "/v1/backup", id: "getBackup",
		summary: "All that cannot be derived, but for the keys.",
		about: "For auditors at the machine itself. What goes wrong after it has begun is at" +
			" its end, which then is not that of a backup. With the parameters, which the end of" +
			" an earlier backup tells, it has only what is new.",
		parameters: list{
			query("file", "SHA-256 of the end of the earlier backup.", text),
			query("events", "The last event in it.", number),
			query("frame", "SHA-256 of its last frame; empty without events.", text),
			query("vault", "The last record of the vault in it.", number),
			query("register", "The last record of the register in it.", number),
			query("lookups", "The last look-up by NIK in it; absent: it has none.", number),
			query("vaultSum", "SHA-256 of that record of the vault; absent: not compared.", text),
			query("registerSum", "Likewise of the register.", text),
			query("lookupsSum", "Likewise of the look-ups.", text),
		},
		answer: content(mediaBytes, o("type", "string").with("format", "binary")),
		fails: guarded(problem.NotFound, problem.QueryInvalid, problem.LogDamaged,
			problem.LogUnavailable, problem.VaultLost, problem.FolderOtherLedger,
			problem.ServerStopping),
	}
}

// ofRefused are the operations on what was refused of messages that nobody waited for. They are
// kept because nobody waited for a receipt when they came by NATS. A steward must give a reason, an
// auditor at the machine may leave it out; so the schema cannot ask for it.
func (l *library) ofRefused() []operation {
	number := list{
		o("name", "number").with("in", "path").with("required", true).
			with("schema", o("type", "integer").with("minimum", 0)),
	}
	// One text for both, because the rights are the same.
	const where = "For stewards, with a reason, of publishers of their regions; for auditors at" +
		" the machine itself. Who, what and why are recorded first: see /v1/reads."
	missing := guarded(problem.NotFound, problem.QueryInvalid, problem.LogFull,
		problem.LogUnavailable)
	reason := append(list{query("reason", "Why; a steward must say it.",
		o("type", "string").with("maxLength", 300))}, number...)
	return []operation{
		{
			method: http.MethodGet, path: "/v1/refused", id: "getRefused",
			summary: "What was refused of what was sent without waiting for receipts.",
			about:   "For auditors. One a line, until somebody settles it.",
			parameters: list{
				query("from", "The first number.", o("type", "integer").with("minimum", 0)),
				query("publisher", "Those of this publisher.", o("type", "string")),
				query("code", "Those refused with this code.", o("type", "string")),
				query("before", "Those received before this time.",
					o("type", "string").with("format", "date-time")),
				query("brief", "Tell number, publisher, time, code and size alone: none is opened"+
					" for it.", o("type", "boolean")),
			},
			answer: content(mediaLines, l.ref("RefusedMessage")), fails: missing,
		},
		{
			method: http.MethodGet, path: "/v1/refused/{number}", id: "getRefusedOne",
			summary: "One of those, with what was sent.", about: "For auditors.",
			parameters: number,
			answer:     content(mediaJSON, l.ref("RefusedMessage")), fails: missing,
		},
		{
			method: http.MethodPost, path: "/v1/refused/{number}/retry", id: "retryRefused",
			summary:    "Take one in again.",
			about:      where + " What is in the log then is removed; what is refused again stays.",
			parameters: reason, answer: content(mediaJSON, l.ref("Receipts")),
			fails: append(missing, fails(problem.LogDamaged)...),
		},
		{
			method: http.MethodDelete, path: "/v1/refused/{number}", id: "dropRefused",
			summary: "Remove one for ever.", about: where, parameters: reason,
			answer: content(mediaJSON, fields(o("dropped", words("integer", "its number")))),
			fails:  missing,
		},
	}
}

// documents are the routes of documents and of the page. Those that describe the interface are for
// everybody, also on a guarded ledger; the dashboard is not. Their bodies are objects and no more:
// the documents of the document are standards of their own.
func (l *library) documents() []operation {
	whole := func(media string) object { return content(media, o("type", "object")) }
	missing := fails(problem.QueryInvalid, problem.NotFound)
	return []operation{
		{
			method: http.MethodGet, path: "/openapi.json", id: "getOpenAPI",
			summary: "This document.", answer: whole(mediaJSON), fails: missing,
		},
		{
			method: http.MethodGet, path: "/asyncapi.json", id: "getAsyncAPI",
			summary: "The same for NATS: an AsyncAPI document.",
			answer:  whole(mediaJSON), fails: missing,
		},
		{
			method: http.MethodGet, path: "/schemas/", id: "getSchemas",
			summary: "The names of all schemas.",
			answer:  content(mediaJSON, arrayOf(o("type", "string"))),
			fails:   missing,
		},
		{
			method: http.MethodGet, path: "/schemas/{name}", id: "getSchema",
			summary: "The JSON Schema of an event.",
			about: "NAME.json is the whole CloudEvent of a type, NAME.data.json its data;" +
				" event.json is an event of any type.",
			parameters: list{
				o("name", "name").with("in", "path").with("required", true).
					with("schema", o("type", "string").with("examples", texts(
						event.EnrolmentOpened.Name()+".json",
						event.EnrolmentOpened.Name()+".data.json", "event.json"))),
			},
			answer: whole(mediaSchema), fails: missing,
		},
		{
			method: http.MethodGet, path: "/", id: "getPage", summary: "The dashboard.",
			answer: content("text/html", o("type", "string")), fails: guarded(problem.NotFound),
		},
		{
			method: http.MethodGet, path: "/sw.js", id: "getKeeper",
			summary: "What keeps the dashboard for when there is no network.",
			answer:  content("text/javascript", o("type", "string")),
			fails:   guarded(problem.NotFound),
		},
		{
			method: http.MethodGet, path: "/assets/{name}", id: "getAsset",
			summary: "A part of the dashboard.",
			parameters: list{
				o("name", "name").with("in", "path").with("required", true).
					with("schema", o("type", "string")),
			},
			answer: content("*/*", o("type", "string")), fails: guarded(problem.NotFound),
		},
	}
}
