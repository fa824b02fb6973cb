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
	words map[int]xlsx.Words // by row
	known map[string]string  // words that came before: most rows have the same
	noted bool               // a row has words of the second kind
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
		list: l, book: book.Book, out: out, words: map[int]xlsx.Words{}, known: map[string]string{},
	}
}

// saysAll tells whether the file itself says all that is known of the list.
func (l *List) saysAll() bool {
	o := &l.opts
	return o.ID+o.Source+o.FallbackID == "" && o.Kind == UnknownKind && len(o.Defaults) == 0
}

// add keeps a row: in the first column what to correct, in the second what else to know.
func (c *copied) add(row int, words xlsx.Words) {
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

// write writes the workbook.
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
	copying := xlsx.Copy{Columns: [2]int{remark, note}, Last: c.last}
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
