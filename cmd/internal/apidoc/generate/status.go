package main

import (
	"net/http"

	"cakupan/cmd/internal/problem"
)

// ofStatus is the route that tells more than how the ledger is. 503 is listed apart from the
// failures, as its body is no problem.
func (l *library) ofStatus() operation {
	return operation{
		method: http.MethodGet, path: "/v1/status", id: "getStatus",
		summary: "Role, writer, intake and streams.",
		about: "For auditors, and on the machine itself. 503 with the same body, and why," +
			" when not all is well.",
		answer: content(mediaJSON, l.ref("Status")).
			replace("description", "All is well."),
		also: o("503", content(mediaJSON, l.ref("Status")).replace("description",
			"Not all is well; see why.")),
		fails: guarded(problem.QueryInvalid),
	}
}

// verified describes what was read again. The parts are not listed, because projections may be
// added; a record of vault and register is counted by its own number, not by a sequence of the log.
func verified() object {
	return o("type", "object").with("description", "how much was last read again and found sound:"+
		" of log, vault and register, and of each projection against a fresh fold of the log").
		with("additionalProperties", fields(
			o("sequence", words("integer", "of the last event; of what is beside the log, record")).
				with("at", o("type", "string").with("format", "date-time"))))
}

// status describes the answer of GET /v1/status. It is what health says, and more. Of a ledger
// without a cluster there is one replica, and no leader; writer is left out where nobody is known
// to write.
func status() object {
	writer := optional(o("name", words("string", "machine and process")).
		with("url", words("string", "where it answers")).
		with("since", o("type", "string").with("format", "date-time")).
		with("here", words("boolean", "it is the ledger that was asked")),
		"name", "url", "since")
	removed := fields(o("forRoom", words("integer", "because their publisher had too many")).
		with("forAge", words("integer", "because they were too old")))
	intake := fields(o("waiting", words("integer", "packs that the log has not taken yet")).
		with("refused", words("integer", "refused messages to be settled")).
		with("removed", removed))
	stream := optional(o("name", words("string", "of the stream")).
		with("replicas", words("integer", "servers that shall keep it")).
		with("current", words("integer", "of them, those that have all of it now")).
		with("lacking", words("integer", "of them, those whose copy was found to lack what others"+
			" have")).
		with("leader", words("string", "the server that leads it, on a cluster")).
		with("messages", words("integer", "in the stream")).
		with("bytes", words("integer", "they take")), "leader")
	return optional(healthFields().with("writer", writer).
		with("intake", intake).with("streams", arrayOf(stream)),
		append(healthSometimes, "writer")...)
}

// healthSometimes are the members of a health that may be left out.
var healthSometimes = []string{"why", "verified", "clock", "degraded", "certificates", "keys"}

// degraded is of a cluster. It is told beside a health that is ok, for nothing is lost.
func degraded() object {
	return words("string", "which server's copy lacks what those of others have, and what to do")
}

// certificates is told beside a health that is ok, too: it is for those who can still act.
func certificates() object {
	return words("string", "which certificates end soon: that of https, and those of the cluster")
}

// lostKeys is told beside a health that is ok, too: who runs has them in memory.
func lostKeys() object {
	return words("string", "which keys are missing, damaged or another ledger's, and what to do")
}

// healthFields are the members of a health. A status has them too and is one object with its own:
// each of two that know all of their members would refuse those of the other.
func healthFields() object {
	return o("status", words("string", "ok, or a word for what is wrong")).
		with("head", words("integer", "the last sequence of the log")).
		with("projections", o("type", "object").with("additionalProperties",
			fields(o("sequence", words("integer", "the last sequence it has applied"))))).
		with("role", words("string", "what it does for its log: it writes, or stands by and"+
			" has what it is sent written").with("enum", texts("writer", "standby"))).
		with("why", words("string", "what is wrong")).
		with("verified", verified()).
		with("clock", words("string", "that record times wait for the clock")).
		with("degraded", degraded()).
		with("certificates", certificates()).
		with("keys", lostKeys())
}
