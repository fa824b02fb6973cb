package sample

import (
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// How a credit came to the ledger, for how of its act.
const (
	paidNow = 0 // when it was paid, with the day
	handed  = 1 // with others, by an office that had booked it before: months, and no more
)

// staff is how many employees of the sample have the same employer. Members of one quota in a row
// share an account: whoever is taken on or leaves does not change it.
const staff = 15

// joining says how many of a hundred employers of a regency are with an office of the agency that
// reports what it books; of those who pay for themselves it is three in four of that. It is never
// written.
var joining = map[region.Code]int{
	kabGorontalo: 80, boalemo: 70, boneBolango: 78, pohuwato: 72, gorontaloUt: 62, kotaGtlo: 86,
}

// creditsEnd is the first month that nobody has paid for. The sample ends with 2025.
func creditsEnd() temporal.Month { return month(2026, 1) }

// merger is a worker whom another office knew as somebody else. Both are numbers of persons; into
// is whom they are counted as.
type merger struct{ worker, into int32 }

// account is how an employer pays for his people, or a worker for himself. Months are reported from
// since to stops, but for those from skipped to returned; without a gap skipped and returned are
// the end of all credits.
type account struct {
	joined   int            // the year from which on its credits are reported, 0: never
	since    temporal.Month // the first month that is reported
	skipped  temporal.Month // the first month of a gap
	returned temporal.Month // the first month after it
	stops    temporal.Month // the first month that is not paid any more
}

// tellMoney reports what people and their employers paid, and what follows from it until 2025.
// People leave before their credits are told, since nobody pays for who has left; who was merged
// and who was booked for is drawn from those still there.
func (t *teller) tellMoney() {
	for _, r := range regencies() {
		t.tellLater(r)
	}
	t.tellMerged()
	for _, q := range quotas {
		t.tellContributions(q)
	}
	for _, q := range unpaid {
		t.tellUnpaid(q)
	}
	t.tellBooked()
}

// tellContributions reports the credits of a class. Classes that a budget pays for have none of
// their own: see tellBooked.
func (t *teller) tellContributions(q quota) {
	first, count := t.everybody(q.region, q.class)
	// A class has one payer.
	if t.members[first].payer == event.APBD {
		return
	}
	var a account
	for i := range count {
		if t.members[first+i].payer == event.Self {
			a = t.payer(q.region)
		} else if i%staff == 0 {
			a = t.employer(q.region)
		}
		t.tellPaid(first+i, &a)
	}
}

// tellUnpaid reports those who had stopped paying before the end of 2019, and the months they had
// paid. Those who went out of sight for long are terminated in the end, one in four. Their offices
// report from 2019 on, else nobody would know that they had stopped: without any credit they would
// be presumed to pay, contract, section 3.
func (t *teller) tellUnpaid(q quota) {
	first, count := t.everybody(q.region, q.class)
	a := newAccount(2019)
	a.since = month(2018, 1)
	for i := range count {
		who := first + i
		t.tellOpenedOne(who)
		switch {
		case q.class == lapsed:
			a.skipped = month(2019, 2) + temporal.Month(t.rng.IntN(11))
			a.returned = month(2020, 1) + temporal.Month(t.rng.IntN(20))
			a.stops = creditsEnd() - temporal.Month(t.rng.IntN(60))
		case i%staff == 0:
			a.stops = month(2018, 6) + temporal.Month(t.rng.IntN(14))
		}
		if q.class == stopped && t.rng.IntN(4) == 0 {
			t.leave(who, t.between(day(2021, 6, 1), day(2024, 12, 31)), event.OtherReason)
		}
		t.tellPaid(who, &a)
	}
}

// newAccount returns an account that pays from 2019 on without a gap to the end.
func newAccount(joined int) account {
	end := creditsEnd()
	return account{joined, month(2019, 1), end, end, end}
}

// joins draws the year in which the office of an account begins to report, 0 for never, when so
// many of a hundred do. A small part has been there from the start, most join in the last year,
// which is how coverage that was presumed becomes confirmed, or falls.
func (t *teller) joins(percent int) int {
	if t.rng.IntN(100) >= percent {
		return 0
	}
	return pick(t, 2019, 2022, 2022, 2025, 2025, 2025, 2025, 2025, 2025, 2025)
}

// employer draws an employer: one in three misses some months at the end of a year, during which
// the agency still bears the risk; one in five stops paying between 2020 and 2025. Gaps are of one
// to three months: an employer's workers stay covered through them, contract, section 3.
func (t *teller) employer(r region.Code) account {
	a := newAccount(t.joins(joining[r]))
	if t.rng.IntN(3) == 0 {
		a.skipped = month(2019+t.rng.IntN(6), 10+t.rng.IntN(3))
		a.returned = a.skipped + temporal.Month(1+t.rng.IntN(3))
	}
	if t.rng.IntN(5) == 0 {
		a.stops = month(2020, 7) + temporal.Month(t.rng.IntN(60))
	}
	return a
}

// payer draws a worker who pays for himself: one in three lapses for some months and returns, and
// four in ten stop. A gap is from two to fourteen months: a worker who pays for himself is in grace
// for three of them, then not.
func (t *teller) payer(r region.Code) account {
	a := newAccount(t.joins(joining[r] * 3 / 4))
	if t.rng.IntN(3) == 0 {
		a.skipped = month(2020, 2) + temporal.Month(t.rng.IntN(52))
		a.returned = a.skipped + temporal.Month(2+t.rng.IntN(13))
	}
	if t.rng.IntN(10) < 4 {
		a.stops = month(2020, 9) + temporal.Month(t.rng.IntN(60))
	}
	return a
}

// tellPaid reports what an account paid for a member, while he worked. The month in which he leaves
// is paid for, if he is there on a day of it.
func (t *teller) tellPaid(who int32, a *account) {
	m := &t.members[who]
	from := max(a.since, m.from.Month())
	if m.left == 0 {
		t.tellMonths(who, a, from, a.stops)
		return
	}
	t.tellMonths(who, a, from, min(a.stops, m.left.AddDays(-1).Month()+1))
	if m.again != 0 {
		t.tellMonths(who, a, m.again.Month(), a.stops)
	}
}

// tellMonths reports the months [from, until) but for the gap. An account that never joined tells
// nothing: its members are presumed to pay.
func (t *teller) tellMonths(who int32, a *account, from, until temporal.Month) {
	if a.joined != 0 {
		t.tellCredits(who, a.joined, from, min(until, a.skipped))
		t.tellCredits(who, a.joined, max(from, a.returned), until)
	}
}

// tellCredits reports the months [from, until), year by year as they were paid; those of the years
// before the office joined with those of the year in which it did. A credit spans at most a year,
// but for the first of an office that joined late, which has that year and all before it in one.
func (t *teller) tellCredits(who int32, joined int, from, until temporal.Month) {
	for from < until {
		year := 1970 + int(from)/12
		end := min(until, month(max(year, joined)+1, 1))
		how, at := uint8(paidNow), t.paid(who, from)
		if year < joined {
			how, at = handed, t.office(t.between(day(joined, 3, 1), day(joined, 3, 26)))
		}
		t.planAs(at, event.ContributionCredited, who, months(from, end), how)
		from = end
	}
}

// paid returns when the months from one on were paid: by a worker who goes on paying for himself
// before they begin, since a month that is not paid is not covered; otherwise at the end of the
// quarter in which they do. Nobody pays for somebody who is not known yet. It spreads over 25 days,
// so that not all of a year's credits come at once.
func (t *teller) paid(who int32, from temporal.Month) batch {
	m := &t.members[who]
	first := from.First().AddDays(60)
	if m.payer == event.Self && from > max(m.from.Month(), month(2019, 1)) {
		first = from.First().AddDays(-28)
	}
	first = max(first, m.told+1)
	return t.office(t.between(first, first.AddDays(24)))
}

// tellBooked reports for which of those on lists the agency booked the money: some of the city's,
// for whom the tariff of PP 49/2020 let it last to the end of the year, and nearly all that are
// shown of Bone Bolango's of 2023.
func (t *teller) tellBooked() {
	booked := func(who int32, known temporal.Date, from, until temporal.Month) {
		at := t.office(t.between(known, known.AddDays(8)))
		t.planAs(at, event.ContributionCredited, who, months(from, until), handed)
	}
	for i, who := range t.take(kotaGtlo, budget, bookedInCity) {
		until := month(2020, 11)
		if i < bookedOn {
			until = month(2021, 1)
		}
		booked(who, day(2020, 11, 9), month(2020, 3), until)
	}
	for _, who := range t.take(boneBolango, listed, bookedIn2023) {
		booked(who, day(2023, 12, 4), month(2023, 1), month(2023, 12))
	}
}

// tellMerged reports that a worker of the city who is employed and one who pays for himself are one
// person, whom two offices had enrolled. Which was merged into which says nothing to coverage.
func (t *teller) tellMerged() {
	employed, paying := t.take(kotaGtlo, formal, 1)[0], t.take(kotaGtlo, self, 1)[0]
	t.merged = merger{t.members[paying].worker, t.members[employed].worker}
	t.plan(t.office(day(2021, 3, 17)), event.WorkerMerged, paying, employed)
}

// tellLater reports who left and who died in a regency after 2021. Only days up to the middle of
// September, so that even what is reported late is told before the year, and the sample, ends.
func (t *teller) tellLater(r region.Code) {
	for year := 2022; year <= 2025; year++ {
		first, last := day(year, 1, 1), day(year, 9, 15)
		for _, who := range t.takePart(pool{r, formal}, leaversPart) {
			t.leave(who, t.between(first, last), t.whyLeft())
		}
		for _, who := range t.takePart(pool{r, builder}, buildersPart) {
			t.leave(who, t.between(first, last), event.ProjectEnd)
		}
		for _, who := range t.takePart(pool{r, self}, arrearsPart) {
			t.leave(who, t.between(first, last), pick(t, event.Arrears, event.Arrears,
				event.Moved, event.OtherReason))
		}
		for _, who := range t.takePart(pool{r, self}, deathsPart) {
			died := t.die(who, t.between(first, last))
			t.plan(t.reported(died), event.WorkerDied, who, int32(died))
		}
	}
}

// takePart draws one in part of those of a pool whom nobody drew before. As they become fewer, so
// do those who go.
func (t *teller) takePart(p pool, part int) []int32 {
	return t.take(p.region, p.class, len(t.pools[p].rest)/part)
}

// months packs the months [from, until) into the argument of an act. The first one has the sign, so
// it fits until the year 4700.
func months(from, until temporal.Month) int32 { return int32(from)<<16 | int32(until) }

// ofCredit fills in a credit. What an employer pays would tell wages, which are none of the
// ledger's business; what a worker pays for himself is the tariff of his programmes. Its id holds
// the first month, since one enrolment has several.
func (t *teller) ofCredit(e *event.Event, a *act) {
	m, d := &t.members[a.who], &e.Data
	d.Enrolment = label("smp", m.region, m.number)
	d.FromMonth, d.UntilMonth = temporal.Month(a.arg>>16), temporal.Month(a.arg&0xffff)
	e.ID = label(verb(a.what)+"-"+d.FromMonth.String(), m.region, m.number)
	d.Has = event.FieldSet(0).With(event.FieldEnrolment).
		With(event.FieldFromMonth).With(event.FieldUntilMonth)
	// An office that hands over old books knows the months, and no more.
	if a.how == handed {
		return
	}
	d.Has = d.Has.With(event.FieldPaidOn).With(event.FieldPaymentReference)
	d.PaidOn, d.PaymentReference = a.at.instant().Date(), synthetic
	if m.payer == event.Self {
		d.Has = d.Has.With(event.FieldAmount)
		for month := d.FromMonth; month < d.UntilMonth; month++ {
			d.Amount += tariffIn(month) + savings(m.programmes)
		}
	}
}

// savings returns what the old-age savings among a set of programmes cost a month, as the least.
// The tariff of old-age savings is a share of what somebody earns; this is that of the lowest.
func savings(programmes uint8) int64 {
	if programmes == 0 {
		return 0
	}
	return 20_000
}
