// Package csv reads files of separated values as spreadsheets write and read them: rows are
// numbered as a spreadsheet shows them, blank ones too.
//
// The text may be UTF-8 or UTF-16 with a byte order mark, or UTF-8 without one; a row that is not
// UTF-8 is taken for Windows-1252, which Excel writes as "CSV (comma delimited)". Nothing that is
// kept of a list has a character outside ASCII; the encoding matters to names of columns and
// places, and to the rows that are given back.
//
// Nothing of a file is held but the row that is read. A quotation mark that is never closed is told
// or, once the columns are known, read as a character, so that it does not swallow the people
// below.
package csv

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"cakupan/cmd/internal/lists/grid"
)

const (
	// bufferBytes is what is read at once; the buffer grows to rowBytesMax when a row is longer.
	// columnsMaxRaw is that of Excel, whose files may end each row in thousands of separators.
	bufferBytes   = 64 << 10
	rowBytesMax   = 1 << 20
	columnsMaxRaw = 1 << 14 // with the empty ones
)

// Separators are what may stand between two values, the likely ones first.
const Separators = ";,\t|"

// Reader reads rows. The slices of row, fields and text are used again: that is why a row is valid
// until the next call only. It belongs to one goroutine.
type Reader struct {
	in        io.Reader
	separator byte
	buf       []byte
	at, end   int      // what of buf is read and not taken
	eof       bool     // nothing follows buf
	row       grid.Row // the one that was returned last
	fields    [][]byte // of the row, raw; they point into buf or text
	text      []byte   // unquoted and converted values

	columns int  // of the list, once they are known: see straighten
	unwraps bool // a row that is quoted as a whole is read as what is in the quotes
}

// Unwrap makes a row that is one quoted value a row of what is in the quotes: some programs quote
// each line as a whole. It is called before the first row is read.
func (r *Reader) Unwrap() { r.unwraps = true }

// Columns says how many columns the list has, by the row that names them. A quotation mark that is
// never closed is known by it from there on. Until it is called such a mark is an error, as nothing
// tells how far its value goes.
func (r *Reader) Columns(count int) { r.columns = count }

// New returns a reader of rows with a separator, one of [Separators]. It reads the beginning of in,
// which stays the caller's, to find the encoding. A file that is empty or in an encoding that is
// not read is a [grid.Error]; what in itself fails with is returned as it is.
func New(in io.Reader, separator byte) (*Reader, error) {
	decoded, err := decode(in)
	if err != nil {
		return nil, err
	}
	r := &Reader{in: decoded, separator: separator, buf: make([]byte, bufferBytes)}
	if err := r.skipDirective(); err != nil {
		return nil, err
	}
	return r, nil
}

// Next returns the next row that has a value, valid until the next call; io.EOF at the end. Blank
// rows are counted, so that a number is the one that the owner of the file sees. Any other error
// ends the reading. A row with a value may hold cells of spaces in front of it; those at its end
// are left out.
func (r *Reader) Next() (*grid.Row, error) {
	for {
		if r.at == r.end && r.eof {
			return nil, io.EOF
		}
		length, quoted, err := r.rowLength()
		if err != nil {
			return nil, err
		}
		r.row.Quote = false
		if quoted {
			length, quoted = r.straighten(length)
		}
		if length == 0 && r.eof && r.at == r.end {
			return nil, io.EOF
		}
		line := r.buf[r.at : r.at+length]
		r.at += length
		// The number goes into events and 32 bits elsewhere.
		if r.row.Number++; r.row.Number > 1<<30 {
			return nil, &grid.Error{
				Row: r.row.Number, Detail: "the file has too many rows",
				ID: "berkas ini punya terlalu banyak baris",
			}
		}
		if err := r.cut(trimEnd(line), quoted); err != nil {
			return nil, err
		}
		if len(r.row.Cells) > 0 {
			return &r.row, nil
		}
	}
}

// trimEnd cuts the end of a row off. A CR inside of the row is kept.
func trimEnd(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}

