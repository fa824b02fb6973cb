package xlsx

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"cakupan/cmd/internal/lists/grid"
)

// Writer writes a workbook of one sheet row by row, holding none. Texts are formatted as Text, so
// that Excel does not make numbers or dates of them. It belongs to one goroutine. After an error,
// or without Close, what was written is no workbook.
type Writer struct {
	archive *zip.Writer
	sheet   io.Writer // the part of the sheet, which must be written last: a zip has one open
	row     int       // the number of the last row, left out or not
	line    []byte    // used again for each row
}

// They number the cellXfs below, in their order.
// The formats of cells that a workbook of a [Writer] has, by number.
const (
	plainFormat = 0
	textFormat  = 1
	dateFormat  = 2
)

// xmlHead begins each part that is written here.
const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

// The names of the transitional form, which every program reads: see [Book.CanAdd] for the strict
// one.
const (
	mainSpace     = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	relationSpace = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	packageSpace  = "http://schemas.openxmlformats.org/package/2006/"
	partType      = "application/vnd.openxmlformats-officedocument.spreadsheetml."
)

// NewWriter begins a workbook with one sheet. date1904 must be that of the workbook whose dates are
// written: they are numbers, and stay as they were. The sheet's name is cut and cleaned to what
// Excel allows. out is not closed by the Writer.
func NewWriter(out io.Writer, sheetName string, date1904 bool) (*Writer, error) {
	w := &Writer{archive: zip.NewWriter(out)}
	since := ""
	if date1904 {
		since = `<workbookPr date1904="1"/>`
	}
	name := appendEscaped(nil, sheetTitle(sheetName))
	for _, part := range []struct{ name, text string }{
		{"[Content_Types].xml", `<Types xmlns="` + packageSpace + `content-types">` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.` +
			`relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="` + partType + `sheet.main+xml"/>` +
			`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="` + partType +
			`worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="` + partType +
			`styles+xml"/></Types>`},
		{"_rels/.rels", `<Relationships xmlns="` + packageSpace + `relationships">` +
			`<Relationship Id="r1" Type="` + relationSpace + `/officeDocument"` +
			` Target="xl/workbook.xml"/></Relationships>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + packageSpace +
			`relationships"><Relationship Id="r1" Type="` + relationSpace + `/worksheet"` +
			` Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="` + relationSpace +
			`/styles" Target="styles.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook xmlns="` + mainSpace + `" xmlns:r="` + relationSpace +
			`">` + since + `<sheets><sheet name="` + string(name) +
			`" sheetId="1" r:id="r1"/></sheets></workbook>`},
		{"xl/styles.xml", styles},
	} {
		to, err := w.archive.Create(part.name)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(to, xmlHead+part.text); err != nil {
			return nil, err
		}
	}
	var err error
	if w.sheet, err = w.archive.Create("xl/worksheets/sheet1.xml"); err != nil {
		return nil, err
	}
	// Columns that nobody has written in are formatted as Text too: what a clerk types there keeps
	// its zeros.
	_, err = io.WriteString(w.sheet, xmlHead+`<worksheet xmlns="`+mainSpace+
		`"><cols><col min="1" max="40" width="22" style="1" customWidth="1"/></cols><sheetData>`)
	return w, err
}

