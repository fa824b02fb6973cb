package lists

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// form is how a day is written. Arrays of counts are indexed by it.
type form uint8

const (
	formOther  form = 0 // in words, or as a month: nothing can change places
	formYear   form = 1 // 2021-01-31
	formDay    form = 2 // 15/11/2021, which says nothing about zeros
	formPadded form = 3 // 05/01/2021
	formLoose  form = 4 // 5/1/2021
	formCell   form = 5 // a cell that shows a number as a day
	formCount  form = 6 // a number that counts days, in a cell that does not show it so
	formEnd    form = 7
)

// judge gathers how the days of a column are written. A single day that may be read in two ways
// says nothing; the column as a whole may prove that it went through a program that reads days with
// their month first, or that turned half of them. Then nobody can tell which day those were that
// may have been turned. Counts are of cells, places are numbers of rows, 0 where there is none. The
// zero judge has seen nothing. It is made in the survey, before any row is taken in.
type judge struct {
	late, early [formEnd]int // days above 12; others that may be turned
	count       [formEnd]int
	proof       int // the row that proves that months come first, 0: none
	yearProof   int // the row that proves that days stand between year and month
	clock       int // a row with AM or PM
	lateRow     int // a row with a day above 12 that is text
	other       int // a row that is no count of days
	plain       int // a row with a count that can be nothing else
	rows, blank int // with somebody; and of those, without a day
	blankRow    int // the first of them
	// The days of counts that can be nothing else; both are 0 where there is none.
	plainMin, plainMax temporal.Date
}

// miss takes in a row without a day.
func (j *judge) miss(row int) {
	if j.blank++; j.blankRow == 0 {
		j.blankRow = row
	}
}

// lost tells whether a program may have dropped the days that it could not read with their month
// first, and turned the others: no day is above 12, some may be turned, and many are not there. It
// is only told, and refuses nothing: empty cells may have been empty.
func (j *judge) lost() bool {
	// A few rows without a day are in most lists; a fifth of them is no accident.
	const least, many = 2, 5 // so many, and one in so many rows
	late := 0
	for _, n := range j.late {
		late += n
	}
	return late == 0 && j.early[formCell]+j.early[formYear] > 0 && j.blank >= least &&
		many*j.blank >= j.rows
}

// add takes in a day or what is none. A value that is no day counts as well: what is wrong may be
// what proves how the others are written.
func (j *judge) add(v *value, row int) {
	first := func(to *int) {
		if *to == 0 {
			*to = row
		}
	}
	switch {
	// Only a column that has nothing but counts is believed to mean them.
	case v.form != formCount:
		first(&j.other)
	case !v.short:
		j.addPlain(v.date, row)
	}
	j.count[v.form]++
	switch {
	case v.monthFirst:
		first(&j.proof)
	case v.dayBeforeMonth:
		first(&j.yearProof)
	}
	// Only English counts the hours in halves of a day, and American English has its months first.
	if v.clock && (v.turned || v.monthFirst) && v.form != formYear {
		first(&j.clock)
	}
	switch {
	case v.fault != nil:
	case v.late:
		j.late[v.form]++
		if v.form == formDay || v.form == formPadded || v.form == formLoose {
			first(&j.lateRow)
		}
	case v.turned:
		j.early[v.form]++
	}
}

// addPlain takes in a count of days that can be nothing else.
func (j *judge) addPlain(day temporal.Date, row int) {
	if j.plain == 0 {
		j.plain, j.plainMin, j.plainMax = row, day, day
	}
	j.plainMin, j.plainMax = min(j.plainMin, day), max(j.plainMax, day)
}

// lateTexts counts days above 12 that are text, with the day in front.
func (j *judge) lateTexts() int { return j.late[formDay] + j.late[formPadded] + j.late[formLoose] }

// earlyTexts counts the others that may be turned.
func (j *judge) earlyTexts() int {
	return j.early[formPadded] + j.early[formDay] + j.early[formLoose]
}

// isMute tells whether a column of days shows in no row what stands first.
func (j *judge) isMute() bool {
	return j.proof == 0 && j.clock == 0 && j.lateTexts() == 0 && j.late[formCell] == 0
}

