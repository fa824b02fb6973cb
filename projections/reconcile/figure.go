package reconcile

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// Figure is what was published: a percentage, as precise as it was written, or a count. The value
// is exact. The zero value is no figure: it has no value.
type Figure struct {
	count    bool
	decimals int // of a percentage
	value    *big.Rat
}

// ErrFigure is returned for a text that is no percentage of at most two decimals.
var ErrFigure = errors.New(`must be a percentage such as 30, 30.5 or 61.05`)

// Count returns the figure of a count. It is compared as it is, without rounding.
func Count(n int64) Figure { return Figure{count: true, value: new(big.Rat).SetInt64(n)} }

// Percent returns the figure of a percentage. One written without decimals is rounded to whole
// percents; a comma is a decimal point, as in Indonesia. It has up to six digits before the point,
// so that no text makes a number without bound. A sign is no digit: nothing below 0 is published.
func Percent(text string) (Figure, error) {
	text = strings.Replace(strings.TrimSuffix(strings.TrimSpace(text), "%"), ",", ".", 1)
	text = strings.TrimSpace(text)
	whole, part, _ := strings.Cut(text, ".")
	const wholeMax, partMax = 6, 2
	if !isDigits(whole) || len(whole) > wholeMax || len(part) > partMax ||
		strings.Contains(text, ".") && !isDigits(part) {
		return Figure{}, ErrFigure
	}
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		return Figure{}, ErrFigure
	}
	return Figure{decimals: len(part), value: value}, nil
}

// isDigits tells whether a text is made of ASCII digits, one at least.
func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// isGivenBy reports whether a value is the figure, when it is rounded half up as precisely. So the
// contract rounds (section 3), and nearly everybody.
func (f *Figure) isGivenBy(value *big.Rat) bool {
	return rounded(value, f.decimals).Cmp(f.value) == 0
}

// rounded rounds half up, what is 0 or more. The value is not changed: fractions are numbers behind
// pointers.
func rounded(value *big.Rat, decimals int) *big.Rat {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
	n := new(big.Rat).Mul(value, new(big.Rat).SetInt(scale))
	n.Add(n, big.NewRat(1, 2))
	return new(big.Rat).SetFrac(new(big.Int).Div(n.Num(), n.Denom()), scale)
}

// percentDecimals is how precise a reading is told. It is what the contract's own percentages have
// (section 3).
const percentDecimals = 2

// text writes a value as a reading has it. A count is whole: its denominator is 1.
func (f *Figure) text(value *big.Rat) string {
	if f.count {
		return value.Num().String()
	}
	return rounded(value, percentDecimals).FloatString(percentDecimals)
}

// off writes how far a value lies above the figure. What lies below it has a minus. The value is
// rounded first, so that it agrees with what text says.
func (f *Figure) off(value *big.Rat) string {
	if f.count {
		return new(big.Rat).Sub(value, f.value).Num().String()
	}
	return new(big.Rat).Sub(rounded(value, percentDecimals), f.value).FloatString(percentDecimals)
}

// grouped writes a number of 0 or more with a comma between thousands, the same in both languages.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