// styles are the formats of cells: general, Text and day. It has what Excel itself writes at least,
// as other programs ask for it: openpyxl opens no workbook that has a fill of nothing.
const styles = `<styleSheet xmlns="` + mainSpace + `"><fonts count="1"><font><sz val="11"/>` +
	`<name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/>` +
	`</fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border>` +
	`<left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1">` +
	`<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3">` +
	`<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
	`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
	`<xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
	`</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/>` +
	`</cellStyles></styleSheet>`

// sheetTitle returns a name that Excel allows.
func sheetTitle(name string) string {
	// Excel calls a file damaged in which a sheet has a longer name.
	const runesMax = 31
	var title []rune
	for _, r := range name {
		if bytes.ContainsRune([]byte(`[]:*?/\`), r) {
			r = ' '
		}
		if title = append(title, r); len(title) == runesMax {
			break
		}
	}
	if len(title) == 0 {
		return "1"
	}
	return string(title)
}

// ErrFull is returned for a row that a sheet has no place for.
var ErrFull = errors.New("a sheet has 1,048,576 rows and no more")

// Row writes a row; one without cells is left empty. Rows are numbered by the calls, from 1. Texts
// of cells are copied before it returns. Beyond 1,048,576, which is all that Excel opens, it
// returns ErrFull; the rows before stand.
func (w *Writer) Row(cells []grid.Cell) error {
	if w.row == rowsMax {
		return ErrFull
	}
	w.row++
	w.line = append(w.line[:0], `<row r="`...)
	w.line = append(strconv.AppendInt(w.line, int64(w.row), 10), `">`...)
	for i := range cells {
		if cells[i].Kind == grid.Empty {
			continue
		}
		w.line = append(w.line, `<c r="`...)
		w.line = strconv.AppendInt(appendColumn(w.line, i), int64(w.row), 10)
		w.line = appendCell(append(w.line, '"'), &cells[i])
	}
	w.line = append(w.line, "</row>"...)
	_, err := w.sheet.Write(w.line)
	return err
}

// appendCell appends a cell from after its reference on. The kinds that are texts, and a formula,
// whose value nobody knows, are written as texts.
func appendCell(dst []byte, cell *grid.Cell) []byte {
	kind, format := "", plainFormat
	switch cell.Kind {
	case grid.Number:
	case grid.Date:
		format = dateFormat
	case grid.Bool:
		kind = "b"
	case grid.Fault:
		kind = "e"
	default:
		dst = append(dst, ` t="inlineStr" s="`...)
		dst = strconv.AppendInt(dst, textFormat, 10)
		dst = append(dst, `"><is><t xml:space="preserve">`...)
		return append(appendEscaped(dst, literal(string(cell.Text))), "</t></is></c>"...)
	}
	if kind != "" {
		dst = append(append(append(dst, ` t="`...), kind...), '"')
	}
	dst = append(strconv.AppendInt(append(dst, ` s="`...), int64(format), 10), `"><v>`...)
	return append(appendEscaped(dst, string(cell.Text)), "</v></c>"...)
}

// appendColumn appends the letters of a column from 0. A is 0, and AA is 26.
func appendColumn(dst []byte, column int) []byte {
	if column >= 26 {
		dst = appendColumn(dst, column/26-1)
	}
	return append(dst, byte('A'+column%26))
}

// likeEscape finds what would be read as one of Excel's own escapes.
var likeEscape = regexp.MustCompile(`^_x[0-9a-fA-F]{4}_`)

// literal returns a text so that it is read as it is, with an escape for the underscore of whatever
// looks like one: _x0041_ is written as _x005F_x0041_.
func literal(text string) string {
	if !strings.Contains(text, "_x") {
		return text
	}
	var b strings.Builder
	for i := range len(text) {
		if likeEscape.MatchString(text[i:]) {
			b.WriteString("_x005F")
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// appendEscaped appends text for XML. What XML cannot have becomes a question mark. Only a line
// feed and a tab stay as they are among control characters; a carriage return would be read as a
// line feed if it were not escaped.
func appendEscaped(dst []byte, text string) []byte {
	for _, r := range text {
		switch {
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '"':
			dst = append(dst, "&quot;"...)
		case r == '\r':
			dst = append(dst, "&#13;"...)
		case r < ' ' && r != '\n' && r != '\t', r == 0xfffe, r == 0xffff:
			dst = append(dst, '?')
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// Close ends the workbook. It does not close what is under it. It is called once, after the last
// row.
func (w *Writer) Close() error {
	if _, err := io.WriteString(w.sheet, "</sheetData></worksheet>"); err != nil {
		return err
	}
	return w.archive.Close()
}
