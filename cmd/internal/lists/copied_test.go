package lists

import (
	"bytes"
	"errors"
	"os"
	"slices"
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

// TestGivenIsReturned gives refused rows back in their own workbook, formats and all, though the
// list's id, source and a value were given beside it: a sheet of the workbook says them then.
// Corrected and read without them, the rows are those of the same list; and again, where they are
// given once more.
func TestGivenIsReturned(t *testing.T) {
	given := Options{
		ID: "G-1", Source: "dinas", KeepRows: true,
		Defaults: []Default{{"Program", "JKK, JKM"}, {"segmen", "BPU"}},
	}
	content := workbook(t, [][]any{
		{"NIK", "KPJ", "Kode Wilayah", "Kategori", "Penanggung Iuran", "Tanggal Mulai"},
		{"7503011501900001", 8012345678, "7503", "Rentan", "SELF", "2021-01-31"},
		{"7503011501900002", nil, "75.03", "Rentan", "SELF", "2021-01-31"},
	}, func(f *excelize.File) {
		zeros := "00000000000"
		style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &zeros})
		if err := errors.Join(err, f.SetCellStyle("Sheet1", "B2", "B2", style)); err != nil {
			t.Fatal(err)
		}
	})
	_, want := mustRead(t, corrected(t, content), given)
	for round, opts := range []Options{given, given, {KeepRows: true}} {
		content = giveBackWith(t, content, true, opts)
		info, again := mustRead(t, content, Options{})
		if info.ID != "G-1" || info.Source != "dinas" || info.Kind != Enrolment || len(again) != 1 ||
			again[0].row != 2 || again[0].fault == nil {
			t.Fatalf("round %d: %+v: %+v", round, info, again)
		}
		_, got := mustRead(t, corrected(t, content), Options{})
		if len(got) != 1 || got[0].event != want[0].event {
			t.Errorf("round %d: %+v, not %s", round, got, want[0].event)
		}
	}
	if _, lines := mustRead(t, corrected(t, content), Options{ID: "G-2"}); len(lines) != 1 ||
		lines[0].id == want[0].id {
		t.Error("what is given now does not go before what was given then")
	}
}

// TestGivenBesideSheets gives a list back beside sheets that are called as the one that is added,
// shown or hidden, in another case, or the list itself: no two are called the same, whatever the
// case, each stays what it was, and what was given is found.
func TestGivenBesideSheets(t *testing.T) {
	given := Options{ID: "G-1", Source: "dinas", KeepRows: true, Defaults: []Default{{"Segmen", "BPU"}}}
	rows := [][]any{
		{"NIK", "Kode Wilayah", "Kategori", "Program", "Penanggung Iuran", "Tanggal Mulai"},
		{"7503011501900001", "7503", "Rentan", "JKK", "SELF", "2021-01-31"},
	}
	for _, c := range []struct {
		list, other string
		hidden      bool
		want        []string
	}{
		{"Sheet1", "Lain", false, []string{"Sheet1", "Lain", "cakupan"}},
		{"Sheet1", "Cakupan", false, []string{"Sheet1", "Cakupan", "cakupan 2"}},
		{"Sheet1", "CAKUPAN 2", false, []string{"Sheet1", "CAKUPAN 2", "cakupan"}},
		{"Sheet1", "cakupan", true, []string{"Sheet1", "cakupan", "cakupan 2"}},
		{"cakupan", "Lain", false, []string{"cakupan", "Lain", "cakupan 2"}},
		{"Cakupan", "cakupan 2", true, []string{"Cakupan", "cakupan 2", "cakupan 3"}},
	} {
		content := workbook(t, rows, func(f *excelize.File) {
			_, err := f.NewSheet(c.other)
			err = errors.Join(err, f.SetCellStr(c.other, "A1", "milik dinas"))
			if c.hidden {
				err = errors.Join(err, f.SetSheetVisible(c.other, false))
			}
			if c.list != "Sheet1" {
				err = errors.Join(err, f.SetSheetName("Sheet1", c.list))
			}
			if err != nil {
				t.Fatal(err)
			}
		})
		for round, opts := range []Options{given, given, {KeepRows: true}} {
			content = giveBackWith(t, content, true, opts)
			info, lines := mustRead(t, content, Options{})
			if info.ID != "G-1" || info.Source != "dinas" || len(lines) != 1 {
				t.Errorf("%v, round %d: %+v: %+v", c, round, info, lines)
			}
			f, err := excelize.OpenReader(bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			kept, err := f.GetCellValue(c.other, "A1")
			if got := f.GetSheetList(); err != nil || !slices.Equal(got, c.want) || kept != "milik dinas" {
				t.Errorf("%v, round %d: sheets %q, %q, %v", c, round, got, kept, err)
			}
		}
	}
}

// corrected returns a workbook with the mistake of TestGivenIsReturned corrected.
func corrected(t *testing.T, content []byte) []byte {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetCellStr("Sheet1", "C2", "75.03"); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := f.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
