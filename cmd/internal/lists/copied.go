package lists

import (
	"io"

	"cakupan/cmd/internal/lists/xlsx"
)

// copied gives the clerk's own workbook back with the rows that were refused: other sheets, formats
// and formulas stay, and each row has the number that it had. It is written when all rows are
// known.
type copied struct {
	list  *List
	book  *xlsx.Book
	out   io.Writer
	words map[int]string    // by row
	known map[string]string // words that came before: most rows have the same
	last  int
}

// copied returns what gives the workbook back; nil where the list is not in one, or where the file
// alone does not say what was said of it otherwise.
func (l *List) copied(out io.Writer) *copied {
	book, ok := l.book.(excel)
	if !ok || !l.saysAll() {
		return nil
	}
	return &copied{
		list: l, book: book.Book, out: out, words: map[int]string{}, known: map[string]string{},
	}
}

// saysAll tells whether the file itself says all that is known of the list.
func (l *List) saysAll() bool {
	o := &l.opts
	return o.ID+o.Source+o.FallbackID == "" && o.Kind == UnknownKind && len(o.Defaults) == 0
}

func (c *copied) add(row int, words string) {
	if before, found := c.known[words]; found {
		words = before
	} else {
		c.known[words] = words
	}
	c.words[row] = words
	c.last = max(c.last, row)
}

// write writes the workbook.
func (c *copied) write() error {
	l := c.list
	l.mu.Lock() // rows may still be read, where an import was interrupted
	frame := map[int]bool{}
	for _, row := range l.frame {
		frame[row] = true
	}
	l.mu.Unlock()
	column := max(len(l.first.names), len(l.survey.columns))
	for i, f := range l.first.fields {
		if f == fieldRemark {
			column = i
		}
	}
	title := fieldRemark.title(l.info.Lang)
	copying := xlsx.Copy{Column: column, Last: c.last}
	copying.Keep = func(row int) (bool, string) {
		switch words, refused := c.words[row]; {
		case refused:
			return true, words
		case row == l.first.row:
			return true, title
		}
		return row < l.first.row || frame[row], ""
	}
	for _, sheet := range c.book.Sheets {
		if sheet.Name == l.info.Sheet {
			copying.Sheet = sheet
		}
	}
	return c.book.Copy(c.out, copying)
}
