package csv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"cakupan/cmd/internal/lists/grid"
)

// read returns the rows of a text, each as "number:cell|cell".
func read(in io.Reader, separator byte) (rows []string, err error) {
	r, err := New(in, separator)
	if err != nil {
		return nil, err
	}
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		} else if err != nil {
			return rows, err
		}
		var cells []string
		for _, c := range row.Cells {
			if (c.Kind == grid.Empty) != (len(c.Text) == 0) {
				return rows, fmt.Errorf("cell %q of kind %d", c.Text, c.Kind)
			}
			cells = append(cells, string(c.Text))
		}
		rows = append(rows, fmt.Sprintf("%d:%s", row.Number, strings.Join(cells, "|")))
	}
}

func TestRows(t *testing.T) {
	long := strings.Repeat("x", bufferBytes+100)
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"plain", "a;b\nc;d\n", []string{"1:a|b", "2:c|d"}},
		{"no end", "a;b", []string{"1:a|b"}},
		{"windows", "a;b\r\nc;d\r\n", []string{"1:a|b", "2:c|d"}},
		{"old macintosh", "a;b\rc;d\r", []string{"1:a|b", "2:c|d"}},
		{"blank rows count", "a\n\n;;\n \nb\n", []string{"1:a", "5:b"}},
		{"empty ends", "a;;b;;;\n", []string{"1:a||b"}},
		{"quotes", `"a;""b""";"c` + "\n" + `d";e"f` + "\ng", []string{"1:a;\"b\"|c\nd|e\"f", "2:g"}},
		{"after a quote", `"a"b;c`, []string{"1:ab|c"}},
		{"stray quote takes no rows", "5\" pipa;a\nb;c\n", []string{"1:5\" pipa|a", "2:b|c"}},
		{"mark", "\xef\xbb\xbfa;b", []string{"1:a|b"}},
		{"directive", "sep=;\r\na;b\r\n", []string{"1:a|b"}},
		{"windows-1252", "Jos\xe9;\x93x\x94;\xa0\n", []string{"1:José|“x”|\u00a0"}},
		{"long", long + ";b\n", []string{"1:" + long + "|b"}},
		{"quoted end of line at the end", "a;\"b\n\"", []string{"1:a|b\n"}},
	} {
		for _, size := range []string{"whole", "byte by byte"} {
			var in io.Reader = strings.NewReader(c.text)
			if size != "whole" {
				in = iotest.OneByteReader(in)
			}
			if got, err := read(in, ';'); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%s, %s: %.200q, %v; want %.200q", c.name, size, got, err, c.want)
			}
		}
	}
}

func TestUTF16(t *testing.T) {
	const text = "NIK\tNama\r\n1\tÉmil 😀\r\n"
	var little, big []byte
	for _, unit := range append([]uint16{0xfeff}, utf16.Encode([]rune(text))...) {
		little = append(little, byte(unit), byte(unit>>8))
		big = append(big, byte(unit>>8), byte(unit))
	}
	want := []string{"1:NIK|Nama", "2:1|Émil 😀"}
	for name, content := range map[string][]byte{"little": little, "big": big} {
		got, err := read(bytes.NewReader(content), '\t')
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s-endian: %q, %v", name, got, err)
		}
		if _, err := read(bytes.NewReader(content[:len(content)-1]), '\t'); err == nil {
			t.Errorf("%s-endian, cut inside of a character: no error", name)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":       {"", "the file is empty"},
		"open quote":  {"a\n\"b;c\nd", "row 2: a quotation mark that opens in this row is never closed"},
		"binary":      {"a\x00b\n", "row 1: the file is not text"},
		"utf-32":      {"\xff\xfe\x00\x00a\x00\x00\x00", "UTF-32"},
		"long row":    {"a\n" + strings.Repeat("x", 2*rowBytesMax), "row 2: the row is longer"},
		"wide row":    {strings.Repeat(";", grid.ColumnsMax) + "a", "row 1: the row has more than 1000"},
		"endless":     {strings.Repeat("\"\n", 2*rowBytesMax) + "\"", "quotation mark"},
		"many commas": {strings.Repeat(";", 2*columnsMaxRaw) + "a", "more than 1000 columns"},
	} {
		_, err := read(strings.NewReader(c.text), ';')
		var known *grid.Error
		if !errors.As(err, &known) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestWriteAndRead(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b, ';')
	for _, row := range [][]string{{"a;b", "c\"d", "e\nf"}, nil, {"", "2021-01-01"}} {
		var cells []grid.Cell
		for _, text := range row {
			cells = append(cells, grid.Cell{Kind: grid.Text, Text: []byte(text)})
		}
		if err := w.Row(cells); err != nil {
			t.Fatal(err)
		}
	}
	number := grid.Cell{Kind: grid.Number, Text: []byte("7503011501900010")}
	if err := errors.Join(w.Row([]grid.Cell{number}), w.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := read(&b, ';')
	want := []string{"1:a;b|c\"d|e\nf", "3:|2021-01-01", "4:7.50301E+15"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// FuzzReader reads anything: rows are numbered upward, and pieces of any size give the same.
func FuzzReader(f *testing.F) {
	for _, text := range []string{
		"a;b\r\n\"c;d\"\"\r\n\"\r\n", "\xff\xfea\x00\n\x00", "\xef\xbb\xbfa\rb", "sep=;\n1;2\n", "\"",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		rows, err := read(bytes.NewReader(content), ';')
		again, err2 := read(iotest.OneByteReader(bytes.NewReader(content)), ';')
		if !slices.Equal(rows, again) || (err == nil) != (err2 == nil) {
			t.Errorf("%q %v, byte by byte %q %v", rows, err, again, err2)
		}
	})
}
