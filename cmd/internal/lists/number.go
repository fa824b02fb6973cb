package lists

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/cmd/internal/lists/named"
	"cakupan/domain/event"
)

// roundedDigits is how many digits of a number Excel keeps. A NIK has 16: as a number it is lost,
// and no program can tell. It is what a number of double precision has at least.
const roundedDigits = 15

// kpjDigits is how many digits the number of a membership card has.
const kpjDigits = 11

// parseID reads the number of an enrolment, a commitment or a worker. A run of one digit stands for
// none: the value is then empty, without a fault. A spreadsheet may have made a number or a date
// of it long ago. Where that cannot be undone for certain the row is refused: a number that is
// wrong by one digit would be another person's, for ever. The bounds are those of the contract,
// section 1: 1 to 64 characters of few kinds. f is one of fieldEnrolment, fieldCommitment,
// fieldWorker and fieldInto; what is said of cards holds for the first.
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
	// Below 10^15 every whole number is exact, whatever way it is written.
	if cell.Kind == grid.Number && isScientific(text) {
		// As a number it is whole: only its writing is short.
		if n, err := strconv.ParseFloat(text, 64); err == nil && n < 1e15 {
			text = strconv.FormatFloat(n, 'f', -1, 64)
		}
	}
	if isScientific(text) {
		return droppedDigits(event.FieldInvalid)
	}
	// Numbers are counted in it before their spaces are taken out.
	text = asciiDigits(text)
	if f == fieldEnrolment && severalNumbers(text) {
		return severalNumbersFault
	}
	text = oneSpelling(text)
	if f == fieldEnrolment {
		text = cardNumber(text)
	}
	if cell.Kind == grid.Number {
		if !allDigits(text, roundedDigits) {
			return droppedDigits(event.FieldInvalid)
		}
		// A card's number that was a number has lost its zeros; of others nobody knows how long
		// they were.
		if f == fieldEnrolment && len(text) < kpjDigits && len(text) >= kpjDigits-2 {
			return lostZeros(kpjDigits - len(text))
		}
	}
	return idValue(f, text)
}

// misplacedNIK refuses a NIK in a cell of another number. It is looked for in the cell as it is,
// since spaces and what does not show part its groups, and in what is made of it.
func misplacedNIK() value {
	return invalid(event.NIKMisplaced,
		"kolom ini berisi NIK; NIK hanya boleh di kolom NIK",
		"the column holds a NIK, which belongs into the column NIK alone")
}

// idValue returns a number that is written in its one form, or why it cannot be one.
func idValue(f field, text string) value {
	switch {
	case isOneDigit(text):
		return value{}
	// The ledger would refuse it too; here it is in the words of the list.
	case event.HasNIK(text):
		return misplacedNIK()
	// Nothing but zeros and strokes, and no run of one digit.
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
	case f == fieldEnrolment && saysNone(text):
		return invalid(event.FieldInvalid,
			"berisi kata untuk \"tidak ada\" dan angka: tulis nomor kartunya saja, kosongkan bila"+
				" belum ada",
			"holds a word for none and digits: write the number of the card alone, or leave it"+
				" empty where there is none")
	case f == fieldEnrolment && looksLikeCard(text):
		return invalid(event.FieldInvalid,
			"ada huruf di antara angka KPJ (huruf O bukan angka 0): ketik lagi angkanya",
			"a letter stands among the digits of the KPJ (O is not 0): type the digits again")
	// Whoever wrote one by hand could name another person's enrolment.
	case f == fieldEnrolment && strings.HasPrefix(text, named.Prefix):
		return invalid(event.FieldInvalid,
			"nomor yang dimulai dengan "+named.Prefix+" dibuat oleh cakupan sendiri",
			"numbers that begin with "+named.Prefix+" are made by cakupan itself")
	}
	return value{json: `"` + text + `"`}
}

// saysNone tells whether the letters of a text with digits are a word for none: "belum 2021". Short
// ones may be of somebody's own numbers, such as NA-17.
func saysNone(text string) bool {
	const lettersMin = 4
	letters := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, plain(text))
	return len(letters) >= lettersMin && noneWords[letters]
}

