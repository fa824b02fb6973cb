package table

import (
	"bytes"
	"testing"
)

// TestTableNarrow leaves out columns in the order told, and none more than must be.
func TestTableNarrow(t *testing.T) {
	for columns, want := range map[int]string{
		0:  "A   B     C\na1  bbb  c1\n", // any number
		11: "A   B     C\na1  bbb  c1\n",
		10: "A    C\na1  c1\n",
		5:  "A\na1\n",
		1:  "A\na1\n", // there is nothing more to leave out
	} {
		table := New("A", "B", ">C")
		table.Add("a1", "bbb", "c1")
		table.Narrow(columns, "B", "C")
		var b bytes.Buffer
		if err := table.Write(&b); err != nil || b.String() != want {
			t.Errorf("%d columns:\n%s", columns, b.String())
		}
	}
}

// TestTablePlain: what others reported moves no cursor and turns no direction.
func TestTablePlain(t *testing.T) {
	for text, want := range map[string]string{
		"Kota Gorontalo":        "Kota Gorontalo",
		"a\x1b[2Jb":             `a\u{1b}[2Jb`,
		"abc\u202edef":          `abc\u{202e}def`,
		"line\nline":            `line\u{a}line`,
		"\u2066x\u2069":         `\u{2066}x\u{2069}`,
		"Raja Ampat – Jayapura": "Raja Ampat – Jayapura",
		"a\x9b2J\xff":           "a\ufffd2J\ufffd",
	} {
		table := New("Text")
		table.Add(text)
		var b bytes.Buffer
		if err := table.Write(&b); err != nil || b.String() != "Text\n"+want+"\n" {
			t.Errorf("%q is %q, %v", text, b.String(), err)
		}
	}
}
