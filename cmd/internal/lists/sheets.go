package lists

import (
	"errors"
	"hash/maphash"
	"io"
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists/csv"
	"cakupan/cmd/internal/lists/grid"
	"cakupan/cmd/internal/lists/xlsx"
	"cakupan/cmd/internal/problem"
)

// EverySheet is what [Options] name where all sheets of a workbook are meant, each a list. A sheet
// of that name can be read with all the others only.
const EverySheet = "all"

// Across remembers what the sheets of a workbook have said so far: a person who stands in two of
// them with different values is told, as within one. It is used by one list after the other, and
// not by two at once. It is held in memory alone: that of another file begins anew.
type Across struct {
	names []string
	seen  seen
	// Whose each KPJ is, by the NIKs beside them, in lists that name enrolments by their KPJ.
	owners seen
	secret maphash.Seed
}

// NewAcross returns the memory of a workbook whose lists are in these sheets. sheets are in the
// order in which they are read, one at least.
func NewAcross(sheets []string) *Across {
	return &Across{names: sheets, secret: maphash.MakeSeed()}
}

// sheetShift is how many of the 32 bits that a row and its sheet share are the row's: a sheet has
// 2^20 rows at most.
const sheetShift = 21

// at returns the number of a row in a sheet. A sheet that is not known counts as the first. A file
// that is not of several sheets may have more rows than a sheet: all bits are the row's there.
func (a *Across) at(sheet string, row int) uint32 {
	if len(a.names) < 2 {
		return uint32(row)
	}
	for i, name := range a.names {
		if name == sheet {
			return uint32(i)<<sheetShift | uint32(row)
		}
	}
	return uint32(row)
}

// words names a row, and its sheet where that is another one. where is "" in the sheet itself.
// Names of sheets are people's own, and so are cut and masked.
func (a *Across) words(sheet string, at uint32, l Language) (row uint32, where string) {
	if len(a.names) < 2 {
		return at, ""
	}
	row = at & (1<<sheetShift - 1)
	// A place that no sheet has is told without one.
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

// openBook finds the sheet of a workbook that holds the list. Every sheet is looked at, so that a
// workbook with two lists is refused rather than read in half. Case does not matter in the name
// that an option gives. Sheets that are hidden are not looked at here: see tellUnseen.
func (l *List) openBook(file io.ReaderAt, size int64) error {
	book, err := openBook(file, size)
	if err != nil {
		return err
	}
	l.book, l.closers = book, append(l.closers, book)
	var found, others []string
	for _, sheet := range book.sheets() {
		if l.opts.Sheet != "" && !strings.EqualFold(sheet, l.opts.Sheet) {
			continue
		}
		in, err := book.rows(sheet)
		if err != nil {
			return err
		}
		h, err := findHeader(in)
		// Of several lists only the first stays open: the others are named, and nothing is read.
		if err != nil || h == nil || len(found) > 0 {
			if err := errors.Join(err, in.Close()); err != nil {
				return err
			}
			if h != nil {
				found = append(found, sheet)
			} else {
				others = append(others, sheet)
			}
			continue
		}
		l.closers = append(l.closers, in)
		l.rows, l.header, l.info.Sheet = in, h, sheet
		l.reopen = func() (rows, io.Closer, error) {
			in, err := book.rows(sheet)
			return in, in, err
		}
		found = append(found, sheet)
	}
	switch {
	case len(found) == 1:
		return errors.Join(l.readGiven(), l.tellUnseen(), l.tellNameless(others))
	case len(found) > 1:
		return l.severalSheets(found)
	case l.opts.Sheet != "":
		return problem.New(problem.UsageWrong, "no sheet "+quote(l.opts.Sheet)+
			" with a list is shown in the workbook (tidak ada lembar berisi daftar yang bernama "+
			quote(l.opts.Sheet)+", atau tersembunyi)")
	}
	return noSheet(book)
}

// severalSheets asks which sheet is meant. It speaks the language of the first of them.
func (l *List) severalSheets(names []string) error {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	all := strings.Join(quoted, ", ")
	if l.header.lang() == Indonesian {
		return problem.New(problem.UsageWrong, "buku kerja ini punya beberapa daftar ("+all+
			"): pilih satu dengan --sheet NAMA, atau semuanya dengan --sheet all")
	}
	return problem.New(problem.UsageWrong, "the workbook has several lists ("+all+
		"): name one with --sheet NAME, or all of them with --sheet all")
}

// tellUnseen tells of sheets that are hidden and hold a list: they are not read. Of a workbook of
// which every sheet is read, it is told once. A sheet is hidden by mistake as often as on purpose,
// so that it is neither read nor passed over.
func (l *List) tellUnseen() error {
	if a := l.opts.Across; a != nil && a.names[0] != l.info.Sheet {
		return nil
	}
	unseen, err := unseenLists(l.book)
	for _, sheet := range unseen {
		l.notices.add("lembar "+quote(sheet)+" tersembunyi, berisi daftar, dan tidak dibaca:"+
			" tampilkan lembarnya bila dimaksud",
			"the sheet "+quote(sheet)+" is hidden, holds a list, and is not read: show it if"+
				" it is meant")
	}
	return err
}

// tellNameless tells of sheets that hold NIKs where the list has them, under no names of columns,
// as where a list goes on in the next sheet: nothing of them is read.
func (l *List) tellNameless(sheets []string) error {
	for _, sheet := range sheets {
		row, err := l.header.firstPerson(l.book, sheet)
		if err != nil {
			return err
		}
		if row > 0 {
			at := strconv.Itoa(row)
			l.notices.add("lembar "+quote(sheet)+" berisi NIK (baris "+at+") tanpa baris judul"+
				" kolom, dan tidak dibaca: bila itu lanjutan daftar, salin baris judul ke"+
				" atasnya, lalu kirim dengan --sheet all",
				"the sheet "+quote(sheet)+" holds a NIK (row "+at+") and no row that names the"+
					" columns, and is not read: if the list goes on there, copy that row above"+
					" it, and send it with --sheet all")
		}
	}
	return nil
}

// firstPerson returns the first row of a sheet, of those where names of columns are looked for,
// with a NIK in a column that has them here; 0 for none.
func (h *header) firstPerson(book spreadsheet, sheet string) (row int, err error) {
	in, err := book.rows(sheet)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	for {
		r, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return 0, nil
		case err != nil:
			return 0, err
		case r.Number > headerRowsMax:
			return 0, nil
		}
		for i := range min(len(r.Cells), len(h.fields)) {
			_, wrong := parseNIK(nil, r.Cells[i])
			if h.fields[i] == fieldNIK && wrong == nil {
				return r.Number, nil
			}
		}
	}
}

