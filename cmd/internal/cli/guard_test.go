package cli

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// hostile are texts that others may have reported, and how a terminal may show them.
var hostile = map[string]string{
	"Kota Gorontalo – ✓\n\tb": "Kota Gorontalo – ✓\n\tb",
	"a\x1b[2Jb":               `a\u001b[2Jb`,
	"abc\u202edef\u2066":      `abc\u202edef\u2066`,
	"over\rwritten\b":         `over\u000dwritten\u0008`,
	"\u009b31m":               `\u009b31m`,
	"\x9b31m \xff\xfeA":       "\ufffd31m \ufffd\ufffdA",
	"bell\x07 \u200f":         `bell\u0007 \u200f`,
}

// TestTerminal writes each text at once, and byte by byte as a buffer may cut it.
func TestTerminal(t *testing.T) {
	for text, want := range hostile {
		var whole, cut bytes.Buffer
		if n, err := (&terminal{out: &whole}).Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("%q: wrote %d, %v", text, n, err)
		}
		s := &terminal{out: &cut}
		for i := range len(text) {
			if n, err := s.Write([]byte{text[i]}); n != 1 || err != nil {
				t.Fatalf("%q: wrote %d, %v", text, n, err)
			}
		}
		if whole.String() != want || cut.String() != want {
			t.Errorf("%q is shown as %q and, cut, %q, want %q", text, whole.String(), cut.String(),
				want)
		}
	}
}

// TestTerminalJSON: JSON on a terminal is JSON still, of the same value.
func TestTerminalJSON(t *testing.T) {
	for text := range hostile {
		if !utf8.ValidString(text) {
			continue // JSON has none
		}
		var b bytes.Buffer
		if err := (&Console{Stdout: &terminal{out: &b}}).WriteJSON(text); err != nil {
			t.Fatal(err)
		}
		var got string
		if err := json.Unmarshal(b.Bytes(), &got); err != nil || got != text {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
}

// TestNotes: what is said beside the data is guarded wherever it goes, and the program's own
// control of the cursor is not.
func TestNotes(t *testing.T) {
	for text, want := range hostile {
		var b bytes.Buffer
		(&Console{Stderr: &b}).Note("said %s", text)
		if b.String() != "said "+want+"\n" {
			t.Errorf("%q is said as %q", text, b.String())
		}
	}
	var b bytes.Buffer
	if err := (&Console{Stdout: &terminal{out: &b}}).Control("\x1b[H"); err != nil || b.String() != "\x1b[H" {
		t.Errorf("control: %q, %v", b.String(), err)
	}
}
