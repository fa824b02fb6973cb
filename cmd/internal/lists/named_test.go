package lists

import (
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// TestNamesOfBoth reads names of columns that are two words for one thing, and takes none for what
// one of its words says alone.
func TestNamesOfBoth(t *testing.T) {
	for name, want := range map[string]field{
		"Tanggal Mulai (TMT)":      fieldFrom,
		"TMT / Tanggal Mulai":      fieldFrom,
		"NIK / No. KTP":            fieldNIK,
		"NIK | No. KTP":            fieldNIK,
		"Program (JKK, JKM)":       fieldProgrammes,
		"NIK (Ibu)":                noField,
		"NIK / KPJ":                noField,
		"NIK / Nama Ibu":           noField,
		"Tanggal Mulai (KPJ)":      noField,
		"Tanggal Mulai / Selesai":  noField,
		"Tanggal Mulai (Berakhir)": noField,
	} {
		if got := meaningOf(name).field; got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

// TestNamesAbove reads names that stand in two rows, merged over columns and downwards; what only
// stands above the names declares something, or is a letterhead.
func TestNamesAbove(t *testing.T) {
	const row = "1;A;7503011501900001;21012345678;75.03;BPU;Rentan;v;;SELF;2021-01-31\n"
	const below = ";;NIK;KPJ;Kode Wilayah;Segmen;Kategori;JKK;JKM;;\n"
	for name, c := range map[string]struct {
		above string
		good  bool
	}{
		"merged":      {"No;Nama;Identitas;;Wilayah;;;Program;;Penanggung Iuran;Tanggal Mulai\n", true},
		"two rows up": {"No;Nama;Identitas;;Wilayah;;;Program;;Penanggung Iuran;Tanggal Mulai\n;\nDinas;;\n", false},
		"a number":    {"No;Nama;Identitas;1;Wilayah;;;Program;;Penanggung Iuran;Tanggal Mulai\n", true},
		"unknown":     {"No;Nama;Identitas;;Wilayah;;;Program;;Pembawa;Hari\n", false},
	} {
		_, lines, err := readAll([]byte("Daftar;X\n"+c.above+below+row), Options{})
		if (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && (len(lines) != 1 || lines[0].fault != nil || lines[0].data["from"] != "2021-01-31") {
			t.Errorf("%s: %+v", name, lines)
		}
	}
	// A declaration with two cells stays one, although the column below has no name.
	const declared = "Daftar;X\nPenanggung Iuran;SELF\n"
	_, lines, err := readAll([]byte(declared+";;NIK;KPJ;Kode Wilayah;Segmen;Kategori;Program;Tanggal Mulai\n"+
		";;7503011501900001;21012345678;75.03;BPU;Rentan;JKK;2021-01-31\n"), Options{})
	if err != nil || len(lines) != 1 || lines[0].fault != nil || lines[0].data["payer"] != "SELF" {
		t.Errorf("%v, %+v", err, lines)
	}
	// One that has names below it does not declare what stands beside it.
	_, lines, err = readAll([]byte("Daftar;X\nPenanggung Iuran;Tanggal Mulai;Wilayah;;;;\n"+
		";;Kode Wilayah;NIK;Segmen;Kategori;Program\n"+
		"SELF;2021-01-31;75.03;7503011501900001;BPU;Rentan;JKK\n"), Options{})
	if err != nil || len(lines) != 1 || lines[0].fault != nil || lines[0].data["payer"] != "SELF" {
		t.Errorf("%v, %+v", err, lines)
	}
}

// TestGoesOnElsewhere tells of a sheet in which a list goes on without names of columns, and not of
// sheets with something else.
func TestGoesOnElsewhere(t *testing.T) {
	content := workbook(t, [][]any{
		{"Daftar", "A"},
		{"NIK", "Kode Wilayah", "Segmen", "Kategori", "Program", "Pembayar", "Tanggal Mulai"},
		{"7503011501900001", "75.03", "BPU", "Rentan", "JKK", "SELF", "2021-01-31"},
	}, func(f *excelize.File) {
		for _, c := range []struct{ sheet, cell, value string }{
			{"Lanjutan", "A1", "7503011501900002"},
			{"Petunjuk", "A1", "isi NIK"},
			{"Petunjuk", "C2", "7503011501900003"}, // an example is in another column
		} {
			_, err := f.NewSheet(c.sheet) // one that is there stays
			if err == nil {
				err = f.SetCellValue(c.sheet, c.cell, c.value)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	_, lines, notices, err := readNoted(content, Options{})
	all := strings.Join(notices, "\n")
	if err != nil || len(lines) != 1 || !strings.Contains(all, `lembar "Lanjutan" berisi NIK (baris 1)`) ||
		strings.Contains(all, "Petunjuk") || strings.Contains(all, "7503011501900002") {
		t.Errorf("%v, %v, %s", lines, err, all)
	}
	if _, _, notices, err = readNoted(content, Options{Sheet: "Sheet1"}); err != nil || len(notices) > 0 {
		t.Errorf("a sheet that was named: %v, %v", notices, err)
	}
}

// TestOtherSeparatorBelow refuses rows that another separator divides than the row of names, where
// they are one cell in a column that counts rows, too.
func TestOtherSeparatorBelow(t *testing.T) {
	const names = "No,NIK,Kode Wilayah,Segmen,Kategori,Program,Pembayar,Tanggal Mulai\n"
	for _, separator := range []string{";", "\t", ","} {
		text := "Daftar,X\n" + names
		for _, nik := range []string{"7503011501900001", "7503011501900002"} {
			text += strings.Join([]string{"1", nik, "75.03", "BPU", "Rentan", "JKK", "SELF", "2021-01-31"}, separator) + "\n"
		}
		_, lines, err := readAll([]byte(text+"3\n,,,\n"), Options{})
		if err != nil || len(lines) != 2 {
			t.Fatalf("%q: %+v, %v", separator, lines, err)
		}
		for _, l := range lines {
			if (l.fault == nil) != (separator == ",") {
				t.Errorf("%q: row %d: %v", separator, l.row, l.fault)
			}
		}
	}
}

// TestLettersInKPJ refuses a number that is a card's once letters are read as the digits that they
// look like, and no office's own number.
func TestLettersInKPJ(t *testing.T) {
	for text, refused := range map[string]bool{
		"2101234567O": true, "2lO12345678": true, "2I012345678": true, "21012345678": false,
		"PO-2021-10": false, "NO12345": false, "OIL21012345": false, "A1012345678": false,
		"O1l": false,
	} {
		if v := parseID(fieldEnrolment, textCell(text)); (v.fault != nil) != refused {
			t.Errorf("%s: %v", text, v.fault)
		}
	}
	if v := parseID(fieldCommitment, textCell("2101234567O")); v.fault != nil {
		t.Errorf("a commitment: %v", v.fault)
	}
}
