package lists

import (
	"strings"
	"testing"
)

// TestReturnKeepsWhatIsSaidBelow: a value that is given for the rows below it comes back with them,
// also one that cannot be used: else a corrected row would be taken in with the one before.
func TestReturnKeepsWhatIsSaidBelow(t *testing.T) {
	const text = "Daftar;X-1\nSegmen;PU\n" +
		"NIK;KPJ;Nama;Kab/Kota;Kategori;Program;Penanggung;TMT\n" +
		"7503011501900010;21000000001;ANI;75.03;Swasta;JKK;Pemberi kerja;31/13/2021\n" +
		"7503011501900011;21000000002;IDA;75.03;Swasta;JKK;Pemberi kerja;01/02/2021\n" +
		"Segmen;BPU\n" +
		"7503011501900012;21000000003;UMI;75.03;Swasta;JKK;Sendiri;31/13/2021\n" +
		"Segmen;ENTAH\n" +
		"7503011501900013;21000000004;ADI;75.03;Swasta;JKK;Sendiri;01/02/2021\n" +
		"NIK;KPJ;Nama;Kab/Kota;Kategori;Program;Penanggung;TMT\n" +
		"Segmen;PU\n" +
		"7503011501900014;21000000005;EVI;75.03;Swasta;JKK;Pemberi kerja;31/13/2021\n"
	_, first := mustRead(t, []byte(text), Options{KeepRows: true})
	var refused []string
	for i := range first {
		if first[i].fault != nil {
			refused = append(refused, string(first[i].cells[2].Text))
		}
	}
	if got := strings.Join(refused, " "); got != "ANI UMI ADI EVI" {
		t.Fatalf("%s are refused", got)
	}
	for _, asBook := range []bool{true, false} {
		back := giveBack(t, []byte(text), asBook)
		_, again := mustRead(t, back, Options{KeepRows: true})
		if len(again) != 4 {
			t.Fatalf("%d rows came back", len(again))
		}
		if !asBook {
			for part := range strings.FieldsSeq(
				"Segmen;PU ANI Segmen;BPU UMI Segmen;ENTAH ADI Segmen;PU EVI") {
				at := strings.Index(string(back), part)
				if at < 0 {
					t.Fatalf("%q does not come next:\n%s", part, back)
				}
				back = back[at+len(part):]
			}
		}
		if again[2].fault == nil || !strings.Contains(again[2].fault.Detail, "yang tidak dapat dipakai") {
			t.Errorf("the row below what cannot be used: %v", again[2].fault)
		}
	}
}

// TestCorrectedRows takes rows that came back, once what their remark asks for is done: whoever does
// it need not delete the remark too. One that is as it was is refused again.
func TestCorrectedRows(t *testing.T) {
	remarks := []string{
		"Tanggal Mulai: " + monthFirst(7).id, "Start Date: " + monthFirst(7).en,
		"Tanggal Mulai: " + halfTurnedYear(7).id, "Start Date: " + dayBeforeMonth(7).en,
		"KPJ: " + saidKPJ("20012345678", Indonesian) + "sudah ada di baris 3 dengan isi yang lain",
		"KPJ: " + saidKPJ("20012345678", English) + "is in row 3 already",
		"NIK: orang ini sudah ada di baris 3 dengan isi yang lain",
	}
	for _, c := range []struct {
		kpj, from string
		refused   string // for which remarks
	}{
		{"20012345678", "01/05/2021", "0123456"},
		{"20012345678", "2021-05-01", "23456"},
		{"20012345679", "2021-05-21", "6"},
		{"20012345679", "1 Mei 2021", "6"},
		{"", "2021-05-05", "6"},
	} {
		for i, remark := range remarks {
			_, lines, err := readAll([]byte("Daftar;A\nNIK;KPJ;Kode Wilayah;Segmen;Kategori;Program;Pembayar;"+
				"Tanggal Mulai;Yang Harus Diperbaiki\n7503011501900001;"+c.kpj+";75.03;BPU;Rentan;JKK;SELF;"+
				c.from+";\""+remark+"\"\n"), Options{})
			if err != nil || len(lines) != 1 {
				t.Fatal(err, lines)
			}
			refused := strings.ContainsRune(c.refused, rune('0'+i))
			if (lines[0].fault != nil) != refused {
				t.Errorf("%q, %q, %q: %v", c.kpj, c.from, remark, lines[0].fault)
			}
		}
	}
}
