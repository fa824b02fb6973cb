package lists

import (
	"strings"
	"testing"
)

const daysHeadEN = "List;A\nNIK;Region Code;Segment;Category;Programmes;Payer;Start;Born\n"

// returned is a list of one row that came back with a remark.
func returned(day, remark string) []byte {
	return []byte("Daftar;A\nNIK;Kode Wilayah;Segmen;Kategori;Program;Pembayar;Tanggal Mulai;" +
		"Yang Harus Diperbaiki\n7503011501900001;75.03;BPU;Rentan;JKK;SELF;" + day + ";\"" +
		strings.ReplaceAll(remark, `"`, `""`) + "\"\n")
}

// TestCorrectedDays sends a row back with its remark as often as it is refused: as it was it stays
// refused, whatever the words of the second time are; with another day in its cell, written in any
// way, it is taken without the remark being deleted.
func TestCorrectedDays(t *testing.T) {
	for _, c := range []struct {
		name    string
		was     string
		others  []string // days that prove it
		right   []string
		becomes string
	}{
		{
			"months first", "02/05/2021",
			[]string{"01/13/2021"},
			[]string{"05/02/2021", "5/2/2021", "2021-02-05", "5 Februari 2021", "5 Feb 2021"},
			"2021-02-05",
		},
		{
			"days in front of months", "2021-05-02",
			[]string{"2021-13-01"},
			[]string{"2021-02-05", "05/02/2021", "5 Februari 2021"},
			"2021-02-05",
		},
		{
			"half converted", "2/5/2021",
			[]string{"13/01/2021", "14/01/2021"},
			[]string{"05/02/2021", "5/2/2021", "2021-02-05"},
			"2021-02-05",
		},
	} {
		text := ""
		for _, day := range append([]string{c.was}, c.others...) {
			text += "7503011501900001;75.03;BPU;Rentan;JKK;SELF;" + day + "\n"
		}
		for _, names := range []string{daysHead, daysHeadEN} {
			_, lines, err := readAll([]byte(names+text), Options{})
			if err != nil || lines[0].fault == nil {
				t.Fatalf("%s: %v, %v", c.name, lines, err)
			}
			fault := lines[0].fault
			for time := range 3 {
				for _, right := range c.right {
					_, got, err := readAll(returned(right, fault.Detail), Options{})
					if err != nil || got[0].fault != nil || got[0].data["from"] != c.becomes {
						t.Errorf("%s, time %d: %s is read as %v, %v, %v", c.name, time, right,
							got[0].data["from"], got[0].fault, err)
					}
				}
				_, got, err := readAll(returned(c.was, fault.Detail), Options{})
				if err != nil || got[0].fault == nil {
					t.Fatalf("%s, time %d: taken as it was: %v, %v", c.name, time, got[0].data, err)
				}
				fault = got[0].fault
			}
		}
	}
}

// TestDoubtOf reads remarks: of this program in both languages, of one that did not say how a day
// read, and of other things.
func TestDoubtOf(t *testing.T) {
	day := func(text string) *value {
		v := parseDateCell(textCell(text), false)
		return &v
	}
	for _, c := range []struct {
		remark, day string
		holds       bool
	}{
		{"Tanggal Mulai: " + twoDaysID, "02/05/2021", true},
		{"From: " + twoDaysEN, "02/05/2021", true},
		{"From: " + twoDaysEN, "2021-05-02", false},
		{"From: " + twoDaysEN + readsEN + "2021-05-02", "02/05/2021", true},
		{"From: " + twoDaysEN + readsEN + "2021-05-02", "05/02/2021", false},
		{"A: " + twoDaysID + readsID + "2021-05-02; B: " + twoDaysID + readsID + "2021-02-05", "05/02/2021", true},
		{"A: " + twoDaysID + readsID, "05/02/2021", true},
		{"A: " + yearInFrontID, "2021-05-02", true},
		{"A: " + yearInFrontID + readsID + "2021-05-02", "2021-05-02", true},
		{"A: " + yearInFrontID + readsID + "2021-05-02", "2021-02-05", false},
		{"A: " + twoDaysID, "13/05/2021", false},
		{"A: " + countID, "44318", true},
		{"A: " + countID, "02/05/2021", false},
		{"A: " + twoDaysID, "44318", true},
		{"NIK: kosong", "02/05/2021", false},
		{"", "44318", false},
	} {
		d := doubtOf([]byte(c.remark))
		if v := day(c.day); d.holds(v) != c.holds {
			t.Errorf("%q of %s: %t, form %d", c.remark, c.day, !c.holds, v.form)
		}
	}
}
