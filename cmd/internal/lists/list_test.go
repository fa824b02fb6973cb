package lists

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/cmd/internal/lists/named"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

var testKey = named.Key{1, 2, 3}

// line is a record of a list.
type line struct {
	row   int
	event string
	id    string
	data  map[string]any
	fault *event.Refusal
	cells []grid.Cell
}

// readAll reads a list.
func readAll(content []byte, opts Options) (info Info, lines []line, err error) {
	info, lines, _, err = readNoted(content, opts)
	return info, lines, err
}

// readNoted reads a list and what is noticed about it.
func readNoted(content []byte, opts Options) (
	info Info, lines []line, notices []string, err error,
) {
	l, err := Open(bytes.NewReader(content), int64(len(content)), opts)
	if err != nil {
		return info, nil, nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	r := l.Events(testKey)
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return l.Info(), lines, l.Notices(), nil
		} else if err != nil {
			return l.Info(), lines, nil, err
		}
		text := record.Event
		one := line{row: record.Row, event: string(text), fault: record.Refusal, cells: record.Cells}
		if (text == nil) != (record.Refusal != nil) {
			return l.Info(), lines, nil, fmt.Errorf("row %d is an event and refused, or neither", record.Row)
		}
		if record.Refusal == nil {
			var e struct {
				ID   string         `json:"id"`
				Data map[string]any `json:"data"`
			}
			if err := json.Unmarshal(text, &e); err != nil {
				return l.Info(), lines, nil, fmt.Errorf("%s: %w", text, err)
			}
			one.id, one.data = e.ID, e.Data
		}
		lines = append(lines, one)
	}
}

func mustRead(t *testing.T, content []byte, opts Options) (Info, []line) {
	t.Helper()
	info, lines, err := readAll(content, opts)
	if err != nil {
		t.Fatal(err)
	}
	return info, lines
}

// eventsOf returns the events in order, without the number of the row, which each must have.
func eventsOf(lines []line) (events []string) {
	for _, l := range lines {
		if l.fault != nil {
			events = append(events, "refused: "+l.fault.Error())
		} else {
			row := fmt.Sprintf(`"listrow":%d,`, l.row)
			before, after, found := strings.Cut(l.event, row)
			if !found {
				before = "not of its row: " + l.event
			}
			events = append(events, before+after)
		}
	}
	slices.Sort(events)
	return events
}

const enrolments = `Daftar;X-1
Program;JKK, JKM
NIK;KPJ;Kode Wilayah;Segmen;Kategori;Penanggung Iuran;Tanggal Mulai
7503011501900001;;75.03;PU;Swasta;Pemberi Kerja;31/01/2021
7503015501900002;21012345678;Kota Gorontalo;BPU;Mandiri;Sendiri;1 Mei 2021
`

// workbook makes an Excel workbook of rows.
func workbook(t testing.TB, rows [][]any, change func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	for i, row := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(f)
	}
	var b bytes.Buffer
	if _, err := f.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestOneListInManyForms reads one list as CSV and as workbook, in two languages, with columns and
