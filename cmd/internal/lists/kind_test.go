package lists

import (
	"fmt"
	"strings"
	"testing"

	"cakupan/domain/event"
)

// TestContributions reads lists of what the agency booked, as they come: one month or several, with
// amounts as people write them, and nothing but months.
func TestContributions(t *testing.T) {
	for content, want := range map[string]string{
		"KPJ;BLTH;Nominal;Tanggal Bayar;Kode Iuran\n21012345678;01-2021;Rp 16.800;03/02/2021;210203\n": "amount:16800 enrolment:21012345678 from:2021-01 paidOn:2021-02-03 reference:210203 until:2021-02",
		"KPJ;BLTH;Iuran (Rp)\n21012345678;Des-2021;16.800,00\n":                                        "amount:16800 enrolment:21012345678 from:2021-12 until:2022-01",
		"KPJ;BLTH;Jumlah Iuran\n21012345678;202112;16800,-\n":                                          "amount:16800 enrolment:21012345678 from:2021-12 until:2022-01",
		"KPJ;BLTH Awal;BLTH Akhir;Tanggal Bayar\n21012345678;1.2021;03/2021;\n":                        "enrolment:21012345678 from:2021-01 until:2021-04",
		"Nomor KPJ;Bulan Iuran;Jumlah Bulan\n21012345678;Januari 2021;3\n":                             "enrolment:21012345678 from:2021-01 until:2021-04",
		"KPJ,First Month,First Month Not Paid,Paid On\nk-1,2021-01,2021-03,2021-01-31\n":               "enrolment:k-1 from:2021-01 paidOn:2021-01-31 until:2021-03",
		"Kind,contributions\nKPJ,First Month,Amount\nk-1,2021-01,\"1,016,800.00\"\n":                   "amount:1.0168e+06 enrolment:k-1 from:2021-01 until:2021-02",
		"Enrolment No,Month,Reference\nk-1,2021-01,\"INV/7, \"\"b\"\"\"\n":                             `enrolment:k-1 from:2021-01 reference:INV/7, "b" until:2021-02`,
		// of a fault: its code and column
		"KPJ;BLTH;Nominal\nk1;01-2021;16,80\n":                    "field.invalid Nominal",
		"KPJ;BLTH;Nominal\nk1;01-2021;-1\n":                       "field.invalid Nominal",
		"KPJ;BLTH;Nominal\nk1;01-2021;9007199254740992\n":         "field.invalid Nominal",
		"KPJ;BLTH;Nominal\nk1;01-2021;16.80\n":                    "field.invalid Nominal",
		"KPJ;BLTH;Nominal\nk1;01-2021;1.6800\n":                   "field.invalid Nominal",
		"KPJ;BLTH;Nominal\nk1;01-2021;16.800.50\n":                "field.invalid Nominal",
		"KPJ;BLTH;Nominal\nk1;12021;1\n":                          "field.invalid BLTH",
		"KPJ;BLTH;Nominal\nk1;;1\n":                               "field.missing BLTH",
		"KPJ;BLTH;Nominal\n;01-2021;1\n":                          "field.missing KPJ",
		"KPJ;BLTH Awal;BLTH Akhir;Referensi\nk1;01-2021;;1\n":     "field.missing BLTH Akhir",
		"KPJ;BLTH;Sampai Bulan;Referensi\nk1;02-2021;01-2021;1\n": "period.inverted Sampai Bulan",
		"KPJ;BLTH;Referensi\nk1;01-2021;750301-150190-0001\n":     "nik.misplaced Referensi",
		"KPJ;BLTH;Referensi\nk1;01-2021;7,5031E+15\n":             "field.invalid Referensi",
	} {
		if got := firstOf(t, content, Contribution); got != want {
			t.Errorf("%s\n got %s\nwant %s", content, got, want)
		}
	}
	// A contribution by NIK is of the enrolment that a list of enrolments opened by it.
	_, opened := mustRead(t, []byte(enrolments), Options{})
	_, paid := mustRead(t, []byte("NIK;BLTH\n7503011501900001;01-2021\n"), Options{ID: "Z"})
	if name := opened[0].data["enrolment"]; paid[0].data["enrolment"] != name || name == nil {
		t.Errorf("%v, %v", name, paid[0].data)
	}
	if strings.Contains(paid[0].event, "7503011501900001") {
		t.Errorf("%s holds a NIK", paid[0].event)
	}
}

