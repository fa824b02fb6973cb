package sample

import "cakupan/domain/temporal"

const (
	// The story happens in WITA, UTC+8, all year: no hour is there twice.
	minute = temporal.Instant(60_000_000_000) // nanoseconds
	hour   = 60 * minute
)

// batch numbers the moments at which the offices of the story send what they have, every ten
// minutes of the day from 2019 on. What is sent together shares a record time, as what shares a
// frame does. Days before 2019 have no batches: what happened then is told when the ledger of the
// story begins.
type batch int32

const (
	batchEvery    = 10 * minute
	batchesPerDay = batch(24 * hour / batchEvery)
	officeOpens   = batch(8 * hour / batchEvery)
	officeBatches = 48 // eight hours
)

// batchOn returns a batch of a day, counted from midnight in Asia/Makassar. n may go beyond the
// day, into the next ones.
func batchOn(d temporal.Date, n batch) batch {
	return batch(d-day(2019, 1, 1))*batchesPerDay + n
}

// instant returns the moment of a batch.
func (b batch) instant() temporal.Instant {
	return clock(day(2019, 1, 1), temporal.Instant(b)*batchEvery)
}

// day returns a day that exists; the tests see to that. A day that does not exist would be day 0,
// of 1970.
func day(year, month, dayOfMonth int) temporal.Date {
	d, _ := temporal.NewDate(year, month, dayOfMonth)
	return d
}

// month returns a month of a year, both as people count them.
func month(year, m int) temporal.Month {
	return day(year, m, 1).Month()
}

// clock returns a moment of a day in Asia/Makassar. after is nanoseconds since midnight; the end of
// the day before is one nanosecond before it.
func clock(d temporal.Date, after temporal.Instant) temporal.Instant {
	return temporal.EndOfDay(d.AddDays(-1)) + 1 + after
}

// workday returns d, or the Monday after it when d is a Saturday or Sunday. Holidays are not known
// here.
func workday(d temporal.Date) temporal.Date {
	switch (int(d)%7 + 7) % 7 { // 1970-01-01 was a Thursday
	case 2:
		return d + 2
	case 3:
		return d + 1
	}
	return d
}

// office returns a batch in the office hours of d, or of the next working day. It draws once from
// the generator.
func (t *teller) office(d temporal.Date) batch {
	return batchOn(workday(d), officeOpens+batch(t.rng.IntN(officeBatches)))
}

// between returns a day from first to last, both in. last must not be before first.
func (t *teller) between(first, last temporal.Date) temporal.Date {
	return first.AddDays(t.rng.IntN(int(last-first) + 1))
}

// reported returns when a fact of day d was reported: nearly always within a month, sometimes
// within three. It draws two or three times, and once more for the hour. One report in twenty has
// up to two months more; what is later than 31 days is what the finding REPORTED_LATE tells.
func (t *teller) reported(d temporal.Date) batch {
	delay := 1 + t.rng.IntN(31)
	if t.rng.IntN(20) == 0 {
		delay += t.rng.IntN(60)
	}
	return t.office(d.AddDays(delay))
}
