package xlsx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists/grid"
)

// The bounds of a sheet, as Excel has them.
const (
	// A row whose cells hold more than rowBytesMax is refused: the text of a whole row is in memory
	// at once, and no list of people has rows as long.
	rowsMax       = 1 << 20
	columnsExcel  = 1 << 14
	rowBytesMax   = 4 << 20
	cellRefLength = len("XFD1048576")
)

// Rows reads the rows of a sheet from top to bottom. Rows without a value are left out; their
// numbers show that they are there. text is used again for each row and may move while it grows, so
// cells get their text when the row is whole: see ends. It belongs to the goroutine of its Book.
type Rows struct {
	book *Book
	part io.Closer
	scan *scanner
	row  grid.Row
	last int // number of the last row
	text []byte
	ends []span // of the cells whose text is in the buffer

	shown bool // the row has a cell that is not struck out

	arrays []grid.Merge // cells of formulas for several cells at once, of this row or above
}

// span says which bytes of the buffer are the text of a cell. It holds until the next row is begun.
type span struct{ cell, from, to int }

// Close ends the reading: nothing may be read after it, [Rows.Merges] included.
func (r *Rows) Close() error { return r.part.Close() }

// Next returns the next row that has a value, valid until the next call; io.EOF at the end. Any
// other error is a [grid.Error], after which nothing more can be read of the sheet. What stands
// below the rows is left for [Rows.Merges].
func (r *Rows) Next() (*grid.Row, error) {
	for {
		kind, err := r.scan.next()
		switch {
		case errors.Is(err, io.EOF) && r.last == 0:
			return nil, io.EOF
		// A sheet that has rows ends them with a tag. Where it is not there the file was cut off,
		// and people would be missing without a word. A part that has shown no row is taken for an
		// empty sheet.
		case errors.Is(err, io.EOF):
			return nil, partError(io.ErrUnexpectedEOF)
		case err != nil:
			return nil, partError(err)
		case kind == textRun:
			continue
		case kind == endTag:
			if string(r.scan.name) == "sheetData" {
				return nil, io.EOF
			}
			continue
		case string(r.scan.name) != "row":
			if string(r.scan.name) == "sheetData" && r.scan.empty {
				return nil, io.EOF
			}
			continue
		}
		if err := r.beginRow(); err != nil {
			return nil, err
		}
		if r.scan.empty {
			continue
		}
		if err := r.readRow(); err != nil {
			return nil, partError(err)
		}
		if len(r.row.Cells) > 0 {
			return &r.row, nil
		}
	}
}

// beginRow takes the number of a row from its tag. Rows must be in order, as they are read once;
// Excel writes no others. A row without a number is the one after the last. Rows may be left out,
// as empty ones are.
func (r *Rows) beginRow() error {
	number := r.last + 1
	if text := attribute(r.scan.attrs, "r"); text != nil {
		n, err := strconv.Atoi(string(text))
		if err != nil || n > rowsMax || n < 1 {
			return grid.NewError(
				"the sheet has a row with a number that no sheet has",
				"lembar ini punya nomor baris yang tidak mungkin: simpan lagi dari Excel",
			)
		}
		number = n
	}
	if number <= r.last || number > rowsMax {
		return &grid.Error{
			Row: r.last, Detail: "the rows after this one are not in order: save a copy in Excel",
			ID: "baris sesudah ini tidak berurutan: simpan salinannya di Excel",
		}
	}
	r.last, r.row.Number = number, number
	hidden := attribute(r.scan.attrs, "hidden")
	r.row.Hidden = len(hidden) > 0 && (hidden[0] == '1' || hidden[0] == 't')
	r.row.Struck, r.row.Stroke, r.shown = false, false, false
	r.row.Cells, r.text, r.ends = r.row.Cells[:0], r.text[:0], r.ends[:0]
	return nil
}

// readRow reads the cells of a row. The two ways of reading a cell come to the same: see quickCell.
// A cell without a reference stands behind the one before it, from column 0 on.
func (r *Rows) readRow() error {
	column := -1
	for {
		if attrs, value, ok := r.scan.quickCell(); ok {
			head, err := r.readHead(attrs, column)
			if err != nil {
				return err
			}
			column = head.column
			from := len(r.text)
			r.text = appendText(r.text, value)
			if err := r.endCell(head, from, false); err != nil {
				return err
			}
			if len(r.text) > rowBytesMax {
				return errRunTooLong
			}
			continue
		}
		kind, err := r.scan.next()
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		} else if err != nil {
			return err
		}
		switch {
		case kind == textRun:
		case kind == endTag:
			if string(r.scan.name) == "row" {
				r.fillCells()
				return nil
			}
		case string(r.scan.name) == "c":
			if column, err = r.readCell(column); err != nil {
				return err
			}
		}
	}
}