func TestDeaths(t *testing.T) {
	for content, want := range map[string]string{
		"NIK;Nama;Tanggal Meninggal\n7503011501900001;A;14/03/2021\n":         "nik:7503011501900001 on:2021-03-14",
		"NIK;KPJ;Tgl Wafat\n7503011501900001;k;14 Maret 2021\n":               "nik:7503011501900001 on:2021-03-14",
		"Worker ID,Date of Death\nw-1,2021-03-14\n":                           "on:2021-03-14 worker:w-1",
		"NIK;ID Pekerja;Tanggal Meninggal\n;w-1;14/03/2021\n":                 "on:2021-03-14 worker:w-1",
		"NIK;ID Pekerja;Tanggal Meninggal\n7503011501900001;w-1;14/03/2021\n": "worker.ambiguous NIK",
		"NIK;Tanggal Meninggal\n7503011501900001;\n":                          "field.missing Tanggal Meninggal",
		"NIK;Tanggal Meninggal\n;14/03/2021\n":                                "field.missing NIK",
		"NIK;Tanggal Meninggal\n7503011501900001;14/13/2021\n":                "field.invalid Tanggal Meninggal",
		"NIK;Tanggal Meninggal\n7503011501900000;14/03/2021\n":                "nik.invalid NIK",
	} {
		if got := firstOf(t, content, Death); got != want {
			t.Errorf("%s\n got %s\nwant %s", content, got, want)
		}
	}
}

func TestMerges(t *testing.T) {
	for content, want := range map[string]string{
		"NIK;Digabung ke NIK\n7503011501900001;7503011501900002\n":         "intoNik:7503011501900002 nik:7503011501900001",
		"NIK Lama;NIK Baru\n7503 0115 0190 0001;'7503011501900002\n":       "intoNik:7503011501900002 nik:7503011501900001",
		"Wrong NIK,Correct NIK\n7503011501900001,7503011501900002\n":       "intoNik:7503011501900002 nik:7503011501900001",
		"Worker ID,Merged into Worker ID\nw-1,w-2\n":                       "into:w-2 worker:w-1",
		"Worker ID,Merged into NIK\nw-1,7503011501900002\n":                "intoNik:7503011501900002 worker:w-1",
		"NIK Salah;ID Pekerja Benar\n7503011501900001;w-2\n":               "into:w-2 nik:7503011501900001",
		"NIK;Digabung ke NIK\n7503011501900001;7503011501900001\n":         "field.invalid Digabung ke NIK",
		"Worker ID,Merged into Worker ID\nw-1,w-1\n":                       "field.invalid Merged into Worker ID",
		"NIK,Worker ID,Merged into NIK,Merged into Worker ID\n,w-1,,w-1\n": "field.invalid Merged into Worker ID",
		"NIK;Digabung ke NIK\n7503011501900001;\n":                         "field.missing Digabung ke NIK",
		"NIK;Digabung ke NIK\n;7503011501900001\n":                         "field.missing NIK",
		"NIK;Digabung ke NIK\n7503011501900001;7503\n":                     "nik.invalid Digabung ke NIK",
		"Worker ID,Merged into Worker ID\nw-1,7503011501900001\n":          "nik.misplaced Merged into Worker ID",
		"Worker ID,Into NIK,Into Worker ID\nw-1,7503011501900001,w-2\n":    "worker.ambiguous Into NIK",
		"Worker ID,Into NIK,Into Worker ID\nw-1,,w-2\n":                    "into:w-2 worker:w-1",
	} {
		if got := firstOf(t, content, Merge); got != want {
			t.Errorf("%s\n got %s\nwant %s", content, got, want)
		}
	}
}

// firstOf returns what the one row of a list says: its data, or the code and column of its refusal.
func firstOf(t *testing.T, content string, kind Kind) string {
	t.Helper()
	info, lines, err := readAll([]byte(content), Options{ID: "L"})
	switch {
	case err != nil:
		return err.Error()
	case info.Kind != kind || len(lines) != 1:
		return fmt.Sprintf("%s: %d rows", info.Kind, len(lines))
	case lines[0].fault != nil:
		fault := lines[0].fault
		if event.HasNIK(fault.Error()) {
			t.Errorf("%s shows a NIK", fault)
		}
		return string(fault.Code) + " " + fault.Field
	}
	said := fmt.Sprint(lines[0].data)
	return strings.TrimSuffix(strings.TrimPrefix(said, "map["), "]")
}

