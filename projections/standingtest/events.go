package standingtest

import (
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// Day returns a day that there is. One that is not there is the zero day: tests name real ones.
func Day(year, month, day int) temporal.Date {
	date, _ := temporal.NewDate(year, month, day)
	return date
}

// Month returns a month.
func Month(year, month int) temporal.Month { return Day(year, month, 1).Month() }

// of returns an event of a type that carries the data and all fields which the type may have, but
// for those that are empty where they may be absent.
//
// The fields that identify an event, and its record time, are given by [Logged]. What may be absent
// is so in amendments where it is zero, and in few others.
func of(kind event.Type, d event.Data) event.Event {
	amends := kind == event.EnrolmentAmended || kind == event.FundingAmended
	absent := map[event.Field]bool{
		event.FieldNIK: true, event.FieldIntoNIK: true, event.FieldBasis: d.Basis == "",
		event.FieldRegion: amends && d.Region == 0, event.FieldSegment: amends && d.Segment == 0,
		event.FieldCategory:   amends && d.Category == 0,
		event.FieldProgrammes: amends && len(d.Programmes) == 0,
		event.FieldPayer:      amends && d.Payer == 0, event.FieldHeads: amends && d.Heads == 0,
		event.FieldMonths: amends && d.Months == 0, event.FieldTariff: amends && d.Tariff == 0,
		event.FieldCeiling:    amends && d.Ceiling == 0,
		event.FieldUntilMonth: amends && d.UntilMonth == 0,
		event.FieldPaidOn:     kind == event.ContributionCredited && d.PaidOn == 0,
	}
	for _, field := range kind.Fields() {
		if !absent[field] {
			d.Has = d.Has.With(field)
		}
	}
	return event.Event{Type: kind, Data: d}
}

// Terms are those of an enrolment in a regency that a payer pays. Segment, category and programmes
// are always the same, since hardly any rule looks at them.
func Terms(in region.Code, payer event.Payer) event.Data {
	return event.Data{
		Region: in, Segment: event.BPU, Category: event.Vulnerable, Payer: payer,
		Programmes: []event.Programme{event.JKK, event.JKM},
	}
}

// Opened opens an enrolment of a worker.
func Opened(enrolment, worker string, terms event.Data, from temporal.Date) event.Event {
	terms.Enrolment, terms.Worker, terms.From = enrolment, worker, from
	return of(event.EnrolmentOpened, terms)
}

// Amended replaces those of the terms that are not zero. A term cannot be set to zero: none has
// such a value.
func Amended(enrolment string, terms event.Data, from temporal.Date) event.Event {
	terms.Enrolment, terms.From = enrolment, from
	return of(event.EnrolmentAmended, terms)
}

// Terminated ends an enrolment.
func Terminated(enrolment string, until temporal.Date) event.Event {
	return of(event.EnrolmentTerminated, event.Data{
		Enrolment: enrolment, Until: until, Reason: event.Layoff,
	})
}

// Reinstated opens an enrolment again.
func Reinstated(enrolment string, from temporal.Date) event.Event {
	return of(event.EnrolmentReinstated, event.Data{Enrolment: enrolment, From: from})
}

// Died ends a life. The day is the last of the life.
func Died(worker string, on temporal.Date) event.Event {
	return of(event.WorkerDied, event.Data{Worker: worker, On: on})
}

// Merged says that two ids are one worker.
func Merged(worker, into string) event.Event {
	return of(event.WorkerMerged, event.Data{Worker: worker, Into: into})
}

// Credited books contributions.
func Credited(enrolment string, from, until temporal.Month) event.Event {
	return of(event.ContributionCredited, event.Data{
		Enrolment: enrolment, FromMonth: from, UntilMonth: until,
	})
}

// Committed promises money: 10 heads, 12 months, 16,800 rupiah each. The ceiling is what all of
// that costs, so that the money suffices until an amendment or a grant is more.
func Committed(commitment string, source event.Funding, from, until temporal.Month) event.Event {
	return of(event.FundingCommitted, event.Data{
		Commitment: commitment, Funder: 7503, Funding: source, FiscalYear: 2021, Heads: 10,
		Months: 12, Tariff: 16_800, Ceiling: 10 * 12 * 16_800, FromMonth: from, UntilMonth: until,
	})
}

// AmendedFunding replaces those of a commitment's terms that are not zero.
func AmendedFunding(commitment string, terms event.Data) event.Event {
	terms.Commitment = commitment
	return of(event.FundingAmended, terms)
}

// Granted gives months of a commitment to an enrolment. Until is the first month that is out, as in
// the log.
func Granted(commitment, enrolment string, from, until temporal.Month) event.Event {
	return of(event.FundingGranted, event.Data{
		Commitment: commitment, Enrolment: enrolment, FromMonth: from, UntilMonth: until,
	})
}

// Revoked takes the months from one on away from an enrolment.
func Revoked(commitment, enrolment string, from temporal.Month) event.Event {
	return of(event.FundingRevoked, event.Data{
		Commitment: commitment, Enrolment: enrolment, FromMonth: from,
	})
}

// Disbursed pays money out for months. It is paid out on the first day of the first of the months,
// of which there must be one.
func Disbursed(commitment string, amount int64, months ...temporal.Month) event.Event {
	return of(event.FundingDisbursed, event.Data{
		Commitment: commitment, Amount: amount, PaidOn: months[0].First(), PaidMonths: months,
		PaymentReference: "SP2D",
	})
}

// Closed ends a commitment.
func Closed(commitment string, from temporal.Month) event.Event {
	return of(event.FundingClosed, event.Data{
		Commitment: commitment, FromMonth: from, ReasonText: "no money",
	})
}

// Retracted takes back the event with a sequence, which may be one to come. Tests name it before or
// after it comes, for both orders mean the same (contract, section 2).
func Retracted(seq eventstore.Sequence) event.Event {
	key := KeyOf(seq)
	return of(event.EventRetracted, event.Data{
		RetractedSource: key.Source, RetractedID: key.ID, ReasonText: "mistake",
	})
}
