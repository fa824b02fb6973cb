package lists

import (
	"math"
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
	// serialZero is day 0 of Excel's count from 1900, for days after its false 29 February 1900.
	serialZero = -25569
	// shift1904 is how many days later the count of old Macintosh workbooks begins.
	shift1904 = 1462
)

// monthNames maps names of months, made plain, to their numbers. It is never written.
var monthNames = func() map[string]int {
	all := map[string]int{}
	for i, texts := range []string{
		"januari january jan", "februari february pebruari feb peb", "maret march mar mrt",
		"april apr", "mei may", "juni june jun", "juli july jul",
		"agustus august agu agt ags agst aug", "september sept sep", "oktober october okt oct",
		"november nopember nov nop", "desember december des dec",
	} {
		for _, text := range strings.Fields(texts) {
			all[text] = i + 1
		}
	}
	return all
}()

func dateFault() value {
	return invalid(event.FieldInvalid,
		"bukan tanggal yang ada: tulis tahun-bulan-tanggal (2021-01-31) atau"+
			" tanggal/bulan/tahun (31/01/2021)",
		"is not a day that exists: write year-month-day (2021-01-31) or day/month/year"+
			" (31/01/2021)")
}

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

func parseDateCell(cell grid.Cell, date1904 bool) value {
	date, wrong := readDay(cell, date1904)
	if wrong.fault != nil {
		return wrong
	}
	return value{json: `"` + date.String() + `"`, date: date}
}

func parseMonthCell(cell grid.Cell, date1904 bool) value {
	month, wrong := readMonth(cell, date1904)
	if wrong.fault != nil {
		return wrong
	}
	return value{json: `"` + month.String() + `"`, month: month}
}

// readDay reads a day. The second result has a fault when it is none.
func readDay(cell grid.Cell, date1904 bool) (temporal.Date, value) {
	text := string(trim(cell.Text))
	switch cell.Kind {
	case grid.Text:
	case grid.Number, grid.Date:
		return serialDay(text, cell.Kind == grid.Date, date1904)
	default:
		return 0, dateFault()
	}
	parts, ok := dateParts(text)
	switch {
	case !ok || len(parts) == 2 || len(parts) > 3:
		return 0, dateFault()
	case len(parts) == 1:
		return serialDay(text, false, false)
	}
	return dayOf(parts)
}

// readMonth reads a month, which may be given by a day of it. Six digits are year and month in
// either order: see monthOf.
func readMonth(cell grid.Cell, date1904 bool) (temporal.Month, value) {
	text := string(trim(cell.Text))
	if cell.Kind == grid.Number || cell.Kind == grid.Text {
		if lostZero(text) {
			meant := "0" + text[:1] + "/" + text[1:5]
			return 0, invalid(event.FieldInvalid,
				"bulan yang menjadi angka kehilangan nol di depan: bila maksudnya "+meant+
					", tulis begitu",
				"the month has lost its leading zero: if "+meant+" is meant, write it so")
		}
		if digits := strings.TrimSuffix(text, ".0"); allDigits(digits, 6) && len(digits) == 6 {
			return monthOf([]string{digits[:2], digits[2:]}, digits)
		}
	}
	if cell.Kind == grid.Text {
		parts, ok := dateParts(text)
		if !ok {
			return 0, monthFault()
		}
		if len(parts) == 2 {
			return monthOf(parts, "")
		}
	}
	date, wrong := readDay(cell, date1904)
	// The general fault of a day speaks of days, which nobody has asked for here; the others fit.
	if wrong.fault != nil && wrong.fault.en == dateFault().fault.en {
		return 0, monthFault()
	}
	return date.Month(), wrong
}

// lostZero tells whether a text is a month and a year, 042021, that lost its first zero. As a day
// that Excel counts it would be one of a year that nobody meant.
func lostZero(text string) bool {
	text = strings.TrimSuffix(text, ".0")
	if len(text) != len("42021") || !allDigits(text, len(text)) || text[0] == '0' {
		return false
	}
	year, _ := strconv.Atoi(text[1:])
	return year >= yearMin && year <= yearMax
}

