package findings_test

import (
	"fmt"
	"math/rand/v2"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections"
)

// The days that the events of the tests speak of, and the months.
var (
	firstDay, lastDay     = date(2019, 1, 1), date(2023, 12, 31)
	firstMonth, lastMonth = firstDay.Month(), lastDay.Month()
)

func date(year, month, day int) temporal.Date {
	d, _ := temporal.NewDate(year, month, day)
	return d
}

// maker makes histories in which everything goes wrong that can.
type maker struct {
	*rand.Rand
	enrolments, workers, commitments int

	granted, committed *event.Data   // the last ones
	day                temporal.Date // on which the event is recorded
	keys               map[event.Key]eventstore.Sequence
}

// history returns n events about few names, some of them about many enrolments of one worker. Step
// is how many hours go by between two events at the most.
func history(seed uint64, n, step int) []projections.Event {
	return (&maker{enrolments: 3 + n/20, workers: 2 + n/25, commitments: 2 + n/60}).
		events(seed, n, step)
}

// heavy returns n events about two enrolments of three workers and very many commitments.
func heavy(seed uint64, n, step int) []projections.Event {
	return (&maker{enrolments: 2, workers: 3, commitments: n / 8}).events(seed, n, step)
}

func (m *maker) events(seed uint64, n, step int) []projections.Event {
	m.Rand, m.keys = rand.New(rand.NewPCG(seed, 77)), map[event.Key]eventstore.Sequence{}
	events := make([]projections.Event, n)
	at := temporal.EndOfDay(date(2020, 3, 1))
	for i := range events {
		e := &events[i]
		at += temporal.Instant(m.IntN(step+1)) * 3_600_000_000_000
		m.day = at.Date()
		e.Sequence, e.RecordedAt, e.Key = eventstore.Sequence(i+1), at, m.key(i+1)
		if m.IntN(4) == 0 {
			e.Publisher = []string{"dinas", "urn:test:1"}[m.IntN(2)]
		}
		m.fill(e, n)
		m.keys[e.Key] = e.Sequence
	}
	return events
}

func (m *maker) key(i int) event.Key {
	return event.Key{Source: fmt.Sprintf("urn:test:%d", i*7%10/9), ID: fmt.Sprintf("event-%d", i)}
}

func (m *maker) name(kind string, n int) string {
	return fmt.Sprintf("%s-%d", kind, min(m.IntN(n), m.IntN(n)))
}

func (m *maker) enrolment() string  { return m.name("e", m.enrolments) }
func (m *maker) worker() string     { return m.name("w", m.workers) }
func (m *maker) commitment() string { return m.name("c", m.commitments) }

// date is mostly of the last half year.
func (m *maker) date() temporal.Date {
	if m.IntN(25) == 0 {
		return m.day + temporal.Date(340+m.IntN(60))
	}
	return m.day - temporal.Date(m.IntN(240)) + temporal.Date(m.IntN(50))
}

func (m *maker) month() temporal.Month { return m.date().Month() }

func (m *maker) regency() region.Code { return []region.Code{7503, 7503, 7571, 7101}[m.IntN(4)] }

// fill makes the event one of a random type. n is how many there will be.
func (m *maker) fill(e *projections.Event, n int) {
	d := &e.Data
	set := func(fields ...event.Field) {
		for _, f := range fields {
			d.Has = d.Has.With(f)
		}
	}
	switch draw := m.IntN(100); {
	case draw < 20:
		e.Type = event.EnrolmentOpened
		d.Enrolment, d.Worker, d.From = m.enrolment(), m.worker(), m.date()
		m.terms(d, 31)
		set(event.FieldEnrolment, event.FieldWorker, event.FieldFrom)
	case draw < 26:
		e.Type, d.Enrolment, d.From = event.EnrolmentAmended, m.enrolment(), m.date()
		m.terms(d, 1+m.IntN(31))
		set(event.FieldEnrolment, event.FieldFrom)
	case draw < 32:
		e.Type, d.Enrolment, d.Until = event.EnrolmentTerminated, m.enrolment(), m.date()
		d.Reason = event.Layoff
		set(event.FieldEnrolment, event.FieldUntil, event.FieldReason)
	case draw < 34:
		e.Type, d.Enrolment, d.From = event.EnrolmentReinstated, m.enrolment(), m.date()
		set(event.FieldEnrolment, event.FieldFrom)
	case draw < 37:
		e.Type, d.Worker, d.On = event.WorkerDied, m.worker(), m.date()
		set(event.FieldWorker, event.FieldOn)
	case draw < 40:
		e.Type, d.Worker, d.Into = event.WorkerMerged, m.worker(), m.worker()
		set(event.FieldWorker, event.FieldInto)
	case draw < 50:
		e.Type, d.Enrolment, d.FromMonth = event.ContributionCredited, m.enrolment(), m.month()
		d.UntilMonth = d.FromMonth + 1 + temporal.Month(m.IntN(2))
		set(event.FieldEnrolment, event.FieldFromMonth, event.FieldUntilMonth)
	case draw < 80:
		m.money(e, set)
	case draw < 87:
		e.Type, d.Region = event.WorkforcePublished, []region.Code{7503, 75, 0}[m.IntN(3)]
		d.Sector, d.Indicator = event.AllSectors, event.Employed
		if m.IntN(8) == 0 {
			d.Sector = event.Formal
		}
		d.Reference, d.Count, d.Publication = m.date(), m.Int64N(4), "publication"
		set(event.FieldRegion, event.FieldSector, event.FieldIndicator, event.FieldReference,
			event.FieldCount, event.FieldPublication)
	case draw < 88:
		e.Type, d.Region, d.Sector = event.TargetSet, 75, event.AllSectors
		d.Percent, d.From = "60", m.date()
		set(event.FieldRegion, event.FieldSector, event.FieldPercent, event.FieldFrom)
	default:
		e.Type = event.EventRetracted
		named := m.key(1 + m.IntN(min(n, int(e.Sequence)+10)))
		d.RetractedSource, d.RetractedID, d.ReasonText = named.Source, named.ID, "mistake"
		e.Retracts = m.keys[named]
		set(event.FieldRetractedSource, event.FieldRetractedID, event.FieldReasonText)
	}
}

