package sample

import (
	"math/bits"
	"strconv"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// amendments are the fields that an amendment of the sample changes, by how of its act: the move
// to the city, one more programme, another category. They are never written.
var amendments = [...]event.Field{event.FieldRegion, event.FieldProgrammes, event.FieldCategory}

// event makes the event of an act. It draws nothing, so that an event is the same whenever it is
// made. Ids are readable, since a demonstration is looked at: verb, regency and number.
func (t *teller) event(a *act) event.Event {
	e := event.Event{Key: event.Key{Source: sourceSynthetic}, Type: a.what}
	e.Data.Has = t.carries[a.what]
	switch a.what {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated, event.WorkerDied, event.WorkerMerged, event.EventRetracted:
		t.ofMember(&e, a)
	case event.ContributionCredited:
		t.ofCredit(&e, a)
	case event.FundingGranted, event.FundingRevoked:
		t.ofGrant(&e, a)
	default:
		e.Source = sourcePublished
		// Numbered from 1 by place in the record.
		e.ID = verb(a.what) + "-" + strconv.Itoa(int(a.arg)+1)
		t.ofRecord(&e, a)
	}
	return e
}

// ofMember fills in an event of one enrolment or worker.
func (t *teller) ofMember(e *event.Event, a *act) {
	m := &t.members[a.who]
	e.ID = label(verb(a.what), m.region, m.number)
	d := &e.Data
	if d.Has.Has(event.FieldEnrolment) {
		d.Enrolment = label("smp", m.region, m.number)
	}
	on := temporal.Date(a.arg)
	switch a.what {
	case event.EnrolmentOpened:
		d.Worker = workerID(t.seed, uint64(m.worker))
		d.Region, d.Segment, d.Category = m.region, m.segment, m.category
		d.Programmes, d.Payer, d.From = programmeSets[m.programmes], m.payer, m.from
	case event.EnrolmentAmended:
		t.amend(d, amendments[a.how], on)
	case event.EnrolmentTerminated:
		d.Until, d.Reason = on, event.Reason(a.how)
		if a.how == wrongList {
			e.ID, d.Reason = label(wrongListVerb, m.region, m.number), event.Layoff
		}
	case event.EnrolmentReinstated:
		d.From = on
	case event.WorkerDied:
		d.Worker, d.On = workerID(t.seed, uint64(m.worker)), on
	case event.WorkerMerged:
		d.Worker = workerID(t.seed, uint64(m.worker))
		d.Into = workerID(t.seed, uint64(t.members[a.arg].worker))
	default:
		d.RetractedSource = sourceSynthetic
		d.RetractedID = label(wrongListVerb, m.region, m.number)
		d.ReasonText = "the list of dismissals was another company's"
	}
}

// amend fills in a change of one term. It sets which fields there are: an amendment carries only
// what it changes.
func (t *teller) amend(d *event.Data, changed event.Field, from temporal.Date) {
	d.Has = event.FieldSet(0).With(event.FieldEnrolment).With(event.FieldFrom).With(changed)
	d.From = from
	switch changed {
	case event.FieldRegion:
		d.Region = kotaGtlo
	case event.FieldProgrammes:
		d.Programmes = programmeSets[1]
	default:
		d.Category = event.OtherCategory
	}
}

// ofGrant fills in what a commitment pays, or no longer pays, for an enrolment. The id holds the
// commitment's, as one enrolment is granted months by several.
func (t *teller) ofGrant(e *event.Event, a *act) {
	m, c := &t.members[a.who], &t.published.commitments[a.arg]
	e.ID = label(verb(a.what)+"-"+c.id, m.region, m.number)
	d := &e.Data
	d.Commitment, d.Enrolment = c.id, label("smp", m.region, m.number)
	d.FromMonth, d.UntilMonth = c.from, c.paidUntil
	if a.what == event.FundingRevoked {
		// All revocations of the story are of one month, and a revocation has no end.
		d.FromMonth, d.UntilMonth = month(2020, 7), 0
	}
}

// ofRecord fills in what is about no single worker.
func (t *teller) ofRecord(e *event.Event, a *act) {
	p, d := &t.published, &e.Data
	switch a.what {
	case event.WorkforcePublished:
		f := &p.figures[a.arg]
		d.Region, d.Sector, d.Indicator, d.Count = f.region, f.sector, f.indicator, f.count
		d.Reference, d.Publication = f.reference, f.publication
	case event.TargetSet:
		g := &p.targets[a.arg]
		d.Region, d.Sector, d.Percent = g.region, event.AllSectors, g.percent
		d.From, d.Basis = g.from, g.basis
	case event.FundingCommitted:
		committed(d, &p.commitments[a.arg])
	case event.FundingDisbursed:
		m := &p.payments[a.arg]
		d.Commitment, d.Amount = p.commitments[m.commitment].id, m.amount
		d.PaidOn, d.PaidMonths = m.known, m.months
		d.PaymentReference = "payment " + strconv.Itoa(int(a.arg)+1) + ", " + synthetic
	case event.FundingAmended:
		m := &p.amendments[a.arg]
		d.Has = event.FieldSet(0).With(event.FieldCommitment).
			With(event.FieldMonths).With(event.FieldUntilMonth)
		d.Commitment, d.Months = p.commitments[m.commitment].id, m.months
		d.UntilMonth = m.until
	default:
		c := &p.closings[a.arg]
		d.Commitment, d.FromMonth = p.commitments[c.commitment].id, c.from
		d.ReasonText = c.reason
	}
}

// committed fills in what the event of a commitment says. The fiscal year is the one of its first
// month.
func committed(d *event.Data, c *commitment) {
	d.Commitment, d.Funder, d.Funding = c.id, c.funder, c.funding
	d.FiscalYear = 1970 + int64(c.from)/12
	d.Heads, d.Months, d.Tariff, d.Ceiling = c.heads, c.months, tariff, c.ceiling
	d.FromMonth, d.UntilMonth, d.Basis = c.from, c.until, c.basis
}

// wrongListVerb begins the ids of the dismissals that are taken back: the number of the wrong list.
const wrongListVerb = "dismissals-4471"

// verb begins the ids of a type's events. Ids are for ever, as the ledger keeps them: changing one
// makes another sample.
func verb(t event.Type) string {
	switch t {
	case event.EnrolmentOpened:
		return "opened"
	case event.EnrolmentAmended:
		return "amended"
	case event.EnrolmentTerminated:
		return "terminated"
	case event.EnrolmentReinstated:
		return "reinstated"
	case event.WorkerDied:
		return "died"
	case event.WorkerMerged:
		return "merged"
	case event.ContributionCredited:
		return "credited"
	case event.FundingCommitted:
		return "committed"
	case event.FundingAmended:
		return "commitment-amended"
	case event.FundingGranted:
		return "granted"
	case event.FundingRevoked:
		return "revoked"
	case event.FundingDisbursed:
		return "disbursed"
	case event.FundingClosed:
		return "closed"
	case event.WorkforcePublished:
		return "workforce"
	case event.TargetSet:
		return "target"
	case event.EventRetracted:
		return "retracted"
	default:
		return ""
	}
}

// label returns a prefix, a regency's digits and a number of six digits: "smp-7503-000123".
func label(prefix string, r region.Code, number int32) string {
	buf := make([]byte, 0, 48)
	buf = append(buf, prefix...)
	buf = append(buf, '-')
	buf = strconv.AppendInt(buf, int64(r), 10)
	buf = append(buf, '-')
	return string(appendPadded(buf, uint64(number), 6))
}

// appendPadded appends a number with leading zeros to at least width digits. A number with more
// digits is not cut.
func appendPadded(dst []byte, number uint64, width int) []byte {
	var buf [20]byte // the digits of the largest number
	digits := strconv.AppendUint(buf[:0], number, 10)
	for n := len(digits); n < width; n++ {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

// workerAlphabet has no letters that look like digits, and no upper case.
const workerAlphabet = "abcdefghijkmnpqrstuvwxyz23456789"

// workerID returns the opaque id of a person: 26 characters for 128 bits, as many as the identity
// vault's have. The same person has the same id in each sample of one seed, and another one for
// every other seed. They are made, not random: nobody stands behind them whom it could protect.
func workerID(seed, person uint64) string {
	var id [26]byte
	hi, lo := mix(seed^0x6361, person), mix(seed^0x6b75, person)
	for i := range id {
		id[i] = workerAlphabet[lo&31]
		// Five bits a letter, out of both halves as one number.
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(id[:])
}

// mix returns a number that looks random and depends on both arguments only. It is no hash to rely
// on against anybody: it spreads, fast and the same on each machine. Each use gives the seed
// another bit, so that its draws do not go together.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd1b54a32d192ed03)
	x := hi ^ lo ^ b*0x94d049bb133111eb
	x = (x ^ x>>31) * 0xbf58476d1ce4e5b9
	return x ^ x>>29
}
