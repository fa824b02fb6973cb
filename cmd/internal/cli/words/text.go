package words

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain returns a text as a terminal may show it, in one line. What was reported by others may hold
// what moves the cursor, or, by changing the direction of writing, shows another text than there
// is. Such a character is shown by its number, so that nothing disappears; a byte that is no UTF-8,
// which has none, by the mark for what cannot be shown.
func Plain(text string) string {
	harmful := func(r rune) bool { return !isPlain(r) }
	if utf8.ValidString(text) && strings.IndexFunc(text, harmful) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isPlain(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "\\u{%x}", r)
		}
	}
	return b.String()
}

// isPlain tells whether a terminal shows a character and does nothing else. Line ends and tabs are
// not plain: in a cell they would break the table.
func isPlain(r rune) bool {
	return unicode.IsPrint(r) && !unicode.Is(unicode.Bidi_Control, r)
}

// OnScreen returns a text of several lines as a terminal may show it. \u has four digits, so a
// character that is beyond them cannot be written so, and becomes the mark for one that cannot be
// shown. So does a byte that is no UTF-8: 0x9b begins a command of older terminals.
func OnScreen(text string) string {
	harmful := func(r rune) bool { return r != '\n' && r != '\t' && !isPlain(r) }
	if utf8.ValidString(text) && strings.IndexFunc(text, harmful) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !harmful(r):
			b.WriteRune(r)
		case r > 0xFFFF:
			b.WriteRune(unicode.ReplacementChar)
		default:
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}
