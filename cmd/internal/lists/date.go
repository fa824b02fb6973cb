package lists

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// The years that dates of lists lie in: others are typing errors. A number within the serials of
// these years, and of so many digits, is a day as Excel counts them.
const (
	yearMin   = 1950
	yearMax   = 2099
	serialMin = 18264 // 1950-01-01
	serialMax = 73050 // 2099-12-31
	// serialZero is day 0 of Excel's count from 1900, for days after its false 29 February 1900. It
	// is in days from 1970-01-01, as temporal.Date counts.
	serialZero = -25569
	// shift1904 is how many days later the count of old Macintosh workbooks begins.
	shift1904 = 1462
)

// monthNames maps names of months, made plain, to their numbers. It is never written. Short forms
// are those that people and programs write, and Roman numerals those of letters of offices.
var monthNames = func() map[string]int {
	all := map[string]int{}
	for i, texts := range []string{
		"januari january jan", "februari february pebruari feb peb", "maret march mar mrt",
		"april apr", "mei may", "juni june jun", "juli july jul",
		"agustus august agus agu agt ags agst aug", "september sept sep",
		"oktober october okt oct", "november nopember nov nop", "desember december des dec",
	} {
		for _, text := range strings.Fields(texts) {
			all[text] = i + 1
		}
	}
	for i, numeral := range strings.Fields("i ii iii iv v vi vii viii ix x xi xii") {
		all[numeral] = i + 1
	}
	return all
}()

// dateFault is for what is no day. See monthFault for months: readMonth tells the two apart by
// their words.
func dateFault() value {
	return invalid(event.FieldInvalid,
		"bukan tanggal yang ada: tulis tahun-bulan-tanggal (2021-01-31) atau"+
			" tanggal/bulan/tahun (31/01/2021)",
		"is not a day that exists: write year-month-day (2021-01-31) or day/month/year"+
			" (31/01/2021)")
}

// monthFault is for what is no month. A year that cannot be right has a fault of its own.
func monthFault() value {
	return invalid(event.FieldInvalid,
		"bukan bulan: tulis 2021-01, 01/2021 atau Januari 2021",
		"is not a month: write 2021-01, 01/2021 or January 2021")
}

// shortYearFault is for years of two digits: nothing is guessed, not even a century.
func shortYearFault() value {
	return invalid(event.FieldInvalid,
		"tahun dua angka dapat berarti dua abad: tulis empat angka, misalnya 2021",
		"a year of two digits may be of two centuries: write four, such as 2021")
}

// yearFault is for days that exist and cannot be meant: 0021, 2201, and what Excel makes of a
// number that is none.
func yearFault() value {
	return invalid(event.FieldInvalid,
		"tahunnya tidak masuk akal: harus 1950 sampai 2099",
		"the year cannot be right: it must be 1950 to 2099")
}

// parseDateCell reads a day; json is as the contract, section 1, has it.
func parseDateCell(cell grid.Cell, date1904 bool) value {
	v := readDay(cell, date1904)
	if v.fault == nil {
		v.json = `"` + v.date.String() + `"`
	}
	return v
}

// parseMonthCell reads a month; json is as the contract, section 1, has it.
func parseMonthCell(cell grid.Cell, date1904 bool) value {
	v := readMonth(cell, date1904)
	if v.fault == nil {
		v.json = `"` + v.month.String() + `"`
	}
	return v
}

// readDay reads a day. A fault may come with what the column is judged by. date1904 is about
// numbers in cells alone.
func readDay(cell grid.Cell, date1904 bool) value {
	switch cell.Kind {
	case grid.Text:
	case grid.Number, grid.Date:
		return serialDay(string(trim(cell.Text)), cell.Kind == grid.Date, date1904)
	default:
		return dateFault()
	}
	text, clock, ok := cutClock(unformula(string(trim(cell.Text))))
	if !ok {
		return dateFault()
	}
	parts := dateParts(text)
	var v value
	switch {
	// One number may be a count that went through a text file, where it is counted from 1900.
	case len(parts) == 1 && clock == (clockTime{}):
		return serialDay(parts[0], false, false)
	case len(parts) == 3:
		v = dayOf(parts)
	case len(parts) == 6 || strings.Contains(text, "s.d"):
		return rangeFault()
	default:
		return dateFault()
	}
	v.clock = clock.half
	if v.fault == nil && clock.zoned {
		// Which day that is where the person lives is found when the region is known: see
		// clarifyDays.
		v.moment, v.zoned = int64(v.date)*daySeconds+clock.seconds-clock.offset, true
	}
	return v
}

