// Package table lays text out in columns for people, rows for spreadsheets, elements of a JSON
// array, and values as a line of blocks.
package table

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"cakupan/cmd/internal/cli/words"
)

// Table is text in columns, for people. It is held until it is written, as the widths are known
// only then: it is for answers that the question bounds, and longer ones are written in pieces.
// Cells have been made harmless when they stand in rows. It is of one goroutine.
type Table struct {
	right []bool // which columns are aligned to the right
	rows  [][]string
	// Widths of what was written before: the next rows are no narrower.
	written []int
}

// New returns a table with a header. A column whose name begins with ">" is aligned to the
// right: numbers are. No later row may have more cells than there are columns.
func New(columns ...string) *Table {
	t := &Table{right: make([]bool, len(columns))}
	header := make([]string, len(columns))
	for i, name := range columns {
		header[i] = strings.TrimPrefix(name, ">")
		t.right[i] = header[i] != name
	}
	t.rows = append(t.rows, header)
	return t
}

// Add adds a row. The cells are the table's from then on, and are changed: what a terminal must not
// be shown is replaced.
func (t *Table) Add(cells ...string) {
	for i, cell := range cells {
		cells[i] = words.Plain(cell)
	}
	t.rows = append(t.rows, cells)
}

// widths returns how wide each column is.
func (t *Table) widths() []int {
	widths := make([]int, len(t.right))
	copy(widths, t.written)
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

// Width returns how wide the table is.
func (t *Table) Width() (all int) {
	for _, width := range t.widths() {
		all += width + len(Gap)
	}
	return max(0, all-len(Gap))
}

// Narrow leaves out columns, in the order of the names that are given, until the table fits into so
// many; 0 is any number. Each row must have a cell for each column, and nothing be written yet.
func (t *Table) Narrow(columns int, names ...string) {
	for _, name := range names {
		if columns == 0 || t.Width() <= columns {
			return
		}
		i := slices.Index(t.rows[0], name)
		t.right = slices.Delete(t.right, i, i+1)
		for n := range t.rows {
			t.rows[n] = slices.Delete(t.rows[n], i, i+1)
		}
	}
}

// AddColumn adds a column at the right end, with a cell for each row there is, below its name. The
// cells are written as they are: they are the program's own. Nothing may be written yet.
func (t *Table) AddColumn(name string, cells []string) {
	t.right = append(t.right, false)
	t.rows[0] = append(t.rows[0], name)
	for i, cell := range cells {
		t.rows[i+1] = append(t.rows[i+1], cell)
	}
}

// Gap stands between two columns.
const Gap = "  "

// Write prints the table, two spaces between the columns, in one piece. A character is taken to be
// one column wide, which those of the texts in question are. No line ends with spaces. Rows that
// are added after it are the next piece: they are written below, under the same columns.
func (t *Table) Write(w io.Writer) error {
	widths := t.widths()
	t.written = widths
	var b strings.Builder
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.right[i] {
				line.WriteString(space + cell)
			} else {
				line.WriteString(cell + space)
			}
			line.WriteString(Gap)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	t.rows = t.rows[:0]
	_, err := io.WriteString(w, b.String())
	return err
}
