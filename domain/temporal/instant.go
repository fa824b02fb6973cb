package temporal

// split returns the UTC day of i and the nanoseconds since its midnight.
func (i Instant) split() (Date, int64) {
	days := int64(i) / day
	if int64(i)%day < 0 {
		days--
	}
	// days*day may leave the range on the first day of it; the difference does not.
	return Date(days), int64(i) - days*day
}

// EndOfDay returns the last nanosecond of d in Asia/Makassar: what is recorded up to then was
// known on d. It is [MinInstant] or [MaxInstant] for a day beyond the range of instants.
func EndOfDay(d Date) Instant {
	const last = Date(int64(MaxInstant) / day)
	switch {
	case d > last:
		return MaxInstant
	case d < -last-1:
		return MinInstant
	}
	// On the last day of the range the product wraps and the difference wraps back.
	return Instant((int64(d)+1)*day - makassar - 1)
}

// Date returns the day it is in Asia/Makassar at i.
func (i Instant) Date() Date {
	date, nanos := i.split()
	if nanos >= day-makassar {
		date++
	}
	return date
}
