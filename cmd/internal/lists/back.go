package lists

import (
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists/csv"
	"cakupan/cmd/internal/lists/grid"
	"cakupan/cmd/internal/lists/xlsx"
)

// IgnoredWords says, in the list's language, that columns are ignored. The names of the columns
// follow it.
func (i Info) IgnoredWords() string {
	if i.Lang == Indonesian {
		return "kolom yang diabaikan dan tidak disimpan"
	}
	return "columns that are ignored and not kept"
}

// NoRowsWords says, in the list's language, that it has no rows.
func (i Info) NoRowsWords() string {
	if i.Lang == Indonesian {
		return "daftar ini kosong: tidak ada baris di bawah nama kolom"
	}
	return "the list is empty: no row is under the names of its columns"
}

// SourceWords says, in the list's language, what its source is and how it gets another one. It is
// for the case that the ledger lets the sender report under other sources only.
func (i Info) SourceWords() string {
	if i.Lang == Indonesian {
		return "sumber daftar ini " + i.Source + ": kirim dengan --source URI, atau tulis \"" +
			fieldSource.title(i.Lang) + "\" dan URI-nya di atas kolom"
	}
	return "this list's source is " + i.Source + ": send it with --source URI, or write \"" +
		fieldSource.title(i.Lang) + "\" and the URI above the columns"
}