// fillCells gives the cells whose text is in the buffer that text, now that the buffer stays. Each
// slice ends where its text does, so that nobody can append into the next one.
func (r *Rows) fillCells() {
	for _, s := range r.ends {
		r.row.Cells[s.cell].Text = r.text[s.from:s.to:s.to]
	}
}

// cellHead is what the tag of a cell says. The zero style and kind are those of a plain number, as
// the format has it.
type cellHead struct {
	column int
	style  style
	kind   byte // first letter of its type, but 'S' for "str" and 0 for none
}

// readHead reads the attributes of a cell. last is the column of the cell before, -1 for the first
// one. Attributes of one letter are all that matter here; others are passed over. A number of a
// style that the workbook has not is that of a plain cell: how a value looks is no reason to refuse
// it.
func (r *Rows) readHead(attrs []byte, last int) (cellHead, error) {
	head := cellHead{column: last + 1}
	for {
		key, value, rest, ok := cutAttribute(attrs)
		if !ok {
			break
		}
		attrs = rest
		if len(key) != 1 || len(value) == 0 {
			continue
		}
		switch key[0] {
		case 'r':
			head.column = columnOf(value)
		case 's':
			n, err := natural(value)
			if err == nil && n < len(r.book.styles) {
				head.style = r.book.styles[n]
			}
		case 't':
			head.kind = value[0]
			if string(value) == "str" {
				head.kind = 'S'
			}
		}
	}
	if head.column < 0 || head.column >= columnsExcel {
		return head, &grid.Error{
			Row: r.last, Detail: "a cell lies in a column that no sheet has: save a copy in Excel",
			ID: "sebuah sel ada di kolom yang tidak mungkin: simpan salinannya di Excel",
		}
	}
	return head, nil
}

// natural reads a number of digits alone. So many digits fit an int of 32 bits.
func natural(text []byte) (n int, err error) {
	const digitsMax = 9
	if len(text) == 0 || len(text) > digitsMax {
		return 0, errBroken
	}
	for _, c := range text {
		if c-'0' > 9 {
			return 0, errBroken
		}
		n = n*10 + int(c-'0')
	}
	return n, nil
}

// columnOf returns the column, from 0, of a reference such as "B12"; -1 for what is none.
func columnOf(ref []byte) int {
	column, i := 0, 0
	for ; i < len(ref) && i < 4; i++ {
		// It makes a letter a capital.
		letter := ref[i] &^ 0x20
		if letter < 'A' || letter > 'Z' {
			break
		}
		column = column*26 + int(letter-'A') + 1
	}
	if i == 0 || i == len(ref) || len(ref) > cellRefLength || ref[i] < '0' || ref[i] > '9' {
		return -1
	}
	return column - 1
}

// readCell reads a cell and returns its column. Of an empty one nothing is put. A formula without a
// value, or with the 0 that a program puts there until it is computed, becomes [grid.Formula]: the
// reader of the list refuses it, where 0 would be taken for what people wrote.
func (r *Rows) readCell(last int) (int, error) {
	head, err := r.readHead(r.scan.attrs, last)
	if err != nil || r.scan.empty {
		return head.column, err
	}
	from := len(r.text)
	formula, valued, inValue, inFormula := false, false, false, false
	for {
		kind, err := r.scan.next()
		if errors.Is(err, io.EOF) {
			return 0, io.ErrUnexpectedEOF
		} else if err != nil {
			return 0, err
		}
		if kind == textRun {
			if inFormula && givesDay(r.scan.text) {
				head.style.date = true
			}
			if inValue {
				valued = true
				r.text = appendText(r.text, r.scan.text)
			}
			continue
		}
		switch name := r.scan.name; {
		case kind == endTag && string(name) == "c":
			guess := r.book.uncomputed && string(r.text[from:]) == "0"
			return head.column, r.endCell(head, from, formula && (!valued || guess))
		case string(name) == "v":
			inValue = kind == startTag && !r.scan.empty
			// An empty text is a value, which a formula may come to.
			valued = valued || kind == startTag && head.kind == 'S'
		case string(name) == "f":
			formula, inFormula = true, kind == startTag && !r.scan.empty
			r.noteArray()
		case kind == startTag && string(name) == "is" && !r.scan.empty:
			valued = true
			var stroke bool
			if r.text, stroke, err = appendRich(r.text, r.scan, "is"); err != nil {
				return 0, err
			}
			r.row.Stroke = r.row.Stroke || stroke
		}
		if len(r.text) > rowBytesMax {
			return 0, errRunTooLong
		}
	}
}

// noteArray takes note of the cells of a formula that is for several at once: but for the first
// they have values alone.
func (r *Rows) noteArray() {
	const arraysMax = 1_000 // more are not noted: nobody writes them by hand
	ref, several := mergeOf(attribute(r.scan.attrs, "ref"))
	if several && r.book.uncomputed && len(r.arrays) < arraysMax &&
		string(attribute(r.scan.attrs, "t")) == "array" {
		r.arrays = append(r.arrays, ref)
	}
}

