package sample

import (
	"strconv"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// enrolmentID returns the id of the e-th enrolment, as long as a KPJ. Ids count from 1.
func enrolmentID(e int) string {
	buf := append(make([]byte, 0, 16), 'K')
	return string(appendPadded(buf, uint64(e)+1, 10))
}

// worker returns who the e-th enrolment belongs to: somebody new, or sometimes somebody who has an
// enrolment already. With a second job it is the id of somebody drawn by number, who may be
// nobody's first: then it is one enrolment's after all.
func (g *nation) worker(e int) string {
	draw := mix(g.seed^4, uint64(e))
	if e > 0 && draw%100 < secondJobs {
		e = earlier(draw>>20, e)
	}
	return workerID(g.seed, uint64(e))
}

// regency returns the place in regencies where the e-th enrolment's worker lives. The terms later
// say where he has moved; grants come from here all the same, as they do in the world.
func (g *nation) regency(e int) int {
	return int(mix(g.seed^5, uint64(e)) % uint64(len(g.regencies)))
}

// open fills in the e-th enrolment. The same e always gives the same terms: grants and amendments
// work them out again. Three in ten are paid for by a budget, and of the others some seven in ten
// by an employer.
func (g *nation) open(d *event.Data, e int, from temporal.Date) {
	d.Enrolment, d.Worker, d.From = enrolmentID(e), g.worker(e), from
	d.Region = g.regencies[g.regency(e)]
	draw := mix(g.seed^6, uint64(e))
	d.Programmes = programmeSets[0]
	switch part := draw % 70; {
	case g.budgetRank[e%100] >= 0:
		d.Payer, d.Segment, d.Category = event.APBD, event.BPU, event.Vulnerable
		if draw>>8%4 == 0 {
			d.Segment, d.Category = event.PU, event.NonASN
		}
	case part < 45:
		d.Payer, d.Segment, d.Category = event.Employer, event.PU, event.Private
		d.Programmes = programmeSets[draw>>8%uint64(len(programmeSets))]
		if draw>>16%10 == 0 {
			d.Category = event.VillageOfficial
		}
	case part < 64:
		d.Payer, d.Segment, d.Category = event.Self, event.BPU, event.SelfEmployed
		d.Programmes = programmeSets[draw>>8%2]
	case part < 69:
		d.Payer, d.Segment, d.Category = event.Employer, event.JAKON, event.Private
	default:
		d.Payer, d.Segment, d.Category = event.Self, event.PMI, event.OtherCategory
	}
}

// amend fills in a change of terms of an enrolment. It carries one term alone. Who moves may move
// to where he is.
func (g *nation) amend(d *event.Data, e int, from temporal.Date, draw uint64) {
	d.Has = event.FieldSet(0).With(event.FieldEnrolment).With(event.FieldFrom)
	d.Enrolment, d.From = enrolmentID(e), from
	switch draw % 4 {
	case 0:
		d.Has = d.Has.With(event.FieldProgrammes)
		d.Programmes = programmeSets[1]
	case 1:
		d.Has = d.Has.With(event.FieldCategory)
		d.Category = event.OtherCategory
	default: // most amendments are people who move
		d.Has = d.Has.With(event.FieldRegion)
		d.Region = g.regencies[draw>>8%uint64(len(g.regencies))]
	}
}

// commitmentID returns the id of a regency's budget line of a year, both counted from 0.
func (g *nation) commitmentID(regency, year int) string {
	buf := append(make([]byte, 0, 16), "apbd-"...)
	buf = strconv.AppendInt(buf, int64(g.regencies[regency]), 10)
	buf = append(buf, '-')
	return string(strconv.AppendInt(buf, int64(2015+year), 10))
}

// commitment makes the i-th event, which is one of the first of its year. Its heads are drawn, and
// may be fewer than are granted: findings then have something to find.
func (g *nation) commitment(i int) event.Event {
	e := event.Event{Key: g.key(i), Type: event.FundingCommitted}
	d, year, regency := &e.Data, g.year(i), i%g.perYear
	d.Has = g.carries[event.FundingCommitted].Without(event.FieldBasis)
	draw := mix(g.seed^7, uint64(i))
	d.Commitment, d.Funder = g.commitmentID(regency, year), g.regencies[regency]
	d.Funding = event.FundingAPBD
	if draw%5 == 0 {
		d.Funding = event.Funding(2 + draw>>8%5)
	}
	d.FiscalYear, d.Heads = int64(2015+year), int64(1_000+draw>>16%20_000)
	d.Months, d.Tariff = 12, tariff
	d.Ceiling = d.Heads * d.Months * d.Tariff
	d.FromMonth, d.UntilMonth = month(2015+year, 1), month(2016+year, 1)
	return e
}

// grant fills in that the budget of a regency pays for somebody who lives there, for the year of
// the i-th event or what is left of it. A fourth of them are granted in the middle of the year,
// from the month of the report on.
func (g *nation) grant(d *event.Data, i int, draw uint64, opened int) {
	g.granted(d, i, draw, opened)
	year := 2015 + g.year(i)
	d.FromMonth, d.UntilMonth = month(year, 1), month(year+1, 1)
	if draw%4 == 0 {
		d.FromMonth = min(max(d.FromMonth, g.day(i).Month()), d.UntilMonth-1)
	}
}

// granted fills in what identifies the grant of the i-th event. Only those who were opened before
// it are drawn, so that hardly a grant is of somebody unknown; who is on a budget follows from the
// enrolment's place in its hundred.
func (g *nation) granted(d *event.Data, i int, draw uint64, opened int) {
	onBudget := opened/100*onBudgetPart + g.ranked(opened%100)
	b := earlier(draw>>20, onBudget)
	e := b/onBudgetPart*100 + int(g.onBudget[b%onBudgetPart])
	d.Enrolment = enrolmentID(e)
	d.Commitment = g.commitmentID(g.regency(e), g.year(i))
}

// ranked returns how many of the first n of a hundred enrolments have payer APBD.
func (g *nation) ranked(n int) (count int) {
	for _, e := range g.onBudget {
		if int(e) < n {
			count++
		}
	}
	return count
}

// revoke fills in the end of an earlier grant. It draws again what that grant drew, and so names
// the same pair.
func (g *nation) revoke(d *event.Data, p int, draw uint64) {
	m := earlier(draw>>20, g.schedule.count(event.FundingGranted, p))
	place := g.schedule.find(event.FundingGranted, m)
	i := g.index(place)
	g.granted(d, i, mix(g.seed^2, uint64(i)), g.schedule.count(event.EnrolmentOpened, place))
	d.FromMonth = month(2015+g.year(i), 1) + temporal.Month(draw%12)
}

// public fills in what is about no single worker. Regency and year are those of a commitment that
// there is, as far as there are commitments.
func (g *nation) public(d *event.Data, what event.Type, i int, draw uint64) {
	regency := int(draw >> 20 % uint64(len(g.regencies)))
	code, year := g.regencies[regency], g.year(i)
	switch what {
	case event.WorkforcePublished:
		d.Region, d.Sector = code, event.Sector(1+draw%3)
		d.Indicator, d.Count = event.Indicator(1+draw>>8%3), int64(50_000+draw>>30%400_000)
		d.Reference = day(2014+year, 8, 31)
		d.Publication = synthetic
	case event.TargetSet:
		d.Has = d.Has.Without(event.FieldBasis)
		d.Region, d.Sector = code.Parent(), event.AllSectors
		d.Percent = strconv.Itoa(int(30 + draw%50))
		d.From = day(2015+year, 1, 1)
	case event.FundingDisbursed:
		first := month(2015+year, 1) + temporal.Month(draw%10)
		d.Commitment = g.commitmentID(regency, year)
		d.PaidMonths = []temporal.Month{first, first + 1, first + 2}
		d.Amount = int64(1_000+draw>>30%20_000) * 3 * tariff
		d.PaidOn, d.PaymentReference = g.day(i), "SP2D "+strconv.Itoa(i)
	case event.FundingAmended:
		d.Has = event.FieldSet(0).With(event.FieldCommitment).With(event.FieldHeads)
		d.Commitment, d.Heads = g.commitmentID(regency, year), int64(1_000+draw>>30%20_000)
	default:
		d.Commitment = g.commitmentID(regency, year)
		d.FromMonth = month(2015+year, 12)
		d.ReasonText = "money ended"
	}
}
