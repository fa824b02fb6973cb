package lists

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// TestWorkbookIsCopied gives refused rows back in the workbook that they came in: its other sheets,
// formulas, formats and numbers of rows are there still, accepted rows are not, and what is read
// again without correction is refused again.
func TestWorkbookIsCopied(t *testing.T) {
	for _, name := range []string{"35-back.xlsx", "10-half-converted.xlsx", "11c-exceljs-formula-row.xlsx", "24-prefixed.xlsx"} {
		content, err := os.ReadFile("testdata/cases/" + name)
		if err != nil {
			t.Fatal(err)
		}
		back := giveBackWith(t, content, true, Options{KeepRows: true})
		before, err := excelize.OpenReader(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		after, err := excelize.OpenReader(bytes.NewReader(back))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := after.GetSheetList(), before.GetSheetList(); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%s: the sheets are %q, were %q", name, got, want)
		}
		_, first := mustRead(t, content, Options{})
		_, again := mustRead(t, back, Options{})
		var refused []line
		for _, l := range first {
			if l.fault != nil {
				refused = append(refused, l)
			}
		}
		if len(again) != len(refused) || len(refused) == 0 {
			t.Errorf("%s: %d rows came back, %d were refused", name, len(again), len(refused))
			continue
		}
		sheet := before.GetSheetName(0)
		for i, l := range again {
			if l.row != refused[i].row || l.fault == nil {
				t.Errorf("%s: row %d came back as %d, %v", name, refused[i].row, l.row, l.fault)
			}
			for column := 1; column < 9; column++ {
				cell, err := excelize.CoordinatesToCellName(column, l.row)
				if err != nil {
					t.Fatal(err)
				}
				was, err1 := before.GetCellFormula(sheet, cell)
				is, err2 := after.GetCellFormula(sheet, cell)
				style, err3 := before.GetCellStyle(sheet, cell)
				now, err4 := after.GetCellStyle(sheet, cell)
				if err := errors.Join(err1, err2, err3, err4); err != nil || was != is || style != now {
					t.Errorf("%s: %s had the formula %q, has %q; format %d, %d; %v", name, cell, was, is, style, now, err)
				}
			}
		}
	}
}
