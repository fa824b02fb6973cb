package lists

import (
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

const daysHead = "Daftar;A\nNIK;Kode Wilayah;Segmen;Kategori;Program;Pembayar;Tanggal Mulai;Tanggal Lahir\n"

// TestDaysAsAWhole reads days whose column, or another one of the list, says how they are written.
// A day that may be two is never one of them: "" stands for a refusal.
func TestDaysAsAWhole(t *testing.T) {
	for _, c := range []struct {
		name         string
		starts, born []string
		want         string
	}{
		{
			"birthdays have their months first",
			[]string{"01/05/2021", "03/04/2021", "7/7/2021"},
			[]string{"12/31/1990", "01/15/1988", "02/03/1977"},
			",,2021-07-07",
		},
		{
			"birthdays have AM and PM",
			[]string{"01/05/2021", "3 April 2021"},
			[]string{"12/11/1990 3:00 AM", "01/10/1988 4:00 PM"},
			",2021-04-03",
		},
		{
			"starts show that days come first",
			[]string{"01/05/2021", "31/04/2021", "30/04/2021"},
			[]string{"12/31/1990", "01/15/1988", "02/03/1977"},
			"2021-05-01,,2021-04-30",
		},
		{
			"one birthday is a typing error",
			[]string{"01/05/2021", "03/04/2021"},
			[]string{"12/31/1990", "31/12/1990"},
			"2021-05-01,2021-04-03",
		},
		{
			"birthdays are no days",
			[]string{"01/05/2021", "03/04/2021", "02/03/2021"},
			[]string{"12/31/1990", "di Suwawa", "Tapa"},
			"2021-05-01,2021-04-03,2021-03-02",
		},
		{
			"days before months", []string{"2021-05-01", "2021-13-01", "2021-04-03"}, nil, ",,",
		},
		{
			"years in front and one typing error",
			[]string{"2021-05-01", "2021-13-01", "2021-04-23"},
			nil, "2021-05-01,,2021-04-23",
		},
		{
			"a count that lost its zero among counts",
			[]string{"44197", "44228", "30221"},
			nil,
			"2021-01-01,2021-02-01,",
		},
		{
			"counts that look as if",
			[]string{"40179", "40909", "41640"},
			nil,
			"2010-01-01,2012-01-01,2014-01-01",
		},
		{
			"zones",
			[]string{"2020-12-31 23:30:00+07", "2021-01-01 07:30:00-0100"},
			nil,
			"2021-01-01,2021-01-01",
		},
	} {
		var text strings.Builder
		text.WriteString(daysHead)
		for i, day := range c.starts {
			born := ""
			if i < len(c.born) {
				born = c.born[i]
			}
			text.WriteString("750301150190000" + string(rune('1'+i)) + ";75.03;BPU;Rentan;JKK;SELF;" +
				day + ";" + born + "\n")
		}
		_, lines, err := readAll([]byte(text.String()), Options{})
		if err != nil || len(lines) != len(c.starts) {
			t.Fatalf("%s: %d rows, %v", c.name, len(lines), err)
		}
		var got []string
		for _, l := range lines {
			from, _ := l.data["from"].(string)
			got = append(got, from)
		}
		if strings.Join(got, ",") != c.want {
			t.Errorf("%s: %s instead of %s", c.name, strings.Join(got, ","), c.want)
		}
	}
}

// TestHalfConvertedBeside refuses days in cells where a program has made cells of a part of another
// column, and left the rest as text: it has turned both.
func TestHalfConvertedBeside(t *testing.T) {
	rows := [][]any{
		{"Daftar", "A"},
		{"NIK", "Kode Wilayah", "Segmen", "Kategori", "Program", "Pembayar", "Tanggal Mulai", "Tgl Lahir"},
		{"7503011501900001", "75.03", "BPU", "Rentan", "JKK", "SELF", 44317, "31/12/1990"},
		{"7503011501900002", "75.03", "BPU", "Rentan", "JKK", "SELF", 44289, 32905},
		{"7503011501900003", "75.03", "BPU", "Rentan", "JKK", "SELF", 44348, 32906},
	}
	for _, starts := range []int{0, 15} { // a start on the 16th cannot have been turned
		rows[2][6] = 44317 + starts
		content := workbook(t, rows, func(f *excelize.File) {
			style, err := f.NewStyle(&excelize.Style{NumFmt: 14})
			if err == nil {
				err = f.SetCellStyle("Sheet1", "G3", "H5", style)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
		_, lines, err := readAll(content, Options{})
		if err != nil || len(lines) != 3 {
			t.Fatal(err, lines)
		}
		for _, l := range lines {
			if (l.fault == nil) != (starts > 0) {
				t.Errorf("starts %d days later: row %d: %v, %v", starts, l.row, l.fault, l.data)
			}
		}
	}
}
