package xlsx

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// appendText appends a run of text with its entities and Excel's own escapes ("_x000D_") decoded.
// An entity that is none stays as it is written: the value is then refused or ignored by what it
// says, not for how it is written. It never fails, and appends no more bytes than run has.
func appendText(dst, run []byte) []byte {
	if bytes.IndexByte(run, '&') < 0 {
		return appendUnescaped(dst, run)
	}
	var plain []byte
	for {
		i := bytes.IndexByte(run, '&')
		if i < 0 {
			return appendUnescaped(dst, append(plain, run...))
		}
		plain = append(plain, run[:i]...)
		run = run[i:]
		// No entity is longer than the last character of Unicode written in hexadecimal.
		end := bytes.IndexByte(run[:min(len(run), len("&#x10FFFF;"))], ';')
		if end < 0 {
			plain, run = append(plain, '&'), run[1:]
			continue
		}
		if decoded, ok := appendEntity(plain, run[1:end]); ok {
			plain = decoded
		} else {
			plain = append(plain, run[:end+1]...)
		}
		run = run[end+1:]
	}
}

// appendEntity appends the character that an entity stands for; false for one that XML does not
// have by itself. name stands without & and ;. Character 0 is none that XML has.
func appendEntity(dst, name []byte) ([]byte, bool) {
	switch string(name) {
	case "amp":
		return append(dst, '&'), true
	case "lt":
		return append(dst, '<'), true
	case "gt":
		return append(dst, '>'), true
	case "quot":
		return append(dst, '"'), true
	case "apos":
		return append(dst, '\''), true
	}
	if len(name) < 2 || name[0] != '#' {
		return dst, false
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(string(digits), base, 32)
	if err != nil || n == 0 || n > utf8.MaxRune {
		return dst, false
	}
	return utf8.AppendRune(dst, rune(n)), true
}

// appendUnescaped appends text in which Excel has written characters that XML has not as _xHHHH_.
// HHHH is a unit of 16 bits. Half of a surrogate pair becomes U+FFFD: no value that is kept has
// such characters.
func appendUnescaped(dst, text []byte) []byte {
	for {
		i := bytes.Index(text, []byte("_x"))
		if i < 0 || i+len("_x000D_") > len(text) {
			return append(dst, text...)
		}
		n, err := strconv.ParseUint(string(text[i+2:i+6]), 16, 16)
		if err != nil || text[i+6] != '_' {
			dst, text = append(dst, text[:i+2]...), text[i+2:]
			continue
		}
		dst = utf8.AppendRune(append(dst, text[:i]...), rune(n))
		text = text[i+len("_x000D_"):]
	}
}
