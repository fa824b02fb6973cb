package lists

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"cakupan/domain/event"
)

// plain returns a text as names and code values are compared: letters and digits alone, in lower
// case. So "Kab/Kota", "KAB. KOTA" and "kab kota" are one name. What has no letters and no digits
// is "", which no table has. Letters with marks are kept, as they make another word.
func plain(text string) string {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			out = append(out, byte(r))
		case r >= 'A' && r <= 'Z':
			out = append(out, byte(r)|0x20)
		case r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			out = utf8.AppendRune(out, unicode.ToLower(r))
		}
	}
	return string(out)
}

// trim returns a text without what cannot be seen at its ends: spaces of all kinds and marks of
// direction. It returns a part of text and allocates nothing. Bytes that are not UTF-8 stay.
func trim(text []byte) []byte {
	for len(text) > 0 {
		if c := text[0]; c > ' ' && c < utf8.RuneSelf {
			break
		}
		r, size := utf8.DecodeRune(text)
		if !invisible(r) {
			break
		}
		text = text[size:]
	}
	for len(text) > 0 {
		if c := text[len(text)-1]; c > ' ' && c < utf8.RuneSelf {
			break
		}
		r, size := utf8.DecodeLastRune(text)
		if !invisible(r) {
			break
		}
		text = text[:len(text)-size]
	}
	return text
}

// invisible tells whether nothing is seen of a character; such come along when people copy from
// pages and chats. Spaces of all scripts count, as do marks of direction and joiners.
func invisible(r rune) bool {
	return r <= ' ' || r == 0x7f || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r)
}

// isBlank tells whether a text says nothing: empty, strokes, or one of the words that people and
// programs put into cells that have no value. A text with a digit says something, and an error of a
// spreadsheet does too: both are refused or read, not passed over.
func isBlank(text []byte) bool {
	text = trim(text)
	// It is in bytes. Every cell comes here, and most are longer or begin with a digit.
	const noneMax = 20 // no word for none is longer
	if len(text) == 0 {
		return true
	}
	if len(text) > noneMax || text[0]-'0' <= 9 || isErrorText(text) {
		return false
	}
	for _, c := range text {
		if c-'0' <= 9 {
			return false
		}
	}
	key := plain(string(text))
	return noneWords[key] || key == "" && strings.Trim(string(text), strokes) == ""
}

// strokes are what people draw into cells that have no value. Each of them counts alone, or many
// together.
const strokes = "-–—―_.?*/ "

// noneWords are words for none, made plain, in both languages and as programs write them. It is
// never written. A cell with one of them is empty: where it must hold something the row is refused,
// and never read.
var noneWords = func() map[string]bool {
	all := map[string]bool{}
	for _, word := range []string{
		"tidak ada", "tdk ada", "tak ada", "ga ada", "gak ada", "tidak punya", "belum",
		"belum ada", "belum punya", "belum diisi", "belum terdaftar", "nihil", "kosong",
		"none", "null", "nil", "nan", "n/a", "na", "nat", "not available", "empty", "undefined",
		"no data", "tanpa", "unknown", "tidak diketahui", "tidak tersedia", "blm", "blm ada",
		"blm punya", "belum memiliki", "tidak memiliki", "tdk punya", "tidak diisi", "menyusul",
		"proses", "dalam proses", "sedang proses", "sedang diproses", "masih proses",
		"belum ada KPJ", "belum punya KPJ", "tidak ada KPJ", "tidak punya KPJ", "tba", "tbd",
		"pending",
	} {
		all[plain(word)] = true
	}
	return all
}()

// isOneDigit tells whether a text is a run of one digit, 00000000000 or 11111111111, which people
// type where they have no number. A text without digits is none. A run of zeros counts at any
// length.
func isOneDigit(text string) bool {
	const runMin = 4 // shorter runs may be numbers of somebody's own
	digits := strings.Map(func(r rune) rune {
		if isBetweenDigits(r) {
			return -1
		}
		return r
	}, text)
	if !allDigits(digits, len(digits)) || strings.Trim(digits, digits[:1]) != "" {
		return false
	}
	return digits[0] == '0' || len(digits) >= runMin
}

const (
	quoteRunesMax  = 40
	digitsShownMax = 6  // of a run of digits that may be of a person
	digitsFreeMax  = 11 // such a run is longer
)

// quote returns a text as messages may repeat it: short, on one line, long numbers cut. What it
// returns may go into a refusal and into the operator's log: contract, section 1.
func quote(text string) string { return `"` + shown(text) + `"` }

// shown is quote without the quotes. Control characters become spaces, so that a cell cannot write
// lines of its own into a log.
func shown(text string) string {
	out := make([]byte, 0, len(text))
	runes := 0
	for _, r := range MaskNumbers(text) {
		if runes++; runes > quoteRunesMax {
			return string(out) + "…"
		}
		if unicode.IsControl(r) || r == utf8.RuneError {
			r = ' '
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

// MaskNumbers returns a text with each number that is long enough to be a NIK, or one with a digit
// missing, cut to its first six digits. What people write between digits does not end a number. It
// errs on the side of masking: a long phone number is cut too. The first six digits are the region,
// which is not of one person: contract, section 1.
func MaskNumbers(text string) string {
	return maskDigits(event.MaskNIK(text), digitsFreeMax)
}

// maskDigits masks all digits but the first six of each number that has more than free. Its length
// in bytes is that of text. Digits of other scripts are left to event.MaskNIK.
func maskDigits(text string, free int) string {
	var digits []int // where those of the number are
	masked := []byte(text)
	end := func() {
		if len(digits) > free {
			for _, at := range digits[min(digitsShownMax, len(digits)):] {
				masked[at] = '*'
			}
		}
		digits = digits[:0]
	}
	for at, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits = append(digits, at)
		case !isBetweenDigits(r):
			end()
		}
	}
	end()
	return string(masked)
}

// isBetweenDigits tells whether people group the digits of a number with r, or a program has left
// it there unseen. A comma is not among them: it parts numbers.
func isBetweenDigits(r rune) bool {
	return strings.ContainsRune(".-_'\u2019", r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r)
}

// distance returns in how many letters two names differ, where two that have changed places count
// once; but not more than most+1. It counts bytes, as the names that are compared with it are plain
// ASCII, and stops as soon as no end can be within most. most is small: what it costs is the
// product of both lengths.
func distance(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		lowest := row[0]
		for j := range len(b) {
			cost := last[j]
			if a[i] != b[j] {
				cost = 1 + min(last[j], last[j+1], row[j])
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cost = min(cost, before[j-1]+1)
			}
			row[j+1] = cost
			lowest = min(lowest, cost)
		}
		if lowest > most {
			return most + 1
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
