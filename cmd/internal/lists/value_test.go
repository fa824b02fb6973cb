package lists

import (
	"strconv"
	"strings"
	"testing"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

func text(s string) grid.Cell { return grid.Cell{Kind: grid.Text, Text: []byte(s)} }

func number(s string) grid.Cell { return grid.Cell{Kind: grid.Number, Text: []byte(s)} }

func day(s string) grid.Cell { return grid.Cell{Kind: grid.Date, Text: []byte(s)} }

func TestDates(t *testing.T) {
	for _, c := range []struct {
		cell grid.Cell
		want string // empty: refused
	}{
		{text("2021-01-31"), "2021-01-31"},
		{text(" 31/01/2021 "), "2021-01-31"},
		{text("31-1-2021"), "2021-01-31"},
		{text("31.01.2021"), "2021-01-31"},
		{text("2021/1/5"), "2021-01-05"},
		{text("5 Januari 2021"), "2021-01-05"},
		{text("17-Agt-2021"), "2021-08-17"},
		{text("17 AGUSTUS\u00a02021"), "2021-08-17"},
		{text("January 31, 2021"), "2021-01-31"},
		{text("31 Mei 2021"), "2021-05-31"},
		{text("2021-01-31 00:00:00"), "2021-01-31"},
		{text("2021-01-31T00:00:00.000"), "2021-01-31"},
		{text("31/01/2021 0:00"), "2021-01-31"},
		{text("44227"), "2021-01-31"},
		{number("44227"), "2021-01-31"},
		{number("44227.5"), "2021-01-31"},
		{day("44227.0"), "2021-01-31"},
		{day("4.4227E4"), "2021-01-31"},
		{text("31/01/21"), ""},
		{text("31-Jan-21"), ""},
		{text("01/31/2021"), ""},
		{text("30 Februari 2021"), ""},
		{text("2021-02-29"), ""},
		{text("20210131"), ""},
		{text("2021"), ""},
		{number("2021"), ""},
		{text("1/2/3/2021"), ""},
		{text("2021-13-01"), ""},
		{text("besok"), ""},
		{text("31/01/2201"), ""},
		{day("5"), ""},
		{day("NaN"), ""},
		{day("1e300"), ""},
		{grid.Cell{Kind: grid.Bool, Text: []byte("1")}, ""},
		{grid.Cell{Kind: grid.Formula}, ""},
		{grid.Cell{Kind: grid.Fault, Text: []byte("#REF!")}, ""},
	} {
		v := parse(fieldFrom, c.cell, false)
		if got := strings.Trim(v.json, `"`); got != c.want || (v.fault == nil) != (c.want != "") {
			t.Errorf("%d %q: %q, %+v; want %q", c.cell.Kind, c.cell.Text, got, v.fault, c.want)
		}
	}
	if v := parse(fieldFrom, day("42765"), true); v.json != `"2021-01-31"` {
		t.Errorf("day counted from 1904: %s", v.json)
	}
	// The whole range of serials, against the calendar.
	at, _ := temporal.NewDate(1950, 1, 1)
	for serial := serialMin; serial <= serialMax; serial++ {
		if v := parse(fieldFrom, number(strconv.Itoa(serial)), false); v.date != at {
			t.Fatalf("serial %d is %s, want %s", serial, v.date, at)
		}
		at = at.AddDays(1)
	}
}

func TestMonths(t *testing.T) {
	for cell, want := range map[string]string{
		"2021-01": "2021-01", "01/2021": "2021-01", "1-2021": "2021-01", "Januari 2021": "2021-01",
		"jan-2021": "2021-01", "2021 Desember": "2021-12", "202101": "2021-01",
		"012021": "2021-01", "202012": "2020-12", "122020": "2020-12", "15/03/2021": "2021-03",
		"2021-03-15": "2021-03", "44227": "2021-01",
		"Jan-21": "", "01/21": "", "13/2021": "", "2021": "", "Januari": "", "": "", "2021-00": "",
	} {
		v := parse(fieldFromMonth, text(cell), false)
		if got := strings.Trim(v.json, `"`); got != want || (v.fault == nil) != (want != "") {
			t.Errorf("%q: %q, %+v; want %q", cell, got, v.fault, want)
		}
	}
	for _, cell := range []grid.Cell{number("202101"), number("44197"), day("44197")} {
		if v := parse(fieldFromMonth, cell, false); v.json != `"2021-01"` {
			t.Errorf("%s: %+v", cell.Text, v)
		}
	}
}

func TestNIK(t *testing.T) {
	const nik = "7503011501900001"
	for cell, want := range map[string]event.Code{
		nik: "", "'" + nik: "", " " + nik + "\u00a0": "", "7503 0115 0190 0001": "",
		"\u202d" + nik + "\u202c": "", `="` + nik + `"`: "",
		"7.5031E+15": event.NIKInvalid, "7,50301150190001E+15": event.NIKInvalid,
		"7.5E15": event.NIKInvalid, "750301150190000": event.NIKInvalid,
		"7503011501900000": event.NIKInvalid, "7503O11501900001": event.NIKInvalid,
		"75030115019000０1": "", "7503.0115.0190.0001": "", "NIK 7503-0115-0190-0001,": "",
		nik + ".0": "", "7503011501900010.0": event.NIKInvalid, nik + "/" + nik: event.NIKInvalid,
		nik + "1": event.NIKInvalid,
	} {
		got, wrong := parseNIK(nil, text(cell))
		if want == "" && (wrong != nil || string(got) != nik) {
			t.Errorf("%q: %s, %+v", cell, got, wrong)
		}
		if want != "" && (wrong == nil || wrong.code != want || wrong.id == wrong.en) {
			t.Errorf("%q: %+v, want %s", cell, wrong, want)
		}
	}
	for _, cell := range []grid.Cell{
		number("7503011501900010"), number("9503011501900001"), number("7.5030115019000E+15"),
		day(nik), number("44197"),
	} {
		if _, wrong := parseNIK(nil, cell); wrong == nil ||
			!strings.Contains(wrong.en, "format the column as Text and paste the numbers again") ||
			!strings.Contains(wrong.id, "format kolom sebagai Teks") {
			t.Errorf("%d %s: %+v", cell.Kind, cell.Text, wrong)
		}
	}
	if got, wrong := parseNIK(nil, number(nik)); wrong != nil || string(got) != nik {
		t.Errorf("a number with all its digits: %s, %v", got, wrong)
	}
	if len(nikRules) != 6 {
		t.Errorf("%d rules of a NIK are said in Indonesian", len(nikRules))
	}
}

func TestRegions(t *testing.T) {
	for cell, want := range map[string]string{
		"75.03": "75.03", "Kabupaten Bone Bolango": "75.03", "Kab. Bone Bolango": "75.03",
		"KAB.BONE BOLANGO": "75.03", "bone bolango": "75.03", "Kota Gorontalo": "75.71",
		"75.03 Kabupaten Bone Bolango": "75.03", "75.03 - Kab. Bone Bolango": "75.03",
		"Bone Bolango Regency": "75.03", "Jakarta Pusat": "31.71", "Kota Jakarta Pusat": "31.71",
		"Kepulauan Seribu": "31.01", "Kotabaru": "63.02",
		"7503": "", "75": "", "Gorontalo": "", "75.04 Kab. Bone Bolango": "", "75.3": "",
		"75,03": "", "75.99": "", "75.03.01.2001": "", "ID": "", "Atlantis": "", "Banjar": "",
	} {
		v := parse(fieldRegion, text(cell), false)
		if got := strings.Trim(v.json, `"`); got != want || (v.fault == nil) != (want != "") {
			t.Errorf("%q: %q, %+v; want %q", cell, got, v.fault, want)
		}
		if v.fault != nil && v.fault.code != event.RegionUnknown {
			t.Errorf("%q: %s", cell, v.fault.code)
		}
	}
	for cell, want := range map[string]string{
		"75.03": "75.03", "75.030000000000001": "75.03", "62.1": "", "7503": "", "75": "",
		"75.035": "", "-1": "", "1e99": "", "x": "",
	} {
		if v := parse(fieldRegion, number(cell), false); strings.Trim(v.json, `"`) != want {
			t.Errorf("number %s: %s, want %q", cell, v.json, want)
		}
	}
	for cell, want := range map[string]string{
		"Gorontalo": "nama ini dapat berarti 75.01 Kabupaten Gorontalo, 75.71 Kota Gorontalo: ",
		"Jambi":     "nama ini juga nama provinsi; bila maksudnya 15.71 Kota Jambi, tulis kodenya",
		"7571":      "Apakah maksudnya 75.71 Kota Gorontalo? Tulis kode Kemendagri dengan titik (",
		"7301":      "(kode BPS 7301 dapat berarti wilayah lain)",
	} {
		v := parse(fieldRegion, text(cell), false)
		if v.fault == nil || !strings.Contains(v.fault.id, want) {
			t.Errorf("%q: %+v, want %s", cell, v.fault, want)
		}
	}
	v := parse(fieldRegion, text("7503"), false)
	if !strings.Contains(v.fault.id, "75.03 Kabupaten Bone Bolango") ||
		v.fault.en != region.Explain("7503") {
		t.Errorf("%+v", v.fault)
	}
	// Every regency by code, name and short name, as far as that is its own.
	for _, code := range region.All() {
		if code.Level() != region.RegencyLevel {
			continue
		}
		for _, cell := range []string{code.String(), code.Name(), regionLabel(code)} {
			if v := parse(fieldRegion, text(cell), false); v.json != `"`+code.String()+`"` {
				t.Errorf("%s: %+v", cell, v)
			}
		}
	}
}

func TestCodes(t *testing.T) {
	for _, c := range []struct {
		field      field
		cell, want string
	}{
		{fieldSegment, "penerima upah", `"PU"`},
		{fieldSegment, "Bukan Penerima Upah", `"BPU"`},
		{fieldSegment, "P.U.", `"PU"`},
		{fieldSegment, "upah", ""},
		{fieldCategory, "NON-ASN", `"NON_ASN"`},
		{fieldCategory, "pekerja rentan", `"VULNERABLE"`},
		{fieldPayer, "Mandiri", `"SELF"`},
		{fieldCategory, "Mandiri", `"SELF_EMPLOYED"`},
		{fieldReason, "Mengundurkan diri", `"RESIGNATION"`},
		{fieldReason, "Meninggal Dunia", ""},
		{fieldProgrammes, "JKM+JKK", `["JKK","JKM"]`},
		{fieldProgrammes, "jkk, jkm dan jht", `["JKK","JKM","JHT"]`},
		{fieldProgrammes, "Jaminan Kecelakaan Kerja; Jaminan Kematian", `["JKK","JKM"]`},
		{fieldProgrammes, "JKK/JKM/JKK", `["JKK","JKM"]`},
		{fieldProgrammes, "JKK, JXX", ""},
		{fieldProgrammes, ",", ""},
		{fieldEnrolment, "2101 2345 678", `"21012345678"`},
		{fieldEnrolment, "2.1012E+10", ""},
		{fieldEnrolment, "7503011501900001", ""},
		{fieldEnrolment, "21.012.345.678", `"21012345678"`},
		{fieldEnrolment, "21012345678.0", `"21012345678"`},
		{fieldEnrolment, "nik-abc", ""},
		{fieldEnrolment, "560/BUP", ""},
		{fieldCommitment, "BB-2021.1", `"BB-2021.1"`},
	} {
		v := parse(c.field, text(c.cell), false)
		if v.json != c.want || (v.fault == nil) != (c.want != "") {
			t.Errorf("%s: %s, %+v; want %s", c.cell, v.json, v.fault, c.want)
		}
	}
	if v := parse(fieldEnrolment, number("21012345678"), false); v.json != `"21012345678"` {
		t.Errorf("%+v", v)
	}
}

// TestDeathIsNoReason tells what to do with a death, in both languages.
func TestDeathIsNoReason(t *testing.T) {
	v := parse(fieldReason, text("Meninggal Dunia"), false)
	if v.fault == nil || !strings.Contains(v.fault.id, "hapus baris ini dan laporkan NIK serta"+
		" tanggal meninggal dengan daftar kematian") ||
		!strings.Contains(v.fault.en, "delete the row, and report the NIK and the day of death") {
		t.Errorf("%+v", v.fault)
	}
}

// TestChoicesAreTheContracts makes sure that each value is one of the domain's, and each of those
// can be chosen.
func TestChoicesAreTheContracts(t *testing.T) {
	parsers := map[field]func(string) bool{
		fieldSegment:    func(s string) bool { _, ok := event.ParseSegment(s); return ok },
		fieldCategory:   func(s string) bool { _, ok := event.ParseCategory(s); return ok },
		fieldProgrammes: func(s string) bool { _, ok := event.ParseProgramme(s); return ok },
		fieldPayer:      func(s string) bool { _, ok := event.ParsePayer(s); return ok },
		fieldReason:     func(s string) bool { _, ok := event.ParseReason(s); return ok },
	}
	counts := map[field]int{
		fieldSegment: 4, fieldCategory: 7, fieldProgrammes: 5, fieldPayer: 3, fieldReason: 12,
	}
	for f, known := range parsers {
		if len(choices[f]) != counts[f] {
			t.Errorf("%s has %d values", f.title(English), len(choices[f]))
		}
		for _, c := range choices[f] {
			if !known(c.code) {
				t.Errorf("%s is no value of %s", c.code, f.title(English))
			}
			for _, word := range append([]string{c.code, c.id, c.en}, c.other...) {
				if codes[f][plain(word)] != c.code {
					t.Errorf("%s: %q means %s too", c.code, word, codes[f][plain(word)])
				}
			}
		}
	}
}

// TestNamesAreClear makes sure that no name of a column stands for two fields.
func TestNamesAreClear(t *testing.T) {
	for f := noField + 1; f < fieldEnd; f++ {
		n := names[f]
		for _, text := range append(append([]string{n.id, n.en}, n.idOther...), n.enOther...) {
			if got := meanings[plain(text)].field; got != f {
				t.Errorf("%q of %s stands for %s too", text, n.en, names[got].en)
			}
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"segment", "segment", 0},
		{"segmnet", "segment", 1},
		{"segmen", "segment", 1},
		{"sgmnt", "segment", 2},
		{"tanggallapor", "tanggalmulai", 3},
		{"abcdef", "ab", 3},
		{"", "ab", 2},
		{"badc", "abcd", 2},
	} {
		if got := distance(c.a, c.b, 2); got != c.want || distance(c.b, c.a, 2) != got {
			t.Errorf("%s and %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestMaskNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"7503011501900001": "750301**********", "x 750301150190 y": "x 750301****** y",
		"21012345678": "21012345678", "": "", "08121234567890": "081212********",
		"7503 0101 0190 9999": "7503 01** **** ****", "7503.0101.0190.9999 x": "7503.01**.****.**** x",
		"75\u00a003\u200b0101'0190-9999": "75\u00a003\u200b01**'****-****", "75.03, 2021-01-31": "75.03, 2021-01-31",
	} {
		if got := MaskNumbers(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzCell reads any cell as any field: a value that can stand in an event, or why not; never a
// number of a person in words.
func FuzzCell(f *testing.F) {
	for _, s := range []string{
		"2021-01-31", "31/1/2021", "Jan-2021", "44197", "7.5E+15", "7503011501900001", "JKK, JKM",
		"Kab. Bone Bolango", "75.03 x", "  ' ", "1e400", "\xff\xfe", "\u202d\u00a0",
	} {
		for kind := range 7 {
			f.Add(uint8(kind), s)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, s string) {
		cell := grid.Cell{Kind: grid.Kind(kind % 7), Text: []byte(s)}
		if isBlank(cell.Text) || cell.Kind == grid.Empty {
			return
		}
		nik, wrong := parseNIK(nil, cell)
		if wrong == nil && event.CheckNIK(string(nik)) != "" {
			t.Errorf("%q is taken for a NIK", nik)
		}
		for fld := fieldEnrolment; fld <= fieldMonths; fld++ {
			v := parse(fld, cell, kind > 100)
			if none := fld == fieldEnrolment || fld == fieldCommitment; v.fault == nil && none {
				continue // a run of one digit stands for none
			}
			if (v.fault == nil) == (v.json == "" && v.count == 0) {
				t.Fatalf("%s of %q: %+v", names[fld].en, s, v)
			}
			if event.HasNIK(v.json) || v.fault != nil && event.HasNIK(v.fault.id+v.fault.en) {
				t.Fatalf("%s of %q shows a NIK", names[fld].en, s)
			}
		}
	})
}
