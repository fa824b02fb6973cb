package lists

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// allocMax bounds what reading a small spreadsheet may allocate, whatever it says of itself.
const allocMax = 96 << 20

// attack reads content as a list. It is read, or refused with a sentence; never more than that.
func attack(t *testing.T, what string, content []byte) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := time.Now()
	_, lines, err := readAll(content, Options{ID: "X"})
	runtime.ReadMemStats(&after)
	if spent := after.TotalAlloc - before.TotalAlloc; spent > allocMax {
		t.Errorf("%s: %d MB allocated", what, spent>>20)
	}
	if spent := time.Since(begun); spent > 20*time.Second {
		t.Errorf("%s: took %s", what, spent)
	}
	if err != nil {
		var known *problem.Error
		if !errors.As(err, &known) || known.Detail == "" || strings.Contains(known.Detail, "\n") ||
			event.HasNIK(err.Error()) {
			t.Errorf("%s: %v is not a sentence for a clerk", what, err)
		}
	}
	for _, l := range lines {
		if l.fault != nil && event.HasNIK(l.fault.Error()) {
			t.Errorf("%s: %v shows a NIK", what, l.fault)
		}
	}
}

// seedBooks returns workbooks to be mutated.
func seedBooks(t *testing.T) [][]byte {
	t.Helper()
	rows := [][]any{
		{"Daftar", "X-1"},
		{"DAFTAR PEKERJA"},
		{"No", "NIK", "Nama", "Kab/Kota", "Segmen", "Kategori", "Program", "Penanggung", "TMT"},
	}
	for i := range 30 {
		rows = append(rows, []any{
			i + 1, "75030115019000" + strconv.Itoa(10+i), "Orang & Co", 75.03, "PU", "Swasta",
			"JKK, JKM", "APBD", 44197 + i,
		})
	}
	merged := func(f *excelize.File) {
		day := 14
		style, err := f.NewStyle(&excelize.Style{NumFmt: day})
		err = errors.Join(err, f.MergeCell("Sheet1", "E5", "E9"),
			f.SetCellStyle("Sheet1", "I4", "I40", style), f.SetCellFormula("Sheet1", "A6", "A5+1"),
			f.SetSheetRow("Sheet1", "A50", &[]any{"Jumlah", "=COUNT(A4:A33)"}))
		_, failed := f.NewSheet("Petunjuk")
		if err = errors.Join(err, failed); err != nil {
			t.Fatal(err)
		}
	}
	var back bytes.Buffer
	plain := workbook(t, rows, nil)
	l, err := Open(bytes.NewReader(plain), int64(len(plain)), Options{KeepRows: true})
	if err != nil {
		t.Fatal(err)
	}
	inline, err := l.Return(&back, true)
	if err != nil {
		t.Fatal(err)
	}
	for r := l.Events(testKey); ; {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err := errors.Join(err, inline.Row(&record, "x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(inline.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	return [][]byte{plain, workbook(t, rows, merged), back.Bytes()}
}

// unpack and pack take a workbook apart and put it together again.
func unpack(t *testing.T, content []byte) (names []string, parts map[string][]byte) {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	parts = map[string][]byte{}
	for _, f := range archive.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, f.Name)
		if parts[f.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
	return names, parts
}

func pack(t *testing.T, names []string, parts map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		if len(parts[name]) == 0 {
			header.Method = zip.Store
		}
		to, err := w.CreateHeader(header)
		if err == nil {
			_, err = to.Write(parts[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pieces are put into the XML of workbooks.
var pieces = []string{
	`<c r="BDWGN1" t="s"><v>999999999</v></c>`, `<row r="2147483648">`, `<!DOCTYPE x [<!ENTITY a "b">]>`,
	`&a;`, `&#x110000;`, `<![CDATA[`, `<!--`, `]]>`, `</row>`, `</sheetData>`, `<sheetData/>`, `<`,
	`>`, `"`, `'`, "\x00", "\xff\xfe", `<c t="s"><v>-1</v></c>`, `<f>1+1</f>`, `<is><t>`, `</c></c>`,
	`<mergeCell ref="A1:XFD1048576"/>`, `<c r="A0"><v>1</v></c>`, ` r="A1" r="B1"`, `_xFFFF_`,
	`<v>1e999</v>`, `<si><t>7503011501900001</t></si>`, `date1904="1"`, `state="hidden"`,
	`Target="../../../etc/passwd"`, strings.Repeat("<row>", 3000), strings.Repeat("x", 100_000),
	strings.Repeat(`<c r="ZZ1" s="1"/>`, 20_000), strings.Repeat(`<xf numFmtId="14"/>`, 50_000),
	strings.Repeat(`<si><t>1</t></si>`, 50_000), strings.Repeat("&amp;", 50_000),
}

// mutate changes a workbook in one of many ways, and says in which.
func mutate(t *testing.T, random *rand.Rand, seed []byte) (what string, content []byte) {
	t.Helper()
	content = bytes.Clone(seed)
	kind := random.IntN(8)
	what = "mutation " + strconv.Itoa(kind)
	switch kind {
	case 0: // turned bytes of the file
		for range 1 + random.IntN(20) {
			content[random.IntN(len(content))] = byte(random.Uint32())
		}
		return what, content
	case 1: // cut off, or lacking its middle
		from := random.IntN(len(content))
		return what, append(content[:from], content[from+random.IntN(len(content)-from):]...)
	}
	names, parts := unpack(t, seed)
	name := names[random.IntN(len(names))]
	if random.IntN(2) == 0 { // mostly the parts that are read in bulk
		for _, n := range names {
			if strings.HasPrefix(n, "xl/worksheets/s") || strings.HasPrefix(n, "xl/shared") {
				name = n
			}
		}
	}
	part := parts[name]
	at := random.IntN(len(part) + 1)
	what += " of " + name
	switch kind {
	case 2: // a part is lost
		delete(parts, name)
		names = removed(names, name)
	case 3: // a part is another one
		parts[name] = parts[names[random.IntN(len(names))]]
	case 4: // turned bytes of XML
		for range 1 + random.IntN(20) {
			if len(part) > 0 {
				part[random.IntN(len(part))] = byte(random.Uint32())
			}
		}
	case 5: // XML is lost
		parts[name] = append(part[:at:at], part[at+random.IntN(len(part)-at+1):]...)
	case 6: // XML comes twice
		end := at + random.IntN(len(part)-at+1)
		again := bytes.Repeat(part[at:end], 1+random.IntN(50))
		parts[name] = append(append(part[:at:at], again...), part[at:]...)
	default: // XML that does not belong there
		piece := pieces[random.IntN(len(pieces))]
		what += " " + piece[:min(len(piece), 20)]
		parts[name] = append(append(part[:at:at], piece...), part[at:]...)
	}
	return what, pack(t, names, parts)
}

func removed(names []string, name string) (left []string) {
	for _, n := range names {
		if n != name {
			left = append(left, n)
		}
	}
	return left
}

// TestMutatedWorkbooks reads 500 workbooks that are broken in some way, more with CAKUPAN_LONG.
func TestMutatedWorkbooks(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	count := 500
	if os.Getenv("CAKUPAN_LONG") != "" {
		count = 20_000
	}
	seeds := seedBooks(t)
	for _, seed := range seeds {
		if _, lines := mustRead(t, seed, Options{}); len(lines) < 30 || lines[0].fault != nil {
			t.Fatalf("a seed is not read: %v", lines)
		}
	}
	random := rand.New(rand.NewPCG(2026, 11))
	for range count {
		what, content := mutate(t, random, seeds[random.IntN(len(seeds))])
		attack(t, what, content)
	}
}

// TestHostileFiles reads what people, and others, put into files that are named as lists.
func TestHostileFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	seed := seedBooks(t)[0]
	names, parts := unpack(t, seed)
	with := func(name string, content []byte) []byte {
		changed := map[string][]byte{}
		for n, c := range parts {
			changed[n] = c
		}
		changed[name] = content
		return pack(t, names, changed)
	}
	const sheet = "xl/worksheets/sheet1.xml"
	many := make([]string, 0, 70_000)
	for i := range 70_000 {
		many = append(many, "part"+strconv.Itoa(i)+strings.Repeat("x", 40))
	}
	header := "<worksheet><sheetData><row>"
	for _, name := range []string{"NIK", "Last Day", "Reason"} {
		header += "<c t=\"str\"><v>" + name + "</v></c>"
	}
	header += "</row>"
	for what, content := range map[string][]byte{
		"bomb": with(sheet, []byte(header+strings.Repeat("<row><c t=\"str\"><v>"+
			strings.Repeat("9", 1000)+"</v></c></row>", 40_000))),
		"wide":        with(sheet, []byte(header+"<row>"+strings.Repeat("<c/>", 100_000)+"</row>")),
		"long number": with(sheet, []byte(header+"<row><c><v>"+strings.Repeat("9", 500_000)+"</v></c></row>")),
		"deep":        with(sheet, bytes.Repeat([]byte("<a>"), 100_000)),
		"attributes":  with(sheet, []byte("<row "+strings.Repeat(`a="b" `, 150_000)+">")),
		"many parts":  pack(t, many, nil),
		"UTF-16 XML":  with(sheet, utf16of(string(parts[sheet]))),
		"quotes":      []byte("NIK;Alasan\n" + strings.Repeat("\"", 3_000_000)),
		"one line":    []byte(strings.Repeat("NIK;", 1_000_000)),
		"separators":  []byte("NIK;Alasan;Hari Terakhir\n" + strings.Repeat(strings.Repeat(";", 2000)+"x\n", 500)),
		"HTML":        []byte("<html><table><tr><td>NIK</td></tr></table></html>"),
		"PDF":         []byte("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
		"NUL":         make([]byte, 1_000_000),
	} {
		attack(t, what, content)
	}
}

// FuzzList reads anything as a list.
func FuzzList(f *testing.F) {
	f.Add([]byte(enrolments))
	f.Add([]byte("List,X\nNIK,Last Day,Reason\n1,2,3\n"))
	f.Add(utf16of("NIK\tKomitmen\tBulan Mulai\tJumlah Bulan\n7503011501900001\tc\t01/2021\t3\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		_, lines, err := readAll(content, Options{ID: "X", KeepRows: true})
		var known *problem.Error
		if err != nil && !errors.As(err, &known) {
			t.Errorf("%v has no place in the table of problems", err)
		}
		last := 0
		for _, l := range lines {
			if l.row <= last {
				t.Errorf("row %d after row %d", l.row, last)
			}
			last = l.row
		}
	})
}
