package main

import (
	"net/http"

	"cakupan/cmd/internal/problem"
)

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

func (l *library) getLookups() operation {
	return operation{
		method: http.MethodGet, path: "/v1/lookups", id: "getLookups",
		summary: "Who asked for whom by NIK.",
		about:   "For auditors. One a line, in their order.",
		answer:  content(mediaLines, l.ref("Lookup")),
		fails:   guarded(problem.QueryInvalid, problem.LogUnavailable),
	}
}

// lookup makes the definition of a look-up.
func lookup() object {
	return fields(o("number", words("integer", "1, 2, 3 … without gaps")).
		with("at", o("type", "string").with("format", "date-time")).
		with("who", words("string", "who has logged in; empty: somebody at the machine")).
		with("worker", words("string", "that was found; empty: nobody")))
}
