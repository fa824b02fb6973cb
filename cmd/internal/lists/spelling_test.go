package lists

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/cmd/internal/lists/named"
)

const spellingHead = "Daftar;A\nNIK;KPJ;Kode Wilayah;Segmen;Kategori;Program;Pembayar;Tanggal Mulai\n"

// TestCardNumbers reads the number of a card as people write it: one number has one form, a word
// for none is no number, and what has no digit is none either.
func TestCardNumbers(t *testing.T) {
	for written, want := range map[string]string{
		"20012345678": "20012345678", "2001-2345-678": "20012345678",
		"KPJ 20012345678": "20012345678", "No. KPJ: 20.012.345.678": "20012345678",
		"20.012.345.678,00": "20012345678", "20,012,345,678.00": "20012345678",
		"K-17": "K-17", "2001-17": "2001-17", // of somebody's own
		"belum ada KPJ": "", "Menyusul": "", "TBA": "", "sedang diproses": "", "blm ada": "",
		"tidak memiliki": "", "xxx": "field.invalid", "sudah diajukan": "field.invalid",
		"belum 2021": "field.invalid", "kosong1": "field.invalid", "Tidak ada 1": "field.invalid",
		"NA-17": "NA-17",
	} {
		row := "7503011501900001;" + written + ";75.03;BPU;Rentan;JKK;SELF;2021-01-01\n"
		_, lines, err := readAll([]byte(spellingHead+row), Options{})
		if err != nil || len(lines) != 1 {
			t.Fatalf("%s: %d rows, %v", written, len(lines), err)
		}
		got, _ := lines[0].data["enrolment"].(string)
		switch {
		case lines[0].fault != nil:
			got = string(lines[0].fault.Code)
		case strings.HasPrefix(got, named.Prefix):
			got = ""
		}
		if got != want {
			t.Errorf("%q is %q instead of %q", written, got, want)
		}
	}
}

// TestCardNotices tells of numbers that may be typing errors, and of those that nothing is made of.
func TestCardNotices(t *testing.T) {
	const rest = ";75.03;BPU;Rentan;JKK;SELF;2021-01-01\n"
	_, lines, notices, err := readNoted([]byte(spellingHead+"7503011501900001;20012345678"+rest+
		"7503011501900002;020012345678"+rest+"7503011501900003;ABC-1"+rest+
		"7503011501900004;"+rest+"7503011501900005;12-34"+rest), Options{})
	text := strings.Join(notices, "\n")
	if err != nil || len(lines) != 5 || !strings.Contains(text, "bukan 11 angka") ||
		!strings.HasSuffix(text, ": 4, 7") {
		t.Errorf("%d rows, %v: %s", len(lines), err, text)
	}
	_, lines, notices, err = readNoted([]byte("List;A\nNIK;KPJ;Termination Date;Reason\n"+
		"7503011501900001;20012345678;2021-05-01;Layoff\n;20012345679;2021-05-01;Layoff\n"+
		"7503011501900003;;2021-05-01;Layoff\n"), Options{})
	if text = strings.Join(notices, "\n"); err != nil || len(lines) != 3 ||
		text != "rows with KPJ and NIK: the KPJ counts, the NIK is not compared: 3" {
		t.Errorf("%d rows, %v: %s", len(lines), err, text)
	}
}

// TestOneDigitNIK refuses a run of one digit, which passes the rules of a NIK and is nobody's.
func TestOneDigitNIK(t *testing.T) {
	for _, nik := range []string{"1111111111111111", "1111.1111.1111.1111", "NIK 1111111111111111"} {
		row := nik + ";;75.03;BPU;Rentan;JKK;SELF;2021-01-01\n"
		_, lines, err := readAll([]byte(spellingHead+row), Options{})
		if err != nil || len(lines) != 1 || lines[0].fault == nil {
			t.Errorf("%s: taken as somebody's: %v, %v", nik, lines, err)
		}
	}
}

