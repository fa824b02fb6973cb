package lists

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// Language is one that clerks are spoken to in. The zero Language is English.
type Language uint8

// The languages.
const (
	English    Language = 0
	Indonesian Language = 1
)

// Pick returns the words of the language.
func (l Language) Pick(id, en string) string {
	if l == Indonesian {
		return id
	}
	return en
}

// String returns "en" or "id".
func (l Language) String() string {
	if l == Indonesian {
		return "id"
	}
	return "en"
}

// value is what a cell says; fault is set when it says nothing that can be kept. Values are copied
// and remembered: what fault points to is never changed.
type value struct {
	json  string         // as the data of an event has it
	date  temporal.Date  // of a field of days
	month temporal.Month // of a field of months
	count int            // of months; 0: the field has none
	fault *fault         // shared by all cells that say the same

	set    uint8    // of programmes
	coded  bool     // of a region that is refused: its code is written
	places []string // of a region that is refused: those it may be, as json

	// Of days and months, what the column as a whole is judged by: see judge.
	form       form
	turned     bool  // day and month may have changed places
	late       bool  // the day is above 12
	short      bool  // a count that may be day, month and year: 30221 for 030221
	monthFirst bool  // written with its month first, beyond doubt
	clock      bool  // with a time that only English writes
	zoned      bool  // moment says when it is, in a zone
	moment     int64 // in seconds since 1970, UTC

	dayBeforeMonth bool // written as year, day and month, beyond doubt
}

// fault says what is wrong with a value, in both languages, without the column's name. It is shared
// and never changed.
type fault struct {
	code   event.Code
	id, en string
}

// in returns the words of a language.
func (f *fault) in(l Language) string {
	if l == Indonesian {
		return f.id
	}
	return f.en
}

// invalid is the value of a cell that says nothing that can be kept. It repeats nothing of the
// cell: what is in the wrong column may be anybody's number. Its fault is newly allocated each
// time: those that come often are made once.
func invalid(code event.Code, id, en string) value {
	return value{fault: &fault{code: code, id: id, en: en}}
}

// parse reads the value of a cell that is not blank. date1904 says how the file counts days. It
// keeps nothing of the cell: what it returns stays valid when the row is gone. A value whose fault
// is nil says something, but for a run of one digit in place of a number.
func parse(f field, cell grid.Cell, date1904 bool) value {
	kind := cell.Kind
	// A CSV file has errors of formulas as texts.
	if kind == grid.Text && isErrorText(cell.Text) {
		kind = grid.Fault
	}
	switch kind {
	case grid.Empty, grid.Text, grid.Number, grid.Date, grid.Bool:
	case grid.Fault:
		return invalid(event.FieldInvalid,
			"sel berisi kesalahan rumus ("+shown(string(cell.Text))+"): perbaiki rumusnya atau"+
				" ketik nilainya",
			"the cell holds an error ("+shown(string(cell.Text))+"): correct its formula or type"+
				" the value")
	case grid.Formula:
		return invalid(event.FieldInvalid,
			"nilai rumus tidak tersimpan: buka berkas di Excel lalu simpan lagi, atau ketik"+
				" nilainya",
			"the value of the formula is not stored: open the file in Excel and save it, or type"+
				" the value")
	}
	switch f {
	case fieldFrom, fieldUntil, fieldLastDay, fieldPaidOn, fieldDied:
		return parseDateCell(cell, date1904)
	case fieldFromMonth, fieldLastMonth, fieldUntilMonth, fieldInactive, fieldMonth:
		return parseMonthCell(cell, date1904)
	case fieldRegion:
		return parseRegion(cell)
	case fieldMonths:
		return parseCount(cell)
	case fieldProgrammes:
		return parseProgrammes(string(trim(cell.Text)))
	case fieldEnrolment, fieldCommitment, fieldWorker, fieldInto, fieldReference, fieldAmount:
		switch {
		case event.HasNIK(string(cell.Text)): // as an amount, it is no rupiah of one person
			return misplacedNIK()
		case f == fieldReference:
			return parseReference(cell)
		case f == fieldAmount:
			return parseAmount(cell)
		}
		return parseID(f, cell)
	default:
		return parseCode(f, string(trim(cell.Text)))
	}
}

