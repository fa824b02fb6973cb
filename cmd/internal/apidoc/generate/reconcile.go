package main

import "net/http"

// getReconcile is the question how a figure came about that somebody else has published. Of the
// common parameters it takes all but the indicator: which one was meant is a part of what is
// searched. percent and count exclude each other, which no schema of parameters can say.
func (l *library) getReconcile() operation {
	knowledge := l.knowledge()
	return operation{
		method: http.MethodGet, path: "/v1/reconcile", id: "getReconcile",
		summary: "Which ways of counting give a published figure.",
		about: "For auditors. Those readings come first that give the figure and depart the least" +
			" from the ledger's own way of counting. Where none gives it, the nearest are told," +
			" with gives false.",
		parameters: list{
			// All but the indicator.
			knowledge[0], knowledge[1], knowledge[3],
			query("on", "The day; today in Asia/Makassar when it is left out.", l.ref("Date")),
			query("percent", "The percentage that was published, as precise as it was written: 30,"+
				" 30.5 or 61.05. This or count.", o("type", "string")),
			query("count", "The number that was published.",
				o("type", "integer").with("minimum", 0)),
			query("limit", "At most so many readings.", o("type", "integer").with("minimum", 1).
				with("maximum", 1000).with("default", 10)),
		},
		answer: content(mediaJSON, l.ref("Reconciled")),
		fails:  auditFails(),
	}
}

// reconciled makes the definition of an answer. Texts are there in both languages at once. Of a
// mean both numerator and denominator are null, of a count the denominator.
func (l *library) reconciled() object {
	texts := fields(o("en", o("type", "string")).with("id", o("type", "string")))
	count := words("integer", "")
	reading := fields(o("gives", words("boolean", "as precisely as the figure is written")).
		with("value", words("string", "a percentage with two decimals, or a count")).
		with("off", words("string", "the value less the figure")).
		with("departs", arrayOf(o("type", "string")).
			with("description", "from the ledger's own way of counting; empty: it is that")).
		with("text", texts).with("on", l.ref("Date")).
		with("known", words("integer", "a sequence")).
		with("numerator", orNull(count)).with("denominator", orNull(count)))
	return fields(o("region", l.ref("Region")).with("name", o("type", "string")).
		with("on", l.ref("Date")).with("known", l.knownAs()).
		with("figure", o("type", "string")).with("readings", arrayOf(reading)))
}
