package lists

import (
	"regexp"
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// Language is one that clerks are spoken to in.
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
}

// fault says what is wrong with a value, in both languages, without the column's name.
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
// cell: what is in the wrong column may be anybody's number.
func invalid(code event.Code, id, en string) value {
	return value{fault: &fault{code: code, id: id, en: en}}
}

// parse reads the value of a cell that is not blank. date1904 says how the file counts days.
func parse(f field, cell grid.Cell, date1904 bool) value {
	switch cell.Kind {
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
	case fieldEnrolment, fieldCommitment, fieldWorker, fieldInto:
		return parseID(f, cell)
	case fieldAmount:
		return parseAmount(cell)
	case fieldReference:
		return parseReference(cell)
	default:
		return parseCode(f, string(trim(cell.Text)))
	}
}

// parseCount reads a number of months. The bound is a hundred years: what is above it is a year, or
// an amount, in the wrong column.
func parseCount(cell grid.Cell) value {
	n, err := strconv.ParseFloat(string(trim(cell.Text)), 64)
	const most = 1200
	if err != nil || cell.Kind == grid.Date || n < 1 || n > most || n != float64(int(n)) {
		return invalid(event.FieldInvalid, "harus bilangan bulat bulan, 1 atau lebih",
			"must be a whole number of months, 1 or more")
	}
	return value{count: int(n)}
}

// roundedDigits is how many digits of a number Excel keeps. A NIK has 16: as a number it is lost,
// and no program can tell.
const roundedDigits = 15

// kpjDigits is how many digits the number of a membership card has.
const kpjDigits = 11

// parseID reads the number of an enrolment, a commitment or a worker. A run of one digit stands for
// none: the value is then empty, without a fault. A spreadsheet may have made a number or a date
// of it long ago. Where that cannot be undone for certain the row is refused: a number that is
// wrong by one digit would be another person's, for ever.
func parseID(f field, cell grid.Cell) value {
	text := unformula(string(trim(cell.Text)))
	switch cell.Kind {
	case grid.Bool:
		return invalid(event.FieldInvalid,
			"sel berisi BENAR atau SALAH, bukan nomor: format kolom sebagai Teks lalu tulis"+
				" nomornya, kosongkan bila belum ada",
			"the cell holds TRUE or FALSE and no number: format the column as Text and write the"+
				" number, or leave it empty where there is none")
	case grid.Date:
		return invalid(event.FieldInvalid,
			"Excel telah mengubah nomor ini menjadi tanggal: format kolom sebagai Teks lalu"+
				" tempelkan lagi nomornya",
			"Excel has turned the number into a date: format the column as Text and paste the"+
				" numbers again")
	default: // it has a number, if anything
	}
	if cell.Kind == grid.Number && isScientific(text) {
		// As a number it is whole: only its writing is short.
		if n, err := strconv.ParseFloat(text, 64); err == nil && n < 1e15 {
			text = strconv.FormatFloat(n, 'f', -1, 64)
		}
	}
	if isScientific(text) {
		return droppedDigits(event.FieldInvalid)
	}
	text = oneSpelling(asciiDigits(text))
	if f == fieldEnrolment {
		text = cardNumber(text)
	}
	if cell.Kind == grid.Number {
		if !allDigits(text, roundedDigits) {
			return droppedDigits(event.FieldInvalid)
		}
		if f == fieldEnrolment && len(text) < kpjDigits && len(text) >= kpjDigits-2 {
			return lostZeros(kpjDigits - len(text))
		}
	}
	switch {
	case isOneDigit(text):
		return value{}
	case event.HasNIK(text):
		return invalid(event.NIKMisplaced,
			"kolom ini berisi NIK; NIK hanya boleh di kolom NIK",
			"the column holds a NIK, which belongs into the column NIK alone")
	case strings.Trim(text, "0.:_-") == "":
		return invalid(event.FieldInvalid,
			"bukan nomor yang sah; kosongkan bila tidak ada",
			"is no number; leave it empty where there is none")
	case !isKey(text):
		return invalid(event.FieldInvalid,
			"harus 1 sampai 64 huruf A-Z a-z, angka, atau . _ : - tanpa garis miring",
			"must have 1 to 64 characters of A-Z a-z 0-9 . _ : -, no slash")
	case f == fieldEnrolment && !strings.ContainsAny(text, "0123456789"):
		return invalid(event.FieldInvalid,
			"tidak berisi angka, jadi bukan nomor kartu: tulis nomornya, kosongkan bila belum ada",
			"has no digit, and so is no number of a card: write the number, or leave it empty"+
				" where there is none")
	case f == fieldEnrolment && strings.HasPrefix(text, derivedPrefix):
		return invalid(event.FieldInvalid,
			"nomor yang dimulai dengan "+derivedPrefix+" dibuat oleh cakupan sendiri",
			"numbers that begin with "+derivedPrefix+" are made by cakupan itself")
	}
	return value{json: `"` + text + `"`}
}

// grouped is a number whose thousands are set apart, as spreadsheets show one.
var grouped = regexp.MustCompile(`^[0-9]{1,3}(?:[.,'’][0-9]{3}){2,}$`)