// rows in other orders and values spelt otherwise: the same events, ids and all.
func TestOneListInManyForms(t *testing.T) {
	_, lines := mustRead(t, []byte(enrolments), Options{})
	want := eventsOf(lines)
	if len(want) != 2 || !strings.Contains(want[0], `"data":{"enrolment":"`) {
		t.Fatalf("%q", want)
	}
	english := "Start Date,Region,Worker Category,NIK,Segment,Paid By,Enrolment No,Name\r\n" +
		"2021-05-01,75.71,SELF_EMPLOYED,7503 0155 0190 0002,Non wage earner,SELF,2101 2345678,A\r\n" +
		"\r\n2021-01-31,KAB. BONE BOLANGO,private,'7503011501900001,Wage-Earner,Employer,-,\"B, C\"\r\n"
	forms := map[string][]byte{
		"english": []byte(english),
		"utf-16":  utf16of(english),
		"tabs":    []byte(strings.ReplaceAll(strings.ReplaceAll(enrolments, ", JKM", "+JKM"), ";", "\t")),
		"workbook": workbook(t, [][]any{
			{"PEMERINTAH KABUPATEN"},
			{"No", "NIK", "TMT", "Kab/Kota", "Kategori", "Segmen", "Penanggung", "No. Peserta"},
			{"(1)", "(2)", "(3)", "(4)", "(5)", "(6)", "(7)", "(8)"},
			{1, "7503011501900001", "31-01-2021", 75.03, "swasta", "PU", "perusahaan"},
			{2, "7503015501900002", "01-05-2021", "Kota Gorontalo", "mandiri", "BPU", "mandiri", 21012345678},
			{3},
		}, nil),
		"1904": workbook(t, [][]any{
			{"NIK", "TMT", "Kab/Kota", "Kategori", "Segmen", "Penanggung", "KPJ"},
			{"7503011501900001", 44227 - shift1904, "75.03", "swasta", "PU", "perusahaan"},
			{"7503015501900002", 44317 - shift1904, "75.71", "mandiri", "BPU", "mandiri", "21012345678"},
		}, func(f *excelize.File) {
			yes := true
			if err := f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}); err != nil {
				t.Fatal(err)
			}
		}),
	}
	opts := Options{ID: "X-1", Defaults: []Default{{"programmes", "JKK JKM"}}}
	for name, content := range forms {
		_, lines := mustRead(t, content, opts)
		if got := eventsOf(lines); !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	_, other := mustRead(t, []byte(enrolments), Options{ID: "X-2"})
	for i, l := range other {
		if l.id == lines[i].id || fmt.Sprint(l.data) != fmt.Sprint(lines[i].data) {
			t.Errorf("another list: id %s, data %v", l.id, l.data)
		}
	}
}

func utf16of(text string) []byte {
	content := []byte("\xff\xfe")
	for _, c := range []byte(text) {
		content = append(content, c, 0)
	}
	return content
}

// TestKindsNameOneEnrolment reads three lists that know a person by the NIK alone.
func TestKindsNameOneEnrolment(t *testing.T) {
	_, opened := mustRead(t, []byte(enrolments), Options{})
	_, ended := mustRead(t, []byte("NIK;Hari Terakhir;Alasan\n7503011501900001;30/06/2021;PHK\n"),
		Options{ID: "Y"})
	_, paid := mustRead(t, []byte("Komitmen;NIK;Bulan Mulai;Jumlah Bulan\n"+
		"BB-1;7503011501900001;Januari 2021;3\n"), Options{ID: "Z"})
	name := opened[0].data["enrolment"]
	if fmt.Sprint(ended[0].data) != fmt.Sprintf("map[enrolment:%s reason:LAYOFF until:2021-07-01]", name) ||
		fmt.Sprint(paid[0].data) !=
			fmt.Sprintf("map[commitment:BB-1 enrolment:%s from:2021-01 until:2021-04]", name) {
		t.Errorf("%v, %v, %v", name, ended[0].data, paid[0].data)
	}
	if !strings.HasPrefix(name.(string), "nik-") || opened[1].data["enrolment"] != "21012345678" {
		t.Errorf("%v, %v", name, opened[1].data["enrolment"])
	}
	for _, l := range append(ended, paid...) {
		if strings.Contains(l.event, "7503011501900001") {
			t.Errorf("%s holds a NIK", l.event)
		}
	}
}

func TestEndsOfPeriods(t *testing.T) {
	for header, c := range map[string]struct{ cell, until string }{
		"Tanggal Berhenti":      {"01/07/2021", "2021-07-01"},
		"First Day Not Covered": {"2021-07-01", "2021-07-01"},
		"Last Working Day":      {"2020-12-31", "2021-01-01"},
		"BLTH NA":               {"07-2021", "2021-07-01"},
	} {
		_, lines := mustRead(t, []byte("NIK;"+header+"\n7503011501900001;"+c.cell+"\n"),
			Options{ID: "Y", Defaults: []Default{{"Alasan", "PHK"}}})
		if len(lines) != 1 || lines[0].data["until"] != c.until {
			t.Errorf("%s: %v", header, lines)
		}
	}
	for header, c := range map[string]struct{ cell, until string }{
		"Bulan Selesai":        {"12/2021", "2022-01"},
		"First Month Not Paid": {"2021-12", "2021-12"},
		"Months":               {"12", "2022-01"},
		"Last Month":           {"2020-12", "period.inverted"},
	} {
		_, lines := mustRead(t, []byte("KPJ;Komitmen;Tanggal Mulai;"+header+"\nk1;c1;01/01/2021;"+
			c.cell+"\n"), Options{ID: "Y"})
		got := lines[0].data["until"]
		if lines[0].fault != nil {
			got = string(lines[0].fault.Code)
		}
		if got != c.until {
			t.Errorf("%s: %v", header, got)
		}
	}
}

