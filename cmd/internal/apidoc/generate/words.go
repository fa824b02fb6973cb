package main

import "cakupan/domain/event"

// aboutTypes says what each type reports. It is never written. Section 1 of the contract says which
// fields a type has, and section 3 what it does to figures; a line here says what happened in the
// world, for whoever looks for the type that he needs. Each type must have one, which a test looks
// for.
var aboutTypes = map[event.Type]string{
	event.EnrolmentOpened: "A worker became a member: an enrolment begins, with its terms.",
	event.EnrolmentAmended: "Terms of an enrolment changed from a day on: one or more of region," +
		" segment, category, programmes and payer.",
	event.EnrolmentTerminated: "An enrolment ended.",
	event.EnrolmentReinstated: "A terminated enrolment began again, with the terms it had.",
	event.WorkerDied:          "A worker died.",
	event.WorkerMerged: "Two worker ids are one person. Which is merged into which says" +
		" nothing.",
	event.ContributionCredited: "The agency booked the contribution of an enrolment for some" +
		" months.",
	event.FundingCommitted: "A government committed money for contributions: one line of a" +
		" budget.",
	event.FundingAmended: "A budget line changed: one or more of heads, months, tariff, ceiling" +
		" and until.",
	event.FundingGranted:     "A budget line pays months of an enrolment.",
	event.FundingRevoked:     "A budget line stops to pay an enrolment from a month on.",
	event.FundingDisbursed:   "Money of a budget line was paid out.",
	event.FundingClosed:      "A budget line pays nothing from a month on.",
	event.WorkforcePublished: "A statistics office published how many people there are.",
	event.TargetSet: "A target for the coverage was set. It is met by a coverage above it, not" +
		" by one equal to it.",
	event.EventRetracted: "An event never should have been reported: nothing of it counts any" +
		" more. A retraction cannot be retracted.",
	event.FigurePublished: "The ledger published a figure of its own: no publisher may report" +
		" one, and no figure rests on it.",
}

// aboutFields says what each field means. It is never written. A field of one name may be several
// for the domain, such as a day and a month called from, and so has words for each. Units are told
// here and nowhere else in the schemas: whole rupiah, days and months without a zone, and which end
// of a period is in it.
var aboutFields = map[event.Field]string{
	event.FieldEnrolment: "The membership, by an id of the publisher's choice.",
	event.FieldWorker:    "The worker, by an opaque id. Give either worker or nik.",
	event.FieldNIK:       "The worker, by the identity card's number. Give either worker or nik.",
	event.FieldInto:      "The other id of the same person. Give either into or intoNik.",
	event.FieldIntoNIK: "The same person, by the identity card's number. Give either into or" +
		" intoNik.",
	event.FieldRegion:   "Where: of a worker the domicile, a regency or city.",
	event.FieldSegment:  "PU and JAKON are formal, BPU and PMI informal.",
	event.FieldCategory: "The kind of worker.",
	event.FieldProgrammes: "The programmes, a set of one or more: order and repetition say" +
		" nothing.",
	event.FieldPayer:      "Who pays the contributions.",
	event.FieldFrom:       "The first day.",
	event.FieldUntil:      "The first day no longer covered.",
	event.FieldReason:     "Why the enrolment ended.",
	event.FieldCommitment: "The budget line, by an id of the publisher's choice.",
	event.FieldFromMonth:  "The first month.",
	event.FieldUntilMonth: "The first month after the period; later than from.",
	event.FieldOn:         "The last day of life.",
	event.FieldAmount:     "Whole rupiah.",
	event.FieldSize:       "How many events were known.",
	event.FieldRoot:       "The root over these events, base64.",
	event.FieldRules:      "Version of the rules that the figure was counted by.",
	event.FieldEvents:     "How many of the events are of the region.",
	event.FieldDigest:     "SHA-256 over the leaves of those, base64.",
	event.FieldCovered:    "Workers who are covered.",
	event.FieldConfirmed:  "Those of them for whom money was booked.",
	event.FieldInGrace:    "Workers in grace.",
	event.FieldEnrolments: "Enrolments that are covered.",
	event.FieldWorkforce:  "What the percentage is of; none where none was published.",
	event.FieldFunder:     "The government that pays.",
	event.FieldFunding:    "The source of the money.",
	event.FieldFiscalYear: "The year of the budget.",
	event.FieldHeads:      "How many workers are to be paid for.",
	event.FieldMonths:     "How many months are to be paid for.",
	event.FieldTariff:     "Whole rupiah for each head and month.",
	event.FieldCeiling:    "The most that may be paid, in whole rupiah.",
	event.FieldBasis:      "The legal ground.",
	event.FieldPaidOn:     "The day of the payment.",
	event.FieldPaidMonths: "The months that were paid for, one or more.",

	event.FieldPaymentReference: "The number of the payment.",
	event.FieldReasonText:       "Why, in words.",
	event.FieldSector:           "All of the workforce, or its formal or informal part.",
	event.FieldIndicator:        "What was counted.",
	event.FieldCount:            "How many people.",
	event.FieldReference:        "The day that the count speaks of.",
	event.FieldPublication:      "Where it was published.",
	event.FieldPercent:          "The coverage to be exceeded, in percent.",
	event.FieldRetractedSource:  "The source of the event that is retracted.",
	event.FieldRetractedID:      "The id of the event that is retracted.",
}
