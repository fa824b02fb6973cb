package main

import (
	"net/http"

	"cakupan/cmd/internal/problem"
	"cakupan/projections/effect"
)

// ofLists are the routes of those who send lists of people. They are of the page and of the command
// that send lists for a person; whoever has a program of his own sends events. The page's answers
// are for people, so they are not described further.
func (l *library) ofLists() []operation {
	page := content("text/html", o("type", "string"))
	// What is wrong is said on the page too, whoever looks at the status.
	wrong := func(statuses ...string) (also object) {
		for _, status := range statuses {
			also = also.with(status, o("description", "The page, which says what is wrong.").
				with("content", o("text/html", o("schema", o("type", "string")))))
		}
		return also
	}
	lang := query("lang", "The language of the page.", o("enum", texts("id", "en")).
		with("default", "id"))
	return []operation{
		l.postEffect(),
		l.getListKey(),
		l.postMatches(),
		{
			method: http.MethodGet, path: "/v1/lists/events", id: "getListEvents",
			summary: "What the log has of a list: its rows, and the steps that corrected it.",
			about: "For registered publishers, who get what they have sent themselves, and for" +
				" auditors. One event a line, in log order: those with the extension attribute" +
				" list. One that is not in force has an attribute more, retractedby: the sequence" +
				" of what takes it back, whoever sent that. It costs what the list has, however" +
				" long the log is. What goes wrong after the first line is the last line: a" +
				" problem.",
			parameters: list{
				// The only parameter of all routes, beside parts of paths, that must be there.
				query("list", "The id of the list.", o("type", "string")).with("required", true),
				query("source", "Events of this source alone.", l.ref("Source")),
			},
			answer: content(mediaLines, l.ref("RecordedEvent")),
			fails: guarded(problem.QueryInvalid, problem.LogDamaged,
				problem.ProjectionBehind),
		},
		{
			method: http.MethodGet, path: "/upload", id: "getUpload",
			summary:    "The page for those who send lists.",
			parameters: list{lang}, answer: page,
			fails: guarded(problem.NotFound, problem.QueryInvalid),
		},
		{
			method: http.MethodPost, path: "/upload", id: "postUpload",
			summary:    "Check a list, or take in one that was checked.",
			about:      "For the form of the page. The answer is the page, whatever its status.",
			parameters: list{lang},
			body: o("required", true).with("content", o("multipart/form-data", o("schema",
				o("type", "object")))),
			answer: page, also: wrong("422", "429", "500"),
			fails: guarded(problem.NotFound, problem.QueryInvalid),
		},
		{
			method: http.MethodGet, path: "/upload/{part}", id: "getUploadPart",
			summary: "A part of the page, an empty list, or rows that are given back.",
			parameters: list{
				o("name", "part").with("in", "path").with("required", true).
					with("schema", o("type", "string")),
				lang,
				query("kind", "Of an empty list.", o("type", "string")),
				query("token", "Of rows that are given back.", o("type", "string")),
			},
			answer: content("*/*", o("type", "string")), also: wrong("422", "500"),
			fails: guarded(problem.NotFound, problem.QueryInvalid),
		},
	}
}

