package lists

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/cmd/internal/problem"
)

// rows is what a file gives row by row; io.EOF ends it. A row is valid until the next call. Another
// error ends it too, and says what is wrong with the file. It belongs to one goroutine.
type rows interface {
	Next() (*grid.Row, error)
}

// headerRowsMax is how far down the row that names the columns may stand. Official lists have a
// letterhead and declarations above it; what is deeper is data without names. It counts rows as a
// spreadsheet shows them, blank ones too.
const headerRowsMax = 50

// header is what stands in a list before its first row of data. names and fields have one entry for
// each column of the row that names them; "" and noField stand for a column without one. It is not
// changed once rows below it are read: a block of rows that names its columns anew has a header of
// its own.
type header struct {
	row      int      // its number, as a spreadsheet shows it
	names    []string // of the columns, as written
	fields   []field  // what they mean
	known    int      // how many mean something
	language int      // sum over the names: above 0 Indonesian, below English
	declared []declaration
	said     []declaration  // below the names of columns, up to here: of blocks before, too
	above    []grid.Row     // the rows above
	width    int            // of CSV: how many values the row has
	marks    map[int]string // programmes by the columns in which a mark stands for them
	idCell   string         // where the list's id is missing, as spreadsheets call it; "": nowhere
}

// declaration is a value given for all rows. The cell's text is its own copy.
type declaration struct {
	field field
	name  string // as written
	cell  grid.Cell
	row   int // 0: it stands in no row
}

// findHeader reads up to the row that names the columns; nil when there is none. The rows above it
// are copied, as a row is valid until the next only. The rows above are declarations or a
// letterhead; which of them declare anything is found out when the kind of list is known.
func findHeader(in rows) (*header, error) {
	h := &header{}
	for range headerRowsMax {
		row, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, nil
		case err != nil:
			return nil, err
		// Blank rows are not returned, so fewer than that many calls may come to it.
		case row.Number > headerRowsMax:
			return nil, nil
		}
		if h.name(row) {
			h.beneath()
			return h, nil
		}
		h.declare(row)
		h.above = append(h.above, cloneRow(row))
	}
	return nil, nil
}

// cloneRow copies a row with its texts, which belong to the reader and are used again. What else is
// known of the row says nothing above the columns.
func cloneRow(row *grid.Row) grid.Row {
	copied := grid.Row{Number: row.Number, Cells: make([]grid.Cell, len(row.Cells))}
	for i, c := range row.Cells {
		copied.Cells[i] = grid.Cell{Kind: c.Kind, Text: bytes.Clone(c.Text)}
	}
	return copied
}

// name takes a row for the one that names the columns, if it does: it has a column that says who
// is meant, and that alone or with another one that is known. It changes nothing unless it returns
// true.
func (h *header) name(row *grid.Row) bool {
	var texts []string
	var fields []field
	known, filled, language, person := 0, 0, 0, false
	for _, cell := range row.Cells {
		text := ""
		if cell.Kind == grid.Text {
			text = headingText(cell.Text)
		}
		m := meaningOf(text)
		if m.field == noField && programmeNamed(plain(text)) != "" {
			m.field = fieldMark
		}
		texts, fields = append(texts, text), append(fields, m.field)
		if text != "" {
			filled++
		}
		if m.field != noField {
			language += m.language
		}
		// Words that only declare something are no names of columns.
		if m.field.isColumn() {
			known++
		}
		person = person || m.field.isPersonal()
	}
	// One word such as NIK may stand in a letterhead among others; two that are known stand in no
	// sentence.
	if !person || known < 2 && filled > 1 {
		return false
	}
	h.row, h.names, h.fields, h.known, h.width = row.Number, texts, fields, known, row.Width
	for i, f := range fields {
		if f == fieldMark {
			h.mark(i, programmeNamed(plain(texts[i])))
		}
	}
	// Declarations above have been counted by then.
	h.language += language
	return true
}