// rangeFault is for two days where one is asked for.
func rangeFault() value {
	return invalid(event.FieldInvalid,
		"berisi dua tanggal: tulis satu saja, misalnya 2021-01-31",
		"holds two days: write one, such as 2021-01-31")
}

// readMonth reads a month, which may be given by a day of it. Six digits are year and month in
// either order: see monthOf. A day's form and what may be turned of it stay: 05/01/2021 may be of
// two months.
func readMonth(cell grid.Cell, date1904 bool) value {
	text := unformula(string(trim(cell.Text)))
	if cell.Kind == grid.Number || cell.Kind == grid.Text {
		if lostZero(text) || dottedMonth.MatchString(text) {
			return lostZeroFault(text)
		}
		if digits := oneSpelling(text); allDigits(digits, 6) && len(digits) == 6 {
			return monthOf([]string{digits[:2], digits[2:]}, digits)
		}
	}
	if cell.Kind == grid.Text {
		if parts := dateParts(text); len(parts) == 2 {
			return monthOf(parts, "")
		}
	}
	v := readDay(cell, date1904)
	// The general fault of a day speaks of days, which nobody has asked for here; the others fit.
	switch {
	case v.fault == nil:
	case v.fault.en == dateFault().fault.en:
		v.fault = monthFault().fault
		return v
	case v.fault.en == rangeFault().fault.en:
		return invalid(event.FieldInvalid,
			"berisi dua bulan: tulis bulan pertama dan bulan terakhir di kolom masing-masing",
			"holds two months: write the first and the last one into columns of their own")
	}
	v.month = v.date.Month()
	return v
}

// dottedMonth is a month and year that a spreadsheet shows with its thousands set apart: 12.021. It
// may have lost its first zero.
var dottedMonth = regexp.MustCompile(`^[0-9]{2,3}\.[0-9]{3}$`)

// lostZeroFault says that a month and year were taken for a number. text is one of lostZero or
// dottedMonth.
func lostZeroFault(text string) value {
	digits := strings.ReplaceAll(strings.TrimSuffix(text, ".0"), ".", "")
	if len(digits) == 5 {
		digits = "0" + digits
	}
	meant := digits[:2] + "/" + digits[2:]
	return invalid(event.FieldInvalid,
		"bulan yang menjadi angka kehilangan nol di depan: bila maksudnya "+meant+", tulis begitu",
		"the month has lost its leading zero: if "+meant+" is meant, write it so")
}

// lostZero tells whether a text is a month and a year, 042021, that lost its first zero. As a day
// that Excel counts it would be one of a year that nobody meant. A program may have written a
// fraction of nothing behind it.
func lostZero(text string) bool {
	text = strings.TrimSuffix(text, ".0")
	if len(text) != len("42021") || !allDigits(text, len(text)) || text[0] == '0' {
		return false
	}
	// A month of one digit stands before it.
	year, _ := strconv.Atoi(text[1:])
	return year >= yearMin && year <= yearMax
}

// serialDay reads a day as Excel counts them. That the cell is shown as a date says that it is one.
// Without that, a number with a fraction is no day: it is more likely an amount; whether one
// that may be day, month and year without their first zero, 30221, is a count, the column says.
// text is a number with a point, of days since the count began; a fraction is a time of day and is
// dropped.
func serialDay(text string, isDate, date1904 bool) value {
	serial, err := strconv.ParseFloat(text, 64)
	// A float beyond the bound is no day, and what is reckoned from it below could overflow.
	if err != nil || math.IsNaN(serial) || math.Abs(serial) > 1e7 ||
		!isDate && serial != math.Trunc(serial) && serial < serialMin {
		return dateFault()
	}
	// Programs that count in seconds leave noise behind the second: 44196.99999999.
	day := int(math.Floor(math.Round(serial*daySeconds) / daySeconds))
	// The workbook says so for all of its sheets.
	if date1904 {
		day += shift1904
	}
	form := formCount
	if isDate {
		form = formCell
	}
	switch {
	case day >= serialMin && day <= serialMax:
		date := temporal.Date(0).AddDays(day + serialZero)
		v := value{date: date, form: form, short: !isDate && isShortDay(text)}
		// A program that has turned day and month has stored the wrong number.
		_, v.turned = turn(date)
		v.late = date.AddDays(1-lateDay).Month() == date.Month()
		return v
	case isDate:
		return yearFault()
	}
	return dateFault()
}

