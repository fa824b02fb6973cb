package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"cakupan/cmd/internal/importer"
)

// listsImport imports a file and returns what it came to.
func listsImport(t *testing.T, args ...string) (got importer.Summary, diagnostics string, code int) {
	t.Helper()
	stdout, diagnostics, code := e2eRun(t.Context(), t, nil, append([]string{"import", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("%v: exit %d: %s%s", args, code, stdout, diagnostics)
	}
	return got, diagnostics, code
}

// fillBook writes rows under the columns of a template, and its list's id.
func fillBook(t *testing.T, path, id string, rows [][]any) {
	t.Helper()
	f, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sheet := f.GetSheetName(0)
	if err := f.SetCellValue(sheet, "B1", id); err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		if err := f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+5), &row); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
}

// fillText does the same with a template in CSV.
func fillText(t *testing.T, path, id string, rows [][]any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	separator := ";"
	if !strings.Contains(string(content), separator) {
		separator = ","
	}
	first, rest, _ := strings.Cut(string(content), "\r\n")
	text := strings.Replace(first, separator, separator+id, 1) + "\r\n" + rest
	for _, row := range rows {
		for i, value := range row {
			if i > 0 {
				text += separator
			}
			text += `"` + fmt.Sprint(value) + `"`
		}
		text += "\r\n"
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTemplatesAreRead fills in each template, in either format and language, and imports it: the
// four templates of a kind are one list.
func TestTemplatesAreRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ledger := filepath.Join(dir, "ledger")
	rows := map[string]map[string][][]any{
		"enrolment": {
			"id": {
				{"7503011501900001", "", "75.03 Kabupaten Bone Bolango", "Penerima Upah", "Swasta", "JKK, JKM", "APBD", "2021-01-31"},
				{"7503011501900002", "21012345678", "75.71 Kota Gorontalo", "Bukan Penerima Upah", "Pekerja Rentan", "JKK, JKM, JHT", "Peserta Sendiri", "01/02/2021"},
			},
			"en": {
				{"7503011501900001", "", "75.03 Kabupaten Bone Bolango", "Wage Earner", "Private Sector", "JKK, JKM", "Local Government", "2021-01-31"},
				{"7503011501900002", "21012345678", "75.71 Kota Gorontalo", "Non Wage Earner", "Vulnerable Worker", "JKK, JKM, JHT", "Worker", "01/02/2021"},
			},
		},
		"termination": {
			"id": {{"7503011501900001", "", "2021-07-01", "Mengundurkan Diri"}, {"", "21012345678", "01/07/2021", "PHK"}},
			"en": {{"7503011501900001", "", "2021-07-01", "Resignation"}, {"", "21012345678", "01/07/2021", "Layoff"}},
		},
		"funding": {
			"id": {{"BB-1", "7503011501900001", "", "2021-01", "Desember 2021"}},
			"en": {{"BB-1", "7503011501900001", "", "2021-01", "December 2021"}},
		},
		"contribution": {
			"id": {
				{"", "21012345678", "2021-01", "Maret 2021", "Rp 50.400", "2021-02-03", "210203-0417"},
				{"7503011501900001", "", "012021", "01-2021", "", "", ""},
			},
			"en": {
				{"", "21012345678", "2021-01", "March 2021", "50,400", "03/02/2021", "210203-0417"},
				{"7503011501900001", "", "202101", "Jan 2021", "", "", ""},
			},
		},
		"death": {
			"id": {{"7503011501900001", "", "2021-03-14"}, {"", "w-1", "14 Maret 2021"}},
			"en": {{"7503011501900001", "", "14/03/2021"}, {"", "w-1", "March 14, 2021"}},
		},
		"merge": {
			"id": {{"7503011501900001", "", "7503011501900002", ""}, {"", "w-1", "", "w-2"}},
			"en": {{"7503011501900001", "", "7503011501900002", ""}, {"", "w-1", "", "w-2"}},
		},
	}
	for kind, byLanguage := range rows {
		appended := uint64(0)
		for language, filled := range byLanguage {
			for _, format := range []string{"xlsx", "csv"} {
				path := filepath.Join(dir, kind+"-"+language+"."+format)
				_, diagnostics, code := e2eRun(t.Context(), t, nil, "template", kind,
					"--format", format, "--lang", language, "-o", path)
				if code != 0 {
					t.Fatalf("exit %d: %s", code, diagnostics)
				}
				if _, _, code := e2eRun(t.Context(), t, nil, "import", "--data", ledger, path); code != 2 {
					t.Errorf("%s, not filled in: exit %d", path, code)
				}
				if format == "csv" {
					fillText(t, path, "L-"+kind, filled)
				} else {
					fillBook(t, path, "L-"+kind, filled)
				}
				got, diagnostics, code := listsImport(t, "--data", ledger, path)
				if code != 0 || got.Read != uint64(len(filled)) || got.Lists[0].Kind != kind {
					t.Errorf("%s: exit %d, %+v: %s", path, code, got, diagnostics)
				}
				appended += got.Appended
			}
		}
		if appended != uint64(len(byLanguage["id"])) {
			t.Errorf("%s: four forms of one list appended %d events", kind, appended)
		}
	}
}

// TestWorkbookComesBack imports a workbook with rows that are refused, corrects those in the
// workbook that comes back, and imports that: into a folder and over a server alike.
func TestWorkbookComesBack(t *testing.T) {
	t.Parallel()
	for _, over := range []string{"folder", "server"} {
		t.Run(over, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			to := []string{"--data", filepath.Join(dir, "ledger")}
			if over == "server" {
				if err := os.MkdirAll(filepath.Join(dir, "ledger"), 0o700); err != nil {
					t.Fatal(err)
				}
				base, _ := e2eServe(t, filepath.Join(dir, "ledger"))
				to = []string{"--server", base}
			}
			list, back := filepath.Join(dir, "list.xlsx"), filepath.Join(dir, "back.xlsx")
			makeWorkbook(t, list)
			got, diagnostics, code := listsImport(t, append(to, "--rejects", back, list)...)
			if code != 3 || got.Read != 3 || got.Appended != 1 || got.Refused != 2 ||
				strings.Contains(diagnostics, "7503011501900") {
				t.Fatalf("exit %d, %+v: %s", code, got, diagnostics)
			}
			if info, err := os.Stat(back); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v: others may read it", info.Mode(), err)
			}
			correct(t, back)
			got, diagnostics, code = listsImport(t, append(to, back)...)
			// The row that was taken in came back with a note: the budget does not pay it yet.
			if code != 0 || got.Read != 3 || got.Appended != 2 || got.Duplicates != 1 {
				t.Errorf("exit %d, %+v: %s", code, got, diagnostics)
			}
			got, _, _ = listsImport(t, append(to, list)...)
			if got.Duplicates != 1 || got.Refused != 2 {
				t.Errorf("the first list again: %+v", got)
			}
		})
	}
}

