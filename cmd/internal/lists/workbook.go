package lists

import (
	"errors"
	"io"
	"slices"

	"cakupan/cmd/internal/lists/ods"
	"cakupan/cmd/internal/lists/xlsx"
)

// spreadsheet is a file of several sheets, whatever its format. It holds the file open until Close.
// Names of sheets are as people see them.
type spreadsheet interface {
	// In the order of the workbook, without hidden ones.
	sheets() []string
	unseen() []string // sheets that are hidden
	rows(sheet string) (sheetRows, error)
	date1904() bool
	Close() error
}

// sheetRows are the rows of a sheet. Close it before its spreadsheet.
type sheetRows interface {
	rows
	io.Closer
}

// openBook opens a workbook of Excel or of LibreOffice. A file that is neither is refused by
// package xlsx, whose words are for whatever people take for a workbook.
func openBook(file io.ReaderAt, size int64) (spreadsheet, error) {
	book, err := xlsx.Open(file, size)
	switch {
	case err == nil:
		return excel{book}, nil
	case !errors.Is(err, xlsx.ErrOpenDocument):
		return nil, err
	}
	document, err := ods.Open(file, size)
	if err != nil {
		return nil, err
	}
	return openDocument{document}, nil
}

// excel is a workbook of Excel. Sheets are known by their names here, as people and options name
// them; the first of a name counts.
type excel struct{ *xlsx.Book }

// sheets returns the names of sheets that people see.
func (b excel) sheets() (names []string) {
	for _, sheet := range b.Sheets {
		names = append(names, sheet.Name)
	}
	return names
}

// unseen returns the names of the others.
func (b excel) unseen() (names []string) {
	for _, sheet := range b.Hidden {
		names = append(names, sheet.Name)
	}
	return names
}

// rows begins to read a sheet by its name, hidden or not.
func (b excel) rows(name string) (sheetRows, error) {
	for _, sheet := range slices.Concat(b.Sheets, b.Hidden) {
		if sheet.Name == name {
			return b.Rows(sheet)
		}
	}
	return nil, io.ErrUnexpectedEOF // names are those of sheets
}

// date1904 is what the workbook says of itself; each list of it counts days so.
func (b excel) date1904() bool { return b.Date1904 }

// openDocument is a workbook of LibreOffice. It has no way to be written again: see List.copied.
type openDocument struct{ *ods.Book }

// sheets returns the names of sheets that people see.
func (b openDocument) sheets() []string { return b.Sheets }

// rows begins to read a sheet by its name, hidden or not.
func (b openDocument) rows(name string) (sheetRows, error) { return b.Rows(name) }

// unseen returns the names of the others.
func (b openDocument) unseen() []string { return b.Hidden }

// date1904 is never true: the format writes days as dates, and package ods counts them from 1900.
func (openDocument) date1904() bool { return false }