// TestRefusedRows tells all that is wrong with a row, in the language of its columns, by the row's
// own number.
func TestRefusedRows(t *testing.T) {
	content := workbook(t, [][]any{
		{"Daftar", "X-1"},
		{"NIK", "Kode Wilayah", "Segmen", "Kategori", "Program", "Penanggung Iuran", "Tanggal Mulai"},
		{7503011501900010, "75.03", "PU", "Swasta", "JKK", "APBD", "2021-01-01"},
		{"7503011501900001", "7503", "PUU", "Swasta", "JKK", "APBD", "31/01/21"},
		{"7503011501900001", "75.03", "PU", nil, "JKK", "APBD", nil},
		{"Jumlah", nil, nil, nil, nil, nil, nil},
		{"7503011501900001", "75.03", "PU", "Swasta", "JKK", "APBD", "2021-01-01"},
	}, func(f *excelize.File) {
		if err := f.SetCellFormula("Sheet1", "G5", "1+1"); err != nil {
			t.Fatal(err)
		}
	})
	_, lines := mustRead(t, content, Options{})
	want := []string{
		"3 nik.invalid NIK: Excel telah membuang angka",
		"4 region.unknown Kode Wilayah: Apakah maksudnya 75.03 Kabupaten Bone Bolango? Tulis kode Kemendagri dengan titik (kode BPS 7503 adalah Pohuwato)",
		"5 field.invalid Tanggal Mulai: nilai rumus tidak tersimpan",
		"7 ",
	}
	for i, l := range lines {
		got := fmt.Sprint(l.row, " ")
		if l.fault != nil {
			got = fmt.Sprintf("%d %s %s: %s", l.row, l.fault.Code, l.fault.Field, l.fault.Detail)
		}
		if i >= len(want) || !strings.HasPrefix(got, want[i]) {
			t.Errorf("%s", got)
		}
	}
	if d := lines[1].fault.Detail; !strings.Contains(d, `; Segmen: "PUU" tidak dikenal; pilih: `) ||
		!strings.Contains(d, "; Tanggal Mulai: tahun dua angka") {
		t.Errorf("not all that is wrong: %s", d)
	}
}