const (
	daySeconds = 24 * 60 * 60
	lateDay    = 13 // days from here on cannot be a month
)

// isShortDay tells whether a number may be day, month and year without the first zero: 30221.
func isShortDay(text string) bool {
	if len(text) != len("30221") || !allDigits(text, len(text)) {
		return false
	}
	month, _ := strconv.Atoi(text[1:3])
	return text[0] != '0' && month >= 1 && month <= 12
}

// turn returns the day that a date becomes when its day and month change places; false where it
// becomes no other day. It is what a program makes of the day that reads the month first.
func turn(date temporal.Date) (temporal.Date, bool) {
	text := date.String() // year-month-day
	year, _ := strconv.Atoi(text[:4])
	month, _ := strconv.Atoi(text[5:7])
	day, _ := strconv.Atoi(text[8:])
	if day >= lateDay || day == month {
		return date, false
	}
	turned, ok := temporal.NewDate(year, day, month)
	return turned, ok
}

// clockTime is the time of day behind a date. The zero clockTime says that there is none.
type clockTime struct {
	seconds int64 // since midnight
	offset  int64 // of its zone from UTC, in seconds
	zoned   bool
	half    bool // counted in halves of a day, as only English does
}

// clockForm is a time of day at the end of a date: hour, minute, second, AM or PM, zone. What
// programs add in brackets is a zone's name once more, and is passed over.
var clockForm = regexp.MustCompile(`(?i)(?:^|[T ,])\s*(?:pukul|jam|at)?\s*` +
	`([0-9]{1,2})[:.]([0-9]{2})` +
	`(?:[:.]([0-9]{2})(?:[.,][0-9]+)?)?\s*([ap]\.?m\.?)?\s*` +
	`(Z|UTC|GMT|WIB|WITA|WIT)?\s*([+-][0-9]{2}(?::?[0-9]{2})?)?\s*(?:\([^)]*\))?$`)

// namedZones are offsets in hours by name. It is never written.
var namedZones = map[string]int64{"Z": 0, "UTC": 0, "GMT": 0, "WIB": 7, "WITA": 8, "WIT": 9}

// cutClock cuts the time of day off a date; false when what looks like one is none. A text without
// any clock comes back as it is, with true.
func cutClock(text string) (date string, clock clockTime, ok bool) {
	at := clockForm.FindStringSubmatchIndex(text)
	// A point between numbers may be of a date: 31.01.2021 ends like a time.
	if at == nil || !strings.Contains(text[at[0]:], ":") && at[0] < len("1 Mei 2021") {
		return text, clock, !strings.Contains(text, ":")
	}
	group := func(n int) string {
		if at[2*n] < 0 {
			return ""
		}
		return strings.ToUpper(text[at[2*n]:at[2*n+1]])
	}
	number := func(s string) int64 {
		n, _ := strconv.ParseInt(strings.ReplaceAll(s, ":", ""), 10, 64)
		return n
	}
	hour, minute, second := number(group(1)), number(group(2)), number(group(3))
	// 12 AM is midnight, and 12 PM noon.
	if half := group(4); half != "" {
		clock.half = true
		if hour < 1 || hour > 12 {
			return text, clock, false
		}
		hour %= 12
		if half[0] == 'P' {
			hour += 12
		}
	}
	// Midnight may be 24:00, and a minute may have a leap second.
	if hour > 24 || minute > 59 || second > 60 {
		return text, clock, false
	}
	clock.seconds = hour*3600 + minute*60 + second
	if zone := group(5); zone != "" {
		clock.zoned, clock.offset = true, namedZones[zone]*3600
	}
	if offset := group(6); offset != "" {
		n := number(offset[1:])
		if len(offset) == len("+08") {
			n *= 100 // hours alone
		}
		seconds := n/100*3600 + n%100*60
		if offset[0] == '-' {
			seconds = -seconds
		}
		clock.zoned, clock.offset = true, seconds
	}
	return text[:at[0]], clock, true
}

// weekdays are names of days of the week, made plain, in both languages, in full and short. It is
// never written. Words such as "hari" and "tanggal" stand before dates too.
var weekdays = func() map[string]bool {
	all := map[string]bool{}
	for _, name := range strings.Fields("senin selasa rabu kamis jumat sabtu minggu ahad sen sel" +
		" rab kam jum sab min monday tuesday wednesday thursday friday saturday sunday mon tue" +
		" tues wed thu thur thurs fri sat sun hari tanggal tgl") {
		all[name] = true
	}
	return all
}()

