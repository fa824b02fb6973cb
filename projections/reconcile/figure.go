package reconcile

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// Figure is what was published: a percentage, as precise as it was written, or a count.
type Figure struct {
	count    bool
	decimals int // of a percentage
	value    *big.Rat
}

// ErrFigure is returned for a text that is no percentage of at most two decimals.
var ErrFigure = errors.New(`must be a percentage such as 30, 30.5 or 61.05`)

// Count returns the figure of a count.
func Count(n int64) Figure { return Figure{count: true, value: new(big.Rat).SetInt64(n)} }

// Percent returns the figure of a percentage. One written without decimals is rounded to whole
// percents; a comma is a decimal point, as in Indonesia.
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

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// isGivenBy reports whether a value is the figure, when it is rounded half up as precisely.
func (f *Figure) isGivenBy(value *big.Rat) bool {
	return rounded(value, f.decimals).Cmp(f.value) == 0
}

// rounded rounds half up, what is 0 or more.
func rounded(value *big.Rat, decimals int) *big.Rat {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
	n := new(big.Rat).Mul(value, new(big.Rat).SetInt(scale))
	n.Add(n, big.NewRat(1, 2))
	return new(big.Rat).SetFrac(new(big.Int).Div(n.Num(), n.Denom()), scale)
}

// percentDecimals is how precise a reading is told.
const percentDecimals = 2

// text writes a value as a reading has it.
func (f *Figure) text(value *big.Rat) string {
	if f.count {
		return value.Num().String()
	}
	return rounded(value, percentDecimals).FloatString(percentDecimals)
}

// off writes how far a value lies above the figure.
func (f *Figure) off(value *big.Rat) string {
	if f.count {
		return new(big.Rat).Sub(value, f.value).Num().String()
	}
	return new(big.Rat).Sub(rounded(value, percentDecimals), f.value).FloatString(percentDecimals)
}

func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
