package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// setCells writes cells of a workbook's first sheet.
func setCells(t *testing.T, path string, cells map[string]any) {
	t.Helper()
	f, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at, value := range cells {
		if err := f.SetCellValue(f.GetSheetName(0), at, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
}

// TestClerksDay is a day of a clerk who knows the commands' help alone, in Indonesian: a template,
// thirty people, six mistakes that come back, their correction, a person removed and a start
// corrected; in six commands, and with the right number at the end.
func TestClerksDay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	run := func(want int, args ...string) string {
		t.Helper()
		args = append(args, "--data", path("ledger"))
		stdout, diagnostics, code := e2eRun(t.Context(), t, nil, args...)
		if code != want {
			t.Fatalf("%v: exit %d\n%s%s", args, code, stdout, diagnostics)
		}
		return stdout + diagnostics
	}
	expect := func(text string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%q is not in:\n%s", part, text)
			}
		}
	}
	run(0, "template", "enrolment", "-o", path("daftar.xlsx"))
	var rows [][]any
	for i := range 30 {
		rows = append(rows, []any{
			fmt.Sprintf("75030115019%05d", i+1), "", "75.03 Kabupaten Bone Bolango",
			"Penerima Upah", "Swasta", "JKK, JKM", "Pemberi Kerja", "2021-01-31",
		})
	}
	right := map[string]any{ // the cells of the six mistakes, as they should be
		"C5": rows[0][2], "A6": rows[1][0], "D7": rows[2][3], "H8": rows[3][7], "A9": rows[4][0],
		"F10": rows[5][5],
	}
	rows[0][2], rows[1][0], rows[2][3] = "7503", 7503011501900002.0*10, "Penerima Uang"
	rows[3][7], rows[4][0], rows[5][5] = "belum", "750301150190005", "-"
	fillBook(t, path("daftar.xlsx"), "BB-2021-01", rows)

	got := run(3, "import", path("daftar.xlsx"), "--rejects", path("perbaiki.xlsx"))
	expect(got, "24 dicatat", "6 ditolak",
		"terlindungi di 75.03 Kabupaten Bone Bolango pada 2021-01-31: 0 → 24, terkonfirmasi: 0 → 0")
	setCells(t, path("perbaiki.xlsx"), right)
	expect(run(0, "import", path("perbaiki.xlsx")), "6 dicatat", "24 → 30")

	// The next day: the thirtieth is no worker, and the twentieth began in March.
	setCells(t, path("daftar.xlsx"), right)
	gone := map[string]any{"H24": "2021-03-01"}
	for _, column := range "ABCDEFGH" {
		gone[string(column)+"34"] = nil
	}
	setCells(t, path("daftar.xlsx"), gone)
	got = run(0, "import", "--complete", "--dry-run", path("daftar.xlsx"))
	expect(got, "28 baris tetap, 0 baru, 1 berubah, 1 hilang", "hilang dari daftar: baris 34")
	expect(run(2, "import", "--complete", path("daftar.xlsx")), "--gone keep")
	got = run(0, "import", "--complete", "--gone", "retract", path("daftar.xlsx"))
	expect(got, "3 dicatat", "28 sudah ada")
	expect(run(0, "coverage", "--region", "75.03", "--on", "2021-02-01"), "  28  ")
	expect(run(0, "coverage", "--region", "75.03", "--on", "2021-03-01"), "  29  ")

	// Nobody meant that: it is undone, and then done again.
	run(0, "list", "undo", "BB-2021-01")
	expect(run(0, "coverage", "--region", "75.03", "--on", "2021-02-01"), "  30  ")
	run(0, "list", "undo", "BB-2021-01")
	expect(run(0, "list", "show", "BB-2021-01"), "29 baris dari BB-2021-01")
	expect(run(0, "list", "history", "BB-2021-01"), "membatalkan yang mulai dengan peristiwa 31")
	run(4, "list", "show", "BB-2021-02")
}