// postEffect is the question what a list would do, which the page asks before a person confirms. It
// takes a batch and not a list: rows are events by then. The report counts persons, of the day that
// is today in Asia/Makassar.
func (l *library) postEffect() operation {
	count := func(of string) object { return words("integer", of) }
	return operation{
		method: http.MethodPost, path: "/v1/lists/effect", id: "postEffect",
		summary: "What events have done, or would do.",
		about: "For registered publishers, of what they may report. Nothing is appended. Events" +
			" that the log has from since on are what is looked at, those that it has not are" +
			" supposed to come now.",
		parameters: list{
			query("since", "The first sequence that counts as new; none does when it is left out"+
				" or 0.", o("type", "integer").with("minimum", 0)),
			query("on", "The day that regions are counted on; the last one, not after today, on"+
				" which an event takes effect when it is left out.", l.ref("Date")),
			query("part", "The events are a part of a list: nothing is said of people of several"+
				" enrolments, whose events are in apart, to be asked about together.",
				o("type", "boolean")),
		},
		body: o("required", true).with("content", o(mediaBatch, o("schema", l.ref("Batch")))),
		answer: content(mediaJSON, optional(o("on", l.ref("Date")).
			with("regions", arrayOf(l.regionChanged())).
			with("notices", arrayOf(optional(o("code", o("enum", texts(effect.Codes()...))).
				with("rows", arrayOf(count("the place of an event, from 0"))).
				with("date", l.ref("Date")).with("name", o("type", "string")), "date", "name"))).
			with("apart", arrayOf(optional(o("row", count("the place of an event, from 0")).
				with("person", words("string", "the same for all events of a person; absent of"+
					" one whom the log does not know")), "person"))),
			"on", "apart")),
		fails: guarded(problem.QueryInvalid, problem.MediaType, problem.Malformed,
			problem.BodyTooLarge, problem.BodyIncomplete, problem.RequestTooSlow,
			problem.ProjectionBehind, problem.ProjectionStopped, problem.LogUnavailable,
			problem.LogDamaged),
	}
}

// regionChanged makes the schema of what events change in a region.
func (l *library) regionChanged() object {
	counts := func(properties object, who string) object {
		return properties.
			with("before", words("integer", who+" before, of those whom the events name")).
			with("after", words("integer", who+" after, of those whom the events name")).
			with("total", words("integer", who+" after, of all"))
	}
	return fields(counts(o("region", l.ref("Region")).with("name", o("type", "string")), "covered").
		with("confirmed", fields(counts(object{}, "confirmed"))))
}

// postMatches is the question which rows of a list the ledger has under older keys of lists, that
// the command and the page ask before they send them.
func (l *library) postMatches() operation {
	return operation{
		method: http.MethodPost, path: "/v1/lists/matches", id: "postMatches",
		summary: "By which names the ledger has rows of a list under older keys of lists.",
		about: "For registered publishers, of their own sources. Nothing is appended, and nothing" +
			" is told of what other sources have reported.",
		parameters: list{
			query("source", "The source of the list: one of the publisher's.", o("type", "string")),
			query("dry_run", "The rows are named by the key that a dry run got.",
				o("type", "boolean")),
		},
		body: o("required", true).with("content", o(mediaJSON, o("schema",
			arrayOf(optional(o("nik", words("string", "by the hash of which the event names"+
				" somebody; absent or empty where it names nobody so")).
				with("event", o("type", "object")), "nik"))))),
		answer: content(mediaJSON, fields(o("rows", arrayOf(o("oneOf", list{
			o("type", "null"),
			optional(o("id", words("string", "of the event")).
				with("name", words("string", "of the enrolment, or of the person's rows")), "name"),
		}))))),
		fails: guarded(problem.QueryInvalid, problem.MediaType, problem.Malformed,
			problem.BodyTooLarge, problem.BodyIncomplete, problem.RequestTooSlow,
			problem.ProjectionBehind, problem.ProjectionStopped, problem.LogUnavailable,
			problem.LogDamaged),
	}
}

// getListKey is the question for the key that the command and the page name rows by.
func (l *library) getListKey() operation {
	return operation{
		method: http.MethodGet, path: "/v1/lists/key", id: "getListKey",
		summary: "The key that makes ids of the rows of lists of people.",
		about: "For registered publishers, who send lists. Each has a key of his own, which" +
			" is another one once his secret is rotated, and gone once he is revoked.",
		parameters: list{
			query("source", "The source of the list: one of the publisher's.",
				o("type", "string")),
			query("dry_run", "No key is made. Where there is none, the answer has one to try"+
				" with.", o("type", "boolean")),
		},
		answer: content(mediaJSON, l.ref("ListKey")),
		fails:  guarded(problem.QueryInvalid, problem.LogUnavailable, problem.VaultLost),
	}
}
