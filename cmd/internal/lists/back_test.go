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
