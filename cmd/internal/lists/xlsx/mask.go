package xlsx

import "strings"

// mask says how a cell shows a whole number as the number of a card or a person: with zeros in
// front, with strokes or spaces between its digits. It has placeholders for digits, and what is
// shown as it stands. Its bytes are maskZero, maskDigit, or what is shown as it stands. A
// spreadsheet keeps no zeros in front of a number: 01234567890 with the mask of eleven zeros is
// what its owner sees and means.
type mask string

const (
	// Both are below any character that a mask may show. maskMax is longer than any number of a
	// person with strokes between its digits.
	maskZero  = 1 // a digit, or 0 where the number has none left
	maskDigit = 2 // a digit, or nothing
	maskMax   = 40
)

// maskOf returns the mask of a number format; "" for a format that shows anything else than digits,
// strokes and spaces, or shows numbers as they are. What is for negative numbers and for texts says
// nothing here. One place and nothing else, as in the format of any whole number, is no mask.
func maskOf(code string) mask {
	var m []byte
	places, literals := 0, false
	for i := 0; i < len(code) && code[i] != ';'; i++ {
		switch c := code[i]; c {
		// Colours, conditions and locales say nothing of digits.
		case '[':
			for i++; i < len(code) && code[i] != ']'; i++ {
			}
		case '0', '#', '?':
			places++
			m = append(m, maskDigit)
			if c == '0' {
				m[len(m)-1] = maskZero
			}
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return ""
			}
			m = append(m, code[i+1:i+1+end]...)
			literals = literals || end > 0
			i += end + 1
		case '\\', '-', ' ':
			if c == '\\' {
				i++
			}
			if i == len(code) {
				return ""
			}
			m, literals = append(m, code[i]), true
		default:
			return ""
		}
	}
	// Anything else that a format may show, such as a currency, is no part of a number.
	const shows = "0123456789- \x01\x02"
	if places == 0 || places < 2 && !literals || len(m) > maskMax ||
		strings.Trim(string(m), shows) != "" {
		return ""
	}
	return mask(m)
}

// append appends a whole number as it is shown. digits are ASCII. What is shown as it stands is
// kept even before the first digit, as Excel does.
func (m mask) append(dst, digits []byte) []byte {
	places := 0
	for i := range len(m) {
		if m[i] <= maskDigit {
			places++
		}
	}
	for i := range len(m) {
		switch {
		case m[i] > maskDigit:
			dst = append(dst, m[i])
			continue
		case len(digits) >= places: // the first place shows all that the others do not
			more := len(digits) - places + 1
			dst, digits = append(dst, digits[:more]...), digits[more:]
		case m[i] == maskZero:
			dst = append(dst, '0')
		}
		places--
	}
	return dst
}
