package ods

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"cakupan/cmd/internal/lists/grid"
)

// reader reads the content from its beginning. It belongs to whoever opened it, and is not used
// again after an error.
type reader struct {
	part   io.ReadCloser
	xml    *xml.Decoder
	struck map[string]bool // styles whose text is struck out
	style  string          // the style that is being read
	hidden map[string]bool // styles whose sheet is hidden
	table  string          // the style of the sheet that was come to last
}

// nextTable reads up to the next sheet and returns its name. What it passes over teaches it styles.
// io.EOF says that there is none. Tokens are raw: prefixes are not resolved, as the names alone
// tell the elements apart, and a part may be read that is not well-formed to its end.
func (r *reader) nextTable() (string, error) {
	for {
		token, err := r.xml.RawToken()
		if err != nil {
			return "", err
		}
		tag, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch tag.Name.Local {
		case "style":
			r.style = attribute(&tag, "name")
		case "text-properties":
			line := attribute(&tag, "text-line-through-style")
			// A file with more styles than that was made by no person; the rest count as not struck
			// out.
			if line != "" && line != "none" && len(r.struck) < 1<<16 {
				r.struck[r.style] = true
			}
		case "table-properties":
			if attribute(&tag, "display") == "false" && len(r.hidden) < sheetsMax {
				r.hidden[r.style] = true
			}
		case "table":
			r.table = attribute(&tag, "style-name")
			return attribute(&tag, "name"), nil
		}
	}
}

// attribute returns an attribute by its name without prefix, "" when it is not there. Attributes of
// one name and two prefixes are told apart by attributeSpace.
func attribute(tag *xml.StartElement, name string) string {
	for i := range tag.Attr {
		if tag.Attr[i].Name.Local == name {
			return tag.Attr[i].Value
		}
	}
	return ""
}

// Rows reads the rows of a sheet from top to bottom. Rows without a value are left out. A row that
// stands for many is parsed once and returned as often as it says.
type Rows struct {
	in    *reader
	row   grid.Row
	again int // how often the row comes once more
	last  int // number of the last row
	shown bool
	ended bool

	stroke bool // the text of the cell that is read is struck out in part
	merges []grid.Merge
}

// Merges returns the cells that are merged, of the rows that were read. They come with the rows, so
// they are whole once Next has returned io.EOF. The error is always nil.
func (r *Rows) Merges() ([]grid.Merge, error) { return r.merges, nil }

// merge takes note of a cell that is shown over others too. column counts from 0. Those beyond
// [grid.MergesMax] are left out. Rows that repeat are not merged beyond the first.
func (r *Rows) merge(tag *xml.StartElement, column int) {
	down, right := repeated(tag, "number-rows-spanned"), repeated(tag, "number-columns-spanned")
	if (down > 1 || right > 1) && len(r.merges) < grid.MergesMax {
		top := r.last + 1
		r.merges = append(r.merges, grid.Merge{
			Top: top, Left: column, Bottom: top + down - 1, Right: column + right - 1,
		})
	}
}

// Close ends the reading. It ends the part, not the Book.
func (r *Rows) Close() error { return r.in.part.Close() }

// Next returns the next row that has a value, valid until the next call; io.EOF at the end. Any
// other error is a [grid.Error], after which nothing more can be read. A sheet that does not end is
// one: the people below would be missing without a word.
func (r *Rows) Next() (*grid.Row, error) {
	// The same cells once more, under the next number.
	if r.again > 0 {
		r.again--
		r.last++
		r.row.Number = r.last
		return &r.row, nil
	}
	for !r.ended {
		token, err := r.in.xml.RawToken()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, damaged(err)
		}
		switch tag := token.(type) {
		case xml.StartElement:
			switch tag.Name.Local {
			// Rows may stand in groups and headers, which are passed through: a row counts wherever
			// it stands.
			case "table-row":
				whole, err := r.readRow(&tag)
				if err != nil {
					return nil, damaged(err)
				}
				if whole {
					return &r.row, nil
				}
			case "shapes", "table": // pictures, and tables in cells
				if err := r.skip(); err != nil {
					return nil, damaged(err)
				}
			}
		// It is that of the sheet: tables within it were skipped with their ends.
		case xml.EndElement:
			r.ended = tag.Name.Local == "table"
		}
	}
	return nil, io.EOF
}

