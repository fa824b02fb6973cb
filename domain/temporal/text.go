package temporal

import "errors"

// The errors of the parsers. None repeats the text: it may hold what must not be shown.
var (
	errDate    = errors.New("a date is YYYY-MM-DD and a day of the calendar, such as 2020-12-31")
	errMonth   = errors.New("a month is YYYY-MM, such as 2020-12")
	errInstant = errors.New("a time is RFC 3339, such as 2021-01-04T02:11:09.5Z" +
		" or 2021-01-04T10:11:09+08:00, without leap second")
)

// ParseDate reads YYYY-MM-DD, years 0001 to 9999, a day that exists. It accepts nothing else.
func ParseDate(text string) (Date, error) {
	if len(text) != len("2006-01-02") || text[4] != '-' || text[7] != '-' {
		return 0, errDate
	}
	date, ok := NewDate(number(text[:4]), number(text[5:7]), number(text[8:]))
	if !ok {
		return 0, errDate
	}
	return date, nil
}

// ParseMonth reads YYYY-MM, years 0001 to 9999. It accepts nothing else.
func ParseMonth(text string) (Month, error) {
	if len(text) != len("2006-01") || text[4] != '-' {
		return 0, errMonth
	}
	year, month := number(text[:4]), number(text[5:])
	if year < 1 || month < 1 || month > 12 {
		return 0, errMonth
	}
	return Month((year-1970)*12 + month - 1), nil
}

// ParseInstant reads a date-time of RFC 3339: any offset, "T" and "Z" in either case, any number
// of digits of the second's fraction.
//
// Digits beyond the ninth are cut off, never rounded, so that texts in order stay in order. A
// moment before [MinInstant] or after [MaxInstant] is read as that one. A leap second (:60) is
// refused: the ledger's clock has none, and reading it as the next second would move a fact.
func ParseInstant(text string) (Instant, error) {
	const seconds = len("2006-01-02T15:04:05")
	if len(text) <= seconds || text[4] != '-' || text[7] != '-' || text[10]|0x20 != 't' ||
		text[13] != ':' || text[16] != ':' {
		return 0, errInstant
	}
	year, month, dayOfMonth := number(text[:4]), number(text[5:7]), number(text[8:10])
	hour, minute, sec := number(text[11:13]), number(text[14:16]), number(text[17:19])
	if year < 0 || month < 1 || month > 12 ||
		dayOfMonth < 1 || dayOfMonth > daysIn(year, month) || !clock(hour, minute) ||
		sec < 0 || sec > 59 {
		return 0, errInstant
	}
	nanos, rest, ok := fraction(text[seconds:])
	if !ok {
		return 0, errInstant
	}
	offset, ok := offsetSeconds(rest)
	if !ok {
		return 0, errInstant
	}
	unix := int64(dateOf(year, month, dayOfMonth))*86_400 + int64(hour*3600+minute*60+sec-offset)
	return instant(unix, nanos), nil
}

// instant puts seconds since the epoch and nanoseconds (0 to 999,999,999) together.
func instant(unix int64, nanos int) Instant {
	const last = int64(MaxInstant) / second
	const lastNanos = int64(MaxInstant) % second
	switch {
	case unix > last || unix == last && int64(nanos) > lastNanos:
		return MaxInstant
	case unix < -last-1 || unix == -last-1 && int64(nanos) < second-lastNanos-1:
		return MinInstant
	}
	// In the first second of the range the product wraps and the sum wraps back.
	return Instant(unix*second + int64(nanos))
}

// fraction reads an optional ".123" into nanoseconds and returns what follows.
func fraction(text string) (nanos int, rest string, ok bool) {
	if text[0] != '.' {
		return 0, text, true
	}
	end := 1
	for unit := second / 10; end < len(text) && isDigit(text[end]); end++ {
		nanos += int(text[end]-'0') * unit
		unit /= 10
	}
	return nanos, text[end:], end > 1
}

// offsetSeconds reads "Z" or "+08:00" into seconds ahead of UTC.
func offsetSeconds(text string) (int, bool) {
	if len(text) == 1 {
		return 0, text[0]|0x20 == 'z'
	}
	if len(text) != len("+08:00") || text[3] != ':' {
		return 0, false
	}
	hour, minute := number(text[1:3]), number(text[4:])
	ahead := hour*3600 + minute*60
	if text[0] == '-' {
		ahead = -ahead
	}
	return ahead, clock(hour, minute) && (text[0] == '+' || text[0] == '-')
}

func clock(hour, minute int) bool {
	return hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59
}

// number reads decimal digits; -1 when there is anything else among them.
func number(digits string) (n int) {
	for i := range len(digits) {
		if !isDigit(digits[i]) {
			return -1
		}
		n = n*10 + int(digits[i]-'0')
	}
	return n
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// String returns YYYY-MM-DD.
func (d Date) String() string { return string(d.Append(nil)) }

// Append appends YYYY-MM-DD to dst.
func (d Date) Append(dst []byte) []byte {
	year, month, dayOfMonth := d.civil()
	dst = append(digits(dst, year, 4), '-')
	dst = append(digits(dst, month, 2), '-')
	return digits(dst, dayOfMonth, 2)
}

// String returns YYYY-MM.
func (m Month) String() string { return string(m.Append(nil)) }

// Append appends YYYY-MM to dst.
func (m Month) Append(dst []byte) []byte {
	year, month := m.civil()
	return digits(append(digits(dst, year, 4), '-'), month, 2)
}

// String returns the instant in UTC with nine digits of the second's fraction:
// 2021-01-04T02:11:09.123456789Z.
func (i Instant) String() string { return string(i.Append(nil)) }

// Append appends the text of [Instant.String] to dst.
func (i Instant) Append(dst []byte) []byte {
	date, nanos := i.split()
	dst = append(date.Append(dst), 'T')
	secs := int(nanos / second)
	dst = append(digits(dst, secs/3600, 2), ':')
	dst = append(digits(dst, secs/60%60, 2), ':')
	dst = append(digits(dst, secs%60, 2), '.')
	return append(digits(dst, int(nanos%second), 9), 'Z')
}

// digits appends n with at least width digits.
func digits(dst []byte, n, width int) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	start := len(dst)
	for ; n > 0 || width > 0; width-- {
		dst = append(dst, byte('0'+n%10))
		n /= 10
	}
	for i, j := start, len(dst)-1; i < j; i, j = i+1, j-1 {
		dst[i], dst[j] = dst[j], dst[i]
	}
	return dst
}
