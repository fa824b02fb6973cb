package lists

import (
	"bytes"
	"strconv"

	"cakupan/domain/event"
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
	clock       int // a row with AM or PM
	lateRow     int // a row with a day above 12 that is text
	other       int // a row that is no count of days
	plain       int // a row with a count that can be nothing else
	rows, blank int // with somebody; and of those, without a day
	blankRow    int // the first of them
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
		first(&j.plain)
	}
	j.count[v.form]++
	if v.monthFirst {
		first(&j.proof)
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

// verdict says of each form why its days are refused where they may have been turned, and why
// counts are; nil: they are not. It is not changed once it is given, and may be shared.
type verdict struct {
	turned [formEnd]*fault
	count  *fault
}

// verdict returns what the column as a whole says of its days. What is proved of the text of days
// does not hold for those in words, nor for years in front, which programs turn in ways of their
// own. Days that cannot have been turned are never refused.
func (j *judge) verdict() (v verdict) {
	lateTexts := j.late[formDay] + j.late[formPadded] + j.late[formLoose]
	earlyTexts := j.early[formPadded] + j.early[formDay] + j.early[formLoose]
	switch {
	// One row that cannot be read otherwise is enough: all of a column are written by one program
	// or hand.
	case j.proof > 0:
		v.refuse(monthFirst(j.proof), formDay, formPadded, formLoose, formCell)
	case j.clock > 0:
		v.refuse(monthFirst(j.clock), formDay, formPadded, formLoose, formCell)
	// A program has made days of the texts that it could read with their month first, and left the
	// others.
	case lateTexts > 0 && j.early[formCell] > 0:
		v.refuse(halfTurned(j.lateRow), formDay, formPadded, formLoose, formCell)
	// A program writes what it has read without zeros; what it could not read still has them.
	case j.late[formPadded] > 0 && j.early[formPadded] == 0 && j.late[formLoose] == 0 &&
		j.early[formLoose] > 0:
		v.refuse(halfTurned(j.lateRow), formLoose, formDay)
	}
	// The same, by a program that writes years in front.
	if lateTexts > 0 && earlyTexts == 0 && j.late[formYear] == 0 && j.early[formYear] > 0 {
		v.refuse(halfTurned(j.lateRow), formYear)
	}
	switch {
	case j.count[formCount] == 0:
	case j.other > 0:
		v.count = countAmongDays(j.other)
	// Each of the counts may be a day, month and year without its first zero, and none proves a
	// count.
	case j.plain == 0:
		v.count = shortDayFault
	}
	return v
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
	// isDoubted looks for these words in the remarks of a list that comes back.
	twoDaysID, twoDaysEN = "dapat berarti dua tanggal", "may mean two days"
	countID, countEN     = "berupa angka, sedangkan", "is a number, while"
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

// isDoubted tells whether a remark on a row says that its day may be another one. The remark is as
// the cell has it, in the language that the list had then.
func isDoubted(remark []byte) bool {
	for _, words := range [...]string{twoDaysID, twoDaysEN, countID, countEN} {
		if bytes.Contains(remark, []byte(words)) {
			return true
		}
	}
	return false
}

// doubtedFault is never written. It begins with the words by which it is known again.
var doubtedFault = &fault{
	event.FieldInvalid,
	twoDaysID + ": tulis yang benar, lalu hapus kata-kata di kolom \"Yang Harus Diperbaiki\"" +
		" baris ini",
	twoDaysEN + ": write the right one, and delete the words in the column \"What to Correct\" of" +
		" the row",
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