func makeWorkbook(t *testing.T, path string) {
	t.Helper()
	f := excelize.NewFile()
	for i, row := range [][]any{
		{"DAFTAR PEKERJA"},
		{"Daftar", "BB-7"},
		{"NIK", "Nama", "Kode Wilayah", "Segmen", "Kategori", "Program", "Penanggung Iuran", "TMT"},
		{"7503011501900001", "ANI", "75.03", "PU", "Swasta", "JKK", "APBD", 44197},
		{7503011501900010, "BUDI", "75.03", "PU", "Swasta", "JKK", "APBD", 44197},
		{"7503011501900003", "IDA", 7503, "PU", "Swasta", "JKK", "APBD", 44197},
	} {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
}

// correct does what the words in the last column of a workbook say.
func correct(t *testing.T, path string) {
	t.Helper()
	f, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sheet := f.GetSheetName(0)
	rows, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	corrected := 0
	for i, row := range rows {
		if len(row) < 9 {
			continue
		}
		switch words := row[8]; {
		case strings.Contains(words, "NIK: Excel telah membuang angka"):
			err = f.SetCellValue(sheet, fmt.Sprintf("A%d", i+1), "7503011501900010")
		case strings.Contains(words, "Kode Wilayah: Apakah maksudnya 75.03"):
			err = f.SetCellValue(sheet, fmt.Sprintf("C%d", i+1), "75.03")
		default:
			continue
		}
		if corrected++; err != nil {
			t.Fatal(err)
		}
	}
	if corrected != 2 {
		t.Fatalf("%d rows to correct in %q", corrected, rows)
	}
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
}

// TestTemplateBooks looks for sheets, and what they say, of the workbooks of templates.
func TestTemplateBooks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, language, sheets, help string }{
		{"enrolment", "id", "[Daftar Petunjuk Pilihan]", "Orang yang dihapus dari daftar tetap tercakup"},
		{"termination", "en", "[List Help Choices]", "A row that you delete stays reported: if the person did not leave"},
		{"funding", "id", "[Daftar Petunjuk]", "(funding.committed): tanyakan kepada pengelola"},
		{"contribution", "id", "[Daftar Petunjuk]", "Iuran yang dibukukan, rupiah bulat"},
		{"death", "en", "[List Help]", "The last day of life"},
		{"merge", "id", "[Daftar Petunjuk]", "Kedua nomor lalu dihitung sebagai satu orang"},
	} {
		path := filepath.Join(t.TempDir(), "template.xlsx")
		_, diagnostics, code := e2eRun(t.Context(), t, nil, "template", c.kind, "--lang", c.language, "-o", path)
		if code != 0 {
			t.Fatal(diagnostics)
		}
		f, err := excelize.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(f.GetSheetList()); got != c.sheets {
			t.Errorf("%s: %s", c.kind, got)
		}
		if rows, err := f.GetRows(f.GetSheetName(1)); err != nil || !strings.Contains(fmt.Sprint(rows), c.help) {
			t.Errorf("%v, %q", err, rows)
		}
		rows, err := f.GetRows(f.GetSheetName(0))
		if source := map[string]string{"id": "Sumber", "en": "Source"}[c.language]; err != nil || rows[2][0] != source {
			t.Errorf("%v, %q", err, rows)
		}
		all, err := f.GetDataValidations(f.GetSheetName(0))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range all { // each drop-down offers a column that is there, to its end
			if v.Formula1 == "" {
				continue
			}
			sheet, cells, _ := strings.Cut(strings.ReplaceAll(v.Formula1, "$", ""), "!")
			first, last, _ := strings.Cut(cells, ":")
			head, _ := f.GetCellValue(sheet, first[:1]+"1")
			end, _ := f.GetCellValue(sheet, last)
			if v.PromptTitle == nil || head != *v.PromptTitle || end == "" {
				t.Errorf("%s: %s offers %q to %q", v.Sqref, v.Formula1, head, end)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