// unseenLists returns the sheets that are hidden and hold a list. The whole beginning of each is
// read: it is only asked once for a workbook.
func unseenLists(book spreadsheet) (names []string, err error) {
	for _, sheet := range book.unseen() {
		holds, err := holdsList(book, sheet)
		if err != nil {
			return nil, err
		}
		if holds {
			names = append(names, sheet)
		}
	}
	return names, nil
}

// holdsList tells whether a row of a sheet names columns. It leaves nothing open.
func holdsList(book spreadsheet, sheet string) (bool, error) {
	in, err := book.rows(sheet)
	if err != nil {
		return false, err
	}
	h, err := findHeader(in)
	return h != nil, errors.Join(err, in.Close())
}

// noSheet says why no sheet of a workbook can be read: its lists are hidden, or it has none. The
// first one that is hidden is named.
func noSheet(book spreadsheet) error {
	unseen, err := unseenLists(book)
	switch {
	case err != nil:
		return err
	case len(unseen) == 0:
		return errNoHeader
	}
	name := quote(unseen[0])
	return grid.NewError(
		"the sheet with the list is hidden ("+name+"): show it if it is meant",
		"lembar yang berisi daftar tersembunyi ("+name+"): tampilkan lembarnya bila dimaksud",
	)
}

// Sheets returns the sheets of a workbook that hold a list, in their order; one without a name for
// a file that is no workbook. For readers see [Options]. The file stays the caller's. There is one
// at least unless err says why there is none.
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
		holds, err := holdsList(book, sheet)
		if err != nil {
			return nil, fileProblem(err, readers)
		}
		if holds {
			names = append(names, sheet)
		}
	}
	if len(names) == 0 {
		return nil, fileProblem(noSheet(book), readers)
	}
	return names, nil
}

// Decode returns a text in UTF-8 whether it was written in that or in UTF-16: programs of Windows
// write both. It is for files that are no lists, such as events in JSON. Errors while reading are
// as they come.
func Decode(in io.Reader) (io.Reader, error) {
	text, err := csv.Decode(in)
	if err != nil {
		return nil, fileProblem(err, nil)
	}
	return text, nil
}
