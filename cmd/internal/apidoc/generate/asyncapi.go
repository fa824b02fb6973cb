package main

import (
	"strings"

	"cakupan/domain/event"
)

// asyncIntroduction tells the two ways in apart, by what an answer means: that a message waits, or
// what became of it. Who confuses them takes an event for recorded that is not.
const asyncIntroduction = `What a publisher's program does on NATS. The name of the publisher is ` +
	`the last part of each subject, and its user may use no others.

A message to cakupan.intake is stored before it is taken in: the answer of JetStream says that ` +
	`it waits, and the receipts follow on cakupan.receipts. A request to cakupan.request is ` +
	`taken in at once, and its reply holds the receipts. Sending the same event again is safe ` +
	`in both ways, for ever: source and id make it the same event.

Messages are structured (application/cloudevents+json), batches ` +
	`(application/cloudevents-batch+json), or in binary mode: the payload is the data, and each ` +
	`other attribute is in a header that begins with ce-, percent-encoded. Binary mode is that ` +
	`of the main branch of the NATS Protocol Binding for CloudEvents; structured mode is ` +
	`understood everywhere.`

// asyncAPI makes the document of the subjects. The messages are made first, because making them is
// what asks for definitions. The document is for publishers: subjects between ledgers of a cluster
// are nobody else's.
func asyncAPI() object {
	l := newLibrary("#/components/schemas/")
	messages := l.messages()
	return o("asyncapi", "3.0.0").
		with("info", o("title", "Cakupan on NATS, for publishers").with("version", version).
			with("description", asyncIntroduction).
			with("license", o("name", "Apache-2.0"))).
		with("defaultContentType", mediaEvent).
		with("servers", o("ledger", o("host", "127.0.0.1:4222").with("protocol", "nats").
			with("description", "The ledger's own NATS server, or the cluster it uses.").
			with("security", list{o("$ref", "#/components/securitySchemes/publisher")}))).
		with("channels", channels(messages)).
		with("operations", asyncOperations()).
		with("components", o("schemas", l.all).with("messages", messages).
			with("securitySchemes", o("publisher", o("type", "userPassword").with("description",
				"The name of the publisher, and its secret."))))
}

// answers are the messages that the ledger sends; all others are sent to it. They are left out of
// what may be sent to a channel; see [channels].
var answers = []string{"Stored", "Receipts", "Problem", "Coverage", "State"}

// messages makes the messages: an event of each type, the other ways to send events, and answers.
// An event of a type is a message of its own, with its example, so that who looks for a type finds
// what to send. One channel takes any of them, and the media type in the header says which it is.
func (l *library) messages() object {
	// The header is required, because nothing else says how to read the payload.
	media := func(is string) object {
		return o("type", "object").with("required", texts("Content-Type")).
			with("properties", o("Content-Type", o("const", is)))
	}
	all := object{}
	for _, t := range event.Types() {
		all = all.with(typeName(t), o("name", t.Name()).with("title", "one event, structured").
			with("summary", aboutTypes[t]).with("contentType", mediaEvent).
			with("headers", media(mediaEvent)).with("payload", l.ref(typeName(t))).
			with("examples", list{o("payload", exampleEvent(t)).
				with("headers", o("Content-Type", mediaEvent))}))
	}
	var data list
	for _, t := range event.Types() {
		data = append(data, l.ref(typeName(t)+"Data"))
	}
	return all.
		with("Batch", o("title", "several events").with("contentType", mediaBatch).
			with("headers", media(mediaBatch)).with("payload", l.ref("Batch")).
			with("examples", list{o("payload", list{exampleEvent(event.EnrolmentOpened)}).
				with("headers", o("Content-Type", mediaBatch))})).
		with("Binary", o("title", "one event, binary mode").with("contentType", mediaJSON).
			with("headers", l.binaryHeaders()).with("payload", o("anyOf", data)).
			with("examples", list{o("payload", exampleData[event.EnrolmentOpened]).
				with("headers", o("Content-Type", mediaJSON).with("ce-specversion", "1.0").
					with("ce-id", "2020-000417").with("ce-source", exampleSource).
					with("ce-type", event.EnrolmentOpened.Name()))})).
		with("Stored", o("title", "JetStream has stored the message, or not").
			with("contentType", mediaJSON).with("payload", l.ref("PubAck")).
			with("examples", list{
				o("payload", o("stream", "CAKUPAN_INTAKE").with("seq", 12)),
				o("payload", o("error", o("code", 503).
					with("description", "insufficient storage resources available"))),
			})).
		with("Receipts", o("title", "a receipt for each event, in the order sent").
			with("contentType", mediaJSON).with("payload", l.ref("Receipts")).
			with("examples", list{o("payload", exampleReceipts())})).
		with("Problem", o("title", "why nothing was taken in").
			with("contentType", mediaProblem).with("payload", l.ref("Problem")).
			with("examples", list{o("payload", exampleProblem())})).
		with("Coverage", o("title", "the answer about a region today").
			with("contentType", mediaJSON).with("payload", l.ref("Coverage")).
			with("examples", list{o("payload", exampleCoverage())})).
		with("State", o("title", "how the ledger is, under the key state").
			with("contentType", mediaJSON).with("payload", l.ref("State")).
			with("examples", list{o("payload", exampleState())}))
}

