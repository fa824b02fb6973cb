package main

import (
	"net/http"

	"cakupan/cmd/internal/problem"
)

// getFunding is money and cover side by side (contract, section 8). It takes no region and no
// indicator: a commitment has a funder, and no percentage is told.
func (l *library) getFunding() operation {
	knowledge := l.knowledge()
	return operation{
		method: http.MethodGet, path: "/v1/funding", id: "getFunding",
		summary: "Committed, granted, disbursed and covered, side by side.",
		about: "For auditors. The first line says what the answer rests on, the last one how many" +
			" commitments there are. Between them is a line a commitment, in order of their ids," +
			" with what is missing, and the month in which its money ends. What goes wrong after" +
			" the first line is the last line: a problem. An answer without its last line was cut" +
			" off.",
		parameters: list{
			query("commitment", "This one alone.", l.ref("Key")),
			query("funder", "Those of which this region itself is the funder.", l.ref("Region")),
			query("year", "Those of this fiscal year.",
				o("type", "integer").with("minimum", 1).with("maximum", 9999)),
			knowledge[1], knowledge[3],
		},
		answer: content(mediaLines, o("oneOf", list{
			fields(o("known", l.knownAs())), l.ref("FundingLine"),
			fields(o("commitments", words("integer", "how many there were"))),
		})),
		fails: auditFails(),
	}
}

// knownAs makes the schema of what an answer rests on. It is of the same shape as known in an
// answer about coverage: sequence 0 and no time is an empty log.
func (l *library) knownAs() object {
	return fields(o("sequence", o("type", "integer").with("minimum", 0)).
		with("recordedAt", orNull(o("type", "string").with("format", "date-time"))))
}

// ofFunding makes the definition of a commitment in numbers. It makes other definitions of this
// part too, and is nil for what is none of them. Rupiah are whole; months are half-open periods,
// from in and until out; a number is null where what it would be made of was never committed.
func (l *library) ofFunding(name string) object {
	switch name {
	case "FundingLine":
	case "HistoryLine":
		return l.historyLine()
	case "Lookup":
		return lookup()
	case "Reconciled":
		return l.reconciled()
	default:
		return nil
	}
	integer := func(about string) object { return words("integer", about) }
	// Five digits for the year: the month after December 9999 ends a period that is in the
	// calendar.
	month := o("type", "string").with("pattern", "^[0-9]{4,5}-[0-9]{2}$")
	span := fields(o("from", month).with("until", month))
	// A head-month is one enrolment in one month, which is what a tariff is paid for.
	part := fields(o("heads", integer("enrolments with a month")).
		with("most", integer("of them in one month")).with("headMonths", integer("")).
		with("rupiah", orNull(integer("times tariff"))))
	return optional(o("commitment", l.ref("Key")).with("funder", orNull(l.ref("Region"))).
		with("funding", o("type", "string")).with("fiscalYear", orNull(integer(""))).
		with("basis", o("type", "string")).
		with("from", orNull(month)).with("until", orNull(month)).
		with("closed", orNull(month)).
		with("committed", orNull(fields(o("heads", integer("")).with("months", integer("")).
			with("headMonths", integer("")).with("tariff", integer("")).
			with("rupiah", integer("heads times months times tariff")).
			with("ceiling", integer("")).
			with("buys", orNull(words("string", "how many months the ceiling buys")))))).
		with("granted", part).
		with("disbursed", fields(o("months", arrayOf(span)).with("rupiah", integer("")))).
		with("covered", part).
		with("missing", fields(
			o("heads", orNull(integer("committed, less the most granted in a month"))).
				with("headMonths", integer("granted, and not covered")).
				with("months", arrayOf(span).
					with("description", "committed, and named by no disbursement")).
				with("rupiah", orNull(integer("granted, less disbursed"))).
				with("ceiling", orNull(integer("committed, less the ceiling"))))).
		with("moneyEnds", fields(o("last", orNull(month)).
			with("committed", orNull(month)).with("granted", orNull(month)).
			with("disbursed", orNull(month))).
			with("description", "the last month granted, and the first not paid for in full")).
		// Months with the same numbers are one period.
		with("months", arrayOf(fields(o("from", month).with("until", month).
			with("granted", integer("")).with("covered", integer("")).
			with("disbursed", o("type", "boolean"))))).
		with("events", arrayOf(words("integer", "a sequence"))), "basis")
}

// getHistory is a whole story on both axes of time: what was reported when, and what it changed.
// That one of the three must be named, and only one, no schema of parameters can say. It takes no
// NIK; who has only that asks for the worker first, and leaves a record.
func (l *library) getHistory() operation {
	knowledge := l.knowledge()
	return operation{
		method: http.MethodGet, path: "/v1/history", id: "getHistory",
		summary: "The whole story of an enrolment, a worker or a commitment.",
		about: "For auditors. Name one of the three. The first line says what the answer rests" +
			" on, the last one how many events there are. Between them is a line an event, in" +
			" order of the log: as it was reported, in words, what it changed, and what was" +
			" taken back. Of a worker it is the story of the person, under all ids that merges" +
			" joined. What goes wrong after the first line is the last line: a problem.",
		parameters: list{
			query("enrolment", "Of this enrolment.", l.ref("Key")),
			query("worker", "Of this worker.", l.ref("Key")),
			query("commitment", "Of this commitment.", l.ref("Key")),
			knowledge[1], knowledge[3],
		},
		answer: content(mediaLines, o("oneOf", list{
			fields(o("known", l.knownAs())), l.ref("HistoryLine"),
			fields(o("events", words("integer", "how many there were"))),
		})),
		fails: append(auditFails(), fails(problem.NotFound)...),
	}
}

// historyLine makes the definition of an event of a story. A change is of days, from in and until
// out, and null is no end. What took it back is a sequence of the log, so the line of a later event
// need not be there.
func (l *library) historyLine() object {
	sequence := words("integer", "a sequence")
	text := fields(o("en", o("type", "string")).with("id", o("type", "string")))
	state := orNull(fields(o("status", o("enum", texts("COVERED", "IN_GRACE", "NOT_COVERED"))).
		with("region", l.ref("Region")).with("payer", l.ref("Payer")).
		with("evidence", arrayOf(o("type", "string"))))).
		with("description", "null where the enrolment is not open")
	return optional(o("event", l.ref("RecordedEvent")).with("sequence", sequence).
		with("text", text).
		with("takenBy", orNull(words("integer", "the retraction; null: in force"))).
		with("takes", arrayOf(sequence)).
		with("changes", arrayOf(fields(o("enrolment", l.ref("Key")).
			with("from", l.ref("Date")).with("until", orNull(l.ref("Date"))).
			with("before", state).with("after", state)))), "takes")
}
