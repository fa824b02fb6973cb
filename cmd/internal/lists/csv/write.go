package csv

import (
	"bytes"
	"io"
	"strconv"

	"cakupan/cmd/internal/lists/grid"
)

// Writer writes rows, in UTF-8 with the byte order mark by which Excel knows it. It belongs to one
// goroutine, and does not close what is under it.
type Writer struct {
	out       io.Writer // gets each row in one Write
	separator byte
	line      []byte // used again for each row
	begun     bool   // the byte order mark is written, or will be with the row in line
}

// NewWriter returns a writer of rows. The separator should be one that the language's Excel
// expects: nothing in the file says which it is.
func NewWriter(out io.Writer, separator byte) *Writer {
	return &Writer{out: out, separator: separator}
}

// Row writes a row. A number that is too long for Excel is written as Excel shows it, so that
// nobody takes what Excel has left of it for the whole. Empty cells at the end are written if they
// are in cells. A row of none is an empty line.
func (w *Writer) Row(cells []grid.Cell) error {
	w.line = w.line[:0]
	if !w.begun {
		w.begun = true
		w.line = append(w.line, "\xef\xbb\xbf"...)
	}
	for i := range cells {
		if i > 0 {
			w.line = append(w.line, w.separator)
		}
		w.line = w.appendValue(w.line, &cells[i])
	}
	w.line = append(w.line, "\r\n"...)
	_, err := w.out.Write(w.line)
	return err
}

// digitsWhole is what Excel keeps of a number: one with more is written as Excel shows it, which
// warns whoever reads it.
const digitsWhole = 15 // of a number: more Excel does not keep

// appendValue appends a value. The separator and line ends are quoted. What a spreadsheet would
// take for a formula gets the apostrophe by which it is a text: what stood in the list may come
// from anybody, and whoever opens the file must not run it.
func (w *Writer) appendValue(dst []byte, cell *grid.Cell) []byte {
	text := cell.Text
	if cell.Kind == grid.Number && len(text) > digitsWhole {
		if n, err := strconv.ParseFloat(string(text), 64); err == nil {
			return strconv.AppendFloat(dst, n, 'E', 5, 64)
		}
	}
	if isFormula(text) {
		text = append([]byte(noFormula), text...)
	}
	quote := bytes.ContainsAny(text, "\"\r\n") || bytes.IndexByte(text, w.separator) >= 0
	if !quote {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	for _, c := range text {
		if c == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// noFormula is by which a spreadsheet knows a value that begins as a formula for a text.
const noFormula = "'"

// Text returns a value as it may stand in a table for spreadsheets that another writer writes. An
// apostrophe that was added stays in the text for whoever does not open it in a spreadsheet.
func Text(value string) string {
	if isFormula([]byte(value)) {
		return noFormula + value
	}
	return value
}

// isFormula tells whether a spreadsheet would take a value for a formula. A number with a sign and
// a stroke are none.
func isFormula(text []byte) bool {
	const first = "=+-@"
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	if len(trimmed) < 2 || bytes.IndexByte([]byte(first), trimmed[0]) < 0 {
		return false
	}
	_, err := strconv.ParseFloat(string(trimmed), 64)
	return err != nil
}

// Close has nothing to end.
func (w *Writer) Close() error { return nil }
