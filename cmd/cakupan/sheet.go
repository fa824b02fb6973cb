package main

import (
	"encoding/csv"
	"io"

	listcsv "cakupan/cmd/internal/lists/csv"
)

// sheet is a table for spreadsheets. What was reported by others stands in it as text: nobody who
// opens it is to run it.
type sheet struct{ *csv.Writer }

func newSheet(w io.Writer) *sheet { return &sheet{csv.NewWriter(w)} }

// Write writes a row.
func (s *sheet) Write(row []string) error {
	safe := make([]string, len(row))
	for i, value := range row {
		safe[i] = listcsv.Text(value)
	}
	return s.Writer.Write(safe)
}
