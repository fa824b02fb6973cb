package main

import (
	"bytes"
	"testing"
)

// TestTablePlain: what others reported moves no cursor and turns no direction.
func TestTablePlain(t *testing.T) {
	for text, want := range map[string]string{
		"Kota Gorontalo":        "Kota Gorontalo",
		"a\x1b[2Jb":             `a\u{1b}[2Jb`,
		"abc\u202edef":          `abc\u{202e}def`,
		"line\nline":            `line\u{a}line`,
		"\u2066x\u2069":         `\u{2066}x\u{2069}`,
		"Raja Ampat – Jayapura": "Raja Ampat – Jayapura",
	} {
		table := newTable("Text")
		table.add(text)
		var b bytes.Buffer
		if err := table.write(&b); err != nil || b.String() != "Text\n"+want+"\n" {
			t.Errorf("%q is %q, %v", text, b.String(), err)
		}
	}
}