func (m *maker) terms(d *event.Data, named int) {
	for bit, f := range [...]event.Field{
		event.FieldRegion, event.FieldSegment, event.FieldCategory, event.FieldProgrammes,
		event.FieldPayer,
	} {
		if named>>bit&1 == 0 {
			continue
		}
		d.Has = d.Has.With(f)
		switch f {
		case event.FieldRegion:
			d.Region = m.regency()
		case event.FieldSegment:
			d.Segment = event.Segment(1 + m.IntN(2))
		case event.FieldCategory:
			d.Category = event.Category(1 + m.IntN(3))
		case event.FieldProgrammes:
			d.Programmes = []event.Programme{event.JKK, event.JKM}
		default:
			d.Payer = []event.Payer{event.APBD, event.APBD, event.Self, event.Employer}[m.IntN(4)]
		}
	}
}

// money makes an event about a commitment.
func (m *maker) money(e *projections.Event, set func(...event.Field)) {
	d := &e.Data
	d.Commitment, d.FromMonth = m.commitment(), m.month()
	set(event.FieldCommitment)
	switch draw := m.IntN(30); {
	case draw < 15:
		e.Type, d.Enrolment = event.FundingGranted, m.enrolment()
		d.UntilMonth = d.FromMonth + temporal.Month(1+m.IntN(7))
		switch draw := m.IntN(6); {
		case draw == 0 && m.granted != nil:
			*d = *m.granted
		case draw < 3 && m.committed != nil: // as it was committed
			d.Commitment = m.committed.Commitment
			d.FromMonth, d.UntilMonth = m.committed.FromMonth, m.committed.UntilMonth
		}
		m.granted = d
		set(event.FieldEnrolment, event.FieldFromMonth, event.FieldUntilMonth)
	case draw < 18:
		e.Type, d.Enrolment = event.FundingRevoked, m.enrolment()
		if m.granted != nil { // what it revokes is granted again, soon
			d.Enrolment, d.Commitment = m.granted.Enrolment, m.granted.Commitment
			d.FromMonth = m.granted.FromMonth + 1
		}
		set(event.FieldEnrolment, event.FieldFromMonth)
	case draw < 23:
		e.Type, d.Funder = event.FundingCommitted, []region.Code{75, 7503, 7503, 7571}[m.IntN(4)]
		d.Funding, d.FiscalYear = event.Funding(1+m.IntN(2)), 2020
		d.Heads, d.Months = m.Int64N(4), 1+m.Int64N(12)
		d.Tariff, d.Ceiling = 100+m.Int64N(3), m.Int64N(4000)
		d.UntilMonth = d.FromMonth + temporal.Month(1+m.IntN(12))
		m.committed = d
		set(event.FieldFunder, event.FieldFunding, event.FieldFiscalYear, event.FieldHeads,
			event.FieldMonths, event.FieldTariff, event.FieldCeiling, event.FieldFromMonth,
			event.FieldUntilMonth)
	case draw < 25:
		e.Type = event.FundingAmended
		d.Heads, d.Ceiling, d.UntilMonth = m.Int64N(4), m.Int64N(4000), d.FromMonth+3
		some := []event.Field{event.FieldHeads, event.FieldCeiling, event.FieldUntilMonth}
		set(some[m.IntN(3)], some[m.IntN(3)])
		d.FromMonth = 0
	case draw < 29:
		e.Type, d.Amount, d.PaidOn = event.FundingDisbursed, m.Int64N(2500), m.day
		for range 1 + m.IntN(8) {
			d.PaidMonths = append(d.PaidMonths, d.FromMonth+temporal.Month(m.IntN(9)))
		}
		d.FromMonth, d.PaymentReference = 0, "sp2d"
		set(event.FieldAmount, event.FieldPaidOn, event.FieldPaidMonths,
			event.FieldPaymentReference)
	default:
		e.Type, d.ReasonText = event.FundingClosed, "done"
		set(event.FieldFromMonth, event.FieldReasonText)
	}
}
