package event

import "strings"

// isURIReference tells whether a text may be a URI reference of RFC 3986: what no reference can
// hold is refused, the finer grammar of each part is not checked. Letters beyond ASCII are let
// through, as in the IRIs of RFC 3987: publishers write them, and nothing here resolves a source.
func isURIReference(text string) bool {
	if text == "" {
		return false
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '<', '>', '"', '{', '}', '|', '\\', '^', '`', 0x7f:
			return false
		case '%':
			if i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2]) {
				return false
			}
		default:
			if c <= ' ' {
				return false
			}
		}
	}
	// A colon before the first of / ? # ends a scheme.
	if end := strings.IndexAny(text, ":/?#"); end >= 0 && text[end] == ':' {
		// Without a scheme it is a relative reference, which may have a colon behind the first of
		// those alone.
		return isScheme(text[:end])
	}
	return true
}

func isHex(c byte) bool {
	return c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func isScheme(text string) bool {
	for i := range len(text) {
		c := text[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || c-'0' > 9 && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return text != ""
}
