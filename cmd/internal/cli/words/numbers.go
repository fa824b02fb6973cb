// Package words says numbers, times and figures as people read them, in English or Indonesian, and
// makes what others have reported harmless for a terminal.
package words

import (
	"math/big"
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists"
)

// Thousands writes a number with separators: 1,234,567. It is for people; [Number] is for programs.
func Thousands[N ~int | ~int64 | ~uint64](n N) string {
	magnitude := uint64(n)
	if n < 0 {
		magnitude = -magnitude // of the least number too, which has no opposite of its own type
	}
	return parted(strconv.FormatUint(magnitude, 10), n < 0)
}

// Large writes a number that may be more than 64 bits hold, as heads times months times rupiah may;
// a dash where there is none.
func Large(n *big.Int) string {
	if n == nil {
		return "–"
	}
	return parted(new(big.Int).Abs(n).String(), n.Sign() < 0)
}

// parted writes digits in groups of three, with the sign of the number before them.
func parted(digits string, negative bool) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if negative {
		return "-" + digits
	}
	return digits
}

// Counted writes a number of things: 1 worker, 2,000 workers. thing is a word whose plural ends in
// s.
func Counted[N ~int | ~int64 | ~uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return Thousands(n) + " " + thing + "s"
}

// Language returns the language of what is said to people.
func Language(indonesian bool) lists.Language {
	if indonesian {
		return lists.Indonesian
	}
	return lists.English
}

// CountedIn does so in a language. Indonesian words have no plural of their own after a number.
func CountedIn[N ~int | ~int64 | ~uint64](l lists.Language, n N, inIndonesian, inEnglish string,
) string {
	if l == lists.Indonesian {
		return Numeral(l, n) + " " + inIndonesian
	}
	return Counted(n, inEnglish)
}

// Numeral writes a number as people of the language do: 1.000 or 1,000. It is for what people read;
// JSON and CSV have numbers as programs do.
func Numeral[N ~int | ~int64 | ~uint64](l lists.Language, n N) string {
	if l == lists.Indonesian {
		return strings.ReplaceAll(Thousands(n), ",", ".")
	}
	return Thousands(n)
}

// Separated writes a number that is written in English as people of the language do.
func Separated(l lists.Language, text string) string {
	if l == lists.Indonesian {
		return strings.NewReplacer(",", ".", ".", ",").Replace(text)
	}
	return text
}

// Number writes a number for programs, without separators.
func Number(n int64) string { return strconv.FormatInt(n, 10) }

// Pointed returns a text for a cell of CSV, empty for null.
func Pointed(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