// errorText is what a spreadsheet writes into a text file for a formula that came to nothing, or
// for a number that its column was too narrow to show.
var errorText = regexp.MustCompile(`^(?:#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|SPILL!` +
	`|CALC!)|Err:[0-9]{3}|#{2,})$`)

// isErrorText tells whether a text stands for an error. It is asked for each cell, so it looks at
// the first letter first. A quotation mark may stand around it, as CSV is written.
func isErrorText(text []byte) bool {
	text = bytes.Trim(trim(text), `"`)
	return len(text) > 1 && (text[0] == '#' || text[0] == 'E') && errorText.Match(text)
}

// parseCount reads a number of months. The bound is a hundred years: what is above it is a year, or
// an amount, in the wrong column.
func parseCount(cell grid.Cell) value {
	n, err := strconv.ParseFloat(string(trim(cell.Text)), 64)
	// It is in months.
	const most = 1200
	if err != nil || cell.Kind == grid.Date || n < 1 || n > most || n != float64(int(n)) {
		return invalid(event.FieldInvalid, "harus bilangan bulat bulan, 1 atau lebih",
			"must be a whole number of months, 1 or more")
	}
	return value{count: int(n)}
}

// parseNIK reads a NIK into dst, which must have no bytes. Unlike other values a NIK is not
// remembered from row to row: dst is used again, and the row that is next writes over it. A fault
// comes with what was read so far, which is of no use.
func parseNIK(dst []byte, cell grid.Cell) ([]byte, *fault) {
	switch cell.Kind {
	case grid.Text:
		if isErrorText(cell.Text) {
			return dst, parse(fieldNIK, cell, false).fault
		}
	case grid.Number:
		if !isExactNumber(cell.Text) {
			return dst, droppedDigits(event.NIKInvalid).fault
		}
	case grid.Date, grid.Bool:
		return dst, droppedDigits(event.NIKInvalid).fault
	default:
		return dst, parse(fieldNIK, cell, false).fault
	}
	text := cell.Text
	for _, c := range text {
		if c-'0' > 9 {
			return parseUnevenNIK(dst, text)
		}
	}
	return append(dst, text...), checkNIK(string(text))
}

// isExactNumber tells whether a number of a cell has all digits of the NIK that it was. Excel keeps
// 15 and writes 0 for the sixteenth; other programs keep all of them, up to 2^53. So one that ends
// with 0 may be either, and what is above may be rounded. 2^53 is where numbers of double precision
// stop being whole ones without gaps.
func isExactNumber(text []byte) bool {
	const digits, exactMax = 16, 1 << 53
	if len(text) != digits || text[digits-1] == '0' {
		return false
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	return err == nil && n <= exactMax
}

// parseUnevenNIK reads a NIK among what people and programs write around and between its digits.
// Digits of East Asian keyboards are read. Letters that look like digits are refused and not
// replaced: what is meant is nearly sure, and nearly is not enough for somebody's number.
func parseUnevenNIK(dst, cell []byte) ([]byte, *fault) {
	text := unformula(string(trim(cell)))
	if isScientific(text) {
		return dst, droppedDigits(event.NIKInvalid).fault
	}
	text = asciiDigits(text)
	if len(text) > 3 && strings.EqualFold(text[:3], "NIK") {
		text = text[3:]
	}
	whole, fraction, found := strings.Cut(text, ".")
	if found && strings.Trim(fraction, "0") == "" {
		// A program has written a number with its fraction, so it was one and may have lost digits.
		if len(fraction) > 0 && !isExactNumber([]byte(strings.TrimSpace(whole))) {
			return dst, droppedDigits(event.NIKInvalid).fault
		}
		text = whole
	}
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			dst = append(dst, byte(r))
		case invisible(r), strings.ContainsRune(`.,:;-–_'’‘"`+"`", r):
		case (r == 'O' || r == 'o' || r == 'l' || r == 'I') && len(dst) > 0:
			return dst, letterInNIK
		default:
			return dst, checkNIK("")
		}
	}
	return dst, checkNIK(string(dst))
}

