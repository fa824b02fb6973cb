package table

import (
	"encoding/csv"
	"io"

	listcsv "cakupan/cmd/internal/lists/csv"
)

// Sheet is a table for spreadsheets. What was reported by others stands in it as text: nobody who
// opens it is to run it. The writer within keeps its first error, which Error returns after Flush;
// so errors of single rows may be passed over. It is of one goroutine.
type Sheet struct{ *csv.Writer }

// NewSheet returns a sheet that is written to w, which the caller closes. Rows are buffered until
// Flush.
func NewSheet(w io.Writer) *Sheet { return &Sheet{csv.NewWriter(w)} }

// Write writes a row, all values of it made safe: a header too may have a name that others chose.
// The row itself is not changed.
func (s *Sheet) Write(row []string) error {
	safe := make([]string, len(row))
	for i, value := range row {
		safe[i] = listcsv.Text(value)
	}
	return s.Writer.Write(safe)
}
