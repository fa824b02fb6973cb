package main

import (
	"net/http"

	"cakupan/cmd/internal/problem"
	"cakupan/projections/findings"
)

// language makes the schema of the language of words for people: Indonesian unless English is asked
// for. Codes are the same in both.
func (l *library) language() object {
	return o("enum", texts("id", "en")).with("default", "id")
}

// getFindings is the question what the events contradict (contract, section 8). One route has two
// answers, by summary: their media types tell them apart.
func (l *library) getFindings() operation {
	flag := o("type", "boolean").with("default", false)
	return operation{
		method: http.MethodGet, path: "/v1/findings", id: "getFindings",
		summary: "What the events contradict, and what resolves it.",
		about: "For auditors. A line a finding, in the order in which they were raised; each as" +
			" known then, or as it was before it was resolved. What goes wrong after the first" +
			" line is the last line: a problem. With summary it is one object: how many there" +
			" are by code and region.",
		parameters: append(l.knowledge(),
			query("code", "Findings of this code alone.", l.findingCode()),
			query("worker", "Those about this worker, or an enrolment of the worker.",
				l.ref("Key")),
			query("enrolment", "Those about this enrolment.", l.ref("Key")),
			query("commitment", "Those about this commitment, or a grant of it.", l.ref("Key")),
			query("open", "Those alone that are not resolved.", flag),
			query("from", "Those that an event from this sequence on has raised, or that rest on"+
				" one.", o("type", "integer").with("minimum", 0)),
			query("to", "The last sequence of those events.",
				o("type", "integer").with("minimum", 0)),
			query("lang", "Language of the words.", l.language()),
			query("summary", "Count them instead.", flag)),
		answer: o("description", "Done.").with("content",
			o(mediaLines, o("schema", l.ref("Finding"))).
				with(mediaJSON, o("schema", l.ref("FindingsSummary")))),
		fails: guarded(problem.QueryInvalid, problem.RegionUnknown, problem.ProjectionBehind,
			problem.LogFull, problem.LogUnavailable,
			problem.ProjectionStopped, problem.LogDamaged),
	}
}

// findingCode makes the schema of the code of a finding. The list is the projection's own, and
// closed: a new one is in the document without a change here.
func (l *library) findingCode() object {
	var names list
	for _, name := range findings.CodeNames() {
		names = append(names, name)
	}
	return o("enum", names)
}

// ofFindings makes the definition of a finding or of how many there are, nil when it is another
// one. A member that does not apply to the code is left out, as the contract asks; until alone is
// null, which is an answer: it is open.
func (l *library) ofFindings(name string) object {
	whole := o("type", "integer").with("minimum", 0)
	switch name {
	// rupiah is months times tariff at stake, whole (contract, section 8).
	case "Finding":
		return optional(o("code", l.findingCode()).
			with("since", words("integer", "the sequence that raised it")).
			with("until", orNull(o("type", "integer")).
				with("description", "the one that resolved it; null: it is open")).
			with("events", arrayOf(words("integer", "a sequence")).
				with("description", "those that contradict each other, ascending")).
			with("worker", l.ref("Key")).with("enrolment", l.ref("Key")).
			with("commitment", l.ref("Key")).with("region", l.ref("Region")).
			// One member of two kinds, because the contract has it so: how many months money buys
			// is a number with two decimals.
			with("months", o("description", "the months concerned; of MONEY_SHORT a text: how"+
				" many the money buys").with("oneOf", list{
				arrayOf(l.ref("Month")),
				o("type", "string").with("pattern", `^[0-9]+\.[0-9]{2}$`),
			})).
			with("rupiah", words("integer", "what is at stake").with("minimum", 0)).
			with("text", words("string", "what is wrong and what resolves it")),
			"worker", "enrolment", "commitment", "region", "months", "rupiah")
	// A region is left out where the findings are about none.
	case "FindingsSummary":
		return fields(o("known", fields(o("sequence", whole).
			with("recordedAt", orNull(o("type", "string").with("format", "date-time"))))).
			with("counts", arrayOf(optional(o("code", l.findingCode()).
				with("region", l.ref("Region")).with("open", whole).with("resolved", whole).
				with("months", whole).with("rupiah", whole), "region")).
				with("description", "by code and region; months and rupiah are of the open ones")))
	}
	return nil
}
