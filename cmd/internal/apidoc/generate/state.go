package main

// state describes how the ledger is, as whoever watches is told it: by an event `state` of GET
// /v1/changes, and under the key state of the bucket.
func state() object {
	count := o("type", "integer").with("minimum", 0)
	return optional(o("state", words("string", "live; behind, when only time is needed; or stale:"+
		" what is shown is from before").with("enum", texts("live", "behind", "stale"))).
		with("head", count.with("description", "the last sequence of the log")).
		with("sequence", count.with("description", "the last one that the coverage has applied")).
		with("behindEvents", count).
		with("behindSeconds", o("type", "number").with("minimum", 0)).
		with("role", words("string", "what the ledger does that was asked").
			with("enum", texts("writer", "standby"))).
		with("since", words("string", "when the ledger began that tells it: another one is a"+
			" ledger that was started again, or another one").with("format", "date-time")).
		with("why", words("string", "it is not live")), "why")
}

func exampleState() object {
	return o("state", "behind").with("head", 610311).with("sequence", 597172).
		with("behindEvents", 13139).with("behindSeconds", 6.5).with("role", "writer").
		with("since", "2026-03-01T04:00:00Z").
		with("why", "the coverage is 7 s behind the log: it has applied 597172 events of 610311")
}