// looksLikeCard tells whether a text with letters is the number of a card once those are read as
// the digits that they look like. Whoever types it right the next time would name another one.
func looksLikeCard(text string) bool {
	letters := 0
	digits := strings.Map(func(r rune) rune {
		switch r {
		case 'O', 'o', 'I', 'l':
			letters++
			return '0'
		}
		return r
	}, text)
	return letters > 0 && len(text) == kpjDigits && allDigits(digits, kpjDigits)
}

// isOddCard tells whether a number of an enrolment, as json, has digits alone, and not as many as
// the number of a card: it may be an office's own, or a typing error that nobody can tell.
func isOddCard(json string) bool {
	digits := 0
	for i := range len(json) {
		switch c := json[i]; {
		case c-'0' <= 9:
			digits++
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			return false
		}
	}
	return digits > 0 && digits != kpjDigits
}

// grouped is a number whose thousands are set apart, as spreadsheets show one. Two groups at least:
// 75.031 may be a number with a fraction.
var grouped = regexp.MustCompile(`^[0-9]{1,3}(?:[.,'’][0-9]{3}){2,}$`)

// wholeFloat is a whole number as programs write one that they held as a fraction.
var wholeFloat = regexp.MustCompile(`^[0-9]+[.,]0{1,2}$`)

// oneSpelling gives a number the one form that its spellings have in common: without what cannot be
// seen, without thousands set apart, without a fraction of nothing. Zeros in front stay: they are a
// part of the number.
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

// cardWords is what people write before the number of a card. Only words that no number begins
// with.
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
	// A number with thousands set apart, and a fraction of nothing behind it.
	if fraction := len(text) - 3; fraction > kpjDigits && grouped.MatchString(text[:fraction]) &&
		(text[fraction:] == ",00" || text[fraction:] == ".00") {
		return cardNumber(text[:fraction])
	}
	if len(digits) == kpjDigits && allDigits(digits, kpjDigits) {
		return digits
	}
	return text
}

// severalNumbers tells whether a text is more than one number of a card: more digits than one has
// with a space or line between them, or just those of several with anything between. To take the
// digits of two for one number would make a member that nobody is.
func severalNumbers(text string) bool {
	digits, letters := 0, false
	for _, r := range text {
		if r >= '0' && r <= '9' {
			digits++
		}
		letters = letters || unicode.IsLetter(r)
	}
	between := strings.IndexFunc(strings.Trim(text, " \u00a0"), func(r rune) bool {
		return r < '0' || r > '9'
	}) >= 0
	switch {
	case letters || digits <= kpjDigits || !between:
		return false
	case strings.IndexFunc(text, unicode.IsSpace) >= 0:
		return true
	}
	return digits%kpjDigits == 0
}

// severalNumbersFault is never written.
var severalNumbersFault = invalid(event.FieldInvalid,
	"berisi lebih dari satu nomor: tulis satu KPJ saja, masing-masing kepesertaan di barisnya"+
		" sendiri",
	"holds more than one number: write one KPJ, each enrolment in a row of its own")

// asciiDigits turns the wide digits of East Asian keyboards into ASCII.
func asciiDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '０' && r <= '９' {
			return r - '０' + '0'
		}
		return r
	}, text)
}

// lostZeros says that a number went through a spreadsheet as a number that begins with zeros. count
// is how many digits it has too few.
func lostZeros(count int) value {
	n := strconv.Itoa(count)
	return invalid(event.FieldInvalid,
		"nomor ini kurang "+n+" angka: nol di depannya mungkin hilang; format kolom sebagai Teks"+
			" lalu tulis lagi kesebelas angkanya",
		"the number is "+n+" digits short: a leading zero may be lost; format the column as Text"+
			" and write all eleven digits")
}

// isKey tells whether a text is an id as the contract has them. It is asked for each row, so it
// looks at bytes and matches no pattern. See contract, section 1. c|0x20 makes a letter small.
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