// dateParts divides a date into its parts, without names of days of the week. Each part has one
// character at least.
func dateParts(text string) []string {
	parts := strings.FieldsFunc(text, func(r rune) bool {
		return r == '-' || r == '/' || r == '.' || r == ',' || r == '–' || invisible(r)
	})
	for len(parts) > 0 && weekdays[plain(parts[0])] {
		parts = parts[1:]
	}
	return parts
}

// dayOf reads three parts: a year of four digits at either end, a month by number or name. The
// month stands in the middle, as everybody writes it here; 01/31/2021 is told apart where it can be
// and refused, not turned around. parts are three. A fault keeps what proves how the column is
// written.
func dayOf(parts []string) value {
	year, month, day := parts[0], parts[1], parts[2]
	yearFirst := len(year) == 4 && allDigits(year, 4)
	switch {
	case yearFirst:
	case len(day) == 4 && allDigits(day, 4):
		year, day = day, year
		if !allDigits(day, 2) && monthNames[plain(day)] > 0 { // January 31, 2021
			month, day = day, month
		}
	case allDigits(year, 2) && allDigits(day, 2):
		return shortYearFault()
	default:
		return dateFault()
	}
	m := monthNumber(month)
	d, err := strconv.Atoi(day)
	if err != nil || !allDigits(day, 2) || m == 0 {
		return dateFault()
	}
	y, _ := strconv.Atoi(year)
	form := formOf(yearFirst, day, month)
	// It exists with its month first, which proves that the column may be written so.
	if m > 12 && d <= 12 {
		v := invalid(event.FieldInvalid,
			"tanggal harus di depan bulan: tulis 31/01/2021 atau 2021-01-31",
			"the day must stand before the month: write 31/01/2021 or 2021-01-31")
		if yearFirst {
			v = invalid(event.FieldInvalid,
				"setelah tahun tulis bulannya, lalu tanggalnya: 2021-01-31",
				"behind the year write the month, then the day: 2021-01-31")
		}
		v.form, v.monthFirst, v.dayBeforeMonth = form, !yearFirst, yearFirst
		return v
	}
	date, ok := temporal.NewDate(y, m, d)
	switch {
	case !ok:
		return dateFault()
	case y < yearMin || y > yearMax:
		return yearFault()
	}
	// A day of the number of its month is the same either way.
	turned := form != formOther && d < lateDay && d != m
	return value{date: date, form: form, turned: turned, late: d >= lateDay}
}

// formOf tells how a day is written. day and month are as written; it says nothing of whether they
// are right.
func formOf(yearFirst bool, day, month string) form {
	switch {
	case !allDigits(month, 2):
		return formOther
	case yearFirst:
		return formYear
	case len(day) == 1 || len(month) == 1:
		return formLoose
	case day[0] == '0' || month[0] == '0':
		return formPadded
	}
	return formDay
}

// monthOf reads two parts, one of them a year of four digits. joined are six digits without
// anything between them: 202101 as well as 012021, which cannot be taken for each other. A month is
// one whatever its order: 01/2021 and 2021-01 cannot be turned.
func monthOf(parts []string, joined string) value {
	if joined != "" && monthNumber(parts[0]) > 12 {
		parts = []string{joined[:4], joined[4:]}
	}
	year, month := parts[0], parts[1]
	if len(year) != 4 || !allDigits(year, 4) {
		year, month = month, year
	}
	if len(year) != 4 || !allDigits(year, 4) {
		if allDigits(year, 2) && (allDigits(month, 2) || monthNames[plain(month)] > 0) ||
			allDigits(month, 2) && monthNames[plain(year)] > 0 {
			return shortYearFault()
		}
		return monthFault()
	}
	y, _ := strconv.Atoi(year)
	m := monthNumber(month)
	switch {
	case m < 1 || m > 12:
		return monthFault()
	case y < yearMin || y > yearMax:
		return yearFault()
	}
	date, _ := temporal.NewDate(y, m, 1)
	return value{month: date.Month(), form: formOther}
}

// monthNumber returns the number of a month by number or name; 0 for what is none. A number above
// 12 is returned as it is: the caller says what it means.
func monthNumber(text string) int {
	if m := monthNames[plain(text)]; m > 0 {
		return m
	}
	if !allDigits(text, 2) {
		return 0
	}
	m, _ := strconv.Atoi(text)
	return m
}
