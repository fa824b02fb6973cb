package lists

import (
	"encoding/json"
	"slices"
	"strings"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/domain/event"
)

// Record is what a row of a list says: an event, or why it is none. It is the caller's to keep.
type Record struct {
	Row     int            // its number, as a spreadsheet shows it
	Event   []byte         // in JSON; nil when the row is refused
	Refusal *event.Refusal // nil when there is an event
	Cells   []grid.Cell    // the row as it was, when the list keeps rows: see [Options]

	list *header // the names of the columns that the row stands under
}

// size is about how many bytes the record holds.
func (r *Record) size() int {
	size := len(r.Event)
	for i := range r.Cells {
		size += cellBytes + len(r.Cells[i].Text)
	}
	return size
}

// cellBytes is what a cell takes beside its text.
const cellBytes = 32

// defectsMax is how many defects of a row are told at once.
const defectsMax = 4

// refusalOf returns the refusal of a row: code and column of the first defect, and words about
// all, so that the row need not come back for each.
func refusalOf(faults []defect, l Language) *event.Refusal {
	var words strings.Builder // takes everything
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

// keepCells returns a row's cells for as long as anybody wants them.
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

// appendJSON appends a text as JSON.
func appendJSON(dst []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		return append(dst, `""`...) // a string always encodes
	}
	return append(dst, quoted...)
}