// rowLength returns the length of the row that begins here, its end included, and whether it has
// quotes. The row is in the buffer as a whole then. A row that is too long to be one is cut into
// its first line, for straighten to judge.
func (r *Reader) rowLength() (length int, quoted bool, err error) {
	for {
		rest := r.buf[r.at:r.end]
		length, quoted, state := scanRow(rest, r.separator, r.eof)
		switch state {
		case whole:
			return length, quoted, nil
		case openQuote:
			if r.columns == 0 {
				return 0, false, r.unclosed()
			}
			return lineLength(rest), true, nil
		case cutOff:
		}
		if r.columns > 0 && len(rest) >= quotedBytesMax {
			return lineLength(rest), true, nil
		}
		// When nothing follows, that is known to the next attempt.
		if _, err := r.more(); err != nil {
			return 0, false, err
		}
	}
}

// quotedBytesMax is how long a row may be before it is looked at line by line: a quotation mark
// that is never closed would swallow the rest of the file. It is far above a row that people write,
// and below rowBytesMax, which ends the reading.
const quotedBytesMax = 256 << 10

// lineLength returns the length of the first line of a text, its end included.
func lineLength(text []byte) int {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return i + 1
	}
	if i := bytes.IndexByte(text, '\r'); i >= 0 {
		return i + 1
	}
	return len(text)
}

// straighten looks at a row with quoted values. Where the lines of it are rows of the list by
// themselves, two of them at least, a quotation mark that was not meant as one has swallowed them:
// then each is read by itself, and the mark as a character. It returns the length of the row and
// whether its quotation marks are.
func (r *Reader) straighten(length int) (int, bool) {
	record := r.buf[r.at : r.at+length]
	line := lineLength(record)
	if r.columns < 2 {
		return length, true
	}
	if line == length {
		// One line; a mark that stays open in it was found to be open to the end.
		_, state := scanQuoted(record, r.separator, true)
		r.row.Quote = state == openQuote
		return length, state != openQuote
	}
	// A line that has all separators of a row is taken for one; a value of several lines hardly
	// has.
	whole := 0
	for rest := record; len(rest) > 0; {
		n := lineLength(rest)
		if bytes.Count(rest[:n], []byte{r.separator}) >= r.columns-1 {
			whole++
		}
		rest = rest[n:]
	}
	// A value with a line break in it is what quotation marks are for.
	if whole < 2 {
		return length, true
	}
	_, state := scanQuoted(record[:line], r.separator, true)
	r.row.Quote = state == openQuote
	return line, state != openQuote
}

// unclosed names the row in which the quotation opens: all after it looked like one value.
func (r *Reader) unclosed() error {
	return &grid.Error{
		Row:    r.row.Number + 1,
		Detail: "a quotation mark that opens in this row is never closed",
		ID:     "tanda kutip yang dibuka di baris ini tidak pernah ditutup",
	}
}

// scanned says what scanRow has found. It decides whether more must be read.
type scanned uint8

const (
	whole     scanned = iota
	cutOff            // the end of the row is not in sight
	openQuote         // the input ends inside of quotes
)

// scanRow finds the end of the row that text begins with: LF, CR LF or, as old Macintosh programs
// write, CR. atEnd says that nothing follows text. An LF that follows a CR may be in the next
// buffer, so a CR at the end decides nothing yet. quoted says that the row may have quoted values,
// and only then need it be cut with care.
func scanRow(text []byte, separator byte, atEnd bool) (length int, quoted bool, state scanned) {
	line := bytes.IndexByte(text, '\n')
	// Most rows end at the first LF and have no quotes, and need no walk.
	first := text
	if line >= 0 {
		first = text[:line+1]
	}
	if bytes.IndexByte(first, '"') >= 0 {
		length, state = scanQuoted(text, separator, atEnd)
		return length, true, state
	}
	if i := bytes.IndexByte(first, '\r'); i >= 0 {
		switch {
		case i+1 == len(text) && !atEnd:
			return 0, false, cutOff
		case i+2 == len(first) && line >= 0:
			return line + 1, false, whole
		}
		return i + 1, false, whole
	}
	switch {
	case line >= 0:
		return line + 1, false, whole
	case atEnd:
		return len(text), false, whole
	}
	return 0, false, cutOff
}