// TestLayouts reads lists whose parts stand where people put them: a heading over the middle one of
// three columns, a second block with its letterhead, a signature whose day is under the days.
func TestLayouts(t *testing.T) {
	const person = "750301150190000"
	for name, c := range map[string]struct {
		text string
		want []string // of each row: what it says; "!" where it is refused
	}{
		"a heading over the middle": {
			"Daftar;A\nNIK;Kode Wilayah;Segmen;Kategori;;Program;;Pembayar;Tanggal Mulai\n" +
				person + "1;75.03;BPU;Rentan;JKK;JKM;JHT;SELF;2021-01-01\n" +
				person + "2;75.03;BPU;Rentan;JKK;x;;SELF;2021-01-01\n",
			[]string{"0001 75.03 [JKK JKM JHT] 2021-01-01", "!"},
		},
		"programmes without a heading, elsewhere": {
			"Daftar;A\nNIK;Kode Wilayah;Segmen;Kategori;Program;Pembayar;Tanggal Mulai;\n" +
				person + "1;75.03;BPU;Rentan;JKK;SELF;2021-01-01;JHT\n",
			[]string{"0001 75.03 [JKK JHT] 2021-01-01"},
		},
		"a block with a region of its own": {
			"Daftar;A\nNIK;Kode Wilayah;Segmen;Kategori;Program;Pembayar;Tanggal Mulai\n" +
				person + "1;75.03;BPU;Rentan;JKK;SELF;2021-01-01\n\nKabupaten : Pohuwato\n" +
				"NIK;Nama;Segmen;Kategori;Program;Pembayar;Tanggal Mulai\n" +
				person + "2;Ani;BPU;Rentan;JKK;SELF;2021-01-01\n",
			[]string{"0001 75.03 [JKK] 2021-01-01", "0002 75.04 [JKK] 2021-01-01"},
		},
		"a signature under the days": {
			"Daftar;A\nNIK;Kode Wilayah;Segmen;Kategori;Program;Pembayar;Tanggal Mulai\n" +
				person + "1;75.03;BPU;Rentan;JKK;SELF;2021-01-01\n" +
				";;;;;Suwawa;5 Januari 2021\n",
			[]string{"0001 75.03 [JKK] 2021-01-01"},
		},
		"somebody without a number": {
			"Daftar;A\nNIK;Kode Wilayah;Segmen;Kategori;Program;Pembayar;Tanggal Mulai\n" +
				person + "1;75.03;BPU;Rentan;JKK;SELF;2021-01-01\n" +
				";75.03;BPU;Rentan;JKK;SELF;2021-01-01\n",
			[]string{"0001 75.03 [JKK] 2021-01-01", "!"},
		},
	} {
		_, lines, err := readAll([]byte(c.text), Options{})
		if err != nil || len(lines) != len(c.want) {
			t.Errorf("%s: %d rows, %v", name, len(lines), err)
			continue
		}
		for i := range lines {
			got := lines[i].says()
			if lines[i].fault != nil {
				got = "!"
			}
			if got != c.want[i] {
				t.Errorf("%s: row %d says %q instead of %q", name, lines[i].row, got, c.want[i])
			}
		}
	}
}

// TestHiddenSheets tells of a hidden sheet that holds a list, and does not read it.
func TestHiddenSheets(t *testing.T) {
	f := excelize.NewFile()
	for i, sheet := range []string{"Sheet1", "Desa B", "Kode"} {
		if _, err := f.NewSheet(sheet); err != nil {
			t.Fatal(err)
		}
		rows := strings.Split(spellingHead+"750301150190000"+string(rune('1'+i))+
			";;75.03;BPU;Rentan;JKK;SELF;2021-01-01", "\n")
		if sheet == "Kode" {
			rows = []string{"JKK", "JKM"}
		}
		for n, row := range rows {
			cells := strings.Split(row, ";")
			if err := f.SetSheetRow(sheet, cellName(0, n+1), &cells); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.SetSheetVisible(sheet, sheet == "Sheet1"); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := f.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	_, lines, notices, err := readNoted(b.Bytes(), Options{})
	if err != nil || len(lines) != 1 || len(notices) != 1 ||
		!strings.Contains(notices[0], `lembar "Desa B" tersembunyi`) {
		t.Errorf("%d rows, %q, %v", len(lines), notices, err)
	}
}

// TestNoNumber says of a cell of yes or no that it is no number, and of a date what became of it.
func TestNoNumber(t *testing.T) {
	for kind, want := range map[grid.Kind]string{grid.Bool: "BENAR atau SALAH", grid.Date: "menjadi tanggal"} {
		v := parseID(fieldEnrolment, grid.Cell{Kind: kind, Text: []byte("1")})
		if v.fault == nil || !strings.Contains(v.fault.id, want) {
			t.Errorf("kind %d: %+v, not %s", kind, v.fault, want)
		}
	}
}

// TestHiddenListAlone says where the list is that nobody sees, in the language of who reads it.
func TestHiddenListAlone(t *testing.T) {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	var errs []error
	add := func(sheet string, row int, cells ...any) {
		_, err := f.NewSheet(sheet)
		errs = append(errs, err, f.SetSheetRow(sheet, "A"+strconv.Itoa(row), &cells))
	}
	add("Sheet1", 1, "Petunjuk")
	add("Lama", 1, "NIK", "Tanggal Berhenti", "Alasan")
	errs = append(errs, f.SetSheetVisible("Lama", false))
	var content bytes.Buffer
	errs = append(errs, f.Write(&content))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	indonesian := Indonesian
	for _, err := range []error{
		openError(content.Bytes(), Options{ID: "X", Readers: &indonesian}),
		func() error {
			_, err := Sheets(bytes.NewReader(content.Bytes()), int64(content.Len()), &indonesian)
			return err
		}(),
	} {
		want := `file.unreadable: lembar yang berisi daftar tersembunyi ("Lama"): tampilkan lembarnya bila dimaksud`
		if err == nil || err.Error() != want {
			t.Errorf("%v, not %s", err, want)
		}
	}
	err := openError(content.Bytes(), Options{ID: "X", Sheet: "lama"})
	if err == nil || !strings.Contains(err.Error(), "tersembunyi") {
		t.Errorf("asked for by name: %v", err)
	}
}

// openError opens a list that cannot be opened.
func openError(content []byte, opts Options) error {
	l, err := Open(bytes.NewReader(content), int64(len(content)), opts)
	if err == nil {
		return l.Close()
	}
	return err
}
