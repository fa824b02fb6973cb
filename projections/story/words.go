package story

import (
	"fmt"
	"strings"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// Words is the same in English and in Indonesian. They are made of the event's own values, with no
// name of a person: the log has none.
type Words struct {
	EN string `json:"en"`
	ID string `json:"id"`
}

// joined joins names that are a set, in the order given.
func joined(texts []string) string { return strings.Join(texts, "+") }

// wordsOf says what an event reports. Types of events that no story has, such as
// publications, are named by their type alone.
func wordsOf(e *event.Event) Words {
	d := &e.Data
	switch e.Type {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated:
		return ofEnrolment(e)
	case event.FundingCommitted, event.FundingAmended, event.FundingGranted, event.FundingRevoked,
		event.FundingDisbursed, event.FundingClosed:
		return ofMoney(e)
	case event.WorkerDied:
		return say("worker %s died on %s", "pekerja %s meninggal pada %s", d.Worker, d.On)
	case event.WorkerMerged:
		return say("worker %s and worker %s are one person",
			"pekerja %s dan pekerja %s adalah satu orang", d.Worker, d.Into)
	case event.ContributionCredited:
		return say("contributions of %s are booked for %s", "iuran %s dibukukan untuk %s",
			d.Enrolment, months(d.FromMonth, d.UntilMonth))
	case event.EventRetracted:
		// The reason is the reporter's own words, in the language they were written in.
		return say("takes back event %s of %s: %s", "menarik kembali peristiwa %s dari %s: %s",
			d.RetractedID, d.RetractedSource, d.ReasonText)
	default:
		return say("%s", "%s", strings.TrimPrefix(e.Type.Name(), event.TypePrefix))
	}
}

// say says the same in both languages, with the same values. The order of values is the English
// one; a text may name them by number.
func say(en, id string, values ...any) Words {
	return Words{EN: fmt.Sprintf(en, values...), ID: fmt.Sprintf(id, values...)}
}

// months writes months with both ends in, the same in both languages. A period of one month, or of
// none, is written as one.
func months(from, until temporal.Month) string {
	if until-1 <= from {
		return from.String()
	}
	return from.String() + "–" + (until - 1).String()
}

// ofEnrolment says what an event of an enrolment reports.
func ofEnrolment(e *event.Event) Words {
	d := &e.Data
	switch e.Type {
	case event.EnrolmentOpened:
		return say("opens enrolment %s of worker %s from %s: %s",
			"membuka kepesertaan %s untuk pekerja %s mulai %s: %s", d.Enrolment, d.Worker, d.From,
			termsText(d))
	case event.EnrolmentAmended:
		return say("amends enrolment %s from %s: %s", "mengubah kepesertaan %s mulai %s: %s",
			d.Enrolment, d.From, termsText(d))
	case event.EnrolmentTerminated:
		return say("ends enrolment %s; %s is the first day without (%s)",
			"mengakhiri kepesertaan %s; %s hari pertama tanpa perlindungan (%s)", d.Enrolment,
			d.Until, d.Reason)
	default:
		return say("reinstates enrolment %s from %s",
			"mengaktifkan kembali kepesertaan %s mulai %s", d.Enrolment, d.From)
	}
}

// termsText writes the terms that an event names, in the words of the contract. Terms that it does
// not name are left out, as they stay what they were. Programmes are written as they were sent.
func termsText(d *event.Data) string {
	var terms []string
	if d.Has.Has(event.FieldRegion) {
		terms = append(terms, d.Region.String()+" "+d.Region.Name())
	}
	if d.Has.Has(event.FieldSegment) {
		terms = append(terms, d.Segment.String())
	}
	if d.Has.Has(event.FieldCategory) {
		terms = append(terms, d.Category.String())
	}
	if d.Has.Has(event.FieldProgrammes) {
		var programmes []string
		for _, p := range d.Programmes {
			programmes = append(programmes, p.String())
		}
		terms = append(terms, joined(programmes))
	}
	if d.Has.Has(event.FieldPayer) {
		terms = append(terms, d.Payer.String())
	}
	return strings.Join(terms, ", ")
}

// ofMoney says what an event of a commitment reports. Rupiah are written whole, without dots: the
// same text serves both languages.
func ofMoney(e *event.Event) Words {
	d := &e.Data
	switch e.Type {
	case event.FundingCommitted:
		return say("%[2]s commits %[1]s: %[3]d heads, %[4]d months at %[5]d rupiah, ceiling %[6]d,"+
			" %[7]s, from %[8]s", "%[2]s menganggarkan %[1]s: %[3]d orang, %[4]d bulan, iuran"+
			" %[5]d rupiah, pagu %[6]d, %[7]s, dari %[8]s", d.Commitment, d.Funder, d.Heads,
			d.Months, d.Tariff, d.Ceiling, months(d.FromMonth, d.UntilMonth), d.Funding)
	case event.FundingAmended:
		return say("amends commitment %s: %s", "mengubah anggaran %s: %s", d.Commitment,
			amendedText(d))
	case event.FundingGranted:
		return say("commitment %s is to pay %s for %s", "anggaran %s membayari %s untuk %s",
			d.Commitment, d.Enrolment, months(d.FromMonth, d.UntilMonth))
	case event.FundingRevoked:
		return say("commitment %s no longer pays %s from %s on",
			"anggaran %s tidak lagi membayari %s mulai %s", d.Commitment, d.Enrolment, d.FromMonth)
	case event.FundingDisbursed:
		var paid []string
		for _, month := range d.PaidMonths {
			paid = append(paid, month.String())
		}
		return say("commitment %s pays out %d rupiah on %s for %s",
			"anggaran %s mencairkan %d rupiah pada %s untuk %s", d.Commitment, d.Amount, d.PaidOn,
			strings.Join(paid, ", "))
	default:
		return say("commitment %s pays nothing from %s on: %s",
			"anggaran %s ditutup mulai %s: %s", d.Commitment, d.FromMonth, d.ReasonText)
	}
}

// amendedText writes what an amendment of a commitment names, in the words of the contract.
func amendedText(d *event.Data) string {
	var terms []string
	for _, term := range [...]struct {
		field event.Field
		value any
	}{
		{event.FieldHeads, d.Heads},
		{event.FieldMonths, d.Months},
		{event.FieldTariff, d.Tariff},
		{event.FieldCeiling, d.Ceiling},
		{event.FieldUntilMonth, d.UntilMonth},
	} {
		if d.Has.Has(term.field) {
			terms = append(terms, fmt.Sprintf("%s %v", term.field.Name(), term.value))
		}
	}
	return strings.Join(terms, ", ")
}
