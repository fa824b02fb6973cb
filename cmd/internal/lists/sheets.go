package lists

import (
	"errors"
	"hash/maphash"
	"io"

	"cakupan/cmd/internal/lists/csv"
	"cakupan/cmd/internal/lists/xlsx"
)

// EverySheet is what [Options] name where all sheets of a workbook are meant, each a list.
const EverySheet = "all"

// Across remembers what the sheets of a workbook have said so far: a person who stands in two of
// them with different values is told, as within one.
type Across struct {
	names  []string
	seen   seen
	secret maphash.Seed
}

// NewAcross returns the memory of a workbook whose lists are in these sheets.
func NewAcross(sheets []string) *Across {
	return &Across{names: sheets, secret: maphash.MakeSeed()}
}

// The number of a row and of its sheet share 32 bits.
const sheetShift = 21

// at returns the number of a row in a sheet.
func (a *Across) at(sheet string, row int) uint32 {
	for i, name := range a.names {
		if name == sheet {
			return uint32(i)<<sheetShift | uint32(row)
		}
	}
	return uint32(row)
}

// words names a row, and its sheet where that is another one.
func (a *Across) words(sheet string, at uint32, l Language) (row uint32, where string) {
	row = at & (1<<sheetShift - 1)
	name := ""
	if i := int(at >> sheetShift); i < len(a.names) {
		name = a.names[i]
	}
	switch {
	case name == sheet || name == "":
		return row, ""
	case l == Indonesian:
		return row, " lembar " + quote(name)
	}
	return row, " of sheet " + quote(name)
}

// tellUnseen tells of sheets that are hidden and hold a list: they are not read. Of a workbook of
// which every sheet is read, it is told once.
func (l *List) tellUnseen() error {
	if a := l.opts.Across; a != nil && a.names[0] != l.info.Sheet {
		return nil
	}
	for _, sheet := range l.book.unseen() {
		in, err := l.book.rows(sheet)
		if err != nil {
			return err
		}
		h, err := findHeader(in)
		if err := errors.Join(err, in.Close()); err != nil {
			return err
		}
		if h != nil {
			l.notices.add("lembar "+quote(sheet)+" tersembunyi, berisi daftar, dan tidak dibaca:"+
				" tampilkan lembarnya bila dimaksud",
				"the sheet "+quote(sheet)+" is hidden, holds a list, and is not read: show it if"+
					" it is meant")
		}
	}
	return nil
}

// Sheets returns the sheets of a workbook that hold a list, in their order; one without a name for
// a file that is no workbook. For readers see [Options].
func Sheets(file io.ReaderAt, size int64, readers *Language) (names []string, err error) {
	if !xlsx.IsWorkbook(file) {
		return []string{""}, nil
	}
	book, err := openBook(file, size)
	if err != nil {
		return nil, fileProblem(err, readers)
	}
	defer func() { err = errors.Join(err, book.Close()) }()
	for _, sheet := range book.sheets() {
		in, err := book.rows(sheet)
		if err != nil {
			return nil, fileProblem(err, readers)
		}
		h, err := findHeader(in)
		if err := errors.Join(err, in.Close()); err != nil {
			return nil, fileProblem(err, readers)
		}
		if h != nil {
			names = append(names, sheet)
		}
	}
	if len(names) == 0 {
		return nil, fileProblem(errNoHeader, readers)
	}
	return names, nil
}

// Decode returns a text in UTF-8 whether it was written in that or in UTF-16: programs of Windows
// write both.
func Decode(in io.Reader) (io.Reader, error) {
	text, err := csv.Decode(in)
	if err != nil {
		return nil, fileProblem(err, nil)
	}
	return text, nil
}