// binaryHeaders are the attributes of an event in binary mode. Other attributes may come in headers
// too; these must. ce-specversion is 1.0, as in every form.
func (l *library) binaryHeaders() object {
	return o("type", "object").
		with("required", texts("ce-specversion", "ce-id", "ce-source", "ce-type")).
		with("properties", o("Content-Type", o("const", mediaJSON)).
			with("ce-specversion", o("const", "1.0")).with("ce-id", l.ref("EventId")).
			with("ce-source", l.ref("Source")).with("ce-type", o("enum", typeNames())))
}

// exampleCoverage is the answer of section 4 of the contract, as it is where no workforce is
// published: null, never 0.
func exampleCoverage() object {
	sector := func(covered int) object {
		return o("covered", covered).with("workforce", nil).with("percent", nil).
			with("target", nil)
	}
	return o("region", "75.03").with("name", "Kabupaten Bone Bolango").with("on", "2020-12-31").
		with("known", o("sequence", 4711).with("recordedAt", "2021-01-04T02:11:09.123456789Z")).
		with("covered", 20512).with("confirmed", 18044).with("inGrace", 310).
		with("enrolments", 21007).with("workforce", nil).with("percent", nil).with("target", nil).
		with("sectors", o("FORMAL", sector(9100)).with("INFORMAL", sector(11800)))
}

// exampleProblem is one after which the same may be sent again.
func exampleProblem() object {
	return o("type", "urn:cakupan:problem:log.unavailable").with("title", "Log unavailable").
		with("status", 503).with("code", "log.unavailable").
		with("detail", "the log is closed or cannot be reached: send again later")
}

// channels makes the subjects, with the messages on each. A channel without an address is a reply
// subject, which each request brings with it. The subject of a publisher ends with its name; the
// server of NATS lets its user publish to no other.
func channels(messages object) object {
	subject := func(address, about string, names ...string) object {
		on := object{}
		for _, name := range names {
			on = on.with(name, o("$ref", "#/components/messages/"+name))
		}
		made := o("address", nil)
		if address != "" {
			made = o("address", address).with("parameters", o("publisher",
				o("description", "The name of the publisher: 1 to 32 of a-z, 0-9 and -.")))
		}
		return made.with("description", about).with("messages", on)
	}
	var sent []string
	// Whatever is no answer may be sent, so a new type of event is on the channels by itself.
	for _, m := range messages {
		if !strings.Contains(strings.Join(answers, " "), m.name) {
			sent = append(sent, m.name)
		}
	}
	coverage := o("Coverage", o("$ref", "#/components/messages/Coverage")).
		with("State", o("$ref", "#/components/messages/State"))
	key := o("key", o("description",
		"The code of a region, such as 75.03, or REGION.by.DIMENSION; or state, under which it"+
			" is told how the ledger is when that changes."))
	// The two ways in take the same messages: how fast a receipt is wanted decides, not what is
	// sent.
	return o("intake", subject("cakupan.intake.{publisher}",
		"Stored, and taken in soon: for those who cannot wait for the log.", sent...)).
		with("stored", subject("", "The reply subject of a message to intake.", "Stored")).
		with("request", subject("cakupan.request.{publisher}",
			"Taken in at once, in one answer.", sent...)).
		with("reply", subject("", "The reply subject of a request.", "Receipts", "Problem")).
		with("receipts", subject("cakupan.receipts.{publisher}",
			"What became of messages to intake.", "Receipts")).
		// $KV. is how NATS names the subjects of a bucket (contract, section 9).
		with("coverage", o("address", "$KV.cakupan_coverage.{key}").
			with("parameters", key).
			with("description", "The KV bucket cakupan_coverage: what is answered about today. "+
				"Watch it with a client of NATS KV; any login may.").
			with("messages", coverage)).
		with("told", o("address", "cakupan.coverage.{key}").with("parameters", key).
			with("description", "Each value of the bucket once it is stored, for those who listen "+
				"without a consumer: Nats-Sequence is its number, and Nats-Last-Sequence that of "+
				"the value before under the key. After each connection, listen first and get the "+
				"value of now from the bucket after.").
			with("messages", coverage))
}

// asyncOperations says which way each channel goes, as a publisher sees it. send is what the
// publisher does and receive what he hears: AsyncAPI 3 has the words from the side of the
// application, which here is his.
func asyncOperations() object {
	operation := func(action, channel, summary string) object {
		return o("action", action).with("channel", o("$ref", "#/channels/"+channel)).
			with("summary", summary)
	}
	reply := func(channel string) object {
		return o("channel", o("$ref", "#/channels/"+channel)).with("address",
			o("location", "$message.header#/reply").
				with("description", "the reply subject of NATS"))
	}
	return o("storeEvents", operation("send", "intake",
		"Have events stored, to be taken in soon.").with("reply", reply("stored"))).
		with("reportEvents", operation("send", "request",
			"Have events taken in now.").with("reply", reply("reply"))).
		with("hearReceipts", operation("receive", "receipts",
			"Hear what became of stored events.")).
		with("watchCoverage", operation("receive", "coverage",
			"Hear of each answer about today that changes.")).
		with("hearCoverage", operation("receive", "told",
			"Hear the same without a consumer."))
}
