package cloudevents

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"cakupan/domain/event"
)

// shownDigits is how much of a masked number is shown: the district that issued it. The contract
// shows as many, section 1.
const shownDigits = 6

// MaskNIK returns an input, an event or anything else, as it may be shown: each NIK that
// [event.HasNIK] finds is cut to its first six digits and ten asterisks, and so is the value of
// each JSON member "nik" or "intoNik", valid or not, because a mistyped number still tells who is
// meant. Characters written as \u0037 are seen through. The input need not be valid JSON, and is
// looked at as JSON and as plain text; it is not changed. It may be asked at any time and keeps
// nothing; the result is new.
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

// maskOnce looks at the input in all three ways, one after the other: escapes read as in JSON,
// plain text as the rule of events reads it, and members by their name.
func maskOnce(input []byte) []byte {
	return maskMembers([]byte(event.MaskNIKIn(event.MaskNIK(string(input)), nextInJSON)))
}

// nextInJSON returns the first character of a text as JSON writes it, escapes read, and its width
// in bytes. An escape that is none stands for its backslash, whole, so that its digits are not
// read as more than that.
func nextInJSON(text string) (r rune, width int) {
	if text[0] != '\\' {
		return utf8.DecodeRuneInString(text)
	}
	if len(text) < 2 {
		return '\\', 1
	}
	switch text[1] {
	case 'u':
		return unicodeEscape(text)
	case 'b':
		return '\b', 2
	case '/':
		return '/', 2
	}
	return '\\', 2
}

// escapeBytes is the length of \u0000.
const escapeBytes = 6

// unicodeEscape reads what begins with a backslash and u; of a surrogate pair, both halves.
func unicodeEscape(text string) (r rune, width int) {
	first, ok := hexOf(text)
	if !ok {
		return '\\', min(escapeBytes, len(text))
	}
	if second, ok := hexOf(text[escapeBytes:]); ok && utf16.IsSurrogate(first) {
		if pair := utf16.DecodeRune(first, second); pair != utf8.RuneError {
			return pair, 2 * escapeBytes
		}
	}
	return first, escapeBytes
}

// hexOf returns the number of an escape that a text begins with. It tells whether there is one.
func hexOf(text string) (rune, bool) {
	if len(text) < escapeBytes || text[:2] != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(text[2:escapeBytes], 16, 16)
	return rune(n), err == nil
}

// nikMembers are the names of members whose values are masked. They are the fields of the contract
// that hold one. Never written.
var nikMembers = [...]string{`"nik"`, `"intoNik"`}

// maskMembers masks the values of members named so, in any case of letters.
func maskMembers(input []byte) []byte {
	out := make([]byte, 0, len(input))
	for i := 0; i < len(input); {
		at := i + nikMember(input[i:])
		if at == i {
			out = append(out, input[i])
			i++
			continue
		}
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

// nikMember returns the length of the name that input begins with, 0 when it is none of a NIK.
func nikMember(input []byte) int {
	if input[0] != '"' {
		return 0
	}
	for _, name := range nikMembers {
		if len(input) >= len(name) && bytes.EqualFold(input[:len(name)], []byte(name)) {
			return len(name)
		}
	}
	return 0
}

// spaces counts what may stand around a colon on one line.
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
	// Where it ends is not looked for, as the input need not be JSON: all that follows is masked,
	// rather than too little.
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
// asterisk for each further character. Characters that are not UTF-8 count one each.
func maskScalar(out, value []byte) []byte {
	shown := 0
	for shown < min(len(value), shownDigits) && value[shown]-'0' <= 9 {
		shown++
	}
	hidden := len(bytes.Runes(value[shown:]))
	return append(append(out, value[:shown]...), bytes.Repeat([]byte{'*'}, hidden)...)
}