// TestLargeCorrection corrects more rows than one step can hold: nothing is done until it is said
// that it may be recorded in parts; the same of undoing it.
func TestLargeCorrection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "daftar.csv")
	run := func(want int, part string, args ...string) {
		t.Helper()
		args = append(args, "--data", filepath.Join(dir, "ledger"))
		stdout, diagnostics, code := e2eRun(t.Context(), t, nil, args...)
		if text := stdout + diagnostics; code != want || !strings.Contains(text, part) {
			t.Fatalf("%v: exit %d, not %d with %q: %s", args, code, want, part, text)
		}
	}
	write := func(day string) {
		t.Helper()
		var b strings.Builder
		b.WriteString("Daftar;A\nNIK;Kode Wilayah;Segmen;Kategori;Program;Pembayar;Tanggal Mulai\n")
		for i := range 1_100 {
			fmt.Fprintf(&b, "750301150190%04d;75.03;BPU;Rentan;JKK;SELF;%s\n", i+1, day)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("2021-01-01")
	run(0, "1.100 dicatat", "import", "--complete", path) // what only adds is no correction
	write("2021-02-01")
	run(0, "2.200 akan dicatat", "import", "--complete", "--dry-run", path)
	run(2, "pembetulan ini 2200 laporan", "import", "--complete", path)
	run(0, "  1,100  ", "coverage", "--region", "75.03", "--on", "2021-01-15")
	run(0, "2.200 dicatat", "import", "--complete", "--parts", path)
	run(0, "  1,100  ", "coverage", "--region", "75.03", "--on", "2021-02-15")
	run(2, "--parts", "list", "undo", "A")
	run(0, "1.100 dilaporkan lagi", "list", "undo", "A", "--parts")
	run(0, "  1,100  ", "coverage", "--region", "75.03", "--on", "2021-01-15")
}

// TestNotices imports lists whose rows do not do what they seem to, and is told so, by row.
func TestNotices(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	list := func(name, text string, want ...string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, dry := range []bool{true, false} { // a rehearsal says the same
			args := []string{"import", "--data", filepath.Join(dir, "ledger"), path}
			if dry {
				args = append(args, "--dry-run")
			}
			_, diagnostics, code := e2eRun(t.Context(), t, nil, args...)
			if code != 0 {
				t.Fatalf("%v: exit %d: %s", args, code, diagnostics)
			}
			for _, part := range want {
				if !strings.Contains(diagnostics, part) {
					t.Errorf("dry %t: %q is not in:\n%s", dry, part, diagnostics)
				}
			}
		}
	}
	const head = "NIK;KPJ;Kode Wilayah;Segmen;Kategori;Program;Pembayar;Tanggal Mulai\n"
	const worker = ";75.03;BPU;Pekerja Rentan;JKK;APBD;"
	list("a.csv", "Daftar;A\n"+head+"7503011501900001;"+worker+"2021-03-01\n"+
		"7503011501900002;"+worker+"2021-03-01\n7503011501900003;"+worker+"2091-03-01\n",
		"0 → 0", "baris 3-5: 3 orang dibayar APBD dan belum terlindungi",
		"baris 5: tanggal 2091-03-01 masih lebih dari setahun lagi")
	list("b.csv", "Daftar;B\n"+head+"7503011501900001;"+worker+"2021-05-01\n"+
		"7503011501900002;21012345678"+worker+"2021-05-01\n",
		"baris 3: sudah dilaporkan mulai 2021-03-01", "baris 4: punya kepesertaan lain")
	list("c.csv", "Daftar;C\nKomitmen;NIK;Mulai Bulan;Jumlah Bulan\n"+
		"K-1;7503011501900001;2021-03;3\nK-1;7503011501900009;2021-03;3\n",
		"0 → 1", "baris 3-4: komitmen K-1 tidak pernah dilaporkan",
		"baris 4: kepesertaan itu tidak pernah dilaporkan")
	list("d.csv", "Daftar;D\nNIK;Alasan;Hari Terakhir\n7503011501900001;PHK;2021-03-31\n"+
		"7503011501900008;PHK;2021-03-31\n", "1 → 0", "baris 4: tidak menghentikan siapa pun")
	list("e.csv", "Daftar;E\nNIK;Tanggal Meninggal\n7503011501900002;2021-02-01\n")
	list("f.csv", "Daftar;F\n"+head+"7503011501900002;21012345679"+worker+"2021-06-01\n",
		"baris 3: dilaporkan meninggal pada 2021-02-01")
}

// TestWholeListComesBack sends a whole list with one row refused: nothing is done, and what comes
// back is the whole list, so that it can be corrected and sent as such with nobody gone from it.
func TestWholeListComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	run := func(want int, parts []string, args ...string) {
		t.Helper()
		args = append(args, "--data", path("ledger"))
		stdout, diagnostics, code := e2eRun(t.Context(), t, nil, args...)
		text := stdout + diagnostics
		for _, part := range parts {
			if code != want || !strings.Contains(text, part) {
				t.Fatalf("%v: exit %d, not %d with %q: %s", args, code, want, part, text)
			}
		}
	}
	run(0, []string{""}, "template", "enrolment", "-o", path("daftar.xlsx"))
	var rows [][]any
	for i := range 4 {
		rows = append(rows, []any{
			fmt.Sprintf("75030115019%05d", i+1), "", "75.03", "Penerima Upah", "Swasta", "JKK",
			"Pemberi Kerja", "2021-01-31",
		})
	}
	fillBook(t, path("daftar.xlsx"), "W-1", rows)
	run(0, []string{"4 dicatat"}, "import", "--complete", path("daftar.xlsx"))
	setCells(t, path("daftar.xlsx"), map[string]any{"H6": "belum", "H7": "2021-03-01"})
	for _, back := range []string{"back.csv", "back.xlsx"} {
		run(3, []string{"0 dicatat", "1 ditolak", "bukan seluruh daftarnya"},
			"import", "--complete", path("daftar.xlsx"), "--rejects", path(back))
	}
	setCells(t, path("back.xlsx"), map[string]any{"H6": "2021-02-28"})
	text, err := os.ReadFile(path("back.csv"))
	if err != nil || strings.Count(string(text), "750301150190") != 4 {
		t.Fatalf("%v: %s", err, text)
	}
	text = bytes.Replace(text, []byte("belum;"), []byte("2021-02-28;"), 1)
	writeText(t, path("back.csv"), string(text))
	for _, back := range []string{"back.csv", "back.xlsx"} {
		run(0, []string{"2 baris tetap, 0 baru, 2 berubah, 0 hilang"},
			"import", "--complete", "--dry-run", path(back))
	}
	run(0, []string{"4 dicatat"}, "import", "--complete", path("back.xlsx"))
	run(0, []string{"  3  "}, "coverage", "--region", "75.03", "--on", "2021-02-28")
}

// TestLongList imports more rows than the ledger is asked about at once: what they have done is told
// all the same, and a row that is not as the others is named.
func TestLongList(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "daftar.csv")
	var b strings.Builder
	b.WriteString("Daftar;A\nNIK;Kode Wilayah;Segmen;Kategori;Program;Pembayar;Tanggal Mulai\n")
	for i := range 10_001 {
		payer := "SELF"
		if i == 7_000 {
			payer = "APBD"
		}
		fmt.Fprintf(&b, "7503011501%02d%04d;75.03;BPU;Rentan;JKK;%s;2021-01-31\n", 90+i/9_999, 1+i%9_999, payer)
	}
	writeText(t, path, b.String())
	stdout, diagnostics, code := e2eRun(t.Context(), t, nil, "import", "--data", filepath.Join(dir, "ledger"), path)
	if code != 0 || !strings.Contains(stdout, "10.001 dicatat (peristiwa 1 sampai 10.001)") ||
		!strings.Contains(diagnostics, "pada 2021-01-31: 0 → 10000") ||
		!strings.Contains(diagnostics, "baris 7003: 1 orang dibayar APBD dan belum terlindungi") {
		t.Errorf("exit %d: %s%s", code, stdout, diagnostics)
	}
}