// monthsFirst tells whether a column writes its months first, and nothing in it speaks against it.
func (j *judge) monthsFirst() bool {
	return (j.proof > 0 || j.clock > 0) && j.lateTexts() == 0
}

// halfConverted tells whether a program has made days of what it could read of a column, and left
// the rest.
func (j *judge) halfConverted() bool { return j.lateTexts() > 0 && j.early[formCell] > 0 }

// verdict says of each form why its days are refused where they may have been turned, and why
// counts are; nil: they are not. It is not changed once it is given, and may be shared.
type verdict struct {
	turned [formEnd]*fault
	count  *fault
	// Counts that may be a day without its first zero are believed between these days alone.
	shortMin, shortMax temporal.Date
}

// verdict returns what the column as a whole says of its days. What is proved of the text of days
// does not hold for those in words, nor for years in front, which programs turn in ways of their
// own. Days that cannot have been turned are never refused.
func (j *judge) verdict() (v verdict) {
	switch {
	// One row that cannot be read otherwise is enough: all of a column are written by one program
	// or hand.
	case j.proof > 0:
		v.refuse(monthFirst(j.proof), formDay, formPadded, formLoose, formCell)
	case j.clock > 0:
		v.refuse(monthFirst(j.clock), formDay, formPadded, formLoose, formCell)
	// A program has made days of the texts that it could read with their month first, and left the
	// others.
	case j.halfConverted():
		v.refuse(halfTurned(j.lateRow), formDay, formPadded, formLoose, formCell)
	// A program writes what it has read without zeros; what it could not read still has them.
	case j.late[formPadded] > 0 && j.early[formPadded] == 0 && j.late[formLoose] == 0 &&
		j.early[formLoose] > 0:
		v.refuse(halfTurned(j.lateRow), formLoose, formDay)
	}
	// The same, by a program that writes years in front.
	switch {
	case j.late[formYear] > 0:
	case j.yearProof > 0:
		v.refuse(dayBeforeMonth(j.yearProof), formYear)
	case j.lateTexts() > 0 && j.earlyTexts() == 0 && j.early[formYear] > 0:
		v.refuse(halfTurnedYear(j.lateRow), formYear)
	}
	switch {
	case j.count[formCount] == 0:
	case j.other > 0:
		v.count = countAmongDays(j.other)
	// Each of the counts may be a day, month and year without its first zero, and none proves a
	// count.
	case j.plain == 0:
		v.count = shortDayFault
	default:
		v.shortMin, v.shortMax = j.plainMin.AddDays(-nearDays), j.plainMax.AddDays(nearDays)
	}
	return v
}

// nearDays is how far a count that may be something else lies from those that cannot, at most: some
// years, as lists are of one time. 30221 for 3 February 2021 is a day of 1982.
const nearDays = 1500

// beside takes in what another column of the list proves, where this one shows nothing: a list is
// written by one program or hand. name is that of the other column.
func (v *verdict) beside(other *judge, name string) {
	switch {
	case other.monthsFirst():
		v.refuse(monthFirstBeside(name), formDay, formPadded, formLoose, formCell)
	case other.halfConverted():
		v.refuse(halfTurnedBeside(name), formCell)
	}
}

// refuse sets the fault of some forms. A later one takes the place of an earlier one.
func (v *verdict) refuse(f *fault, forms ...form) {
	for _, one := range forms {
		v.turned[one] = f
	}
}

// on returns why a day is refused; nil when it is not. A fault of the day itself goes before what
// the column says.
func (v *verdict) on(day *value) *fault {
	switch {
	case day.fault != nil:
		return day.fault
	case day.form == formCount && v.count == nil && day.short &&
		(day.date < v.shortMin || day.date > v.shortMax):
		return shortDayFault
	case day.form == formCount:
		return v.count
	case day.turned:
		return v.turned[day.form]
	}
	return nil
}

// What the words about a day that may be two begin with. In a list that comes back with them, the
// rows that proved it are missing: see Reader.doubted.
const (
	// doubtOf looks for these words in the remarks of a list that comes back.
	twoDaysID, twoDaysEN = "dapat berarti dua tanggal", "may mean two days"
	countID, countEN     = "berupa angka, sedangkan", "is a number, while"
	// Such days had their year in front already.
	yearInFrontID = twoDaysID + " meski tahunnya di depan"
	yearInFrontEN = twoDaysEN + ", though its year stands in front"
)