func TestRefusedLists(t *testing.T) {
	const id = "List;X\n"
	for name, c := range map[string]struct {
		content string
		opts    Options
		want    string
	}{
		"empty":       {"", Options{}, "the file is empty"},
		"no header":   {"a;b\n1;2\n", Options{}, "no row names the columns"},
		"deep header": {strings.Repeat("x\n", 60) + "NIK;Reason\n", Options{}, "no row names"},
		"no id":       {"NIK;Last Day;Reason\n", Options{}, "the list has no id"},
		"id not filled in": {
			"Judul\n\n;Daftar : ;\nNIK;Alasan;Hari Terakhir\n",
			Options{},
			`kode daftar belum diisi: tulis di sel C3, di samping kata "Daftar", misalnya` +
				" BB-RENTAN-2021-03, atau beri --list BB-RENTAN-2021-03",
		},
		"id in English": {"List;\nNIK;Reason;Last Day\n", Options{}, "cell B1, beside"},
		"example": {
			"Daftar;X\nNIK;Kode Wilayah;TMT\n",
			Options{},
			"tidak punya kolom Segmen, Kategori, Program, Penanggung Iuran: tambahkan, atau tulis" +
				" nilainya untuk semua baris di atas kolom atau dengan --default, misalnya" +
				" --default Segmen=BPU",
		},
		"example with spaces": {
			id + "NIK;Reason\n", Options{}, `such as --default "First Day Not Covered=2021-07-01"`,
		},
		"id with NIK": {"NIK;Last Day;Reason\n", Options{ID: "7503011501900001"}, "a NIK stands in"},
		"wide id":     {"NIK;Last Day;Reason\n", Options{ID: strings.Repeat("表", 30)}, "too much room"},
		"long source": {
			"NIK;Last Day;Reason\n",
			Options{ID: "x", Source: "urn:" + strings.Repeat("x", 253)},
			"more than 256",
		},
		"long id":       {"NIK;Last Day;Reason\n", Options{ID: strings.Repeat("x", 65)}, "more than 64"},
		"no kind":       {id + "NIK;KPJ\n", Options{}, "which kind"},
		"two kinds":     {id + "NIK;Commitment;Last Day\n", Options{}, "which kind"},
		"bad kind":      {id + "Kind;wages\nNIK;Last Day\n", Options{}, `"wages" is no kind`},
		"missing":       {id + "NIK;Last Day\n", Options{}, "has no column Reason:"},
		"typing error":  {id + "NIK;Last Day;Reasn\n", Options{}, `did you mean "Reason"?`},
		"twice":         {id + "NIK;Last Day;Reason;No KTP\n", Options{}, "mean the same"},
		"two ends":      {id + "NIK;Last Day;Termination Date;Reason\n", Options{}, "keep one of them"},
		"unclear":       {id + "NIK;End Date;Reason\n", Options{}, "may mean two days"},
		"tidak jelas":   {"Daftar;X\nNIK;Alasan;Tanggal Selesai\n", Options{}, "dapat berarti dua hari"},
		"bad default":   {id + "NIK;Reason;Last Day\n", Options{Defaults: []Default{{"Reason", "x"}}}, `"x" is not known`},
		"declared":      {id + "Reason: boredom\nNIK;Last Day\n", Options{}, `"Reason": "boredom" is not known`},
		"sheet of text": {id + "NIK;Last Day;Reason\n", Options{Sheet: "A"}, "--sheet is for"},
		"binary":        {"\x00\x01\x02", Options{}, "not text"},
	} {
		_, _, err := readAll([]byte(c.content), c.opts)
		var known *problem.Error
		if !errors.As(err, &known) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestSheets(t *testing.T) {
	list := []any{"NIK", "Last Day", "Reason"}
	add := func(names ...string) func(f *excelize.File) {
		return func(f *excelize.File) {
			for _, name := range names {
				_, err := f.NewSheet(name)
				if err = errors.Join(err, f.SetSheetRow(name, "B3", &list)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	help := [][]any{{"Help"}, {"NIK", "the number", "of a person"}}
	info, _ := mustRead(t, workbook(t, help, add("March")), Options{ID: "X"})
	if info.Sheet != "March" || info.Header != 3 || info.Kind != Termination {
		t.Errorf("%+v", info)
	}
	two := workbook(t, help, add("March", "April"))
	if _, _, err := readAll(two, Options{ID: "X"}); err == nil ||
		!strings.Contains(err.Error(), `several lists ("March", "April")`) {
		t.Error(err)
	}
	if info, _ := mustRead(t, two, Options{ID: "X", Sheet: "april"}); info.Sheet != "April" {
		t.Errorf("%+v", info)
	}
	if _, _, err := readAll(two, Options{ID: "X", Sheet: "May"}); err == nil {
		t.Error("no such sheet, and no error")
	}
}

func TestIgnoredColumns(t *testing.T) {
	info, lines := mustRead(t, []byte("List;X\nNo;NIK;Nama Lengkap;Last Day;Reason;Hobby;;No HP\n"+
		"1;7503011501900001;ANI;2021-01-31;PHK;catur;;0812\n"), Options{})
	if !slices.Equal(info.Ignored, []string{"Nama Lengkap", "Hobby", "No HP"}) || info.Lang != English {
		t.Errorf("%+v", info)
	}
	if strings.Contains(lines[0].event, "ANI") {
		t.Errorf("%s keeps what must not be kept", lines[0].event)
	}
}

// TestReturn gives refused rows back as a list, as CSV and as workbook, from either. Uncorrected
// it says the same again; numbers that have lost digits never come back as whole ones.
func TestReturn(t *testing.T) {
	rows := [][]any{
		{"Daftar", "X-1"},
		{"Segmen", "PU"},
		{"No", "NIK", "Nama", "Kab/Kota", "Kategori", "Program", "Penanggung", "TMT"},
		{1, 7503011501900010, "ANI; BUDI", 75.03, "Swasta", "JKK", "APBD", "31/01/2021"},
		{2, "7503011501900002", "IDA \"X\"", "Gorontalo", "Swasta", "JKK", "APBD", "31/01/21"},
	}
	csvText := ""
	for _, row := range rows {
		for i, value := range row {
			text := fmt.Sprint(value)
			if text == "7503011501900010" {
				text = "7.50301E+15"
			}
			if i > 0 {
				csvText += ";"
			}
			csvText += `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		}
		csvText += "\n"
	}
	for name, content := range map[string][]byte{
		"workbook": workbook(t, rows, nil), "csv": []byte(csvText),
	} {
		for _, asBook := range []bool{true, false} {
			_, first := mustRead(t, content, Options{KeepRows: true, Source: "urn:me"})
			back := giveBack(t, content, asBook)
			info, again := mustRead(t, back, Options{KeepRows: true})
			if len(again) != 2 || info.ID != "X-1" || info.Source != "urn:me" || info.Kind != Enrolment {
				t.Fatalf("%s, back as workbook %v: %+v, %v", name, asBook, info, again)
			}
			for i := range again {
				if again[i].fault == nil || *again[i].fault != *first[i].fault {
					t.Errorf("%s, %v: %v, then %v", name, asBook, first[i].fault, again[i].fault)
				}
				if got, want := string(again[i].cells[2].Text), string(first[i].cells[2].Text); got != want {
					t.Errorf("%q came back as %q", want, got)
				}
			}
			if last := again[0].cells[len(again[0].cells)-1]; !strings.Contains(string(last.Text),
				"NIK: Excel telah membuang angka") {
				t.Errorf("the words are %q", last.Text)
			}
			if !asBook {
				continue
			}
			third := giveBack(t, back, false) // and again: one column of words, not two
			if n := strings.Count(string(third), fieldRemark.title(Indonesian)); n != 1 {
				t.Errorf("%d columns of words:\n%s", n, third)
			}
		}
	}
}

// giveBack returns the refused rows of a list.
func giveBack(t *testing.T, content []byte, asBook bool) []byte {
	t.Helper()
	return giveBackWith(t, content, asBook, Options{KeepRows: true, Source: "urn:me"})
}

func giveBackWith(t *testing.T, content []byte, asBook bool, opts Options) []byte {
	t.Helper()
	l, err := Open(bytes.NewReader(content), int64(len(content)), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var b bytes.Buffer
	back, err := l.Return(&b, asBook)
	if err != nil {
		t.Fatal(err)
	}
	for r := l.Events(testKey); ; {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if refusal := record.Refusal; refusal != nil {
			if err := back.Row(&record, refusal.Field+": "+refusal.Detail); err != nil {
				t.Fatal(err)
			}
			if shown := record.Shown(); event.HasNIK(shown) || strings.Contains(shown, "IDA") ||
				!json.Valid([]byte(shown)) {
				t.Errorf("shown: %s", shown)
			}
		}
	}
	if err := back.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestNearlyIsTheSame: of several names that are as near, the same one is asked for each time.
func TestNearlyIsTheSame(t *testing.T) {
	first := ""
	for range 30 {
		_, _, err := readAll([]byte("List;L-1\nNIK;Segmnet;Categroy;Progrm\n"), Options{})
		if err == nil {
			t.Fatal("columns that are nearly known were ignored")
		}
		if first == "" {
			first = err.Error()
		}
		if err.Error() != first {
			t.Fatalf("%v, before %s", err, first)
		}
	}
}
