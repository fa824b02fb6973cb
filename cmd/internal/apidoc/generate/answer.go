package main

import (
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// fields is a schema of an object all of whose members are there, and no other. An answer with a
// member that the document has not fails the tests of the server. It is so for answers, which the
// ledger writes itself; what is sent in is described by the domain's rules.
func fields(properties object) object { return optional(properties) }

// optional is a schema of an object with some members that are not always there. Which they are is
// told here by name and again nowhere, so a member that the ledger sometimes leaves out must be
// named: without it, an answer that lacks it fails the tests of the server. A name that the object
// has not is ignored.
func optional(properties object, sometimes ...string) object {
	required := list{} // not null, where all are left out at times
	for i := range properties {
		always := true
		for _, name := range sometimes {
			always = always && name != properties[i].name
		}
		if always {
			required = append(required, properties[i].name)
		}
	}
	return o("type", "object").with("required", required).with("properties", properties).
		with("additionalProperties", false)
}

// words is a schema of a value of a type, described. kind is a type of JSON Schema. The words go on
// from the member's name, as in a table: no sentence.
func words(kind, description string) object {
	return o("description", description).with("type", kind)
}

// orNull is a schema of a value that may not be known. It is there and null: not the same as a
// member that is left out, which says that it does not apply.
func orNull(schema object) object { return o("oneOf", list{schema, o("type", "null")}) }

// arrayOf is a schema of a list of any length. It may be empty.
func arrayOf(items object) object { return o("type", "array").with("items", items) }

// answer makes the definition of an answer, or of a part of one. It asks one part after the other:
// each returns nil for a name that is another's, and the last of them for one that nobody knows.
// Such a name is a fault of this program: it is written as {}, which anything fits.
//
// What a stream of events is answered with is a Receipt a line, without the sums of Receipts. A
// Batch has the bound of section 7 of the contract; its other one, 16 MiB, is of bytes and cannot
// be said. PubAck is not the ledger's own: it is what JetStream says to who publishes to it.
// Projections and parts that were verified are by name, which is open: one may be added. A status
// may be a new word too; ok alone is a promise. behindSeconds are of record times against the
// server's clock, and so a decimal number. The original of a RefusedMessage is in the answer about
// one and not in lists, because who looks at one is recorded; what is not known of a message that
// could not be read is left out. ReplayResult is as section 6 of the contract has it.
func (l *library) answer(name string) object {
	switch name {
	case "Receipt":
		return optional(l.receipt().with("findings", orNull(arrayOf(l.ref("Finding"))).
			with("description", "where asked for: the open findings that the event has raised, or"+
				" that rest on it; null when they are not known yet")),
			"sequence", "code", "field", "detail", "findings")
	case "Receipts":
		return fields(l.receipts())
	case "Problem":
		return l.problem()
	case "Batch":
		return arrayOf(l.ref("Event")).with("maxItems", 10_000)
	case "RecordedEvent":
		return o("description", "An event of the log: the CloudEvent as accepted, with its place"+
			" and record time, and with the worker id in the place of a NIK.").
			with("allOf", list{
				o("oneOf", list{l.ref("Event"), l.ref(typeName(event.FigurePublished))}),
				o("required", texts("sequence", "recordedat")),
			})
	case "PubAck":
		return l.pubAck()
	case "Health":
		return optional(healthFields(), healthSometimes...)
	case "Status":
		return status()
	case "Readiness":
		return optional(o("status", words("string", "ok; behind, when only time is needed; or"+
			" failing")).
			with("head", words("integer", "the last sequence of the log")).
			with("projections", o("type", "object").with("additionalProperties",
				fields(o("sequence", words("integer", "the last sequence it has applied")).
					with("behindSeconds", words("number", "how long ago the oldest event was"+
						" recorded that it has not applied; 0 when there is none"))))).
			with("role", words("string", "whether this server writes the log or stands by").
				with("enum", texts("writer", "standby"))).
			with("why", words("string", "what it waits for, or what is wrong")).
			with("clock", words("string", "that record times wait for the clock")).
			with("degraded", degraded()).
			with("certificates", certificates()).
			with("keys", lostKeys()), "why", "clock", "degraded", "certificates", "keys")
	case "ListKey":
		return optional(o("key", words("string", "32 bytes in hexadecimal").
			with("pattern", "^[0-9a-f]{64}$")).
			with("older", words("boolean", "rows may be in the log under an older key: ask POST"+
				" /v1/lists/matches before they are sent")), "older")
	case "RefusedMessage":
		return optional(o("number", words("integer", "under which it is kept")).
			with("publisher", words("string", "who sent it, where that is known")).
			with("receivedAt", o("type", "string").with("format", "date-time")).
			with("source", words("string", "of the event, as far as it could be read")).
			with("id", words("string", "of the event, as far as it could be read")).
			with("code", words("string", "why it was refused").with("examples", refusalCodes())).
			with("field", words("string", "what is wrong of it")).
			with("detail", words("string", "what to do about it")).
			with("bytes", words("integer", "as it is stored; in brief lists alone")).
			with("original", words("string", "what was sent, a NIK masked; not in lists")),
			"publisher", "source", "id", "field", "detail", "bytes", "original")
	case "ReplayResult":
		return fields(o("projection", words("string", "which one was rebuilt")).
			with("events", words("integer", "how many were applied")).
			with("seconds", words("number", "how long it took")).
			with("eventsPerSecond", words("number", "how fast it was")).
			with("digest", words("string", "of all that the projection says")).
			with("matches", words("boolean", "the live one has the same digest at that sequence")))
	}
	return l.verification(name)
}

// verification makes the definition of a part of what verify says. Damage is no error of the
// request: a report that finds some is 200, and ok says so.
func (l *library) verification(name string) object {
	switch name {
	case "VerifyReport":
		return fields(o("ok", words("boolean", "no damage was found")).
			with("events", words("integer", "in the log, as far as can be told")).
			with("frames", words("integer", "in the log")).
			with("root", words("string", "Merkle root over all events, hexadecimal")).
			with("findings", orNull(arrayOf(fields(
				o("from", words("integer", "the first sequence that is damaged")).
					// 0 and not null: nobody knows how long a log is whose end cannot be read.
					with("to", words("integer", "the last one; 0: to the end of the log")).
					with("what", words("string", "what is wrong")))))).
			with("files", arrayOf(l.ref("VerifiedFile"))).
			with("caches", arrayOf(l.ref("VerifiedCache"))).
			with("copies", arrayOf(fields(o("stream", words("string", "of which it is a copy")).
				with("server", words("string", "of the cluster, whose copy it is")).
				with("message", words("integer", "the first one that is wrong there")).
				with("how", words("string", "lacks: others have it; differs: it is another one"+
					" than was stored; keeps: it was removed; disputed: others have another one,"+
					" and nothing tells which is right").
					with("enum", texts("lacks", "differs", "keeps", "disputed"))).
				with("what", words("string", "that in words")).
				with("remedy", words("string", "what to do about it"))))))
	// Paths are within the data folder: what is outside of it is nothing for an auditor.
	case "VerifiedFile":
		return optional(o("path", words("string", "within the data folder")).
			with("kind", words("string", "what it is")).
			with("state", words("string", "whole, unproven, unknown, newer, foreign or damaged")).
			with("cache", words("boolean", "it is derived from the log, and made anew by itself")).
			with("findings", arrayOf(words("string", "what is wrong"))).
			with("remedy", words("string", "what to do about it")), "findings", "remedy")
	// A cache that differs is made anew; that it did is worth to be told all the same.
	case "VerifiedCache":
		return optional(o("projection", words("string", "which one")).
			with("sequence", words("integer", "the last event that it has applied")).
			with("digest", words("string", "of all that it says")).
			with("matches", words("boolean", "a fresh fold of the log has the same digest")).
			with("why", words("string", "why the two were not compared")), "why")
	}
	if d := l.ofAudit(name); d != nil {
		return d
	}
	if d := l.ofFindings(name); d != nil {
		return d
	}
	if d := l.ofProofs(name); d != nil {
		return d
	}
	return l.figure(name)
}

// figure makes the definition of a part of what is known about coverage. The members are those of
// section 4 of the contract. Counts may be null for one reader and not for another: for a dashboard
// small ones are hidden, and suppressed then says so. A percent is a text, because the same two
// decimals must be there on every machine.
func (l *library) figure(name string) object {
	count := o("type", "integer").with("minimum", 0)
	percent := orNull(o("description", "with two decimals, rounded half up; null without"+
		" workforce; may exceed 100.00").with("type", "string").
		with("pattern", "^[0-9]+\\.[0-9]{2}$"))
	// A function, for each use of an object needs its own: see [object.with].
	share := func() object {
		return o("workforce", orNull(l.ref("Workforce"))).with("percent", percent).
			with("target", orNull(l.ref("Target")))
	}
	figure := func(about string) object { return orNull(count.with("description", about)) }
	// It is there or not, and never false.
	suppressed := o("description", "counts from 1 to 4, and what would give them away, are null or"+
		" left out: who asks is a dashboard").with("const", true)
	switch name {
	case "Coverage":
		// by is there when it was asked for, suppressed where something is hidden.
		return optional(o("region", l.ref("Region")).with("name", o("type", "string")).
			with("on", l.ref("Date")).
			with("known", fields(o("sequence", count).
				with("recordedAt", orNull(o("type", "string").with("format", "date-time"))))).
			with("covered", figure("workers with a covered enrolment here")).
			with("confirmed", figure("those of them for whom money was booked: evidence CREDITED"+
				" or DISBURSED")).
			with("inGrace", figure("workers not covered, whose paid months have just ended")).
			with("enrolments", figure("covered enrolments")).
			join(share()).
			with("sectors", fields(o("FORMAL", l.ref("SectorCoverage")).
				with("INFORMAL", l.ref("SectorCoverage")))).
			with("by", o("description", "the dimensions asked for: workers, or covered"+
				" enrolments, of each value; they do not add up").
				with("type", "object").with("additionalProperties",
				o("type", "object").with("additionalProperties", count))).
			with("suppressed", suppressed), "by", "suppressed")
	case "SectorCoverage":
		return fields(o("covered", orNull(count)).join(share()))
	// sequence is that of the event that published it.
	case "Workforce":
		return fields(o("count", count).with("indicator", l.ref("Indicator")).
			with("reference", l.ref("Date")).with("publication", o("type", "string")).
			with("sequence", count))
	// It has the region that it was set for, which may be one above: see section 3 of the contract.
	case "Target":
		return fields(o("percent", o("type", "string")).with("from", l.ref("Date")).
			with("region", l.ref("Region")).
			with("met", orNull(words("boolean", "the coverage is strictly above it"))).
			with("shortfall", orNull(count)).with("sequence", count))
	case "State":
		return state()
	// Section 6 of the contract has it so, in the order of days.
	case "SeriesPoint":
		return optional(o("on", l.ref("Date")).with("covered", orNull(count)).
			with("confirmed", orNull(count)).with("inGrace", orNull(count)).
			with("percent", percent).with("suppressed", suppressed), "suppressed")
	}
	return nil
}

// receipt makes the members of a receipt; those after status are there where they apply. The words
// of the codes are given as examples and not as a closed list: a client that refuses a code it does
// not know would break with the next one.
func (l *library) receipt() object {
	return o("source", words("string", "of the event, as far as it could be read")).
		with("id", words("string", "of the event, as far as it could be read")).
		with("status", o("description", "A duplicate is a success: the event was there already.").
			with("enum", texts(string(event.Appended), string(event.Duplicate),
				string(event.Refused)))).
		with("sequence", words("integer", "the place in the log; that of the first of a duplicate;"+
			" none of a refused event").with("minimum", 1)).
		with("code", words("string", "why it was refused; more may be added").
			with("examples", refusalCodes())).
		with("field", words("string", "what is wrong of it")).
		with("detail", words("string", "what to do about it; of an event that was appended, what"+
			" is to be known of it"))
}

// receipts makes the members of receipts, which a problem may have too. The three counts add up to
// the number of receipts.
func (l *library) receipts() object {
	count := o("type", "integer").with("minimum", 0)
	return o("appended", count).with("duplicates", count).with("refused", count).
		with("receipts", arrayOf(l.ref("Receipt")).
			with("description", "one for each event, in the order sent"))
}

// problem makes the schema of an RFC 9457 problem. One that refuses events has their receipts. Its
// members beyond the RFC's are code, field and receipts; a reader must ignore others by that RFC,
// but here there are none.
func (l *library) problem() object {
	var codes list
	for _, code := range problem.Codes() {
		codes = append(codes, string(code))
	}
	return optional(o("type", words("string", "urn:cakupan:problem: and the code").
		with("format", "uri")).
		with("title", words("string", "in English, or in Indonesian where Accept-Language asks")).
		with("status", words("integer", "the status of the answer")).
		with("code", words("string", "what went wrong; stable, and more may be added").
			with("examples", codes)).
		with("field", words("string", "the field or parameter that is wrong")).
		with("detail", words("string", "what a person can do about it")).
		join(l.receipts()),
		"field", "detail", "appended", "duplicates", "refused", "receipts")
}

// pubAck makes the schema of JetStream's answer to a message that it has stored, or not. It is
// described as far as a publisher needs it: other members come and go with the version of NATS, so
// it is left open, unlike the ledger's own answers.
func (l *library) pubAck() object {
	return o("oneOf", list{
		o("type", "object").with("required", texts("stream", "seq")).
			with("properties", o("stream", o("type", "string")).
				with("seq", words("integer", "where the message waits; no place in the log"))),
		o("type", "object").with("required", texts("error")).
			with("properties", o("error", o("type", "object").
				with("properties", o("code", o("type", "integer")).
					with("err_code", o("type", "integer")).
					with("description", o("type", "string"))))),
	})
}

// refusalCodes returns the codes that an event may be refused with. They are given as texts, as
// [refusals] gives them as failures; both read the one table.
func refusalCodes() (codes list) {
	for _, code := range problem.Codes() {
		if code.OfEvent() {
			codes = append(codes, string(code))
		}
	}
	return codes
}
