package lists

import (
	"strings"
	"testing"
)

// TestNotes passes over a note behind a name that says how values are written, and over no other.
func TestNotes(t *testing.T) {
	for text, want := range map[string]field{
		"Tanggal Mulai (dd/mm/yyyy)": fieldFrom, "TMT (tgl/bln/" + yearShort + ")*": fieldFrom,
		"Tanggal Mulai (mm/dd/yyyy)": fieldFrom, "KPJ (11 digit)": fieldEnrolment,
		"Program (JKK/JKM)": fieldProgrammes, "Program (JKK, JKM, JHT)": fieldProgrammes,
		"Segmen (PU/BPU)": fieldSegment, "Kode Wilayah (Kemendagri)": fieldRegion,
		"Region Code (code)": fieldRegion, "NIK (wajib diisi)": fieldNIK, "NIK *": fieldNIK,
		"BLTH (mm/yyyy)": fieldMonth,
		// These are other columns.
		"NIK (Ibu)": noField, "NIK (Penanggung Jawab)": noField, "KPJ (lama)": noField,
		"Program (Dinas Sosial)": noField, "Segmen (lama/baru)": noField, "KPJ (dd/mm/yyyy)": noField,
		"Kabupaten (lahir)": noField, "(NIK)": fieldNIK, "NIK (": fieldNIK, "Ibu (16 digit)": noField,
		"Segmen (/)": fieldSegment,
	} {
		if got := meaningOf(text).field; got != want {
			t.Errorf("%s: %d, not %d", text, got, want)
		}
	}
}

// TestMonthFirstHeading refuses days that may be two where the name of the column says that months
// come first.
func TestMonthFirstHeading(t *testing.T) {
	_, lines, err := readAll([]byte("Daftar;A\nNIK;Kode Wilayah;Nama Kab/Kota;Segmen;Kategori;Program;"+
		"Pembayar;Tanggal Mulai (mm/dd/yyyy)\n"+
		"7503011501900001;75.03;Bone Bolango;BPU;Rentan;JKK;SELF;01/05/2021\n"+
		"7503011501900002;75.03;Kota Gorontalo;BPU;Rentan;JKK;SELF;7 Mei 2021\n"+
		"7503011501900003;75.03;Kab. Bone Bolango;BPU;Rentan;JKK;SELF;7 Mei 2021\n"), Options{})
	if err != nil || len(lines) != 3 || lines[0].fault == nil ||
		!strings.Contains(lines[0].fault.Detail, "baris 2 ") || lines[1].fault == nil ||
		lines[1].fault.Field != "Nama Kab/Kota" || lines[2].fault != nil {
		t.Errorf("%v: %+v", err, lines)
	}
}