// Shown returns what a file of refusals may show of a row: the columns that are kept, as a JSON
// object, numbers of people masked. What cannot be shown safely is "", never the row as it was. It
// is meant for a file that its reader keeps for long, and so shows less than a [Return] does. The
// columns are those that the row stands under, however far the list has been read meanwhile.
func (r *Record) Shown() string {
	text := []byte{'{'}
	for i := range r.columns {
		c := &r.columns[i]
		if c.index >= len(r.Cells) || r.Cells[c.index].Kind == grid.Empty {
			continue
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(appendJSON(text, c.name), ':')
		shown := MaskNumbers(strings.ToValidUTF8(string(r.Cells[c.index].Text), "?"))
		if c.field == fieldNIK || c.field == fieldIntoNIK {
			// However mistyped, it still tells who is meant.
			shown = maskDigits(shown, digitsShownMax)
		}
		text = appendJSON(text, shown)
	}
	text = append(text, '}')
	// It cannot be: the test is for the day on which somebody changes what is appended above.
	if !json.Valid(text) {
		return ""
	}
	return string(text)
}

// writer writes rows of a spreadsheet. Row may use cells until it returns, and no longer.
type writer interface {
	Row(cells []grid.Cell) error
	Close() error
}

// Return gives rows of a list back to whose they are: as they were, with a column that says what to
// correct. Its output is a list again; that column is ignored then. It holds whole NIKs: its file
// is for the list's owner alone. It belongs to one goroutine, which need not be that of the list's
// Reader. The list must not be closed before it.
type Return struct {
	out    writer // nil where the list's own workbook is copied
	copied *copied
	remark int         // column of the remark, from 0; the list's own where it was returned before
	note   int         // that of what else is to be known
	cells  []grid.Cell // of the row that is written; used again
	header *header     // of the row before
	lang   Language
}

// Return begins a list of rows to be corrected, as a workbook or as CSV. What stood above the
// list's rows comes first, with the id, source and values that were given otherwise. So it can be
// sent again without the options of the first time, and is the same list then. What is written to
// out before Close returned nil is no list; out is not closed. The list must keep rows: see
// [Options].
func (l *List) Return(out io.Writer, asBook bool) (*Return, error) {
	if asBook {
		// The clerk's own workbook is what he knows, so it is preferred to a new one of the same
		// rows.
		if whole := l.copied(out); whole != nil {
			return &Return{copied: whole}, nil
		}
	}
	var to writer
	if asBook {
		book, err := xlsx.NewWriter(out, l.returnSheet(), l.since1904())
		if err != nil {
			return nil, err
		}
		to = book
	} else {
		// A workbook has none; a semicolon is what Excel expects where a comma is in numbers.
		separator := l.separate
		if separator == 0 {
			separator = ';'
		}
		to = csv.NewWriter(out, separator)
	}
	r := &Return{out: to, header: l.header, lang: l.info.Lang}
	r.remark, r.note = l.header.remarks(0)
	for _, declared := range l.declarations() {
		if err := to.Row(declared); err != nil {
			return nil, err
		}
	}
	// A row without anything divides what is declared from the names, as letterheads do.
	if err := to.Row(nil); err != nil {
		return nil, err
	}
	names := make([]grid.Cell, len(l.header.names))
	for i, name := range l.header.names {
		names[i] = textCell(name)
	}
	r.cells = names
	return r, r.write(fieldRemark.title(l.info.Lang), noteTitle(l.info.Lang))
}

// remarks returns the columns of what is to be corrected and of what else is to be known: those of
// a list that was returned before, or new ones at the end. Columns count from 0. width is how many
// columns the rows have: those without a name may be beyond the names, and nothing is written over
// them.
func (h *header) remarks(width int) (remark, note int) {
	remark = max(len(h.names), width)
	for i, f := range h.fields {
		if f == fieldRemark {
			remark = i
		}
	}
	// A column of that name is the list's own unless it stands last, behind the remarks.
	note = max(len(h.names), width, remark+1)
	if at := remark + 1; at == len(h.names)-1 && (h.names[at] == noteTitle(Indonesian) ||
		h.names[at] == noteTitle(English)) {
		note = at
	}
	return remark, note
}

// noteTitle names the column of what else is to be known. It is one of those that lists may have
// and nothing is kept of. It must be one of the names of fieldPersonal.
func noteTitle(l Language) string {
	if l == Indonesian {
		return "Catatan"
	}
	return "Notes"
}

// returnSheet names the sheet as it was, or by the kind of list. Whoever gave --sheet can give the
// same command with the corrected file. An Excel sheet's name may still be cut by the writer.
func (l *List) returnSheet() string {
	if l.info.Sheet != "" {
		return l.info.Sheet
	}
	return l.info.Kind.Title(l.info.Lang)
}

// textCell makes a cell of a text. No text is an empty cell, as readers return it.
func textCell(text string) grid.Cell {
	if text == "" {
		return grid.Cell{}
	}
	return grid.Cell{Kind: grid.Text, Text: []byte(text)}
}

// declarations returns what is declared for all rows, whoever declared it. Each line is a name and
// a value. They are those that hold when it is asked, before any row: what is declared further down
// is not among them.
func (l *List) declarations() [][]grid.Cell {
	lang := l.info.Lang
	all := [][]grid.Cell{
		{textCell(fieldList.title(lang)), textCell(l.info.ID)},
		{textCell(fieldSource.title(lang)), textCell(l.info.Source)},
		{textCell(fieldKind.title(lang)), textCell(l.info.Kind.Title(lang))},
	}
	for f := range l.defaults {
		if v := l.defaults[f]; v != nil && l.fallback[f] != "" {
			all = append(all, []grid.Cell{textCell(field(f).title(lang)), textCell(v.written())})
		}
	}
	return all
}

// written returns a value as a list may have it. It reads back as the same value: counts as
// numbers, texts without quotes, sets with commas.
func (v *value) written() string {
	if v.count > 0 {
		return strconv.Itoa(v.count)
	}
	var text string
	if json.Unmarshal([]byte(v.json), &text) == nil {
		return text
	}
	return strings.NewReplacer(`"`, "", "[", "", "]", "", ",", ", ").Replace(v.json)
}

// ErrFull is returned for a row that a workbook has no place for. The rows before it stand.
var ErrFull = xlsx.ErrFull

// Row gives a row back, by its record, with words about what to correct. The record must be of this
// list, with its cells. Records come in the order of their rows.
func (r *Return) Row(record *Record, words string) error { return r.row(record, words, "") }

// Note gives a row back that was taken in, with words about what is to be known of it. The words
// say what the row has done; they are "" for a sound row of a whole list of which another one was
// refused, as all of it is sent again.
func (r *Return) Note(record *Record, words string) error { return r.row(record, "", words) }

// row gives a row back with both kinds of words, of which one is "". In a copy the rows are only
// noted: it is written by Close.
func (r *Return) row(record *Record, words, note string) error {
	if r.copied != nil {
		r.copied.add(record.Row, xlsx.Words{words, note})
		return nil
	}
	if record.list != r.header {
		if err := r.again(record.list); err != nil {
			return err
		}
	}
	r.cells = append(r.cells[:0], record.Cells...)
	return r.write(words, note)
}

// again writes what was said since the row before, of values for the rows below and of columns.
// Rows of a block with other columns, or with another value for all of them, would mean something
// else without it.
func (r *Return) again(h *header) error {
	before := r.header
	r.header = h
	if h == nil {
		return nil
	}
	if before != nil && len(before.said) <= len(h.said) {
		for _, d := range h.said[len(before.said):] {
			if err := r.out.Row([]grid.Cell{textCell(d.name), d.cell}); err != nil {
				return err
			}
		}
		if slices.Equal(before.names, h.names) {
			return nil
		}
	}
	// The block has more columns than the one before: the remarks move behind them.
	if r.remark < len(h.names) && h.fields[r.remark] != fieldRemark {
		r.remark, r.note = h.remarks(0)
	}
	r.cells = r.cells[:0]
	for _, name := range h.names {
		r.cells = append(r.cells, textCell(name))
	}
	return r.write(fieldRemark.title(r.lang), noteTitle(r.lang))
}

// write writes the row in r.cells with words in the columns of remarks.
func (r *Return) write(words, note string) error {
	r.put(r.remark, words)
	if note != "" {
		r.put(r.note, note)
	}
	return r.out.Row(r.cells)
}

// put puts words into a column of the row that is written, and makes the row wide enough for them.
func (r *Return) put(column int, words string) {
	for len(r.cells) <= column {
		r.cells = append(r.cells, grid.Cell{})
	}
	r.cells[column] = textCell(words)
}

// Close ends the list. It does not close out. Without it a workbook cannot be read.
func (r *Return) Close() error {
	if r.copied != nil {
		return r.copied.write()
	}
	return r.out.Close()
}
