package lists

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// oddBook is an odd list that is written as a workbook.
type oddBook struct {
	*oddList
	file   *excelize.File
	styles map[string]int // by format
	last   int            // the last column of the first row of people
	zero   int            // day 0 of its count of days
}

const oddSheet = "Sheet1"

// book writes the list as a workbook: with formulas that nobody has computed, hidden, merged and
// struck-out cells, numbers under formats, cells of dates in both counts of days.
func (o *oddList) book(t *testing.T) []byte {
	b := &oddBook{
		oddList: o, file: excelize.NewFile(), styles: map[string]int{}, zero: serialZero,
		last: o.date + 1,
	}
	damage := o.pick("whole", "formula", "zero", "numbers", "shown", "hidden", "half cells", "cells",
		"cells 1904", "merged", "rich", "struck")
	if damage == "merged" {
		o.rows = append([][]string{{"Kode Wilayah", o.one(oddRegions...)}}, o.rows...)
		o.header++
		for i, p := range o.people {
			p.row++
			if i > 0 && p.row == o.people[i-1].row+1 && i%3 == 1 {
				p.region = o.people[i-1].region
			}
		}
	}
	for i, row := range o.rows {
		for j, cell := range row {
			b.must(t, b.file.SetCellStr(oddSheet, cellName(j, i+1), cell))
		}
	}
	b.damage(t, damage)
	var out bytes.Buffer
	_, err := b.file.WriteTo(&out)
	b.must(t, err)
	return out.Bytes()
}

func (b *oddBook) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// damage does to each person, or to one of them, what happened to the list.
func (b *oddBook) damage(t *testing.T, damage string) {
	chosen := b.people[0] // not one of those that prove something
	yes := true
	switch damage {
	case "cells 1904":
		b.must(t, b.file.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}))
		b.zero += shift1904
	case "zero":
		b.must(t, b.file.SetCalcProps(&excelize.CalcPropsOptions{FullCalcOnLoad: &yes}))
	}
	for i, p := range b.people {
		var err error
		switch at := cellName(3, p.row); {
		case damage == "formula" && p == chosen:
			err = b.file.SetCellFormula(oddSheet, cellName(b.one2(2, b.last-1), p.row), "Desa!A1")
		case damage == "zero" && p == chosen:
			b.must(t, b.file.SetCellInt(oddSheet, at, 0))
			err = b.file.SetCellFormula(oddSheet, at, "VLOOKUP(C3,Desa!A:B,2,0)")
		case damage == "numbers" && p.kpj != "":
			b.number(t, p, "")
		case damage == "shown" && p.kpj != "":
			b.number(t, p, b.one("00000000000", `000\-0000\-0000`, "00000000000;;;@",
				"[$-421]00000000000", "000 0000 0000", "##000000000"))
		case damage == "hidden":
			err = b.file.SetRowVisible(oddSheet, p.row, p != chosen)
		case damage == "cells" || damage == "cells 1904":
			b.day(t, p, int(p.from)-b.zero)
		case damage == "half cells":
			b.half(t, p)
		case damage == "merged" && i > 0 && i%3 == 1 && p.row == b.people[i-1].row+1:
			err = b.file.MergeCell(oddSheet, cellName(4, p.row-1), cellName(4, p.row))
		case damage == "rich" && p == chosen:
			err = b.file.SetCellRichText(oddSheet, cellName(2, p.row), []excelize.RichTextRun{
				{Text: p.nik[:6], Font: &excelize.Font{Bold: true}}, {Text: p.nik[6:]},
			})
		case damage == "struck" && p == chosen && p.kpj != "":
			err = b.file.SetCellRichText(oddSheet, at, []excelize.RichTextRun{
				{Text: "20999999999", Font: &excelize.Font{Strike: true}}, {Text: " " + p.kpj},
			})
		}
		b.must(t, err)
	}
}

