package sample

import (
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// The regencies and cities of Gorontalo by their Kemendagri codes.
const (
	// The province.
	gorontalo region.Code = 75

	kabGorontalo region.Code = 7501
	boalemo      region.Code = 7502
	boneBolango  region.Code = 7503
	pohuwato     region.Code = 7504
	gorontaloUt  region.Code = 7505
	kotaGtlo     region.Code = 7571
)

// class is how somebody came to be enrolled. It decides the terms, the beginning and the end of
// everybody in it. It is known to the story alone: no event tells it.
type class uint8

const (
	formal  class = 1  // employees, enrolled by who employs them
	builder class = 2  // workers of building projects
	self    class = 3  // own-account workers who pay for themselves
	migrant class = 4  // migrant workers
	korpri  class = 5  // civil servants, through their corps, which the law does not foresee
	listed  class = 6  // vulnerable workers on a list that a regional budget pays for
	relief  class = 7  // the 10,000 that Bone Bolango added in the middle of 2020
	budget  class = 8  // those the city added in 2020
	stopped class = 9  // employees whose employer stopped paying before 2020, and nobody said so
	lapsed  class = 10 // own-account workers who pay nothing at the end of 2019
)

// quota says how many of a class live in a regency.
type quota struct {
	region region.Code
	class  class
	count  int
}

// quotas are chosen so that coverage at the end of 2019 is what was published: the province near
// 30 %, Bone Bolango above 60 %, North Gorontalo near 60 %, informal workers between 20 and 30 %.
// They are never written.
var quotas = []quota{
	{kabGorontalo, formal, 17_700},
	{kabGorontalo, builder, 1_500},
	{kabGorontalo, self, 16_300},
	{kabGorontalo, migrant, 200},
	{boalemo, formal, 5_700},
	{boalemo, builder, 450},
	{boalemo, self, 4_500},
	{boneBolango, formal, 15_470},
	{boneBolango, builder, 1_500},
	{boneBolango, self, 9_500},
	{boneBolango, korpri, 1_500},
	{boneBolango, listed, 20_000},
	{boneBolango, relief, 10_000},
	{pohuwato, formal, 5_900},
	{pohuwato, builder, 500},
	{pohuwato, self, 4_650},
	{pohuwato, migrant, 40},
	{gorontaloUt, formal, 12_900},
	{gorontaloUt, builder, 900},
	{gorontaloUt, self, 17_140},
	{gorontaloUt, migrant, 60},
	{kotaGtlo, formal, 14_600},
	{kotaGtlo, builder, 1_400},
	{kotaGtlo, self, 11_500},
	{kotaGtlo, budget, 2_000},
}

// unpaid are those who are registered and not covered at the end of 2019: for five who are
// covered, one. (At the end of 2023 the agency counted 61.1 million registered and 41.6 million
// active; nearly all of the others were employees: spn.or.id.) They are never written.
var unpaid = []quota{
	{kabGorontalo, stopped, 7_000},
	{kabGorontalo, lapsed, 1_800},
	{boalemo, stopped, 2_500},
	{boalemo, lapsed, 600},
	{boneBolango, stopped, 3_600},
	{boneBolango, lapsed, 1_000},
	{pohuwato, stopped, 2_500},
	{pohuwato, lapsed, 600},
	{gorontaloUt, stopped, 3_600},
	{gorontaloUt, lapsed, 1_600},
	{kotaGtlo, stopped, 7_500},
	{kotaGtlo, lapsed, 1_200},
}

// twoJobs is how many employees of the city also work on their own account in Kabupaten Gorontalo:
// one worker, two enrolments, two regencies. They show why a province is less than the sum of its
// regencies, contract, section 3.
const twoJobs = 300

// member is one enrolment. What was planned for it is noted here, so that nothing is planned for
// somebody who is gone by then. There are some 200,000 of them, all in memory.
type member struct {
	// Two members may have one: see twoJobs.
	worker int32 // number of the person
	// Ids of enrolments are made of it and of the regency in which the worker was enrolled.
	number int32 // within the regency, from 1
	// Where he was enrolled; a move leaves it.
	region     region.Code
	segment    event.Segment
	category   event.Category
	payer      event.Payer
	programmes uint8 // place in programmeSets
	from       temporal.Date
	told       temporal.Date // the day its opening was reported
	left       temporal.Date // the first day not enrolled, or not alive, any more, 0 for none
	again      temporal.Date // the first day enrolled again after that, 0 for none
	moved      temporal.Date // the day of the move to the city, 0 for none
}

// programmeSets are the sets of programmes that occur. They are never written.
var programmeSets = [...][]event.Programme{
	{event.JKK, event.JKM},
	{event.JKK, event.JKM, event.JHT},
	{event.JKK, event.JKM, event.JHT, event.JP},
	{event.JKK, event.JKM, event.JHT, event.JP, event.JKP},
}

// pool is the members of one class in one regency.
type pool struct {
	region region.Code
	class  class
}

// draw hands out the members of a pool in random order, nobody twice.
type draw struct {
	first, count int32 // the pool's place in members
	// Places in members of those who were not drawn yet, in random order; takes come from the
	// front.
	rest []int32
}

// people makes those who count as covered at the end of 2019, or come onto a list later. It draws
// from one generator in a fixed order: another order of calls is another story.
func (t *teller) people() {
	t.pools = make(map[pool]*draw, len(quotas)+len(unpaid))
	t.numbers = make(map[region.Code]int32)
	t.enrol(quotas)
	// Those in the regency become the same persons as those in the city; whoever they would have
	// been is never seen.
	city := t.take(kotaGtlo, formal, twoJobs)
	for i, who := range t.take(kabGorontalo, self, twoJobs) {
		t.members[who].worker = t.members[city[i]].worker
	}
}

// enrol makes the members of quotas, each class of a regency in one run. A run of members of one
// class and region is what everybody counts on. No pool may be made twice.
func (t *teller) enrol(some []quota) {
	for _, q := range some {
		d := &draw{first: int32(len(t.members)), count: int32(q.count)}
		for range q.count {
			t.numbers[q.region]++
			m := t.newMember(q.class)
			m.region, m.number = q.region, t.numbers[q.region]
			// A person has the number of the member.
			m.worker = int32(len(t.members))
			t.members = append(t.members, m)
		}
		d.rest = make([]int32, q.count)
		for i, p := range t.rng.Perm(q.count) {
			d.rest[i] = d.first + int32(p)
		}
		t.pools[pool{q.region, q.class}] = d
	}
}

// take draws n members that nobody drew before, so that no two incidents of the story meet in one
// person. It asks for more than there are only by a fault of this file, which ends the tests. The
// caller may not write to what it gets.
func (t *teller) take(r region.Code, c class, n int) []int32 {
	d := t.pools[pool{r, c}]
	taken := d.rest[:n:n] // so that an append to it copies
	d.rest = d.rest[n:]
	return taken
}

// everybody returns the places of all members of a pool: from first, count of them. Those who were
// drawn are among them.
func (t *teller) everybody(r region.Code, c class) (first, count int32) {
	d := t.pools[pool{r, c}]
	return d.first, d.count
}

// newMember makes the terms of somebody of a class, and the day they began. Terms are drawn so that
// each segment, category and set of programmes occurs; APBD pays for lists alone. The start is
// drawn for everybody, also where the class has another: so a class can change without moving the
// draws of others.
func (t *teller) newMember(c class) member {
	m := member{segment: event.BPU, payer: event.Self, from: t.start()}
	switch c {
	case formal, stopped:
		m.segment, m.payer = event.PU, event.Employer
		m.category = pick(t, event.Private, event.Private, event.Private, event.NonASN,
			event.NonASN, event.VillageOfficial, event.OtherCategory)
		if m.category == event.Private {
			m.programmes = uint8(t.rng.IntN(len(programmeSets)))
		}
	case builder:
		m.segment, m.payer, m.category = event.JAKON, event.Employer, event.Private
	case migrant:
		m.segment, m.category = event.PMI, event.OtherCategory
	case korpri:
		m.category = event.ASN
	case listed, relief, budget:
		m.payer, m.category = event.APBD, event.Vulnerable
		m.from = listStarts(c)
	default:
		m.category = event.SelfEmployed
		m.programmes = pick[uint8](t, 0, 0, 0, 1)
	}
	// Long before anything that is reported of what they paid.
	if c == stopped || c == lapsed {
		m.from = t.between(day(2012, 1, 1), day(2017, 12, 31))
	}
	return m
}

// listStarts returns the day from which a class that a budget pays for was enrolled. It tells those
// on lists from others: see tellOpenedOne.
func listStarts(c class) temporal.Date {
	switch c {
	case listed:
		return day(2018, 1, 1)
	case relief:
		return day(2020, 7, 1)
	default:
		return day(2020, 3, 1)
	}
}

// start returns the day an enrolment began: for two in three before 2019, else in 2019.
func (t *teller) start() temporal.Date {
	if t.rng.IntN(3) > 0 {
		return t.between(day(2014, 7, 1), day(2018, 12, 31))
	}
	return t.between(day(2019, 1, 1), day(2019, 11, 30))
}

// pick draws one. A value that is named twice is twice as likely.
func pick[T any](t *teller, from ...T) T {
	return from[t.rng.IntN(len(from))]
}