// skip passes over the rest of an element. Its start tag was taken.
func (r *Rows) skip() error {
	for depth := 1; depth > 0; {
		token, err := r.in.xml.RawToken()
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
	}
	return nil
}

// repeated returns how often a row or cell stands there. What is no number, or not above 0, is 1.
// The bound is above any sheet, so that sums of it do not overflow and still are too many.
func repeated(tag *xml.StartElement, name string) int {
	n, err := strconv.Atoi(attribute(tag, name))
	if err != nil || n < 1 {
		return 1
	}
	return min(n, 2*rowsMax)
}

// readRow reads a row; false when it has no value. A row without a value may be repeated a million
// times, which LibreOffice writes below every list: that only counts. One that has values may not
// go beyond the last row of a sheet.
func (r *Rows) readRow(tag *xml.StartElement) (bool, error) {
	count := repeated(tag, "number-rows-repeated")
	visible := attribute(tag, "visibility")
	r.row.Hidden = visible == "collapse" || visible == "filter"
	r.row.Struck, r.row.Stroke, r.shown = false, false, false
	r.row.Cells = r.row.Cells[:0]
	for column := 0; ; {
		token, err := r.in.xml.RawToken()
		if err != nil {
			return false, err
		}
		switch tag := token.(type) {
		case xml.EndElement:
			if tag.Name.Local != "table-row" {
				continue
			}
			// The number of the last of them is reckoned first, for the bound.
			r.last += count
			if len(r.row.Cells) == 0 {
				return false, nil
			}
			if r.last > rowsMax {
				return false, grid.NewError(
					"the sheet has more rows than a sheet can have",
					"lembar ini punya lebih banyak baris daripada yang mungkin: simpan lagi",
				)
			}
			r.again, r.last = count-1, r.last-count+1
			r.row.Number = r.last
			return true, nil
		case xml.StartElement:
			if tag.Name.Local != "table-cell" && tag.Name.Local != "covered-table-cell" {
				continue
			}
			// The number of cells that stand for one tag; covered ones count, as they hold a
			// column.
			width := repeated(&tag, "number-columns-repeated")
			r.merge(&tag, column)
			cell, err := r.readCell(&tag)
			if err != nil {
				return false, err
			}
			struck := r.in.struck[attribute(&tag, "style-name")]
			if err := r.put(column, width, cell, struck); err != nil {
				return false, err
			}
			// Empty cells may claim any width; what has a value there is refused by put.
			column = min(column+width, rowsMax)
		}
	}
}

// put puts a cell in its places. The cells share their text. Nobody writes into it.
func (r *Rows) put(column, width int, cell grid.Cell, struck bool) error {
	if cell.Kind == grid.Empty {
		return nil
	}
	if column+width > grid.ColumnsMax {
		return grid.TooWide(r.last + 1)
	}
	for len(r.row.Cells) < column {
		r.row.Cells = append(r.row.Cells, grid.Cell{})
	}
	for range width {
		r.row.Cells = append(r.row.Cells, cell)
	}
	r.shown = r.shown || !struck
	r.row.Struck = !r.shown
	r.row.Stroke = r.row.Stroke || struck || r.stroke
	return nil
}

// readCell reads a cell to its end. What is shown is a text; what is stored stands in attributes,
// and is what counts for numbers and days, whose form depends on the language of the file.
func (r *Rows) readCell(tag *xml.StartElement) (grid.Cell, error) {
	shown, err := r.readText()
	if err != nil {
		return grid.Cell{}, err
	}
	kind := attribute(tag, "value-type")
	switch {
	// A formula that was never computed.
	case kind == "" && attribute(tag, "formula") != "":
		return grid.Cell{Kind: grid.Formula}, nil
	case kind == "" && shown == "":
		return grid.Cell{}, nil
	}
	// By the standard an error is a text; LibreOffice says in an attribute of its own that it is
	// none.
	if attributeSpace(tag, "calcext", "value-type") == "error" {
		return grid.Cell{Kind: grid.Fault, Text: []byte(shown)}, nil
	}
	switch kind {
	case "float", "currency", "percentage":
		value := attribute(tag, "value")
		// A number of a person that is kept as a number and shown with its zeros: what is shown is
		// meant.
		if showsZeros(shown, value) {
			return text(shown), nil
		}
		return grid.Cell{Kind: grid.Number, Text: []byte(value)}, nil
	case "date":
		value := attribute(tag, "date-value")
		if strings.HasSuffix(value, "Z") {
			return text(value), nil // a moment: which day that is, depends on where
		}
		if serial, ok := serialOf(value); ok {
			return grid.Cell{Kind: grid.Date, Text: []byte(serial)}, nil
		}
	case "boolean":
		value := "0"
		if attribute(tag, "boolean-value") == "true" {
			value = "1"
		}
		return grid.Cell{Kind: grid.Bool, Text: []byte(value)}, nil
	case "string":
		if value := attribute(tag, "string-value"); value != "" {
			shown = value
		}
	}
	return text(shown), nil
}

