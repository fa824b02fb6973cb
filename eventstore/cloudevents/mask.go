package cloudevents

import (
	"bytes"

	"cakupan/domain/event"
)

// A masked number shows the six digits of the district that issued it, as far as it has digits.
const (
	nikDigits   = 16
	shownDigits = 6
)

// MaskNIK returns an input, an event or anything else, as it may be shown: each run of exactly
// 16 digits that is a NIK is cut to its first six and ten asterisks, and so is the value of each
// JSON member "nik", valid or not, because a mistyped number still tells who is meant. Digits
// written as \u0037 are seen through. The input need not be valid JSON, and is looked at as
// JSON and as plain text; it is not changed.
func MaskNIK(input []byte) []byte {
	masked := maskOnce(input)
	for range passesMax {
		again := maskOnce(masked)
		if bytes.Equal(again, masked) {
			return masked
		}
		masked = again
	}
	return bytes.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '*'
		}
		return r
	}, masked)
}

// passesMax bounds how often an input is masked. To cut a number in one way of looking at it may
// leave one of 16 digits in the other; nobody writes so, and what still does it after this many
// passes is shown without digits.
const passesMax = 4

func maskOnce(input []byte) []byte {
	return maskMembers([]byte(event.MaskNIK(string(maskRuns(input)))))
}

// maskRuns masks the runs of digits that are a NIK, with escapes read as in a JSON text.
func maskRuns(input []byte) []byte {
	out := make([]byte, 0, len(input))
	for i := 0; i < len(input); {
		digits, width := digitRun(input[i:])
		if len(digits) == nikDigits && event.CheckNIK(string(digits)) == "" {
			out = append(out, digits[:shownDigits]...)
			out = append(out, bytes.Repeat([]byte{'*'}, nikDigits-shownDigits)...)
		} else {
			if width == 0 {
				width = otherWidth(input[i:])
			}
			out = append(out, input[i:i+width]...)
		}
		i += width
	}
	return out
}

// otherWidth returns the bytes of what input begins with, which is no digit: an escape whole, so
// that its digits and what it escapes are not read as more than that.
func otherWidth(input []byte) int {
	switch {
	case bytes.HasPrefix(input, []byte(`\u`)):
		return min(len(`\u0000`), len(input))
	case input[0] == '\\':
		return min(len(`\n`), len(input))
	}
	return 1
}

// digitRun returns the digits that input begins with, and how many bytes they take.
func digitRun(input []byte) (digits []byte, width int) {
	for {
		digit, n := digitAt(input[width:])
		if n == 0 {
			return digits, width
		}
		digits, width = append(digits, digit), width+n
	}
}

// digitAt returns the digit that input begins with, plain or as an escape, and its width in
// bytes; 0 when there is none.
func digitAt(input []byte) (digit byte, width int) {
	if len(input) > 0 && input[0]-'0' <= 9 {
		return input[0], 1
	}
	escape := []byte(`\u003`)
	if len(input) > len(escape) && bytes.HasPrefix(input, escape) && input[5]-'0' <= 9 {
		return input[5], 6
	}
	return 0, 0
}

// maskMembers masks the values of members named "nik", in any case of letters.
func maskMembers(input []byte) []byte {
	name := []byte(`"nik"`)
	out := make([]byte, 0, len(input))
	for i := 0; i < len(input); {
		if i+len(name) > len(input) || !bytes.EqualFold(input[i:i+len(name)], name) {
			out = append(out, input[i])
			i++
			continue
		}
		at := i + len(name)
		at += spaces(input[at:])
		if at < len(input) && input[at] == ':' {
			at++
			at += spaces(input[at:])
			out = append(out, input[i:at]...)
			out, i = maskValue(out, input, at)
			continue
		}
		out = append(out, input[i:at]...)
		i = at
	}
	return out
}

func spaces(input []byte) (n int) {
	for n < len(input) && (input[n] == ' ' || input[n] == '\t') {
		n++
	}
	return n
}

// maskValue appends the JSON value at a byte of input: a text or a number is masked from its
// seventh digit or its first other character on, of a list or object every digit that follows. It
// returns where the value ends.
func maskValue(out, input []byte, at int) (masked []byte, end int) {
	if at >= len(input) {
		return out, at
	}
	switch input[at] {
	case '"':
		end = at + 1
		for end < len(input) && input[end] != '"' {
			if input[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(input))
		return maskScalar(append(out, '"'), input[at+1:end]), end
	case '[', '{':
		for _, c := range input[at:] {
			if c-'0' <= 9 {
				c = '*'
			}
			out = append(out, c)
		}
		return out, len(input)
	}
	end = at
	for end < len(input) && bytes.IndexByte([]byte(",}] \t\r\n"), input[end]) < 0 {
		end++
	}
	if word := string(input[at:end]); word == "null" || word == "true" || word == "false" {
		return append(out, word...), end
	}
	return maskScalar(out, input[at:end]), end
}

// maskScalar appends the first six characters of a value, as far as they are digits, and one
// asterisk for each further character.
func maskScalar(out, value []byte) []byte {
	shown := 0
	for shown < min(len(value), shownDigits) && value[shown]-'0' <= 9 {
		shown++
	}
	hidden := len(bytes.Runes(value[shown:]))
	return append(append(out, value[:shown]...), bytes.Repeat([]byte{'*'}, hidden)...)
}
