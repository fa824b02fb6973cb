package temporal

// The conversions are those of Neri and Schneider, "Euclidean affine functions and their
// application to calendar algorithms" (2022): a year starts on 1 March, so that the leap day is its
// last, and each division by 146097, 1461 or 153 becomes a multiplication and a shift.
//
// Days are counted from 0000-03-01 moved back by a whole number of 400-year cycles, so that
// days before it are positive too.
const (
	cycleYears = 400
	cycleDays  = 146097
	cycles     = 82
	epochShift = 719468 + cycleDays*cycles // 1970-01-01 in days of that count
	yearShift  = cycleYears * cycles
)

// civil returns the year, month (1–12) and day (1–31) of d. It is right from year -32800 to more
// than a million years ahead, far beyond what any date of the ledger reaches.
func (d Date) civil() (year, month, dayOfMonth int) {
	n1 := 4*uint32(int32(d)+epochShift) + 3
	century := n1 / cycleDays
	n2 := n1%cycleDays | 3 // 4 × day of the century + 3
	p2 := 2939745 * uint64(n2)
	dayOfYear := uint32(p2) / 2939745 / 4
	n3 := 2141*dayOfYear + 197913

	year = int(100*century) + int(p2>>32) - yearShift
	month = int(n3 >> 16)
	dayOfMonth = int((n3&0xffff)/2141) + 1
	if dayOfYear >= 306 { // January and February belong to the year that began last March
		year, month = year+1, month-12
	}
	return year, month, dayOfMonth
}

// dateOf returns the day of a year, month (1–12) and day of the month; it checks nothing.
func dateOf(year, month, dayOfMonth int) Date {
	y, m := uint32(year+yearShift), uint32(month)
	if month <= 2 {
		y, m = y-1, m+12
	}
	century := y / 100
	days := 1461*uint64(y)/4 - uint64(century) + uint64(century/4)
	days += uint64((979*m-2919)/32) + uint64(dayOfMonth-1)
	return Date(int64(days) - epochShift)
}

// daysIn returns the number of days of a month (1–12).
func daysIn(year, month int) int {
	switch {
	case month != 2:
		return 30 + (month+month/8)&1
	case year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	default:
		return 28
	}
}

// NewDate returns the day of a year (1–9999), month (1–12) and day of the month; false when
// there is no such day.
func NewDate(year, month, dayOfMonth int) (Date, bool) {
	if year < 1 || year > 9999 || month < 1 || month > 12 ||
		dayOfMonth < 1 || dayOfMonth > daysIn(year, month) {
		return 0, false
	}
	return dateOf(year, month, dayOfMonth), true
}

// Month returns the month that d lies in.
func (d Date) Month() Month {
	year, month, _ := d.civil()
	return Month((year-1970)*12 + month - 1)
}

// AddDays returns the day n days after d, before it when n is negative.
func (d Date) AddDays(n int) Date {
	return d + Date(n)
}

// civil returns the year and month (1–12) of m.
func (m Month) civil() (year, month int) {
	months := int(m) + 1970*12
	year = months / 12
	if months%12 < 0 {
		year--
	}
	return year, months - year*12 + 1
}

// First returns the first day of m.
func (m Month) First() Date {
	year, month := m.civil()
	return dateOf(year, month, 1)
}

// Last returns the last day of m.
func (m Month) Last() Date {
	year, month := m.civil()
	return dateOf(year, month, daysIn(year, month))
}