// scanQuoted is scanRow for a row that may have quoted values: an end of line inside of quotes
// does not end the row. A quote that does not begin a value is an ordinary character.
//
// A row that is cut off is scanned again from its beginning when more of it is there. The buffer
// doubles each time, so that costs at most twice the row. length includes the end of the row; it
// says nothing where the state is not whole.
func scanQuoted(text []byte, separator byte, atEnd bool) (length int, state scanned) {
	unfinished := cutOff
	if atEnd {
		unfinished = whole
	}
	i := 0
	for {
		if i < len(text) && text[i] == '"' {
			for i++; ; {
				end := bytes.IndexByte(text[i:], '"')
				if end < 0 && atEnd {
					return 0, openQuote
				} else if end < 0 {
					return 0, cutOff
				}
				if i += end + 1; i >= len(text) || text[i] != '"' {
					break
				}
				i++
			}
		}
		for i < len(text) && text[i] != separator && text[i] != '\n' && text[i] != '\r' {
			i++
		}
		switch {
		case i == len(text):
			return i, unfinished
		case text[i] == separator:
			i++
		case text[i] == '\n':
			return i + 1, whole
		case i+1 == len(text):
			return i + 1, unfinished
		case text[i+1] == '\n':
			return i + 2, whole
		default:
			return i + 1, whole
		}
	}
}

