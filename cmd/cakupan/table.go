package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// table is text in columns, for people. It is held until it is written, as the widths are known
// only then: it is for answers that the question bounds, and longer ones are written in pieces.
// Cells have been made harmless when they stand in rows. It is of one goroutine.
type table struct {
	right []bool // which columns are aligned to the right
	rows  [][]string
	// Widths of what was written before: the next rows are no narrower.
	written []int
}

// newTable returns a table with a header. A column whose name begins with ">" is aligned to the
// right: numbers are. No later row may have more cells than there are columns.
func newTable(columns ...string) *table {
	t := &table{right: make([]bool, len(columns))}
	header := make([]string, len(columns))
	for i, name := range columns {
		header[i] = strings.TrimPrefix(name, ">")
		t.right[i] = header[i] != name
	}
	t.rows = append(t.rows, header)
	return t
}

// add adds a row. The cells are the table's from then on, and are changed: what a terminal must not
// be shown is replaced.
func (t *table) add(cells ...string) {
	for i, cell := range cells {
		cells[i] = plain(cell)
	}
	t.rows = append(t.rows, cells)
}

// plain returns a text as a terminal may show it, in one line. What was reported by others may hold
// what moves the cursor, or, by changing the direction of writing, shows another text than there
// is. Such a character is shown by its number, so that nothing disappears; a byte that is no UTF-8,
// which has none, by the mark for what cannot be shown.
func plain(text string) string {
	harmful := func(r rune) bool { return !isPlain(r) }
	if utf8.ValidString(text) && strings.IndexFunc(text, harmful) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isPlain(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "\\u{%x}", r)
		}
	}
	return b.String()
}

// isPlain tells whether a terminal shows a character and does nothing else. Line ends and tabs are
// not plain: in a cell they would break the table.
func isPlain(r rune) bool {
	return unicode.IsPrint(r) && !unicode.Is(unicode.Bidi_Control, r)
}

// widths returns how wide each column is.
func (t *table) widths() []int {
	widths := make([]int, len(t.right))
	copy(widths, t.written)
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

// width returns how wide the table is.
func (t *table) width() (all int) {
	for _, width := range t.widths() {
		all += width + len(gap)
	}
	return max(0, all-len(gap))
}

// narrow leaves out columns, in the order of the names that are given, until the table fits into so
// many; 0 is any number. Each row must have a cell for each column, and nothing be written yet.
func (t *table) narrow(columns int, names ...string) {
	for _, name := range names {
		if columns == 0 || t.width() <= columns {
			return
		}
		i := slices.Index(t.rows[0], name)
		t.right = slices.Delete(t.right, i, i+1)
		for n := range t.rows {
			t.rows[n] = slices.Delete(t.rows[n], i, i+1)
		}
	}
}

// gap stands between two columns.
const gap = "  "

// write prints the table, two spaces between the columns, in one piece. A character is taken to be
// one column wide, which those of the texts in question are. No line ends with spaces. Rows that
// are added after it are the next piece: they are written below, under the same columns.
func (t *table) write(w io.Writer) error {
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
			line.WriteString(gap)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	t.rows = t.rows[:0]
	_, err := io.WriteString(w, b.String())
	return err
}

// thousands writes a number with separators: 1,234,567. It is for people; number is for programs.
func thousands[N ~int | ~int64 | ~uint64](n N) string {
	magnitude := uint64(n)
	if n < 0 {
		magnitude = -magnitude // of the least number too, which has no opposite of its own type
	}
	digits := strconv.FormatUint(magnitude, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if n < 0 {
		return "-" + digits
	}
	return digits
}

// counted writes a number of things: 1 worker, 2,000 workers. thing is a word whose plural ends in
// s.
func counted[N ~int | ~int64 | ~uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return thousands(n) + " " + thing + "s"
}

// sparkline draws values as blocks, from 0 to the largest, a character a value. Values below 0 are
// drawn as 0. It begins at 0 and not at the smallest, so that a small change looks small.
func sparkline(values []int64) string {
	const blocks = "▁▂▃▄▅▆▇█"
	steps := []rune(blocks)
	var largest int64 = 1
	for _, v := range values {
		largest = max(largest, v)
	}
	line := make([]rune, len(values))
	for i, v := range values {
		line[i] = steps[max(v, 0)*int64(len(steps)-1)/largest]
	}
	return string(line)
}

// thin picks at most so many of the values, evenly, the last one included: that is what is the case
// now. Fewer are returned as they are, and not copied.
func thin(values []int64, most int) []int64 {
	if len(values) <= most {
		return values
	}
	picked := make([]int64, most)
	for i := range picked {
		picked[i] = values[(i+1)*len(values)/most-1]
	}
	return picked
}

// jsonArray writes an array of which not all is in memory, in the form of console.writeJSON. The
// zero array has no place to write to.
type jsonArray struct {
	out   *bufio.Writer
	begun bool
}

// add writes the next value.
func (a *jsonArray) add(value any) error {
	before := byte('[')
	if a.begun {
		before = ','
	}
	a.begun = true
	var one bytes.Buffer
	encoder := json.NewEncoder(&one)
	encoder.SetEscapeHTML(false)
	err := errors.Join(a.out.WriteByte(before), encoder.Encode(value))
	if err == nil {
		_, err = a.out.Write(bytes.TrimSuffix(one.Bytes(), []byte("\n")))
	}
	return err
}

// end ends the array: an empty one is an array too.
func (a *jsonArray) end() error {
	end := "]\n"
	if !a.begun {
		end = "[]\n"
	}
	_, err := a.out.WriteString(end)
	return errors.Join(err, a.out.Flush())
}