// isSaidTwice tells whether a remark on a row says that another row says otherwise: that one is not
// in a list that comes back. The words are those of saidOtherwise, in both languages.
func isSaidTwice(remark []byte) bool {
	for _, words := range [...]string{
		"sudah ada di baris", "sudah berhenti di baris", "is in row", "ends in row",
	} {
		if bytes.Contains(remark, []byte(words)) {
			return true
		}
	}
	return false
}

// saidTwiceFault is never written.
var saidTwiceFault = &fault{
	event.FieldInvalid,
	"baris lain dari daftar ini sudah menyebutnya dengan isi yang lain: bila baris ini yang" +
		" benar, hapus kata-kata di kolom \"Yang Harus Diperbaiki\"; bila tidak, hapus baris ini",
	"another row of the list has named it with other values: if this row is right, delete the" +
		" words in the column \"What to Correct\"; if not, delete the row",
}

// doubt is what a remark on a row says of its days: that those may be others.
type doubt struct {
	turned, year, count bool // by the kinds of words
	// Days as they were read then. What reads otherwise by now was corrected. None: the remark is
	// of a program that did not say.
	days []string
}

// What the words about a day that may be two end with: how it reads, by which it is seen whether
// somebody has written it anew.
const readsID, readsEN = "sekarang terbaca ", "it reads as "

// doubtOf returns what a remark says of the days of its row. The remark is as the cell has it, in
// the language that the list had then.
func doubtOf(remark []byte) (d doubt) {
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool {
			return bytes.Contains(remark, []byte(w))
		})
	}
	d.year, d.turned = has(yearInFrontID, yearInFrontEN), has(twoDaysID, twoDaysEN)
	d.count = has(countID, countEN)
	if !d.turned {
		return d
	}
	for _, words := range [...]string{readsID, readsEN} {
		for _, rest := range strings.Split(string(remark), words)[1:] {
			text := rest[:min(len(rest), len("2006-01-02"))]
			if _, err := temporal.ParseDate(text); err == nil {
				d.days = append(d.days, text)
			}
		}
	}
	return d
}

// holds tells whether a day is still in doubt. One that reads otherwise was corrected, and so was
// one that was not written with its year in front, and is so now, as the remark has asked for. A
// count is none yet.
func (d *doubt) holds(v *value) bool {
	switch {
	case v.form == formCount:
		return d.count || d.turned
	case !d.turned || !v.turned || !d.year && v.form == formYear:
		return false
	}
	return len(d.days) == 0 || slices.Contains(d.days, v.date.String())
}

// fault is that of a day that is still in doubt. It begins with the words by which the doubt is
// known again.
func (d *doubt) fault(day temporal.Date) *fault {
	id, en := twoDaysID, twoDaysEN
	if d.year {
		id, en = yearInFrontID, yearInFrontEN
	}
	return (&fault{
		event.FieldInvalid,
		id + ": tulis yang benar; bila sudah benar, hapus kata-kata di kolom \"Yang Harus" +
			" Diperbaiki\" baris ini",
		en + ": write the right one; if it is right as it is, delete the words in the column" +
			" \"What to Correct\" of the row",
	}).reading(day)
}

// reading adds to the words about a day that may be two how it reads. Other faults stay as they
// are.
func (f *fault) reading(day temporal.Date) *fault {
	if !strings.HasPrefix(f.id, twoDaysID) {
		return f
	}
	return &fault{
		f.code, f.id + "; " + readsID + day.String(), f.en + "; " + readsEN + day.String(),
	}
}

// monthFirst is for days of a column of which a row proves that months come first.
func monthFirst(row int) *fault {
	n := strconv.Itoa(row)
	return &fault{
		event.FieldInvalid,
		twoDaysID + ": baris " + n + " menunjukkan bahwa kolom ini menulis bulan di" +
			" depan; tulis semua tanggalnya sebagai tahun-bulan-tanggal, misalnya 2021-01-31",
		twoDaysEN + ": row " + n + " shows that the column has its months first; write all" +
			" its days as year-month-day, such as 2021-01-31",
	}
}