// declare takes a row above the columns for a declaration, if it is one: a name and a value, in
// two cells or with a colon in one. The first of two colons divides: a URI has one of its own. What
// it takes is judged later, by take.
func (h *header) declare(row *grid.Row) {
	var filled []grid.Cell
	at := 0 // the column of the first
	for i, cell := range row.Cells {
		if cell.Kind != grid.Empty && !isBlank(cell.Text) {
			if len(filled) == 0 {
				at = i
			}
			filled = append(filled, cell)
		}
	}
	if len(filled) == 0 || filled[0].Kind != grid.Text {
		return
	}
	// A value in the same cell goes before the cell beside it, which may belong to a letterhead.
	label, value, inOne := bytes.Cut(filled[0].Text, []byte(":"))
	if !inOne && len(filled) == 1 {
		// Above the columns another separator may stand than among them.
		if i := bytes.IndexAny(label, ",;\t|"); i >= 0 {
			label, value, inOne = label[:i], label[i+1:], true
		}
	}
	cell := grid.Cell{Kind: grid.Text, Text: bytes.Clone(trim(value))}
	if len(filled) > 1 && (!inOne || len(trim(value)) == 0) {
		next := filled[1]
		// Forms have the colon in a column of its own.
		if string(trim(next.Text)) == ":" && len(filled) > 2 {
			next = filled[2]
		}
		text := bytes.TrimPrefix(trim(next.Text), []byte(":"))
		cell = grid.Cell{Kind: next.Kind, Text: bytes.Clone(trim(text))}
	}
	m := meanings[plain(string(label))]
	// A template that nobody has filled in: the refusal names the cell.
	if m.field == fieldList && len(cell.Text) == 0 {
		h.idCell = cellName(at+1, row.Number)
	}
	if m.field == noField || m.field >= fieldOrdinal || len(cell.Text) == 0 {
		return
	}
	h.language += m.language
	h.declared = append(h.declared, declaration{
		m.field, string(trim(label)), cell, row.Number,
	})
}

// lang returns the language of the names. Where neither wins it is English.
func (h *header) lang() Language {
	if h.language > 0 {
		return Indonesian
	}
	return English
}

// unclear refuses a column of ends that may be in or out. The contract counts the first day that is
// out, clerks mean the last day that is in: to guess wrong would be a day of cover for everybody on
// the list. The error says what to rename the column to. See contract, section 1: periods are
// half-open.
func (h *header) unclear(k Kind) error {
	for i, f := range h.fields {
		if f != fieldUnclear {
			continue
		}
		name := quote(h.names[i])
		switch k {
		case Enrolment, Death, Merge, UnknownKind: // such a column means nothing there
		case Termination:
			return h.problem("kolom %s dapat berarti dua hari: namai %s (hari pertama tidak"+
				" tercakup) atau %s (hari terakhir tercakup)",
				"the column %s may mean two days: call it %s or %s (the last day covered)",
				name, quote(fieldUntil.title(h.lang())), quote(fieldLastDay.title(h.lang())))
		case Funding, Contribution:
			return h.problem("kolom %s dapat berarti dua bulan: namai %s (bulan terakhir yang"+
				" dibayar) atau %s",
				"the column %s may mean two months: call it %s (the last month paid) or %s",
				name, quote(fieldLastMonth.title(h.lang())), quote(fieldUntilMonth.title(h.lang())))
		}
	}
	return nil
}

// noID says that the list has no id, and where to write it. The id cannot be made up: from the
// file's name, say, the corrected file would be another list, and everybody on it reported twice.
func (h *header) noID() error {
	id, en := "di atas kolom: kata \"Daftar\" di sel pertama, kodenya di sel sebelahnya,",
		"above the columns, the word \"List\" in the first cell and the id in the next,"
	if h.idCell != "" {
		id = "di sel " + h.idCell + ", di samping kata \"Daftar\","
		en = "into cell " + h.idCell + ", beside the word \"List\","
	}
	if h.lang() == Indonesian {
		return problem.New(problem.UsageWrong, "kode daftar belum diisi: tulis "+id+
			" misalnya BB-RENTAN-2021-03, atau beri --list BB-RENTAN-2021-03")
	}
	return problem.New(problem.UsageWrong, "the list has no id, by which a corrected list is"+
		" known as the same one: write it "+en+" such as BB-VULNERABLE-2021-03, or give --list"+
		" BB-VULNERABLE-2021-03")
}

// cellName returns what spreadsheets call a cell, "B1": its column from 0, its row from 1.
func cellName(column, row int) string { return columnName(column) + strconv.Itoa(row) }

// columnName returns what spreadsheets call a column, from 0.
func columnName(column int) string {
	name := ""
	for column++; column > 0; column = (column - 1) / 26 {
		name = string(rune('A'+(column-1)%26)) + name
	}
	return name
}

// usage says in the list's language what was asked for wrongly. It is for what an option can mend,
// and has the exit code of wrong usage.
func (h *header) usage(id, en string, args ...any) error {
	format := en
	if h.lang() == Indonesian {
		format = id
	}
	return problem.New(problem.UsageWrong, fmt.Sprintf(format, args...))
}

// problem says in the list's language what is wrong with it as a whole. It is for what only a
// change of the file can mend. id and en are formats of the same arguments.
func (h *header) problem(id, en string, args ...any) error {
	format := en
	if h.lang() == Indonesian {
		format = id
	}
	return problem.New(problem.FileNotReadable, fmt.Sprintf(format, args...))
}
