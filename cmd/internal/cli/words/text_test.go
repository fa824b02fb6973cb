package words

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// TestEveryCharacter shows each character, and each byte that is none, amid others: nothing of it
// moves the cursor or turns the direction of writing, a letter stays as it is, and to show it again
// changes nothing.
func TestEveryCharacter(t *testing.T) {
	check := func(text string, letter bool) {
		line, screen := Plain(text), OnScreen(text)
		for _, shown := range []string{line, strings.NewReplacer("\n", "", "\t", "").Replace(screen)} {
			for _, r := range shown {
				if !unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r) {
					t.Errorf("%q is shown as %q", text, shown)
				}
			}
			if !utf8.ValidString(shown) || letter && shown != text {
				t.Errorf("%q is shown as %q", text, shown)
			}
		}
		if Plain(line) != line || OnScreen(screen) != screen {
			t.Errorf("%q, shown twice, is %q and %q", text, Plain(line), OnScreen(screen))
		}
	}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		// Of ideographs, syllables and planes of nobody, which are all alike, one in some hundred.
		if r > 0x3100 && r < 0xE0000 && (r < 0xFB00 || r > 0x10000) || r > 0xE01F0 {
			r += 127
		}
		if utf8.ValidRune(r) {
			check(string(r), unicode.IsLetter(r))
		}
	}
	for b := range 256 {
		check("a"+string([]byte{byte(b)})+"b", false)
	}
}