// number writes the number of a card as a number, under a format.
func (b *oddBook) number(t *testing.T, p *truth, format string) {
	t.Helper()
	kpj, err := strconv.ParseInt(p.kpj, 10, 64)
	b.must(t, err)
	at := cellName(3, p.row)
	b.must(t, b.file.SetCellValue(oddSheet, at, kpj))
	if format != "" {
		b.style(t, at, excelize.Style{CustomNumFmt: &format}, format)
	}
}

// day writes the day of a person into a cell of days.
func (b *oddBook) day(t *testing.T, p *truth, serial int) {
	t.Helper()
	at := cellName(b.last-1, p.row)
	b.must(t, b.file.SetCellValue(oddSheet, at, serial))
	b.style(t, at, excelize.Style{NumFmt: 14}, "day")
}

// half writes the day of a person as a program has that read days with their month first: what it
// could read is turned, the rest left as text.
func (b *oddBook) half(t *testing.T, p *truth) {
	t.Helper()
	turned, ok := turn(p.from)
	if !ok && p.from.AddDays(-12).Month() == p.from.Month() {
		b.must(t, b.file.SetCellStr(oddSheet, cellName(b.last-1, p.row), slashed(p.from)))
		return
	}
	b.day(t, p, int(turned)-b.zero)
}

func (b *oddBook) style(t *testing.T, at string, style excelize.Style, name string) {
	t.Helper()
	if _, found := b.styles[name]; !found {
		id, err := b.file.NewStyle(&style)
		b.must(t, err)
		b.styles[name] = id
	}
	b.must(t, b.file.SetCellStyle(oddSheet, at, at, b.styles[name]))
}

// TestTotalOfTable tells of the row that Excel puts below a table, whose formulas stand in columns of
// people; one with the values of a person is one without a number.
func TestTotalOfTable(t *testing.T) {
	rows := [][]any{
		{"Daftar", "X-1"},
		{"NIK", "KPJ", "Kode Wilayah", "Segmen", "Kategori", "Program", "Penanggung Iuran", "Tanggal Mulai"},
		{"7503011501900001", "", "75.03", "BPU", "Rentan", "JKK", "SELF", "2021-05-03"},
		{"Total"},
	}
	for _, refused := range []bool{false, true} {
		if refused {
			rows[3] = []any{"Total", "", "75.03", "BPU", "Rentan", "JKK", "SELF", "2021-05-03"}
		}
		_, lines, notices, err := readNoted(workbook(t, rows, func(f *excelize.File) {
			if err := f.SetCellFormula(oddSheet, "B4", "SUBTOTAL(103,B3:B3)"); err != nil {
				t.Fatal(err)
			}
		}), Options{})
		if err != nil || (len(lines) == 2 && lines[1].fault != nil) != refused {
			t.Errorf("%v: %+v", err, lines)
		}
		if text := strings.Join(notices, "\n"); strings.Contains(text, "jumlah, tidak dipakai: 4") == refused {
			t.Errorf("notices: %s", text)
		}
	}
}

// TestLostDays tells of a column of which a program has kept only the days that it could read with
// their month first: nobody can tell that it has turned them.
func TestLostDays(t *testing.T) {
	_, lines, notices, err := readNoted(workbook(t, [][]any{
		{"Daftar", "X-1"},
		{"NIK", "Kode Wilayah", "Segmen", "Kategori", "Program", "Penanggung Iuran", "Tanggal Mulai"},
		{"7503011501900001", "75.03", "BPU", "Rentan", "JKK", "SELF", "2021-05-03"},
		{"7503011501900002", "75.03", "BPU", "Rentan", "JKK", "SELF", nil},
		{"7503011501900003", "75.03", "BPU", "Rentan", "JKK", "SELF", "2021-02-09"},
		{"7503011501900004", "75.03", "BPU", "Rentan", "JKK", "SELF", "-"},
	}, nil), Options{})
	if err != nil || len(lines) != 4 || lines[1].fault == nil {
		t.Fatal(err, lines)
	}
	if text := strings.Join(notices, "\n"); !strings.Contains(text, "(mulai baris 4)") {
		t.Errorf("nothing is said of days that may have been turned: %s", text)
	}
}
