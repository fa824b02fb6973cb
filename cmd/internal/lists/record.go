package lists

import (
	"bytes"
	"encoding/binary"
	"encoding/json"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/domain/event"
)

// A record is either an event as a JSON line, which begins with a brace, or a refusal, which does
// not. After it, divided by a byte that neither has, may come the row as it was.
const (
	refusalMark = 'R'
	rowMark     = 0
	partMark    = 0x1f
)

// Split divides a record into its parts: the event, or why the row is none; and the row, when the
// list keeps rows: see [DecodeRow].
func Split(record []byte) (line []byte, refusal *event.Refusal, row []byte) {
	line = record
	if i := bytes.IndexByte(record, rowMark); i >= 0 {
		line, row = record[:i], record[i+1:]
	}
	if len(line) == 0 || line[0] != refusalMark {
		return line, nil, row
	}
	parts := bytes.SplitN(line[1:], []byte{partMark}, 3)
	return nil, &event.Refusal{
		Code: event.Code(parts[0]), Field: string(parts[1]), Detail: string(parts[2]),
	}, row
}

// defectsMax is how many defects of a row are told at once.
const defectsMax = 4

// appendRefusal appends the refusal of a row: code and column of the first defect, and words about
// all, so that the row need not come back for each.
func appendRefusal(dst []byte, faults []defect, l Language) []byte {
	dst = append(dst, refusalMark)
	dst = append(append(dst, faults[0].fault.code...), partMark)
	dst = append(append(dst, faults[0].name...), partMark)
	for i, d := range faults[:min(len(faults), defectsMax)] {
		if i > 0 {
			dst = append(append(append(dst, "; "...), d.name...), ": "...)
		}
		dst = append(dst, d.fault.in(l)...)
	}
	return dst
}

// appendRow appends a row as it was.
func appendRow(dst []byte, row *grid.Row) []byte {
	dst = append(dst, rowMark)
	for i := range row.Cells {
		c := &row.Cells[i]
		dst = append(dst, byte(c.Kind))
		dst = binary.AppendUvarint(dst, uint64(len(c.Text)))
		dst = append(dst, c.Text...)
	}
	return dst
}

// DecodeRow returns the cells of the row in a record. They refer to it.
func DecodeRow(row []byte) (cells []grid.Cell) {
	for len(row) > 0 {
		length, n := binary.Uvarint(row[1:])
		from := 1 + n
		if n <= 0 || uint64(len(row)-from) < length {
			return cells
		}
		cells = append(cells, grid.Cell{
			Kind: grid.Kind(row[0]), Text: row[from : from+int(length)],
		})
		row = row[from+int(length):]
	}
	return cells
}

// appendJSON appends a text as JSON.
func appendJSON(dst []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		return append(dst, `""`...) // a string always encodes
	}
	return append(dst, quoted...)
}
