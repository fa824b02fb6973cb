package event

import (
	"cakupan/domain/region"
)

// nikDigits is the length of a NIK: PPRRDD ddmmyy ssss. They are the province, regency and district
// of issue, the date of birth and a serial number.
const nikDigits = 16

// Indonesia marks a woman's NIK by 40 added to the day of birth.
const womanDay = 40

// maskedDigits is how much of a NIK may be shown: the district of issue.
const maskedDigits = 6

// CheckNIK returns "" for a NIK, and otherwise a sentence about the rule that the text breaks.
// The sentence holds no part of the text. Not checked is whether the regency or district exists:
// they are those of the day of issue, and codes have changed since. It is the same rule by which a
// NIK is found where none belongs.
func CheckNIK(text string) string {
	if len(text) != nikDigits || digitRun(text, 0) != nikDigits {
		return "a NIK has exactly 16 digits, without spaces or punctuation"
	}
	if province := region.Code(pair(text, 0)); province < 10 || !province.Known() {
		return "the first two digits of a NIK are those of a province, such as 75"
	}
	day, month, year := pair(text, 6), pair(text, 8), pair(text, 10)
	if day > womanDay {
		day -= womanDay
	}
	switch {
	case day < 1 || day > 31:
		return "the 7th and 8th digit of a NIK are a day of birth, 01 to 31, or 41 to 71 for women"
	case month < 1 || month > 12:
		return "the 9th and 10th digit of a NIK are a month of birth, 01 to 12"
	case day > longestMonth(month, year):
		return "the 7th to 12th digit of a NIK are a date of birth that some century's calendar has"
	case text[12:] == "0000":
		return "the last four digits of a NIK are a serial number from 0001"
	}
	return ""
}

// longestMonth returns the number of days of a month in the century where it has most: February of
// a year 00 had 29 days in 2000. The century is not in the number, so nobody is refused whom one of
// them allows.
func longestMonth(month, yearOfCentury int) int {
	switch month {
	case 2:
		if yearOfCentury%4 == 0 {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	default:
		return 31
	}
}

// pair returns the number of the two digits at i. Both must be digits.
func pair(digits string, i int) int {
	return int(digits[i]-'0')*10 + int(digits[i+1]-'0')
}

// digitRun returns how many ASCII digits there are from i on.
func digitRun(text string, i int) int {
	start := i
	for i < len(text) && text[i]-'0' <= 9 {
		i++
	}
	return i - start
}

// quoteRunesMax is how much of a text a message repeats.
const quoteRunesMax = 80

// quote returns a text as a message may repeat it: without NIK, not too long, in quotes.
func quote(text string) string { return `"` + shorten(text, quoteRunesMax) + `"` }

// shorten masks a text and cuts it after a number of code points.
func shorten(text string, runesMax int) string {
	// It is masked before it is cut: a NIK that lacks its end is not found any more.
	text = MaskNIK(text)
	var n int
	for i := range text {
		if n == runesMax {
			return text[:i] + "…"
		}
		n++
	}
	return text
}
