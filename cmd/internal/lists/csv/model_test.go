package csv

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"pgregory.net/rapid"

	"cakupan/cmd/internal/lists/grid"
)

// slowly reads a text one character at a time, as the rules are told to people: a quote that
// begins a value is closed by the next lone quote; CR, LF and CR LF end a row; all else is itself.
func slowly(text string, separator byte) (rows []string) {
	var cells []string
	var value []byte
	number := 1
	begins, within := true, false
	row := func() {
		cells = append(cells, string(value))
		for len(cells) > 0 && strings.Trim(cells[len(cells)-1], " \t\r") == "" {
			cells = cells[:len(cells)-1]
		}
		if len(cells) > 0 {
			rows = append(rows, fmt.Sprintf("%d:%s", number, strings.Join(cells, "|")))
		}
		cells, value, begins = nil, nil, true
		number++
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		next := byte(0)
		if i+1 < len(text) {
			next = text[i+1]
		}
		switch {
		case within && c == '"' && next == '"':
			value, i = append(value, '"'), i+1
		case within && c == '"':
			within = false
		case within:
			value = append(value, c)
		case begins && c == '"':
			begins, within = false, true
		case c == separator:
			cells, value, begins = append(cells, string(value)), nil, true
		case c == '\r' && next == '\n':
			i++
			row()
		case c == '\r' || c == '\n':
			row()
		default:
			value, begins = append(value, c), false
		}
	}
	if within {
		return nil // a quote that is never closed
	}
	row()
	return rows
}

// TestReaderIsSlowReader compares with the slow reader on texts that are mostly syntax.
func TestReaderIsSlowReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{
			`"`, `""`, ";", ",", "\n", "\r", "\r\n", "a", "é", " ", "x;y", `"b;c"`, "\n\n",
		}), 1, 40).Draw(t, "parts")
		text := strings.Join(parts, "")
		separator := rapid.SampledFrom([]byte(Separators)).Draw(t, "separator")
		var in io.Reader = strings.NewReader(text)
		if rapid.Bool().Draw(t, "in pieces") {
			in = iotest.HalfReader(iotest.DataErrReader(in))
		}
		want := slowly(text, separator)
		got, err := read(in, separator)
		if want == nil && err != nil {
			return // both say that a quote is open
		}
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%q: %q, %v; want %q", text, got, err, want)
		}
	})
}

// TestWriterIsRead: what is written is read as it was, whatever stands in the cells.
func TestWriterIsRead(t *testing.T) {
	texts := rapid.StringOf(rapid.SampledFrom([]rune("ab é;,\t|\"\n\r'=")))
	rapid.Check(t, func(t *rapid.T) {
		table := rapid.SliceOfN(rapid.SliceOfN(texts, 1, 5), 1, 6).Draw(t, "rows")
		separator := rapid.SampledFrom([]byte(Separators)).Draw(t, "separator")
		var out bytes.Buffer
		w := NewWriter(&out, separator)
		var want []string
		for n, row := range table {
			var cells []grid.Cell
			for _, text := range row {
				cells = append(cells, grid.Cell{Kind: grid.Text, Text: []byte(text)})
			}
			if err := w.Row(cells); err != nil {
				t.Fatal(err)
			}
			row = slices.Clone(row)
			for i, text := range row {
				if isFormula([]byte(text)) {
					row[i] = "'" + text // a text again
				}
			}
			for len(row) > 0 && strings.Trim(row[len(row)-1], " \t\r") == "" {
				row = row[:len(row)-1]
			}
			if len(row) > 0 {
				want = append(want, fmt.Sprintf("%d:%s", n+1, strings.Join(row, "|")))
			}
		}
		got, err := read(&out, separator)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
	})
}

// TestWideIsUTF16 compares with the standard library on pairs, halves of pairs and all else, up to
// the last unit of the file.
func TestWideIsUTF16(t *testing.T) {
	units := rapid.SliceOfN(rapid.SampledFrom([]uint16{
		'a', 'b', 0xe9, 0x20ac, 0xd83d, 0xde00, 0xd800, 0xdfff, 0xffff, 0xfeff,
	}), 1, 30)
	rapid.Check(t, func(t *rapid.T) {
		text := units.Draw(t, "units")
		var order binary.AppendByteOrder = binary.LittleEndian
		if rapid.Bool().Draw(t, "big endian") {
			order = binary.BigEndian
		}
		content := order.AppendUint16(nil, 0xfeff)
		for _, unit := range text {
			content = order.AppendUint16(content, unit)
		}
		decoded, err := decode(iotest.OneByteReader(bytes.NewReader(content)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(decoded)
		if want := string(utf16.Decode(text)); err != nil || string(got) != want {
			t.Fatalf("%04x: %q, %v; want %q", text, got, err, want)
		}
	})
}

// TestReadFails: an error of the file is the reader's error, wherever it comes, and a file that
// gives nothing for ever is given up.
func TestReadFails(t *testing.T) {
	const text = "a;b\n\"c\nd\";e\n"
	for at := range len(text) {
		in := io.MultiReader(strings.NewReader(text[:at]), iotest.ErrReader(io.ErrClosedPipe))
		if _, err := read(in, ';'); err != io.ErrClosedPipe { //nolint:errorlint // as it came
			t.Errorf("after %d bytes: %v", at, err)
		}
	}
	if _, err := read(io.MultiReader(strings.NewReader("a;b\nc"), stuck{}), ';'); err == nil {
		t.Error("a file that gives nothing was read to its end")
	}
}

// stuck returns nothing and no error.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// TestWriteFails: a full disk is not taken for a written row.
func TestWriteFails(t *testing.T) {
	w := NewWriter(full{}, ';')
	if err := w.Row([]grid.Cell{{Kind: grid.Text, Text: []byte("a")}}); err == nil {
		t.Error("written to nowhere")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