// monthFirstBeside is for days of a column that shows nothing, where another one proves that months
// come first. name may be anybody's text, and is cut and masked.
func monthFirstBeside(name string) *fault {
	return &fault{
		event.FieldInvalid,
		twoDaysID + ": kolom " + quote(name) + " dalam daftar ini menulis bulan di depan; tulis" +
			" semua tanggalnya sebagai tahun-bulan-tanggal, misalnya 2021-01-31",
		twoDaysEN + ": the column " + quote(name) + " of the list has its months first; write" +
			" all days as year-month-day, such as 2021-01-31",
	}
}

// halfTurnedBeside is for cells of days of a column that shows nothing, where a program has turned
// days of another one.
func halfTurnedBeside(name string) *fault {
	return &fault{
		event.FieldInvalid,
		twoDaysID + ": berkas dibuka dengan pengaturan bahasa lain, sehingga tanggal dan bulan" +
			" mungkin tertukar (di kolom " + quote(name) + " sebagian tidak ikut diubah); tulis" +
			" lagi dari sumbernya sebagai tahun-bulan-tanggal, misalnya 2021-01-31",
		twoDaysEN + ": the file went through a program that reads the month first, and day and" +
			" month may have changed places (a part of the column " + quote(name) + " was left as" +
			" it was); write it again from where it came as year-month-day, such as 2021-01-31",
	}
}

// dayBeforeMonth is for days with their year in front, of a column of which a row proves that the
// day comes next.
func dayBeforeMonth(row int) *fault {
	n := strconv.Itoa(row)
	return &fault{
		event.FieldInvalid,
		yearInFrontID + ": baris " + n + " menunjukkan bahwa kolom ini menulis tanggal sebelum" +
			" bulan; tulis yang benar sebagai tahun-bulan-tanggal, misalnya 2021-01-31; bila" +
			" sudah benar, hapus kata-kata ini",
		yearInFrontEN + ": row " + n + " shows that the column has its days before its months;" +
			" write the right one as year-month-day, such as 2021-01-31; if it is right, delete" +
			" these words",
	}
}

// halfTurned is for days that a program may have turned, of a column of which a row shows that it
// left others as they were.
func halfTurned(row int) *fault {
	n := strconv.Itoa(row)
	return &fault{
		event.FieldInvalid,
		twoDaysID + ": berkas dibuka dengan pengaturan bahasa lain, sehingga tanggal" +
			" dan bulan mungkin tertukar (baris " + n + " tidak ikut diubah); tulis lagi dari" +
			" sumbernya sebagai tahun-bulan-tanggal, misalnya 2021-01-31",
		twoDaysEN + ": the file went through a program that reads the month first, and day" +
			" and month may have changed places (row " + n + " was left as it was); write it" +
			" again from where it came as year-month-day, such as 2021-01-31",
	}
}

// halfTurnedYear is for such days that had their year in front.
func halfTurnedYear(row int) *fault {
	f := halfTurned(row)
	return &fault{
		f.code,
		strings.Replace(f.id, twoDaysID, yearInFrontID, 1) + "; bila sudah benar, hapus" +
			" kata-kata ini",
		strings.Replace(f.en, twoDaysEN, yearInFrontEN, 1) + "; if it is right, delete" +
			" these words",
	}
}

// countAmongDays is for counts of a column of which a row holds a day in another form.
func countAmongDays(row int) *fault {
	n := strconv.Itoa(row)
	return &fault{
		event.FieldInvalid,
		countID + " baris " + n + " berisi tanggal: format selnya sebagai Tanggal" +
			" atau tulis tahun-bulan-tanggal, misalnya 2021-01-31",
		countEN + " row " + n + " holds a day: format the cell as Date or write" +
			" year-month-day, such as 2021-01-31",
	}
}

// shortDayFault is never written.
var shortDayFault = &fault{
	event.FieldInvalid,
	"tanggal yang menjadi angka kehilangan nol di depan: tulis lagi sebagai Teks, misalnya" +
		" 2021-02-03",
	"the day has become a number and lost its leading zero: write it as Text, such as 2021-02-03",
}

// isDay tells whether a field holds days or months.
func (f field) isDay() bool {
	switch f {
	case fieldFrom, fieldUntil, fieldLastDay, fieldPaidOn, fieldDied, fieldFromMonth,
		fieldLastMonth, fieldUntilMonth, fieldInactive, fieldMonth:
		return true
	}
	return false
}