// text makes a cell of what is shown. An empty text is an empty cell.
func text(shown string) grid.Cell {
	if shown == "" {
		return grid.Cell{}
	}
	return grid.Cell{Kind: grid.Text, Text: []byte(shown)}
}

// attributeSpace returns an attribute by its name and prefix. The prefix is as the file writes it.
func attributeSpace(tag *xml.StartElement, prefix, name string) string {
	for i := range tag.Attr {
		if a := &tag.Attr[i]; a.Name.Local == name && a.Name.Space == prefix {
			return a.Value
		}
	}
	return ""
}

// showsZeros tells whether a cell shows its number with zeros in front, or with strokes or spaces
// between its digits. A negative number is shown with a stroke of another meaning.
func showsZeros(shown, value string) bool {
	digits := strings.NewReplacer("-", "", " ", "").Replace(shown)
	return len(shown) > len(value) && strings.TrimLeft(digits, "0") == value && value != "" &&
		shown[0] != '-'
}

// serialOf returns a day as a spreadsheet counts it. A time of day is its fraction. What is no day
// as ISO 8601 writes it is false.
func serialOf(date string) (string, bool) {
	const layout = "2006-01-02T15:04:05"
	if len(date) == len("2006-01-02") {
		date += "T00:00:00"
	}
	// Parts of a second say nothing of the day.
	if dot := strings.IndexByte(date, '.'); dot > 0 {
		date = date[:dot]
	}
	at, err := time.Parse(layout, date)
	if err != nil {
		return "", false
	}
	// A moment of the day is in UTC here, as the text has no zone.
	const zero = -25569 // the day 0 of the count, from 1970
	days := float64(at.Unix())/86400 - zero
	if days == math.Trunc(days) {
		return strconv.FormatInt(int64(days), 10), true
	}
	return strconv.FormatFloat(days, 'f', -1, 64), true
}

// readText reads the text of a cell, up to the cell's end. Notes that hang on it are left out. It
// sets stroke. Paragraphs are lines of it; a cell may have spaces that XML would lose as elements
// of their own.
func (r *Rows) readText() (string, error) {
	var out strings.Builder // takes everything
	r.stroke = false
	// depth counts open elements, the cell among them; note is the depth of a note that is passed
	// over.
	paragraphs, depth, note := 0, 1, 0
	for depth > 0 {
		token, err := r.in.xml.RawToken()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			switch {
			case note > 0:
			case t.Name.Local == "annotation" || t.Name.Local == "shapes":
				note = depth
			case t.Name.Local == "p":
				if paragraphs++; paragraphs > 1 {
					_ = out.WriteByte('\n')
				}
			case t.Name.Local == "s":
				_, _ = out.WriteString(strings.Repeat(" ", min(repeated(&t, "c"), 100)))
			case t.Name.Local == "span":
				r.stroke = r.stroke || r.in.struck[attribute(&t, "style-name")]
			case t.Name.Local == "tab" || t.Name.Local == "line-break":
				_ = out.WriteByte(' ')
			}
		case xml.EndElement:
			if note == depth {
				note = 0
			}
			depth--
		// White space outside of paragraphs is only how the file is laid out.
		case xml.CharData:
			if note == 0 && paragraphs > 0 {
				_, _ = out.Write(t)
			}
		}
		if out.Len() > textMax {
			return "", &grid.Error{
				Row: r.last + 1, Detail: "a cell holds more text than a list needs",
				ID: "sebuah sel berisi lebih banyak teks daripada yang perlu",
			}
		}
	}
	return out.String(), nil
}
