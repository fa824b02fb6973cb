package main

import (
	"net/http"
	"strconv"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/writer"
)

// postRetract takes back many events in one step, where event.retracted takes back one. It is apart
// from POST /v1/events, because its sender names events by what they have in common, and need not
// hold them. Three of its failures are those of an event: the retractions that it makes are judged
// as any other.
func (l *library) postRetract() operation {
	return operation{
		method: http.MethodPost, path: "/v1/retract", id: "postRetract",
		summary: "Take back what was reported, or undo that.",
		about: "A steward takes back what anybody has reported, within his regions; a publisher" +
			" what he has reported himself. All that is in force and meant is taken back in one" +
			" step, as a whole or not at all, by events of the log that have the reason; at most" +
			" " + strconv.Itoa(writer.AtomicEventsMax) + " events: more are answered with 413," +
			" their number and what to do. The same request is done once, whatever came since:" +
			" give it a name, and send it again when the answer is lost. With undo, what a step" +
			" has taken back is said again by new events at the end of the log.",
		body:   o("required", true).with("content", o(mediaJSON, o("schema", l.askedBack()))),
		answer: content(mediaJSON, l.retraction()),
		fails: append(guarded(problem.Malformed, problem.QueryInvalid, problem.RegionUnknown,
			problem.NotFound, problem.BatchTooLarge, problem.EventsDear, problem.LogDamaged,
			problem.LogFull, problem.LogUnavailable, problem.ProjectionBehind,
			problem.ProjectionStopped, problem.ProjectionDrift, problem.ServerStopping,
			problem.Code(event.Conflict)),
			failure{code: problem.Code(event.Forbidden), refused: true},
			failure{code: problem.Code(event.NIKMisplaced), refused: true},
			failure{code: problem.Code(event.TooLarge), refused: true}),
	}
}

// askedBack makes the schema of what is asked for. No member is required, because none is always
// needed; that one of those that narrow must be there is told by the error. All but dryRun are
// texts, also sequences, as the words of a question are: they are read by the same rules as
// parameters.
func (l *library) askedBack() object {
	text := func(about string) object { return words("string", about) }
	sequence := func(about string) object { return text(about).with("pattern", "^[0-9]+$") }
	properties := o("publisher", text("Of this publisher: the registered name, or the source of"+
		" who was none.")).
		with("source", l.described("Source", "Of this source.")).
		with("type", text("Of this type, such as enrolment.opened.v1.")).
		with("enrolment", l.described("Key", "About this enrolment.")).
		with("worker", l.described("Key", "About this worker, merges not followed.")).
		with("commitment", l.described("Key", "About this commitment.")).
		with("list", text("Of the list of this id.")).
		with("region", l.described("Region", "They concern it, or a region in it.")).
		with("from", sequence("The first sequence.")).
		with("to", sequence("The last sequence, in.")).
		with("since", text("Recorded at this time or later, or from the beginning of this day.")).
		with("until", text("Recorded before this time, or before this day.")).
		with("undo", sequence("The first event of the step that is to be undone.")).
		with("reason", text("Why; asked for unless it is a dry run.").with("maxLength", 300)).
		with("request", l.described("Key", "Names the step; a new name when it is left out.")).
		with("on", l.described("Date", "The day of the effect that is counted; today.")).
		with("dryRun", words("boolean", "Say what would be done, and do nothing."))
	// All are named as such that are not always there.
	var names []string
	for i := range properties {
		names = append(names, properties[i].name)
	}
	return optional(properties, names...)
}

// retraction makes the schema of what was done. A dry run has the same shape, without the sequences
// of what was not appended. coverage is null where the same request had done it before: the effect
// is not counted again.
func (l *library) retraction() object {
	count := func(about string) object { return words("integer", about) }
	meant := func(about string) object {
		return arrayOf(fields(o("name", words("string", about)).with("events", count("of these"))))
	}
	return optional(o("request", l.ref("Key")).with("dryRun", o("type", "boolean")).
		with("doneBefore", words("boolean", "the same request had done it")).
		with("events", count("taken back, or said again")).
		with("outside", count("meant, but left alone: they concern regions of others")).
		with("first", count("of the events that did it")).with("last", count("of these")).
		with("undoes", count("the step that was undone")).
		with("types", meant("a type")).with("regions", meant("a region that they concern")).
		with("on", l.ref("Date")).with("coverage", orNull(arrayOf(l.regionChanged()))).
		with("uncounted", count("change the coverage in ways that are not counted")).
		with("what", arrayOf(optional(o("sequence", count("of what was taken back")).
			with("type", o("type", "string")).with("source", l.ref("Source")).
			with("id", l.ref("EventId")).
			with("again", words("string", "the id under which it is said again")), "again"))),
		"first", "last", "undoes", "on")
}
