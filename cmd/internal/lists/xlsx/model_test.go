package xlsx

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"cakupan/cmd/internal/lists/grid"
)

// TestWriterIsRead: what is written is read as it was, by our reader and by a library, whatever
// stands in the cells, with rows and cells left out.
func TestWriterIsRead(t *testing.T) {
	texts := rapid.OneOf(
		rapid.StringOf(rapid.SampledFrom([]rune("ab <&>\"'é😀\n\t_x0041_= "))),
		rapid.StringMatching(`(_?x?[0aF4]{3,5}_?){0,4}`), // much like Excel's own escapes
	)
	cell := rapid.Custom(func(t *rapid.T) grid.Cell {
		text := texts.Draw(t, "text")
		if text == "" {
			return grid.Cell{}
		}
		return grid.Cell{Kind: grid.Text, Text: []byte(text)}
	})
	rapid.Check(t, func(t *rapid.T) {
		table := rapid.SliceOfN(rapid.SliceOfN(cell, 0, 5), 1, 6).Draw(t, "rows")
		title := rapid.SampledFrom([]string{"Daftar", "a & b", "[x]/y?", "", strings.Repeat("s", 40)}).
			Draw(t, "title")
		var out bytes.Buffer
		w, err := NewWriter(&out, title, rapid.Bool().Draw(t, "since 1904"))
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range table {
			if err := w.Row(row); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		checkRead(t, out.Bytes(), table)
		checkLibrary(t, out.Bytes(), table)
	})
}

// checkRead reads a workbook with our reader.
func checkRead(t *rapid.T, content []byte, table [][]grid.Cell) {
	book, err := Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.Rows(book.Sheets[0])
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range table {
		want = trimmed(want)
		if len(want) == 0 {
			continue
		}
		row, err := rows.Next()
		if err != nil || row.Number != n+1 || len(trimmed(row.Cells)) != len(want) {
			t.Fatalf("row %d: %+v, %v", n+1, row, err)
		}
		for i := range want {
			if string(row.Cells[i].Text) != string(want[i].Text) {
				t.Fatalf("row %d: %q, want %q", n+1, row.Cells[i].Text, want[i].Text)
			}
		}
	}
	if _, err := rows.Next(); !errors.Is(err, io.EOF) {
		t.Fatalf("another row: %v", err)
	}
	if err := errors.Join(rows.Close(), book.Close()); err != nil {
		t.Fatal(err)
	}
}

// checkLibrary reads it with a library that others read workbooks with.
func checkLibrary(t *rapid.T, content []byte, table [][]grid.Cell) {
	f, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for n, row := range table {
		for i := range row {
			name, err := excelize.CoordinatesToCellName(i+1, n+1)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.GetCellValue(f.GetSheetList()[0], name)
			if err != nil || got != string(row[i].Text) {
				t.Fatalf("%s: %q, %v; want %q", name, got, err, row[i].Text)
			}
		}
	}
}

// trimmed is a row without the empty cells at its end.
func trimmed(row []grid.Cell) []grid.Cell {
	for len(row) > 0 && len(row[len(row)-1].Text) == 0 {
		row = row[:len(row)-1]
	}
	return row
}
