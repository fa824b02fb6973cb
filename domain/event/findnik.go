package event

import (
	"unicode"
	"unicode/utf8"
)

// People write a NIK in digits of any script, with invisible characters between them that came
// with a copy, in one run or in groups. Here it is found however it is written.

// HasNIK tells whether a NIK stands anywhere in the text: 16 digits that [CheckNIK] finds nothing
// wrong with, in one run, or in groups of 6-6-4, 4-4-4-4 or 2-2-2-6-4 with one space, dot, hyphen
// or slash between them. A part of a longer run is none.
func HasNIK(text string) bool {
	if !mayHoldNIK(text) {
		return false
	}
	found := false
	findNIKs(text, utf8.DecodeRuneInString, func(*[nikDigits]int) bool {
		found = true
		return false
	})
	return found
}

// mayHoldNIK tells whether a text has as many digits as a NIK, where every character beyond ASCII
// may be one. Nearly every text that is looked at has fewer.
func mayHoldNIK(text string) bool {
	digits := 0
	for i := range len(text) {
		if c := text[i]; c-'0' <= 9 || c >= utf8.RuneSelf {
			digits++
		}
	}
	return digits >= nikDigits
}

// MaskNIK returns the text with each NIK in it cut to its first six digits and ten asterisks.
func MaskNIK(text string) string { return MaskNIKIn(text, utf8.DecodeRuneInString) }

// MaskNIKIn masks as [MaskNIK] does a text that is written in another way, such as with escapes:
// next returns the first character of a text that is not empty, and its width in bytes.
func MaskNIKIn(text string, next func(text string) (r rune, width int)) string {
	if len(text) < nikDigits {
		return text
	}
	var masked []byte
	end := 0 // of what masked has taken over
	findNIKs(text, next, func(places *[nikDigits]int) bool {
		for _, place := range places[maskedDigits:] {
			masked = append(append(masked, text[end:place]...), '*')
			_, width := next(text[place:])
			end = place + width
		}
		return true
	})
	if masked == nil {
		return text
	}
	return string(append(masked, text[end:]...))
}

// findNIKs calls found with the places of the digits of each NIK in the text, until it returns
// false. No two share a digit.
func findNIKs(
	text string, next func(string) (rune, int), found func(places *[nikDigits]int) bool,
) {
	var f finder
	for i := 0; i < len(text); {
		r, width := rune(text[i]), 1
		if r >= utf8.RuneSelf || r == '\\' {
			r, width = next(text[i:])
		}
		switch digit := digitOf(r); {
		case digit >= 0:
			f.add(byte(digit), i)
		case (r < ' ' || r >= unicode.MaxASCII) && isInvisible(r):
		default:
			if f.isNIK() {
				if !found(f.ordered()) {
					return
				}
				f.run, f.shape = 0, 0
			}
			f.end(isGroupSeparator(r))
		}
		i += width
	}
	if f.isNIK() {
		found(f.ordered())
	}
}

// finder is what of a text has been read: its last digits, and how they are grouped. Sixteen digits
// and five groups are all that a decision needs, so that a text of any length is read once, without
// memory. The zero value is that at the beginning of a text.
type finder struct {
	digits [nikDigits]byte // the last ones, at their number modulo 16
	places [nikDigits]int
	count  int
	run    int    // digits of the run being read
	shape  uint64 // lengths of the groups before it, a byte each, the last one lowest
	apart  bool   // a separator stands behind the last group
}

// longRun stands for every run of more digits than a NIK has.
const longRun = nikDigits + 1

// add takes a digit in, which stands at the place. A run that is too long stays so, however long it
// gets.
func (f *finder) add(digit byte, place int) {
	f.digits[f.count%nikDigits], f.places[f.count%nikDigits] = '0'+digit, place
	f.count++
	f.run = min(f.run+1, longRun)
	f.apart = false
}

// end ends the run, if there is one. What follows goes on with its group only behind one separator.
func (f *finder) end(separator bool) {
	switch {
	case !separator || f.apart:
		f.shape, f.apart = 0, false
	case f.run > 0:
		f.shape, f.apart = f.shape<<8|uint64(f.run), true
	}
	f.run = 0
}

// isNIK tells whether the last 16 digits are a NIK that ends with the run being read.
func (f *finder) isNIK() bool {
	// Each of the ways to group ends with four digits; a run of sixteen stands for itself.
	switch shape := f.shape<<8 | uint64(f.run); {
	case f.run == nikDigits:
	case f.run != 4:
		return false
	case shape&0xffffff == 0x06_06_04, shape&0xffffffff == 0x04_04_04_04,
		shape&0xffffffffff == 0x02_02_02_06_04:
	default:
		return false
	}
	var number [nikDigits]byte
	for i := range number {
		number[i] = f.digits[(f.count+i)%nikDigits]
	}
	return CheckNIK(string(number[:])) == ""
}

// ordered returns the places of the last 16 digits in the order of the text. The caller has asked
// isNIK before: there are so many.
func (f *finder) ordered() *[nikDigits]int {
	var places [nikDigits]int
	for i := range places {
		places[i] = f.places[(f.count+i)%nikDigits]
	}
	return &places
}

// digitOf returns the value of a decimal digit of any script, -1 for another character. Each script
// has its ten digits in a row; some tables have several such rows without a gap.
func digitOf(r rune) int {
	if r <= unicode.MaxASCII {
		if r >= '0' && r <= '9' {
			return int(r - '0')
		}
		return -1
	}
	for _, row := range unicode.Nd.R16 {
		if rune(row.Lo) <= r && r <= rune(row.Hi) {
			return int(r-rune(row.Lo)) % 10
		}
	}
	for _, row := range unicode.Nd.R32 {
		if rune(row.Lo) <= r && r <= rune(row.Hi) {
			return int(r-rune(row.Lo)) % 10
		}
	}
	return -1
}

// isInvisible tells whether a character shows nothing and takes no room: a control or format
// character, or one that Unicode has ignored where it is not supported. White space is none.
func isInvisible(r rune) bool {
	switch {
	case unicode.IsSpace(r):
		return false
	case unicode.Is(unicode.Cf, r):
		return !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
	}
	return unicode.In(r, unicode.Cc, unicode.Other_Default_Ignorable_Code_Point,
		unicode.Variation_Selector)
}

// isGroupSeparator tells whether a character may stand between the groups of a number: a space, a
// dot, a hyphen or a slash, also one that word processors put in their place.
func isGroupSeparator(r rune) bool {
	switch r {
	case ' ', '.', '-', '/', '．', '／':
		return true
	}
	return r > unicode.MaxASCII && unicode.In(r, unicode.Zs, unicode.Pd)
}