// serialDay reads a day as Excel counts them. That the cell is shown as a date says that it is one.
// Without that, a number with a fraction is no day: it is more likely an amount.
func serialDay(text string, isDate, date1904 bool) (temporal.Date, value) {
	serial, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(serial) || math.Abs(serial) > 1e7 ||
		!isDate && serial != math.Trunc(serial) && serial < serialMin {
		return 0, dateFault()
	}
	day := int(math.Floor(serial))
	if date1904 {
		day += shift1904
	}
	switch {
	case day >= serialMin && day <= serialMax:
		return temporal.Date(0).AddDays(day + serialZero), value{}
	case isDate:
		return 0, yearFault()
	}
	return 0, dateFault()
}

// dateParts divides a date into its parts, without the time of day behind it.
func dateParts(text string) (parts []string, ok bool) {
	if colon := strings.IndexByte(text, ':'); colon >= 0 {
		end := strings.LastIndexAny(text[:colon], " T")
		if end < 0 {
			return nil, false
		}
		text = text[:end]
	}
	parts = strings.FieldsFunc(text, func(r rune) bool {
		return r == '-' || r == '/' || r == '.' || r == ',' || invisible(r)
	})
	return parts, len(parts) > 0
}

// dayOf reads three parts: a year of four digits at either end, a month by number or name. The
// month stands in the middle, as everybody writes it here; 01/31/2021 is told apart where it can be
// and refused, not turned around.
func dayOf(parts []string) (temporal.Date, value) {
	year, month, day := parts[0], parts[1], parts[2]
	switch {
	case len(year) == 4 && allDigits(year, 4):
	case len(day) == 4 && allDigits(day, 4):
		year, day = day, year
		if monthNames[plain(day)] > 0 { // January 31, 2021
			month, day = day, month
		}
	case allDigits(year, 2) && allDigits(day, 2):
		return 0, shortYearFault()
	default:
		return 0, dateFault()
	}
	m := monthNumber(month)
	d, err := strconv.Atoi(day)
	if err != nil || !allDigits(day, 2) || m == 0 {
		return 0, dateFault()
	}
	y, _ := strconv.Atoi(year)
	if m > 12 && d <= 12 {
		return 0, invalid(event.FieldInvalid,
			"tanggal harus di depan bulan: tulis 31/01/2021 atau 2021-01-31",
			"the day must stand before the month: write 31/01/2021 or 2021-01-31")
	}
	date, ok := temporal.NewDate(y, m, d)
	switch {
	case !ok:
		return 0, dateFault()
	case y < yearMin || y > yearMax:
		return 0, yearFault()
	}
	return date, value{}
}

// monthOf reads two parts, one of them a year of four digits. joined are six digits without
// anything between them: 202101 as well as 012021, which cannot be taken for each other.
func monthOf(parts []string, joined string) (temporal.Month, value) {
	if joined != "" && monthNumber(parts[0]) > 12 {
		parts = []string{joined[:4], joined[4:]}
	}
	year, month := parts[0], parts[1]
	if len(year) != 4 || !allDigits(year, 4) {
		year, month = month, year
	}
	if len(year) != 4 || !allDigits(year, 4) {
		if allDigits(year, 2) || allDigits(month, 2) {
			return 0, shortYearFault()
		}
		return 0, monthFault()
	}
	y, _ := strconv.Atoi(year)
	m := monthNumber(month)
	switch {
	case m < 1 || m > 12:
		return 0, monthFault()
	case y < yearMin || y > yearMax:
		return 0, yearFault()
	}
	date, _ := temporal.NewDate(y, m, 1)
	return date.Month(), value{}
}

// monthNumber returns the number of a month by number or name; 0 for what is none.
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