// oneDigitNIK is never written.
var oneDigitNIK = &fault{
	event.NIKInvalid,
	"satu angka yang diulang bukan NIK siapa pun: tulis NIK-nya",
	"one digit over and over is nobody's NIK: write the NIK",
}

// letterInNIK is never written.
var letterInNIK = &fault{
	event.NIKInvalid,
	"ada huruf di antara angka NIK (huruf O bukan angka 0): ketik lagi ke-16 angkanya",
	"a letter stands among the digits of the NIK (O is not 0): type all 16 digits again",
}

// nikRules says in Indonesian what [event.CheckNIK] says. It is never written. The keys are made by
// breaking each rule once, so that no sentence is written here a second time.
var nikRules = map[string]string{
	event.CheckNIK(""):                 "NIK terdiri dari tepat 16 angka, tanpa tanda baca",
	event.CheckNIK("0003011501900001"): "dua angka pertama NIK adalah kode provinsi, misalnya 75",
	event.CheckNIK("7503010001900001"): "angka ke-7 dan ke-8 NIK adalah tanggal lahir, 01 sampai" +
		" 31, atau 41 sampai 71 untuk perempuan",
	event.CheckNIK("7503011500900001"): "angka ke-9 dan ke-10 NIK adalah bulan lahir, 01 sampai 12",
	event.CheckNIK("7503013102900001"): "angka ke-7 sampai ke-12 NIK bukan tanggal lahir yang ada",
	event.CheckNIK("7503011501900000"): "empat angka terakhir NIK adalah nomor urut mulai 0001",
}

// nikFaults holds a fault for each rule a NIK can break. It is never written. They are shared by
// all rows: a list with a wrong column has one fault, not a million.
var nikFaults = func() map[string]*fault {
	all := map[string]*fault{}
	for en, id := range nikRules {
		if strings.HasPrefix(en, "the last four") {
			id += "; bila Excel membuang angka, format kolom sebagai Teks lalu tempelkan lagi"
			all[en] = &fault{event.NIKInvalid, id, en + "; if Excel has dropped digits, format" +
				" the column as Text and paste the numbers again"}
			continue
		}
		all[en] = &fault{event.NIKInvalid, id, en}
	}
	return all
}()

// checkNIK returns which rule a text breaks, nil when it is a NIK. The rules are the domain's;
// nikRules only says them in Indonesian, and one it does not know is said in English. The text
// itself is never repeated.
func checkNIK(text string) *fault {
	broken := event.CheckNIK(text)
	if broken == "" && isOneDigit(text) {
		return oneDigitNIK
	}
	if broken == "" {
		return nil
	}
	if known := nikFaults[broken]; known != nil {
		return known
	}
	return &fault{event.NIKInvalid, broken, broken}
}

// unformula takes the text out of a formula that people write so that Excel keeps digits: ="0123".
// Other texts stay as they are, but for an apostrophe in front and quotation marks around them.
func unformula(text string) string {
	text = strings.TrimLeft(text, "'’‘`")
	if len(text) > 3 && text[0] == '=' && text[1] == '"' && text[len(text)-1] == '"' {
		return text[2 : len(text)-1]
	}
	if len(text) > 2 && text[0] == '"' && text[len(text)-1] == '"' {
		return text[1 : len(text)-1]
	}
	return text
}

// isScientific tells whether a text is a number as Excel shortens it: 7.5031E+15, 7,5E15. An id
// such as 12E5 has neither point nor sign and stays an id. A number so shortened has lost the
// digits that it does not show.
func isScientific(text string) bool {
	mantissa, exponent, found := strings.Cut(strings.ToUpper(text), "E")
	if !found || mantissa == "" {
		return false
	}
	exponent = strings.TrimPrefix(exponent, "+")
	whole := strings.Replace(strings.Replace(mantissa, ",", "", 1), ".", "", 1)
	if !allDigits(whole, len(text)) || !allDigits(exponent, 3) {
		return false
	}
	return len(whole) < len(mantissa) || strings.ContainsRune(text, '+')
}

// allDigits tells whether a text has digits alone, one to so many. They are ASCII. An empty text
// has none.
func allDigits(text string, most int) bool {
	for i := range len(text) {
		if text[i]-'0' > 9 {
			return false
		}
	}
	return text != "" && len(text) <= most
}