// more reads on; false at the end of the input. It moves what is not taken to the front: slices of
// the buffer are invalid after it. What was not taken stays in the buffer after an error.
func (r *Reader) more() (bool, error) {
	if r.eof {
		return false, nil
	}
	if r.at > 0 {
		copy(r.buf, r.buf[r.at:r.end])
		r.end -= r.at
		r.at = 0
	}
	if r.end == len(r.buf) {
		if len(r.buf) >= rowBytesMax {
			return false, &grid.Error{
				Row: r.row.Number + 1,
				Detail: fmt.Sprintf("the row is longer than %d bytes: a quotation mark may be"+
					" missing", rowBytesMax),
				ID: fmt.Sprintf("baris ini lebih panjang dari %d bita: mungkin sebuah tanda"+
					" kutip hilang", rowBytesMax),
			}
		}
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	// A reader may return nothing without an error now and then, but not for ever: see io.Reader.
	for range 100 {
		n, err := r.in.Read(r.buf[r.end:])
		r.end += n
		switch {
		case n > 0:
			return true, nil
		case errors.Is(err, io.EOF):
			r.eof = true
			return false, nil
		case err != nil:
			return false, err
		}
	}
	return false, io.ErrNoProgress
}

// cut divides a row into cells. quoted says whether its quotation marks are marks; else they are
// characters.
func (r *Reader) cut(line []byte, quoted bool) error {
	r.row.Cells, r.text = r.row.Cells[:0], r.text[:0]
	// A workbook, or UTF-16 without its mark: to read on would make rubbish of every cell.
	if bytes.IndexByte(line, 0) >= 0 {
		return &grid.Error{
			Row: r.row.Number, Detail: "the file is not text: save it again as CSV UTF-8",
			ID: "berkas ini bukan teks: simpan lagi sebagai CSV UTF-8",
		}
	}
	r.fields = r.fields[:0]
	if !quoted {
		// What is beyond stays in the last value: makeCells refuses it unless it is empty.
		for len(r.fields) < columnsMaxRaw {
			i := bytes.IndexByte(line, r.separator)
			if i < 0 {
				break
			}
			r.fields = append(r.fields, line[:i])
			line = line[i+1:]
		}
		r.fields = append(r.fields, line)
	} else {
		r.cutQuoted(line)
		// The text that fields point into is used again, so what was in the quotes is copied first.
		if r.unwraps && len(r.fields) == 1 && bytes.IndexByte(r.fields[0], r.separator) >= 0 {
			inner := bytes.Clone(r.fields[0])
			r.fields, r.text = r.fields[:0], r.text[:0]
			r.cutQuoted(inner)
		}
	}
	return r.makeCells()
}

// cutQuoted divides a row in which values may be quoted. A quote inside of a value that does not
// begin with one is an ordinary character.
func (r *Reader) cutQuoted(line []byte) {
	r.text = growTo(r.text, len(line))
	for len(r.fields) < columnsMaxRaw {
		if len(line) == 0 || line[0] != '"' {
			i := bytes.IndexByte(line, r.separator)
			if i < 0 {
				r.fields = append(r.fields, line)
				return
			}
			r.fields = append(r.fields, line[:i])
			line = line[i+1:]
			continue
		}
		from := len(r.text)
		line = line[1:]
		for {
			i := bytes.IndexByte(line, '"')
			if i < 0 {
				r.text, line = append(r.text, line...), nil
				break
			}
			r.text = append(r.text, line[:i]...)
			line = line[i+1:]
			if len(line) == 0 || line[0] != '"' {
				break
			}
			r.text, line = append(r.text, '"'), line[1:]
		}
		i := bytes.IndexByte(line, r.separator)
		rest := line
		if i >= 0 {
			rest = line[:i]
		}
		r.text = append(r.text, rest...)
		r.fields = append(r.fields, r.text[from:len(r.text):len(r.text)])
		if i < 0 {
			return
		}
		line = line[i+1:]
	}
}

// makeCells makes cells of the values, without empty ones at the end. Width counts the empty ones
// too: that a row has one separator less is how a lost one is found.
func (r *Reader) makeCells() error {
	r.row.Width = len(r.fields)
	for len(r.fields) > 0 && isBlank(r.fields[len(r.fields)-1]) {
		r.fields = r.fields[:len(r.fields)-1]
	}
	if len(r.fields) > grid.ColumnsMax {
		return &grid.Error{
			Row: r.row.Number,
			Detail: fmt.Sprintf("the row has more than %d columns: a list has at most so many",
				grid.ColumnsMax),
			ID: fmt.Sprintf("baris ini punya lebih dari %d kolom: itu yang paling banyak",
				grid.ColumnsMax),
		}
	}
	r.text = growTo(r.text, 0)
	for _, field := range r.fields {
		cell := grid.Cell{}
		if len(field) > 0 {
			cell = grid.Cell{Kind: grid.Text, Text: toUTF8(field)}
		}
		r.row.Cells = append(r.row.Cells, cell)
	}
	return nil
}

// growTo makes sure that so many more bytes can be appended without moving what is there. Values
// that were cut before point into it.
func growTo(text []byte, more int) []byte {
	if cap(text)-len(text) >= more {
		return text
	}
	return append(make([]byte, 0, 2*(len(text)+more)), text...)
}

// isBlank tells whether a value is nothing to a person who looks at the cell.
func isBlank(field []byte) bool {
	for _, c := range field {
		if c != ' ' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

// skipDirective skips a first line such as "sep=;", by which Excel is told the separator and
// which it does not show as a row. It is not counted as a row, as a spreadsheet does not show it.
// The separator that it names is not believed: the caller tries each of them.
func (r *Reader) skipDirective() error {
	for r.end-r.at < len("sep=;\r\n") {
		if more, err := r.more(); err != nil {
			return err
		} else if !more {
			break
		}
	}
	head := r.buf[r.at:r.end]
	const directive = "sep="
	if len(head) > len(directive) && bytes.EqualFold(head[:len(directive)], []byte(directive)) {
		i := bytes.IndexByte(head, '\n')
		if i >= 0 && len(trimEnd(head[:i+1])) <= len("sep=;") {
			r.at += i + 1
		}
	}
	return nil
}