// wholeFloat is a whole number as programs write one that they held as a fraction.
var wholeFloat = regexp.MustCompile(`^[0-9]+[.,]0{1,2}$`)

// oneSpelling gives a number the one form that its spellings have in common: without what cannot be
// seen, without thousands set apart, without a fraction of nothing.
func oneSpelling(text string) string {
	text = strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, text)
	if wholeFloat.MatchString(text) {
		text = text[:strings.IndexAny(text, ".,")]
	}
	if grouped.MatchString(text) {
		text = strings.Map(func(r rune) rune {
			if r > '9' || r < '0' {
				return -1
			}
			return r
		}, text)
	}
	return text
}

// cardWords is what people write before the number of a card.
var cardWords = regexp.MustCompile(`^(?i:(?:no|nomor|kpj)[.:]*)+`)

// cardNumber gives the number of a card its one form: without the word that says that it is one,
// and without what stands between its digits. What has not as many digits as a card stays as it is:
// it may be a number of somebody's own.
func cardNumber(text string) string {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(".,-", r) {
			return -1
		}
		return r
	}, cardWords.ReplaceAllString(text, ""))
	if fraction := len(text) - 3; fraction > kpjDigits && grouped.MatchString(text[:fraction]) &&
		(text[fraction:] == ",00" || text[fraction:] == ".00") {
		return cardNumber(text[:fraction])
	}
	if len(digits) == kpjDigits && allDigits(digits, kpjDigits) {
		return digits
	}
	return text
}

// asciiDigits turns the wide digits of East Asian keyboards into ASCII.
func asciiDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '０' && r <= '９' {
			return r - '０' + '0'
		}
		return r
	}, text)
}

// lostZeros says that a number went through a spreadsheet as a number that begins with zeros.
func lostZeros(count int) value {
	n := strconv.Itoa(count)
	return invalid(event.FieldInvalid,
		"nomor ini kurang "+n+" angka: nol di depannya mungkin hilang; format kolom sebagai Teks"+
			" lalu tulis lagi kesebelas angkanya",
		"the number is "+n+" digits short: a leading zero may be lost; format the column as Text"+
			" and write all eleven digits")
}

// isKey tells whether a text is an id as the contract has them. It is asked for each row, so it
// looks at bytes and matches no pattern.
func isKey(text string) bool {
	for i := range len(text) {
		c := text[i]
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if (c < '0' || c > '9') && c != '.' && c != '_' && c != ':' && c != '-' {
				return false
			}
		}
	}
	return text != "" && len(text) <= 64
}

// droppedDigits says that a number went through a spreadsheet as a number: what it was, only the
// owner of the file can find out.
func droppedDigits(code event.Code) value {
	return invalid(code,
		"Excel telah membuang angka dari nomor ini: format kolom sebagai Teks lalu tempelkan"+
			" lagi nomornya dari sumber aslinya",
		"Excel has dropped digits of the number: format the column as Text and paste the numbers"+
			" again from where they came")
}

// parseNIK reads a NIK into dst, which must have no bytes. Unlike other values a NIK is not
// remembered from row to row: dst is used again, and the row that is next writes over it.
func parseNIK(dst []byte, cell grid.Cell) ([]byte, *fault) {
	switch cell.Kind {
	case grid.Text:
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
// with 0 may be either, and what is above may be rounded.
func isExactNumber(text []byte) bool {
	const digits, exactMax = 16, 1 << 53
	if len(text) != digits || text[digits-1] == '0' {
		return false
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	return err == nil && n <= exactMax
}

// parseUnevenNIK reads a NIK among what people and programs write around and between its digits.
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

// nikRules says in Indonesian what [event.CheckNIK] says. It is never written.
var nikRules = map[string]string{
	event.CheckNIK(""):                 "NIK terdiri dari tepat 16 angka, tanpa tanda baca",
	event.CheckNIK("0003011501900001"): "dua angka pertama NIK adalah kode provinsi, misalnya 75",
	event.CheckNIK("7503010001900001"): "angka ke-7 dan ke-8 NIK adalah tanggal lahir, 01 sampai" +
		" 31, atau 41 sampai 71 untuk perempuan",
	event.CheckNIK("7503011500900001"): "angka ke-9 dan ke-10 NIK adalah bulan lahir, 01 sampai 12",
	event.CheckNIK("7503013102900001"): "angka ke-7 sampai ke-12 NIK bukan tanggal lahir yang ada",
	event.CheckNIK("7503011501900000"): "empat angka terakhir NIK adalah nomor urut mulai 0001",
}

// nikFaults holds a fault for each rule a NIK can break. It is never written.
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
// nikRules only says them in Indonesian, and one it does not know is said in English.
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
// such as 12E5 has neither point nor sign and stays an id.
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

// allDigits tells whether a text has digits alone, one to so many.
func allDigits(text string, most int) bool {
	for i := range len(text) {
		if text[i]-'0' > 9 {
			return false
		}
	}
	return text != "" && len(text) <= most
}
