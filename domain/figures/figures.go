// Package figures holds the arithmetic of coverage figures: percentages of a workforce and
// targets, exact in integers. Nothing here rounds but [Percent], and only for display: whether
// a target is met is decided on the counts, never on the rounded text.
//
// Counts are of people and never negative. A percentage is held in hundredths of a percent:
// "52.15" is 5215.
package figures

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// whole is 100 % in hundredths of a percent.
const whole = 10000

// decimals is how many digits a percentage has after its point.
const decimals = 2

// Percent returns covered / workforce as a percentage with two decimals, rounded half up:
// "54.61". It may exceed "100.00". A workforce of 0 has no percentage: the result is "".
//
// It is exact for every covered of 0 or more: the quotient and the remainder are written
// apart, so that no product leaves 64 bits.
func Percent(covered, workforce int64) string {
	if workforce <= 0 {
		return ""
	}
	ones, rest := covered/workforce, covered%workforce
	fraction := roundedShare(rest, workforce)
	if fraction == whole { // 99.995 % and more of one whole rounds up to the next
		ones, fraction = ones+1, 0
	}
	if ones == 0 {
		return FormatPercent(fraction)
	}
	digits := strconv.FormatInt(whole+fraction, 10)[1:] // four digits, zeros kept
	return strconv.FormatInt(ones, 10) + digits[:2] + "." + digits[2:]
}

// roundedShare returns rest / workforce in hundredths of a percent, half up, for
// 0 ≤ rest < workforce: from 0 to 10000.
func roundedShare(rest, workforce int64) int64 {
	hi, lo := bits.Mul64(uint64(rest), whole)
	share, left := bits.Div64(hi, lo, uint64(workforce)) // hi < workforce, as rest is
	if left >= uint64(workforce)-left {
		share++
	}
	return int64(share)
}

// ParsePercent reads a target as the contract writes it: digits, and at most two more after a
// point ("60", "7.5", "52.15", "110.00"). It returns hundredths of a percent. Signs, exponents,
// blanks, a point without digits on both sides and more than two decimals are not ok, nor is a
// percentage above 92233720368547758.07, where the hundredths leave 64 bits.
func ParsePercent(text string) (hundredths int64, ok bool) {
	ones, fraction, point := strings.Cut(text, ".")
	if ones == "" || point && fraction == "" || len(fraction) > decimals {
		return 0, false
	}
	digits := ones + fraction + strings.Repeat("0", decimals-len(fraction))
	for _, digit := range []byte(digits) {
		value := int64(digit - '0')
		if digit < '0' || digit > '9' || hundredths > (math.MaxInt64-value)/10 {
			return 0, false
		}
		hundredths = hundredths*10 + value
	}
	return hundredths, true
}

// FormatPercent writes hundredths of a percent, 0 or more, with two decimals: 6000 is "60.00".
func FormatPercent(hundredths int64) string {
	digits := strconv.FormatInt(100+hundredths%100, 10)[1:]
	return strconv.FormatInt(hundredths/100, 10) + "." + digits
}

// Met reports whether covered / workforce is strictly above the target. It compares the two
// 128-bit products, so it is exact for all counts and targets of 0 or more. A workforce of 0
// has no percentage to compare: callers ask only about a workforce above 0.
func Met(covered, workforce, targetHundredths int64) bool {
	haveHi, haveLo := bits.Mul64(uint64(covered), whole)
	needHi, needLo := bits.Mul64(uint64(workforce), uint64(targetHundredths))
	return haveHi > needHi || haveHi == needHi && haveLo > needLo
}

// Shortfall returns how many more covered workers would make [Met] true: 0 when it is true
// already. Where that number is beyond 64 bits (a target of quadrillions of percent) it is
// math.MaxInt64.
func Shortfall(covered, workforce, targetHundredths int64) int64 {
	if Met(covered, workforce, targetHundredths) {
		return 0
	}
	hi, lo := bits.Mul64(uint64(workforce), uint64(targetHundredths))
	if hi >= whole {
		return math.MaxInt64
	}
	most, _ := bits.Div64(hi, lo, whole) // the largest count that does not meet the target
	missing := most - uint64(covered)    // not negative: covered does not meet it either
	if missing >= math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(missing) + 1
}
