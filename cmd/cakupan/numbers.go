package main

import (
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists"
)

// thousands writes a number with separators: 1,234,567. It is for people; number is for programs.
func thousands[N ~int | ~int64 | ~uint64](n N) string {
	magnitude := uint64(n)
	if n < 0 {
		magnitude = -magnitude // of the least number too, which has no opposite of its own type
	}
	digits := strconv.FormatUint(magnitude, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if n < 0 {
		return "-" + digits
	}
	return digits
}

// counted writes a number of things: 1 worker, 2,000 workers. thing is a word whose plural ends in
// s.
func counted[N ~int | ~int64 | ~uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return thousands(n) + " " + thing + "s"
}

// numeral writes a number as people of the language do: 1.000 or 1,000. It is for what people read;
// JSON and CSV have numbers as programs do.
func numeral[N ~int | ~int64 | ~uint64](l lists.Language, n N) string {
	if l == lists.Indonesian {
		return strings.ReplaceAll(thousands(n), ",", ".")
	}
	return thousands(n)
}

// separated writes a number that is written in English as people of the language do.
func separated(l lists.Language, text string) string {
	if l == lists.Indonesian {
		return strings.NewReplacer(",", ".", ".", ",").Replace(text)
	}
	return text
}

// number writes a number for programs, without separators.
func number(n int64) string { return strconv.FormatInt(n, 10) }

// pointed returns a text for a cell of CSV, empty for null.
func pointed(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
