package lists

import (
	"errors"
	"io"
	"slices"

	"cakupan/cmd/internal/lists/ods"
	"cakupan/cmd/internal/lists/xlsx"
)

// spreadsheet is a file of several sheets, whatever its format.
type spreadsheet interface {
	sheets() []string
	unseen() []string // sheets that are hidden
	rows(sheet string) (sheetRows, error)
	date1904() bool
	Close() error
}

// sheetRows are the rows of a sheet.
type sheetRows interface {
	rows
	io.Closer
}

// openBook opens a workbook of Excel or of LibreOffice.
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

// excel is a workbook of Excel.
type excel struct{ *xlsx.Book }

func (b excel) sheets() (names []string) {
	for _, sheet := range b.Sheets {
		names = append(names, sheet.Name)
	}
	return names
}

func (b excel) unseen() (names []string) {
	for _, sheet := range b.Hidden {
		names = append(names, sheet.Name)
	}
	return names
}

func (b excel) rows(name string) (sheetRows, error) {
	for _, sheet := range slices.Concat(b.Sheets, b.Hidden) {
		if sheet.Name == name {
			return b.Rows(sheet)
		}
	}
	return nil, io.ErrUnexpectedEOF // names are those of sheets
}

func (b excel) date1904() bool { return b.Date1904 }

// openDocument is a workbook of LibreOffice.
type openDocument struct{ *ods.Book }

func (b openDocument) sheets() []string { return b.Sheets }

func (b openDocument) rows(name string) (sheetRows, error) { return b.Rows(name) }

func (b openDocument) unseen() []string { return b.Hidden }

func (openDocument) date1904() bool { return false }
