package main

import "cakupan/domain/event"

// exampleData holds data of each type, from a story of one regency: a worker of a company, and one
// whom the budget of the regency pays for. It is never written. Every type must have one, the
// ledger's own too: tests judge them by the schemas and by the ledger's rules. No NIK is in any of
// them, because people copy examples as they are.
var exampleData = map[event.Type]object{
	event.EnrolmentOpened: o("enrolment", "bpu-75.03-000417").with("worker", "w-5c1f0b7e").
		with("region", "75.03").with("segment", "BPU").with("category", "VULNERABLE").
		with("programmes", texts("JKK", "JKM")).with("payer", "APBD").with("from", "2020-07-01"),
	event.EnrolmentAmended: o("enrolment", "bpu-75.03-000417").with("from", "2021-02-01").
		with("payer", "SELF"),
	event.EnrolmentTerminated: o("enrolment", "pu-0031").with("until", "2020-11-01").
		with("reason", "LAYOFF"),
	event.EnrolmentReinstated: o("enrolment", "pu-0031").with("from", "2021-01-01"),
	event.WorkerDied:          o("worker", "w-5c1f0b7e").with("on", "2021-03-14"),
	event.WorkerMerged:        o("worker", "w-5c1f0b7e").with("into", "w-0d94aa31"),
	event.ContributionCredited: o("enrolment", "bpu-75.03-000417").with("from", "2021-02").
		with("until", "2021-05").with("paidOn", "2021-02-03").with("amount", 50400).
		with("reference", "BPU 2021-02-03/0417"),
	event.FundingCommitted: o("commitment", "apbd-7503-2020").with("funder", "75.03").
		with("funding", "APBD").with("fiscalYear", 2020).with("heads", 10000).with("months", 6).
		with("tariff", 16800).with("ceiling", 1008000000).with("from", "2020-07").
		with("until", "2021-01").with("basis", "Perda 4/2019"),
	event.FundingAmended: o("commitment", "apbd-7503-2020").with("heads", 12000),
	event.FundingGranted: o("commitment", "apbd-7503-2020").with("enrolment", "bpu-75.03-000417").
		with("from", "2020-07").with("until", "2021-01"),
	event.FundingRevoked: o("commitment", "apbd-7503-2020").
		with("enrolment", "bpu-75.03-000417").with("from", "2020-12"),
	event.FundingDisbursed: o("commitment", "apbd-7503-2020").with("amount", 168000000).
		with("paidOn", "2020-08-05").with("months", texts("2020-07")).
		with("reference", "SP2D 0142"),
	event.FundingClosed: o("commitment", "apbd-7503-2020").with("from", "2020-12").
		with("reason", "money moved to the pandemic"),
	event.WorkforcePublished: o("region", "75.03").with("sector", "ALL").
		with("indicator", "EMPLOYED").with("count", 78000).with("reference", "2019-08-31").
		with("publication", "Sakernas August 2019"),
	event.TargetSet: o("region", "75").with("sector", "ALL").with("percent", "60").
		with("from", "2020-01-01").with("basis", "RPJMD"),
	event.EventRetracted: o("source", "urn:example:office:75").with("id", "2020-000417").
		with("reason", "the wrong person"),
	event.FigurePublished: o("region", "75.03").with("on", "2020-12-31").with("size", 4711).
		with("root", "/YpGzNcf1aPJIkLNBHmgw56MM525d+LmMLdyHs0rOQI=").with("rules", "coverage/2").
		with("events", 1204).with("digest", "z8GiwEyYCtz24ZkhTjZmyx5K9ijnO75VLxSKB/ZG25I=").
		with("indicator", "EMPLOYED").with("covered", 20512).with("confirmed", 18044).
		with("inGrace", 310).with("enrolments", 21007).with("workforce", 33600).
		with("percent", "61.05"),
}

// exampleSource and exampleTime are of all examples: an office that there is not, and a moment with
// the offset that is written in Makassar.
const (
	exampleSource = "urn:example:office:75"
	exampleTime   = "2020-07-03T09:30:00+08:00"
)

// exampleEvent returns a whole event of a type. All types share one id, so two of them in one
// request need the id replaced.
func exampleEvent(t event.Type) object {
	return o("specversion", "1.0").with("id", "2020-000417").with("source", exampleSource).
		with("type", t.Name()).with("time", exampleTime).with("data", exampleData[t])
}
