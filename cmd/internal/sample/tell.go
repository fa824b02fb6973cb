package sample

import (
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// The sizes of the story's incidents, in people.
const (
	wrongListLines  = 1_000 // a company's list sent for another one, taken back after two weeks
	lateDeaths      = 180   // deaths that only the check of the list in March 2021 found
	revokedGrants   = 120   // taken off the list in July 2020
	listedIn2023    = 6_000 // of the 27,000 of 2023
	paidTwiceIn2023 = 60    // of them, by the province too
	layoffsCity     = 900
	layoffsRegency  = 700
	rehired         = 500
	leaversEach     = 150 // of each regency's employees
	arrearsEach     = 120 // of each regency's self-employed
	deathsEach      = 60  // of each regency
	amendedEach     = 60
	bookedInCity    = 1_200 // of the city's list, by the agency
	bookedOn        = 400   // of them, to the end of 2020
	bookedIn2023    = 5_950 // of those listed in 2023
)

// One in so many of those nobody has told of goes in each year after 2021.
const (
	leaversPart  = 25
	buildersPart = 6
	arrearsPart  = 25
	deathsPart   = 300
)

// regencies returns the regencies and cities of the province. Their order is part of the story:
// draws go through them in it.
func regencies() []region.Code {
	return []region.Code{kabGorontalo, boalemo, boneBolango, pohuwato, gorontaloUt, kotaGtlo}
}

// tell plans every event of the story. The order matters twice: within a batch events keep it, and
// each incident takes people whom the ones before have left. Money comes afterwards, by another
// generator: see newTeller.
func (t *teller) tell() {
	// More come with the credits; this much saves the first growths.
	t.acts = make([]act, 0, 2*len(t.members))
	t.tellPublished()
	t.tellOpened()
	t.tellLists()
	t.tellCrisis()
	for _, r := range regencies() {
		t.tellEveryday(r)
	}
}

// plan notes an event to come. who is a place in members, or 0 where it is about nobody; for arg
// see act.
func (t *teller) plan(at batch, what event.Type, who, arg int32) {
	t.planAs(at, what, who, arg, 0)
}

// planAs is plan for an event that is told in one of several ways: see act.how.
func (t *teller) planAs(at batch, what event.Type, who, arg int32, how uint8) {
	t.acts = append(t.acts, act{at, who, arg, what, how})
}

// tellPublished reports all that is not about one worker, on the day that the ledger could know it.
// who is 0: the event is found by its type and place in the record.
func (t *teller) tellPublished() {
	p := &t.published
	for i, f := range p.figures {
		t.plan(t.office(f.known), event.WorkforcePublished, 0, int32(i))
	}
	for i, g := range p.targets {
		t.plan(t.office(g.known), event.TargetSet, 0, int32(i))
	}
	for i, c := range p.commitments {
		t.plan(t.office(c.known), event.FundingCommitted, 0, int32(i))
	}
	for i, m := range p.payments {
		t.plan(t.office(m.known), event.FundingDisbursed, 0, int32(i))
	}
	for i, a := range p.amendments {
		t.plan(t.office(a.known), event.FundingAmended, 0, int32(i))
	}
	for i, c := range p.closings {
		t.plan(t.office(c.known), event.FundingClosed, 0, int32(i))
	}
}

// tellOpened reports every enrolment: those from before 2019 when the ledger began, in January
// and February 2019, the lists of 2020 when they came, the others as they happened.
func (t *teller) tellOpened() {
	for i := range t.members {
		t.tellOpenedOne(int32(i))
	}
}

// tellOpenedOne reports one enrolment and notes the day, before which nobody can have paid. The
// lists of 2020 are known by their first day: nobody else is enrolled in that year.
func (t *teller) tellOpenedOne(who int32) {
	var at batch
	switch from := t.members[who].from; {
	case from < day(2019, 1, 1):
		at = t.office(t.between(day(2019, 1, 7), day(2019, 2, 28)))
	case from == listStarts(relief):
		at = t.office(t.between(day(2020, 9, 7), day(2020, 9, 11)))
	case from == listStarts(budget):
		at = t.office(t.between(day(2020, 3, 2), day(2020, 3, 6)))
	default:
		at = t.reported(from)
	}
	t.members[who].told = at.instant().Date()
	t.plan(at, event.EnrolmentOpened, who, 0)
}

// tellLists reports who was paid for by which budget, and when that was known: the list of 2021
// came in late April, for the months from January on. Who is revoked and who dies is drawn from the
// list before the lists of the years after are made of whom that leaves.
func (t *teller) tellLists() {
	list, count := t.everybody(boneBolango, listed)
	t.grant(boneBolango2019, list, count, day(2019, 2, 11), day(2019, 2, 22))
	t.grant(boneBolango2020, list, count, day(2020, 1, 6), day(2020, 1, 17))
	for _, who := range t.take(boneBolango, listed, revokedGrants) {
		t.plan(t.office(day(2020, 7, 13)), event.FundingRevoked, who, int32(boneBolango2020))
	}
	first, more := t.everybody(boneBolango, relief)
	t.grant(boneBolangoRelief, first, more, day(2020, 9, 14), day(2020, 9, 18))
	first, more = t.everybody(kotaGtlo, budget)
	t.grant(city2020, first, more, day(2020, 3, 9), day(2020, 3, 13))

	// Their grants stand: the money was paid, and that is the finding PAID_AFTER_DEATH.
	for _, who := range t.take(boneBolango, listed, lateDeaths) {
		died := t.between(day(2019, 6, 1), day(2020, 12, 31))
		t.die(who, died)
		t.plan(t.office(day(2021, 3, 10)), event.WorkerDied, who, int32(died))
	}
	// Whoever was not drawn so far is alive and still on the list.
	still := t.pools[pool{boneBolango, listed}].rest
	for _, who := range still {
		t.grantOne(boneBolango2021, who, day(2021, 4, 19), day(2021, 4, 30))
	}
	for _, who := range still[:listedIn2023] {
		t.grantOne(boneBolango2023, who, day(2023, 2, 6), day(2023, 2, 10))
	}
	// Two commitments for the same months: the finding DOUBLE_FUNDED.
	for _, who := range still[:paidTwiceIn2023] {
		t.grantOne(province2023, who, day(2023, 3, 6), day(2023, 3, 10))
	}
}

// grant lets a commitment pay for members in a row, reported over some days. first and count are a
// run of members, both days are in.
func (t *teller) grant(c place, first, count int32, known, until temporal.Date) {
	for who := first; who < first+count; who++ {
		t.grantOne(c, who, known, until)
	}
}

// grantOne lets a commitment pay for one member. The months are the commitment's, up to its
// paidUntil.
func (t *teller) grantOne(c place, who int32, known, until temporal.Date) {
	t.plan(t.office(t.between(known, until)), event.FundingGranted, who, int32(c))
}

// tellCrisis reports 2020: the layoffs of spring, who was taken on again in autumn, and a list of
// dismissals that was another company's.
func (t *teller) tellCrisis() {
	// The first slice is cut at its length, so that this copies it.
	laidOff := append(t.take(kotaGtlo, formal, layoffsCity),
		t.take(kabGorontalo, formal, layoffsRegency)...)
	for _, who := range laidOff {
		t.leave(who, t.between(day(2020, 4, 1), day(2020, 7, 31)), event.Layoff)
	}
	for _, who := range laidOff[:rehired] {
		again := t.between(day(2020, 10, 1), day(2020, 11, 30))
		t.members[who].again = again
		t.plan(t.reported(again), event.EnrolmentReinstated, who, int32(again))
	}
	// Each of them in one batch, as one file is sent.
	sent, takenBack := batchOn(day(2020, 6, 8), officeOpens), batchOn(day(2020, 6, 24), officeOpens)
	for _, who := range t.take(kotaGtlo, formal, wrongListLines) {
		t.planAs(sent, event.EnrolmentTerminated, who, int32(day(2020, 6, 1)), wrongList)
		t.plan(takenBack, event.EventRetracted, who, 0)
	}
}

// leave ends an enrolment. It draws for the report only; the day is the caller's draw, moved a year
// on where it lies before the enrolment.
func (t *teller) leave(who int32, until temporal.Date, reason event.Reason) {
	until = t.enrolled(who, until)
	t.members[who].left = until
	t.planAs(t.reported(until), event.EnrolmentTerminated, who, int32(until), uint8(reason))
}

// enrolled returns a day drawn for something that happens to a member, or the same day of the next
// year when he was not enrolled by then.
func (t *teller) enrolled(who int32, on temporal.Date) temporal.Date {
	if on <= t.members[who].from {
		return on.AddDays(365)
	}
	return on
}

// die returns somebody's last day of life. It notes that the enrolment ends with it; the report of
// the death is the caller's to plan.
func (t *teller) die(who int32, on temporal.Date) temporal.Date {
	on = t.enrolled(who, on)
	t.members[who].left = on + 1
	return on
}

// tellEveryday reports what happens every year in a regency. Each regency has as many, whatever its
// size, so that each shows the same kinds of events. Days are of June 2019 to 2021: later years are
// tellLater's.
func (t *teller) tellEveryday(r region.Code) {
	first, last := day(2019, 6, 1), day(2021, 12, 31)
	for _, who := range t.take(r, formal, leaversEach) {
		t.leave(who, t.between(first, last), t.whyLeft())
	}
	for _, who := range t.take(r, builder, leaversEach) {
		t.leave(who, t.between(first, last), event.ProjectEnd)
	}
	for _, who := range t.take(r, self, arrearsEach) {
		t.leave(who, t.between(first, last), event.Arrears)
	}
	for i, who := range t.take(r, self, deathsEach) {
		died := t.die(who, t.between(first, last))
		at := t.reported(died)
		if i%3 == 0 { // the family heard late that there was something to claim
			at = t.office(died.AddDays(60 + t.rng.IntN(340)))
		}
		t.plan(at, event.WorkerDied, who, int32(died))
	}
	for i, who := range t.take(r, self, amendedEach) {
		from := t.enrolled(who, t.between(first, last))
		// In turns, so that each kind occurs in each regency.
		how := uint8(i % len(amendments))
		if amendments[how] == event.FieldRegion {
			t.members[who].moved = from
		}
		t.planAs(t.reported(from), event.EnrolmentAmended, who, int32(from), how)
	}
}

// whyLeft draws why an employee left. What is named twice is twice as frequent.
func (t *teller) whyLeft() event.Reason {
	return pick(t, event.Resignation, event.Resignation, event.ContractEnd, event.Retirement,
		event.Moved, event.BecameASN, event.OtherReason)
}
