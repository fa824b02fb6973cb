package main

import (
	"net/http"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/lookups"
)

// postLookup is the one question with a NIK in it (contract, section 8). It is a POST although it
// changes nothing of the ledger's answers: it leaves a record, and a body is not written to logs of
// requests as an address is.
func (l *library) postLookup() operation {
	nik := fields(o("nik", words("string", "an identity number of 16 digits")))
	return operation{
		method: http.MethodPost, path: "/v1/lookups", id: "postLookup",
		summary: "Who a NIK is: the worker id.",
		about: "For auditors. Answers once it is recorded who asked, when, and for which worker;" +
			" so also when nobody is found. The NIK is in the body, because addresses are written" +
			" to logs on the way.",
		body:   o("required", true).with("content", o(mediaJSON, o("schema", nik))),
		answer: content(mediaJSON, fields(o("worker", l.ref("Key")))),
		fails: guarded(problem.Malformed, problem.NotFound, problem.QueryInvalid,
			problem.LogFull, problem.LogUnavailable),
	}
}

// getLookups is who asked for whom, which an auditor of the auditors reads.
func (l *library) getLookups() operation {
	return operation{
		method: http.MethodGet, path: "/v1/lookups", id: "getLookups",
		summary: "Who asked for whom by NIK.",
		about:   "For auditors. One a line, in their order.",
		answer:  content(mediaLines, l.ref("Lookup")),
		fails:   guarded(problem.QueryInvalid, problem.LogUnavailable),
	}
}

// getReads is the same for all that was read about people, of which look-ups are one kind. What
// could not be recorded was not answered.
func (l *library) getReads() operation {
	return operation{
		method: http.MethodGet, path: "/v1/reads", id: "getReads",
		summary: "Who read what about people.",
		about: "For auditors. One a line, in their order: look-ups by NIK, histories, the workers" +
			" of figures and of differences, bundles, the log and the findings about one worker" +
			" or enrolment, what was refused with what was sent, and who retried or dropped that.",
		parameters: list{
			query("who", "Of this member alone.", o("type", "string")),
			query("what", "Of this kind alone.", o("enum", readKinds())),
			query("worker", "About this worker alone.", l.ref("Key")),
		},
		answer: content(mediaLines, optional(
			o("number", words("integer", "1, 2, 3 … without gaps")).
				with("at", o("type", "string").with("format", "date-time")).
				with("who", words("string", "has logged in; empty: somebody at the machine")).
				with("what", o("enum", readKinds())).
				with("of", words("string", "whom or which")).
				with("worker", words("string", "whom it is about, where that is one worker")).
				with("why", words("string", "of a retry or a drop")), "why")),
		fails: guarded(problem.QueryInvalid, problem.LogUnavailable),
	}
}

// readKinds names the kinds of reads. They are those of the record itself, so a new one is in the
// document without a change here.
func readKinds() (names list) {
	for _, kind := range lookups.Kinds() {
		names = append(names, string(kind))
	}
	return names
}

// lookup makes the definition of a look-up. It never holds the NIK: the record has the worker id
// alone.
func lookup() object {
	return fields(o("number", words("integer", "ascending; other reads stand between")).
		with("at", o("type", "string").with("format", "date-time")).
		with("who", words("string", "who has logged in; empty: somebody at the machine")).
		with("worker", words("string", "that was found; empty: nobody")))
}
