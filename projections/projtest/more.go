package projtest

import (
	"fmt"
	"strconv"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/projections"
)

// fillMore makes the event one of the types that fill leaves out, by a draw below 80.
//
// Commitments and enrolments are those of fill, so that grants are of some of them. Credits are of
// months around the days there; a merge now and then makes persons of several.
func (m *maker) fillMore(e *projections.Event, draw int) {
	d := &e.Data
	switch {
	case draw < 30:
		e.Type, d.Enrolment = event.ContributionCredited, m.name("enrolment")
		d.FromMonth = m.day().Month()
		d.UntilMonth = d.FromMonth + temporal.Month(1+m.IntN(4))
		name(d, event.FieldEnrolment, event.FieldFromMonth, event.FieldUntilMonth)
	case draw < 36:
		worker := m.IntN(m.names)
		into := (worker + 1 + m.IntN(m.names-1)) % m.names // somebody else
		e.Type = event.WorkerMerged
		d.Worker, d.Into = fmt.Sprintf("worker-%d", worker), fmt.Sprintf("worker-%d", into)
		name(d, event.FieldWorker, event.FieldInto)
	case draw < 41:
		e.Type, d.Enrolment, d.From = event.EnrolmentReinstated, m.name("enrolment"), m.day()
		name(d, event.FieldEnrolment, event.FieldFrom)
	case draw < 43:
		e.Type, d.Region, d.Sector = event.TargetSet, m.regency().Parent(), event.AllSectors
		d.Percent, d.From = strconv.Itoa(m.IntN(100)), m.day()
		name(d, event.FieldRegion, event.FieldSector, event.FieldPercent, event.FieldFrom)
	case draw < 47:
		e.Type, d.Region, d.Sector = event.WorkforcePublished, m.regency(), event.AllSectors
		d.Indicator, d.Reference, d.Count = event.Employed, m.day(), m.Int64N(10)
		d.Publication = "publication"
		name(d, event.FieldRegion, event.FieldSector, event.FieldIndicator, event.FieldReference,
			event.FieldCount, event.FieldPublication)
	default:
		m.fillCommitment(e, draw-47)
	}
}

// fillCommitment makes the event one about a commitment, by a draw below 33.
func (m *maker) fillCommitment(e *projections.Event, draw int) {
	d := &e.Data
	d.Commitment = m.name("commitment")
	name(d, event.FieldCommitment)
	switch {
	case draw < 12:
		e.Type, d.Funder = event.FundingCommitted, m.regency()
		d.Funding, d.FiscalYear = event.Funding(1+m.IntN(3)), 2020
		d.Heads, d.Months, d.Tariff = m.Int64N(4), m.Int64N(13), 16_800
		d.Ceiling, d.FromMonth = m.Int64N(600_000), m.day().Month()
		d.UntilMonth = d.FromMonth + temporal.Month(1+m.IntN(12))
		name(d, event.FieldFunder, event.FieldFunding, event.FieldFiscalYear, event.FieldHeads,
			event.FieldMonths, event.FieldTariff, event.FieldCeiling, event.FieldFromMonth,
			event.FieldUntilMonth)
	case draw < 15:
		e.Type, d.Heads, d.UntilMonth = event.FundingAmended, m.Int64N(4), m.day().Month()
		name(d, event.FieldHeads, event.FieldUntilMonth)
	case draw < 21:
		e.Type, d.Enrolment = event.FundingRevoked, m.name("enrolment")
		d.FromMonth = m.day().Month()
		name(d, event.FieldEnrolment, event.FieldFromMonth)
	case draw < 29:
		e.Type, d.Amount, d.PaidOn = event.FundingDisbursed, m.Int64N(300_000), m.day()
		d.PaidMonths = []temporal.Month{m.day().Month(), m.day().Month()}
		d.PaymentReference = "reference"
		name(d, event.FieldAmount, event.FieldPaidOn, event.FieldPaidMonths,
			event.FieldPaymentReference)
	default:
		e.Type, d.FromMonth, d.ReasonText = event.FundingClosed, m.day().Month(), "reason"
		name(d, event.FieldFromMonth, event.FieldReasonText)
	}
}

// name says that the data has fields.
func name(d *event.Data, fields ...event.Field) {
	for _, f := range fields {
		d.Has = d.Has.With(f)
	}
}
