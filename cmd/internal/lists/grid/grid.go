// Package grid is what spreadsheets and CSV files have in common: numbered rows of cells.
package grid

import "fmt"

// Kind says what a cell holds.
type Kind uint8

// The kinds of cells. Cells of CSV files are Empty or Text.
const (
	Empty   Kind = 0
	Text    Kind = 1
	Number  Kind = 2 // as stored, with a decimal point
	Date    Kind = 3 // a number that is shown as a date
	Bool    Kind = 4 // "0" or "1"
	Fault   Kind = 5 // an error value, "#REF!"
	Formula Kind = 6 // a formula whose value is not stored
)

// Cell is one cell. Text belongs to the reader of the row. It is valid for as long as the row.
type Cell struct {
	Kind Kind
	Text []byte
}

// Row is one row. Cells holds no empty cells at its end.
type Row struct {
	Number int // from 1, as a spreadsheet shows it
	Cells  []Cell
	Width  int  // of CSV: how many values are written, the empty ones too; else 0
	Hidden bool // a spreadsheet does not show it
	Struck bool // its cells are struck out, all that hold something
	Stroke bool // a cell, or a part of its text, is struck out
	Quote  bool // of CSV: a quotation mark that was not closed is read as a character
}

// Merge is a rectangle of cells that are shown as one, the first of them: rows from 1, columns from
// 0, both ends in.
type Merge struct{ Top, Left, Bottom, Right int }

// MergesMax is how many of them a sheet may have.
const MergesMax = 1 << 18

// ColumnsMax is how many columns a list may have. Spreadsheets can have 16,384; no list of people
// needs them.
const ColumnsMax = 1_000

// Error says why a file cannot be read, or not beyond a row, in one sentence for its owner.
type Error struct {
	Row    int // 0: the file as a whole
	Detail string
	ID     string // the same in Indonesian
	Err    error  // what caused it; nil when Detail says it all
}

// NewError returns an error of the file as a whole, in both languages: whoever cannot read a file
// does not know the language of its owner.
func NewError(en, id string) *Error { return &Error{Detail: en, ID: id} }

// TooWide returns the error of a row of a sheet that has values in too many columns.
func TooWide(row int) *Error {
	return &Error{
		Row: row,
		Detail: fmt.Sprintf("the sheet has values beyond column %d: a list has at most so many",
			ColumnsMax),
		ID: fmt.Sprintf("lembar ini berisi nilai sesudah kolom ke-%d: itu yang paling banyak",
			ColumnsMax),
	}
}

// Error returns the sentence, in both languages where there are two.
func (e *Error) Error() string {
	return e.English() + " (" + e.Indonesian() + ")"
}

// English returns the sentence in English alone.
func (e *Error) English() string {
	if e.Row > 0 {
		return fmt.Sprintf("row %d: %s", e.Row, e.Detail)
	}
	return e.Detail
}

// Indonesian returns the sentence in Indonesian alone.
func (e *Error) Indonesian() string {
	if e.Row > 0 {
		return fmt.Sprintf("baris %d: %s", e.Row, e.ID)
	}
	return e.ID
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