// TestKindIsRecognised: what the columns say, and that nothing is taken for another kind.
func TestKindIsRecognised(t *testing.T) {
	for columns, want := range map[string]Kind{
		"NIK;Kode Wilayah;Segmen;Kategori;Program;Penanggung Iuran;Tanggal Mulai;Nominal":        Enrolment,
		"NIK;Kode Wilayah;Segmen;Kategori;Program;Penanggung Iuran;Tanggal Mulai;BLTH;Tgl Bayar": Enrolment,
		"NIK;Kode Wilayah;Segmen;Kategori;Program;Penanggung Iuran;Tanggal Mulai;Tgl Meninggal":  Enrolment,
		"NIK;Hari Terakhir;Alasan":                                      Termination,
		"NIK;Hari Terakhir;Alasan;Tanggal Meninggal":                    Termination,
		"Komitmen;KPJ;Bulan Mulai;Bulan Terakhir":                       Funding,
		"Komitmen;KPJ;Bulan Mulai;Bulan Terakhir;Nominal;Tanggal Bayar": Funding,
		"KPJ;BLTH":                           Contribution,
		"KPJ;Kabupaten;BLTH;Nominal":         Contribution,
		"KPJ;BLTH Awal;BLTH Akhir;Tgl Bayar": Contribution,
		"NIK;Tanggal Meninggal":              Death,
		"NIK;Kabupaten;Tanggal Meninggal":    Death,
		"NIK;NIK Benar":                      Merge,
	} {
		info, _, err := readAll([]byte(columns+"\n"), Options{ID: "L"})
		if err != nil || info.Kind != want {
			t.Errorf("%s: %s, %v, want %s", columns, info.Kind, err, want)
		}
	}
	// Months that are paid, and by whom nobody says, are no contributions.
	for _, columns := range []string{"KPJ;BLTH Awal;BLTH Akhir", "KPJ;BLTH Awal;BLTH Akhir;Nominal"} {
		if info, _, err := readAll([]byte(columns+"\n"), Options{ID: "L"}); err == nil {
			t.Errorf("%s is a list of kind %s", columns, info.Kind)
		}
	}
	for _, kind := range Kinds() {
		for _, text := range []string{kind.String(), kind.Title(Indonesian), strings.ToUpper(kind.String()) + "S"} {
			if got, ok := ParseKind(text); !ok || got != kind {
				t.Errorf("%s is read as %s", text, got)
			}
		}
		if !strings.Contains(KindNames(English), kind.String()) ||
			!strings.Contains(KindNames(Indonesian), kind.Title(Indonesian)) {
			t.Errorf("%s is not named", kind)
		}
	}
}

// TestLostZero: a month that lost its first zero is told, not read as a day that Excel counts.
func TestLostZero(t *testing.T) {
	for _, content := range []string{
		"NIK;Komitmen;BLTH Awal;Jumlah Bulan\n7503014101900001;K1;42021;9\n",
		"NIK;BLTH NA;Alasan\n7503014101900001;42021;PHK\n",
	} {
		_, lines := mustRead(t, []byte(content), Options{ID: "L"})
		if f := lines[0].fault; f == nil || !strings.Contains(f.Detail, "04/2021") {
			t.Errorf("%s: %v", content, lines[0].data)
		}
	}
	_, lines := mustRead(t, []byte("NIK;Komitmen;BLTH Awal;Jumlah Bulan\n7503014101900001;K1;44197;9\n"),
		Options{ID: "L"})
	if lines[0].data["from"] != "2021-01" {
		t.Errorf("%v, %v", lines[0].data, lines[0].fault)
	}
}

// TestTemplatesSayWhatMatters: each kind's template has help and an example for every column, in
// both languages, and advice of its own.
func TestTemplatesSayWhatMatters(t *testing.T) {
	seen := map[string]Kind{}
	for _, kind := range Kinds() {
		for _, language := range []Language{English, Indonesian} {
			template := NewTemplate(kind, language)
			for _, c := range template.Columns {
				if c.Title == "" || c.Help == "" || c.Example == "" {
					t.Errorf("%s: %+v", kind, c)
				}
			}
			own := template.Advice[len(template.Advice)-4]
			if before, found := seen[own]; found {
				t.Errorf("%s says what %s says: %s", kind, before, own)
			}
			seen[own] = kind
		}
	}
	_, _, err := readAll([]byte("KPJ;Nominal\n"), Options{ID: "L", Kind: Contribution})
	if err == nil || !strings.Contains(err.Error(), "BLTH / Bulan Mulai") ||
		!strings.Contains(err.Error(), "--default BLTH=2021-01") {
		t.Errorf("%v", err)
	}
	_, _, err = readAll([]byte("NIK;Nominal\n"), Options{ID: "L", Kind: Death})
	if err == nil || strings.Contains(err.Error(), "2021") {
		t.Errorf("%v", err)
	}
}
