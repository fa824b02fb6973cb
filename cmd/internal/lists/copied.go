package lists

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists/xlsx"
)

// copied gives the clerk's own workbook back with the rows that were refused: other sheets, formats
// and formulas stay, and each row has the number that it had. It is written when all rows are
// known. It belongs to the goroutine of its Return. Words are held for each row until the end, as
// the sheet is copied in one pass from top to bottom.
type copied struct {
	list  *List
	book  *xlsx.Book
	out   io.Writer
	words map[int]xlsx.Words // by row
	known map[string]string  // words that came before: most rows have the same
	noted bool               // a row has words of the second kind
	last  int
}

// copied returns what gives the workbook back; nil where the list is not in one, or where the file
// cannot be made to say what was said of it otherwise. A workbook of LibreOffice is not copied: a
// new one is written.
func (l *List) copied(out io.Writer) *copied {
	book, ok := l.book.(excel)
	if !ok || !l.saysAll() && !book.CanAdd() {
		return nil
	}
	return &copied{
		list: l, book: book.Book, out: out, words: map[int]xlsx.Words{}, known: map[string]string{},
	}
}

// saysAll tells whether the file itself says all that is known of the list. Options that only say
// how to read it do not matter.
func (l *List) saysAll() bool {
	o := &l.opts
	return o.ID+o.Source+o.FallbackID == "" && o.Kind == UnknownKind && len(o.Defaults) == 0
}

// declaringSheet is a sheet of a workbook whose lines say what is true of all rows, as --list and
// its siblings do: a workbook that comes back has them there. It is added as the last sheet, and
// people may delete it when they give the options again. Where the workbook has a sheet of that
// name already, in whatever case or hidden, a number follows: no two sheets may differ in nothing
// but the case.
const declaringSheet = "cakupan"

// isDeclaring tells whether a sheet is called as those that are added.
func isDeclaring(name string) bool {
	number, found := strings.CutPrefix(name, declaringSheet+" ")
	if !found {
		return name == declaringSheet
	}
	n, err := strconv.Atoi(number)
	return err == nil && n > 1 && strconv.Itoa(n) == number
}

// declaring returns the sheet that declares, of those that are shown; "" where there is none. The
// sheet that is the list itself declares nothing in this way.
func (l *List) declaring() string {
	for _, name := range l.book.sheets() {
		if isDeclaring(name) && name != l.info.Sheet {
			return name
		}
	}
	return ""
}

// freeName returns the name of the sheet that is added: that of the one whose place it takes, or
// one that no sheet has.
func (l *List) freeName() string {
	if name := l.declaring(); name != "" {
		return name
	}
	taken := slices.Concat(l.book.sheets(), l.book.unseen())
	for n, name := 2, declaringSheet; ; n++ {
		if !slices.ContainsFunc(taken, func(s string) bool { return strings.EqualFold(s, name) }) {
			return name
		}
		name = declaringSheet + " " + strconv.Itoa(n)
	}
}

// given returns what was said of the list beside its file, as lines of a sheet; nil: nothing was.
// Defaults are given as they were, as the sheet is read like them.
func (l *List) given() *xlsx.Added {
	if l.saysAll() {
		return nil
	}
	lang := l.info.Lang
	lines := [][2]string{
		{fieldList.title(lang), l.info.ID},
		{fieldSource.title(lang), l.info.Source},
		{fieldKind.title(lang), l.info.Kind.Title(lang)},
	}
	for _, d := range l.opts.Defaults {
		lines = append(lines, [2]string{d.Column, d.Value})
	}
	return &xlsx.Added{Name: l.freeName(), Lines: lines}
}

// readGiven reads what such a sheet says. It goes before what stands above the columns, as the
// options did.
func (l *List) readGiven() error {
	sheet := l.declaring()
	if sheet == "" {
		return nil
	}
	in, err := l.book.rows(sheet)
	if err != nil {
		return err
	}
	h := &header{}
	// A sheet that was added here has few lines; what a clerk adds below so many is not read.
	for range headerRowsMax {
		row, err := in.Next()
		if err != nil {
			break // its end; what is damaged is met again
		}
		h.declare(row)
	}
	for _, d := range h.declared {
		// As with options, a value that is none is then an error, and not taken for a letterhead.
		d.row = 0
		l.header.declared = append(l.header.declared, d)
	}
	return in.Close()
}

// add keeps a row: in the first column what to correct, in the second what else to know. A row that
// comes twice has the words of the last time.
func (c *copied) add(row int, words xlsx.Words) {
	// One string for all rows with the same words: a column that is wrong has a million of them.
	for i, text := range words {
		if before, found := c.known[text]; found {
			words[i] = before
		} else {
			c.known[text] = text
		}
	}
	c.words[row] = words
	c.noted = c.noted || words[1] != ""
	c.last = max(c.last, row)
}

// write writes the workbook. The names of the columns, what stands above them, and rows that name
// columns or declare something are kept, so that the rest is the same list again. Other rows were
// taken in, and are left empty.
func (c *copied) write() error {
	l := c.list
	l.mu.Lock() // rows may still be read, where an import was interrupted
	frame := map[int]bool{}
	for _, row := range l.frame {
		frame[row] = true
	}
	l.mu.Unlock()
	remark, note := l.first.remarks(len(l.survey.columns))
	titles := xlsx.Words{fieldRemark.title(l.info.Lang)}
	if c.noted {
		titles[1] = noteTitle(l.info.Lang)
	}
	copying := xlsx.Copy{Columns: [2]int{remark, note}, Last: c.last, Added: l.given()}
	copying.Keep = func(row int) (bool, xlsx.Words) {
		switch words, kept := c.words[row]; {
		case kept:
			return true, words
		case row == l.first.row:
			return true, titles
		}
		return row < l.first.row || frame[row], xlsx.Words{}
	}
	for _, sheet := range c.book.Sheets {
		if sheet.Name == l.info.Sheet {
			copying.Sheet = sheet
		}
	}
	return c.book.Copy(c.out, copying)
}
