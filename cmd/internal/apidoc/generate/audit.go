package main

import (
	"net/http"

	"cakupan/cmd/internal/problem"
)

// ofAuditors are the questions of contract section 8. All of them tell about persons or about who
// asked, so none is a dashboard's; each also is a command (contract, section 8).
func (l *library) ofAuditors() []operation {
	return []operation{
		l.getExplain(), l.getDifference(), l.getFindings(), l.getFunding(), l.getHistory(),
		l.getReconcile(), l.postLookup(), l.getLookups(),
		l.getReads(),
	}
}

// auditFails are what a question about coverage may end with. Log full and unavailable are among
// them because a read about people is recorded first.
func auditFails() []failure {
	return guarded(problem.QueryInvalid, problem.RegionUnknown, problem.ProjectionBehind,
		problem.ProjectionStopped, problem.LogDamaged, problem.LogFull, problem.LogUnavailable)
}

// getExplain is who makes a figure up. The answer is lines: its memory does not grow with the
// workers of a nation, and a last line with their number says that it is whole.
func (l *library) getExplain() operation {
	return operation{
		method: http.MethodGet, path: "/v1/explain", id: "getExplain",
		summary: "Who makes a figure up, and on which events that rests.",
		about: "For auditors. The first line is the answer, the last one the number of workers," +
			" which is the figure. Between them is a line a worker, in order of their ids; a" +
			" merged worker is named by the least of the ids. What goes wrong after the first" +
			" line is the last line: a problem. An answer without its last line was cut off.",
		parameters: append(l.knowledge(),
			query("on", "The day; today in Asia/Makassar when it is left out.", l.ref("Date")),
			query("of", "Which figure.", o("enum", texts("covered", "confirmed", "inGrace")).
				with("default", "covered"))),
		answer: content(mediaLines, o("oneOf", list{
			fields(o("answer", l.ref("Coverage"))), l.ref("ExplainedWorker"),
			fields(o("workers", words("integer", "how many there were"))),
		})),
		fails: auditFails(),
	}
}

// getDifference is why two figures differ. It has the whole of one question and, for the second
// figure, what is not as in the first; one answer is an object, the other lines, by workers.
func (l *library) getDifference() operation {
	return operation{
		method: http.MethodGet, path: "/v1/difference", id: "getDifference",
		summary: "Why two figures differ.",
		about: "For auditors. In two steps: the first figure's day as known at the second one's" +
			" moment, then the second one's day. What joined less what left is the difference." +
			" With workers the answer is a stream: the same object on its first line, then a line" +
			" a worker and step. What goes wrong after the first line is the last line: a problem.",
		parameters: append(l.knowledge(),
			query("on", "The first day; today in Asia/Makassar when it is left out.",
				l.ref("Date")),
			query("to_on", "The second day; the first one when it is left out.", l.ref("Date")),
			query("to_known", "As known when, of the second figure; as of the first one when it is"+
				" left out. One of the two must be said.", o("type", "string")),
			query("workers", "Say who joined and left, too.",
				o("type", "boolean").with("default", false))),
		answer: o("description", "Done.").with("content",
			o(mediaJSON, o("schema", l.ref("Difference"))).
				with(mediaLines, o("schema", o("oneOf", list{
					l.ref("Difference"), l.ref("DifferenceWorker"),
				})))),
		fails: auditFails(),
	}
}

// ofAudit makes the definition of a part of an answer to auditors, nil when it is another one. The
// codes are those of sections 3 and 8 of the contract. What is none of its names it hands on.
func (l *library) ofAudit(name string) object {
	events := arrayOf(words("integer", "a sequence")).
		with("description", "the events in force that it rests on, ascending")
	switch name {
	// A worker of several enrolments has them on one line: a figure counts him once.
	case "ExplainedWorker":
		return fields(o("worker", l.ref("Key")).
			with("enrolments", arrayOf(fields(o("enrolment", l.ref("Key")).
				with("region", l.ref("Region")).with("segment", l.ref("Segment")).
				with("category", l.ref("Category")).
				with("programmes", arrayOf(l.ref("Programme"))).with("payer", l.ref("Payer")).
				with("status", o("enum", texts("COVERED", "IN_GRACE"))).
				with("evidence", arrayOf(o("enum", texts("CREDITED", "DISBURSED", "PROMISED",
					"DUE", "PRESUMED")))).
				with("events", events)))))
	// The two steps stand in the order of section 8 of the contract: knowledge, then time. Each
	// cause has one worker at least, since those of none are left out.
	case "Difference":
		flows := o("description", "workers by cause; causes of none are left out").
			with("type", "object").with("additionalProperties",
			o("type", "integer").with("minimum", 1))
		// Four decimals, and below zero where a figure fell.
		points := o("type", "string").with("pattern", "^-?[0-9]+\\.[0-9]{4}$")
		return fields(o("from", l.ref("Coverage")).with("to", l.ref("Coverage")).
			with("steps", arrayOf(fields(o("step", o("enum", texts("knowledge", "time"))).
				with("joined", flows).with("left", flows)))).
			with("percent", orNull(fields(o("numerator", points).with("denominator", points)).
				with("description", "percentage points due to each; null where a workforce is"+
					" missing"))))
	// The cause is one of the list in section 8 of the contract, left open here as a word.
	case "DifferenceWorker":
		return fields(o("step", o("enum", texts("knowledge", "time"))).
			with("worker", l.ref("Key")).with("change", o("enum", texts("joined", "left"))).
			with("cause", words("string", "one a worker and step")).with("events",
			arrayOf(words("integer", "a sequence")).with("description", "that it is due to")))
	}
	return l.ofFunding(name)
}