// isGuessed tells whether a cell has the 0 of a formula that nobody has computed yet, which stands
// in another cell.
func (r *Rows) isGuessed(column int, value []byte) bool {
	return len(r.arrays) > 0 && string(value) == "0" &&
		slices.ContainsFunc(r.arrays, func(m grid.Merge) bool {
			return m.Left <= column && column <= m.Right && m.Top <= r.last && r.last <= m.Bottom
		})
}

// givesDay tells whether a formula comes to a day, which a program may have left without the format
// of one.
func givesDay(formula []byte) bool {
	// What the formula begins with decides: a day inside of a longer one need not be its result.
	for _, name := range [...]string{"DATE(", "DATEVALUE(", "EDATE(", "EOMONTH(", "TODAY("} {
		if len(formula) >= len(name) && strings.EqualFold(string(formula[:len(name)]), name) {
			return true
		}
	}
	return false
}

// endCell puts a cell in its place. Its value is in the buffer from a byte on. A shared text is not
// copied into the buffer: it stays where the workbook holds it. noValue says that a formula stands
// there whose value is not known.
func (r *Rows) endCell(head cellHead, from int, noValue bool) error {
	value := r.text[from:]
	kind := grid.Number
	switch head.kind {
	case 's':
		n, err := natural(value)
		if err != nil {
			return errBroken
		}
		text, stroke, found, err := r.book.strings.get(n)
		switch {
		case err != nil:
			return err
		case !found:
			return &grid.Error{
				Row: r.last, Detail: fmt.Sprintf("a cell refers to text %d, which the workbook"+
					" has not: save a copy in Excel", n),
				ID: fmt.Sprintf("sebuah sel menunjuk teks %d, yang tidak ada di buku kerja ini:"+
					" simpan salinannya di Excel", n),
			}
		}
		// The number of the text is not a text of the row.
		r.text = r.text[:from]
		r.row.Stroke = r.row.Stroke || stroke
		r.strike(head.style.struck, textKind(text))
		return r.put(head.column, grid.Cell{Kind: textKind(text), Text: text})
	// An inline text, the text that a formula comes to, and a day as ISO 8601 writes it.
	case 'i', 'S', 'd':
		kind = textKind(value)
	case 'b':
		kind = grid.Bool
	case 'e':
		kind = grid.Fault
	default:
		if head.style.date {
			kind = grid.Date
		} else if head.style.mask != "" && r.mask(from, head.style.mask) {
			kind = grid.Text
		}
	}
	// A formula may come to an empty text, which is no value either.
	if noValue || kind == grid.Number && r.isGuessed(head.column, r.text[from:]) {
		kind = grid.Formula
	} else if len(r.text) == from {
		kind = grid.Empty
	}
	r.strike(head.style.struck, kind)
	if err := r.put(head.column, grid.Cell{Kind: kind}); err != nil || kind == grid.Empty {
		return err
	}
	r.ends = append(r.ends, span{head.column, from, len(r.text)})
	return nil
}

// strike takes note of whether a cell is struck out.
func (r *Rows) strike(struck bool, kind grid.Kind) {
	if kind != grid.Empty {
		r.shown = r.shown || !struck
		r.row.Struck = !r.shown
		r.row.Stroke = r.row.Stroke || struck
	}
}

// mask gives a whole number the form that its cell shows; false when that is the number itself.
// Numbers with a point or a sign are left alone, as no number of a person has them. 20 digits are
// more than any that does.
func (r *Rows) mask(from int, as mask) bool {
	const digitsMax = 20
	value := r.text[from:]
	if len(value) == 0 || len(value) > digitsMax {
		return false
	}
	for _, c := range value {
		if c-'0' > 9 {
			return false
		}
	}
	// It is on the stack: this is done for each cell of such a format.
	var room [digitsMax + maskMax]byte
	shown := as.append(room[:0], value)
	if bytes.Equal(shown, value) {
		return false
	}
	r.text = append(r.text[:from], shown...)
	return true
}

// textKind returns the kind of a cell with a text. An empty one is nothing to a person who looks.
func textKind(text []byte) grid.Kind {
	if len(text) == 0 {
		return grid.Empty
	}
	return grid.Text
}

// put puts a cell that is not empty in its place. Columns beyond the bound may be formatted, as
// whole rows often are, but must hold nothing. A text that is in the buffer is filled in later: see
// fillCells.
func (r *Rows) put(column int, cell grid.Cell) error {
	if cell.Kind == grid.Empty {
		return nil
	}
	if column >= grid.ColumnsMax {
		return grid.TooWide(r.last)
	}
	for len(r.row.Cells) <= column {
		r.row.Cells = append(r.row.Cells, grid.Cell{})
	}
	r.row.Cells[column] = cell
	return nil
}
