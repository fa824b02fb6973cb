package lists

import (
	"encoding/json"
	"slices"
	"strings"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/domain/event"
)

// Record is what a row of a list says: an event, or why it is none. It is the caller's to keep.
// Just one of Event and Refusal is set. Cells may hold a NIK, and so does Event.
type Record struct {
	Row     int            // its number, as a spreadsheet shows it
	Event   []byte         // in JSON; nil when the row is refused
	NIK     []byte         // by the hash of which the event names somebody; nil: by none
	Refusal *event.Refusal // nil when there is an event
	Cells   []grid.Cell    // the row as it was, when the list keeps rows: see [Options]

	list    *header  // the names of the columns that the row stands under
	columns []column // those of them that are kept; a block has its own, which nobody writes
}

// size is about how many bytes the record holds. It is for bounds on memory and need not be exact.
func (r *Record) size() int {
	size := len(r.Event) + len(r.NIK)
	for i := range r.Cells {
		size += cellBytes + len(r.Cells[i].Text)
	}
	return size
}

// cellBytes is what a cell takes beside its text.
const cellBytes = 32

// defectsMax is how many defects of a row are told at once. More would be no help in one cell; the
// row comes back for the rest.
const defectsMax = 4

// refusalOf returns the refusal of a row: code and column of the first defect, and words about all,
// so that the row need not come back for each. faults has one at least. The refusal's field is the
// column as the list names it, and no field of an event.
func refusalOf(faults []defect, l Language) *event.Refusal {
	var words strings.Builder // takes everything
	// The first needs no name here: it is the refusal's field.
	for i, d := range faults[:min(len(faults), defectsMax)] {
		if i > 0 {
			_, _ = words.WriteString("; " + d.name + ": ")
		}
		_, _ = words.WriteString(d.fault.in(l))
	}
	return &event.Refusal{
		Code: faults[0].fault.code, Field: faults[0].name, Detail: words.String(),
	}
}

// keepCells returns a row's cells for as long as anybody wants them. All texts lie in one piece of
// memory, as a row is kept or dropped as a whole. The row's own texts are the reader's, which
// writes over them.
func keepCells(row *grid.Row) []grid.Cell {
	size := 0
	for i := range row.Cells {
		size += len(row.Cells[i].Text)
	}
	texts := make([]byte, 0, size)
	kept := slices.Clone(row.Cells)
	for i := range kept {
		from := len(texts)
		texts = append(texts, kept[i].Text...)
		kept[i].Text = texts[from:len(texts):len(texts)]
	}
	return kept
}

// appendJSON appends a text as JSON. Bytes that are not UTF-8 become U+FFFD.
func appendJSON(dst []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		return append(dst, `""`...) // a string always encodes
	}
	return append(dst, quoted...)
}
