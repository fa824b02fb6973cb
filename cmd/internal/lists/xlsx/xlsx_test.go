package xlsx_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/cmd/internal/lists/xlsx"
)

// cells returns all cells of a sheet that have a value, by reference, as "kind:text".
func cells(content []byte, sheet int) (found map[string]string, err error) {
	book, err := xlsx.Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, book.Close()) }()
	if sheet >= len(book.Sheets) {
		return nil, fmt.Errorf("%d sheets", len(book.Sheets))
	}
	rows, err := book.Rows(book.Sheets[sheet])
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	found = map[string]string{}
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return found, err
		}
		for i, c := range row.Cells {
			if c.Kind != grid.Empty {
				name, err := excelize.CoordinatesToCellName(i+1, row.Number)
				if err != nil {
					return found, err
				}
				found[name] = fmt.Sprintf("%d:%s", c.Kind, c.Text)
			}
		}
	}
}

// TestAgainstExcelize writes random sheets by excelize, as a whole and as a stream, and compares
// what is read with what excelize reads.
func TestAgainstExcelize(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	texts := []string{
		"NIK", "7503011501900001", " a  b ", "a&b<c>\"d\"'e'", "é😀", "line\nline", "_x000D_", "0",
		"1,5", "", strings.Repeat("long ", 2000), "]]>", "\u00a0x",
	}
	for n := range 40 {
		f := excelize.NewFile()
		stream, err := f.NewStreamWriter("Sheet1")
		if n%2 == 0 {
			stream = nil
		}
		row := 0
		for range 1 + random.IntN(60) {
			row += 1 + random.IntN(3)
			var values []any
			for range random.IntN(30) {
				switch random.IntN(5) {
				case 0:
					values = append(values, nil)
				case 1:
					values = append(values, random.IntN(100_000))
				case 2:
					values = append(values, random.IntN(2) == 0)
				default:
					values = append(values, texts[random.IntN(len(texts))])
				}
			}
			cell := fmt.Sprintf("A%d", row)
			if stream != nil {
				err = errors.Join(err, stream.SetRow(cell, values))
			} else {
				err = errors.Join(err, f.SetSheetRow("Sheet1", cell, &values))
			}
		}
		if stream != nil {
			err = errors.Join(err, stream.Flush())
		}
		var b bytes.Buffer
		_, failed := f.WriteTo(&b)
		if err = errors.Join(err, failed); err != nil {
			t.Fatal(err)
		}
		compare(t, b.Bytes())
	}
}

func compare(t *testing.T, content []byte) {
	t.Helper()
	got, err := cells(content, 0)
	if err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := f.GetRows(f.GetSheetName(0), excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for y, row := range rows {
		for x, text := range row {
			if text != "" {
				name, _ := excelize.CoordinatesToCellName(x+1, y+1)
				want[name] = text
			}
		}
	}
	for name, text := range got {
		got[name] = text[2:] // excelize tells no kinds
	}
	if !maps.Equal(got, want) {
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%s: %q, excelize has %q", name, got[name], want[name])
			}
		}
		t.Fatalf("%d cells, excelize has %d", len(got), len(want))
	}
}

// book makes a workbook of a sheet's rows as XML, with shared texts "a" and "b&c", and number
// formats of which 1 shows dates.
func book(t testing.TB, sheet string, replace map[string]string) []byte {
	t.Helper()
	parts := map[string]string{
		"[Content_Types].xml": `<Types/>`,
		"_rels/.rels": `<Relationships><Relationship Id="r" Type="http://x/officeDocument"` +
			` Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml": `<workbook xmlns:r="r"><workbookPr/><sheets>` +
			`<sheet name="Hidden" state="hidden" r:id="s9"/>` +
			`<sheet name="A &amp; B" r:id="s1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships>` +
			`<Relationship Id="s1" Type="http://x/worksheet" Target="/xl/Worksheets/Sheet1.xml"/>` +
			`<Relationship Id="s9" Type="http://x/worksheet" Target="nowhere.xml"/>` +
			`<Relationship Id="s2" Type="http://x/sharedStrings" Target="sharedStrings.xml"/>` +
			`<Relationship Id="s3" Type="http://x/styles" Target="styles.xml"/></Relationships>`,
		"xl/sharedStrings.xml": `<sst><si><t>a</t></si><si><r><t>b&amp;</t></r><r><rPr/>` +
			`<t xml:space="preserve">c</t></r><rPh><t>hint</t></rPh></si><si/></sst>`,
		"xl/styles.xml": `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/>` +
			`<numFmt numFmtId="165" formatCode="0.00 &quot;day&quot;"/></numFmts><cellStyleXfs><xf` +
			` numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/>` +
			`<xf numFmtId="165"/><xf numFmtId="14"/></cellXfs></styleSheet>`,
		"xl/worksheets/sheet1.xml": `<?xml version="1.0" encoding="UTF-8"?><worksheet>` +
			`<sheetData>` + sheet + `</sheetData></worksheet>`,
	}
	maps.Copy(parts, replace)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		to, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(to, parts[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCells(t *testing.T) {
	for _, c := range []struct {
		sheet string
		want  map[string]string
	}{
		{
			`<row r="2"><c r="B2" t="s"><v>0</v></c><c r="D2" t="s"><v>1</v></c></row>`,
			map[string]string{"B2": "1:a", "D2": "1:b&c"},
		},
		{
			`<row><c><v>1</v></c><c t="n"><v>2.5</v></c></row><row><c><v>3</v></c></row>`,
			map[string]string{"A1": "2:1", "B1": "2:2.5", "A2": "2:3"},
		},
		{
			`<row r="1"><c r="A1" s="1"><v>44197</v></c><c r="B1" s="2"><v>1</v></c>` +
				`<c r="C1" s="3"><v>44197</v></c><c r="D1" s="99"><v>1</v></c></row>`,
			map[string]string{"A1": "3:44197", "B1": "2:1", "C1": "3:44197", "D1": "2:1"},
		},
		{
			`<row r="1"><c r="A1" t="b"><v>1</v></c><c r="B1" t="e"><v>#REF!</v></c>` +
				`<c r="C1" t="str"><f>A1</f><v>x</v></c><c r="D1"><f>A1</f></c>` +
				`<c r="E1"><f>A1</f><v>7</v></c></row>`,
			map[string]string{"A1": "4:1", "B1": "5:#REF!", "C1": "1:x", "D1": "6:", "E1": "2:7"},
		},
		{
			`<row r="1"><c r="A1" t="inlineStr"><is><t>in &lt;line&#33;</t></is></c>` +
				`<c r="B1" t="inlineStr"><is><r><t>two </t></r><r><t>runs</t></r></is></c>` +
				`<c r="C1" t="inlineStr"><is><t/></is></c><c r="D1" s="1"/><c r="E1"></c></row>`,
			map[string]string{"A1": "1:in <line!", "B1": "1:two runs"},
		},
		{
			`<x:row r='1'><!-- <c r="A1"><v>1</v></c> --><x:c r='B1' t='str'><x:v>a>b</x:v></x:c>` +
				`<x:c r="C1" t="str"><x:v><![CDATA[x]]>y</x:v></x:c></x:row>`,
			map[string]string{"B1": "1:a>b", "C1": "1:xy"},
		},
		{
			`<row r="1" a=">"><c r="AA1" t="d"><v>2021-01-31</v></c></row>`,
			map[string]string{"AA1": "1:2021-01-31"},
		},
		{``, map[string]string{}},
	} {
		got, err := cells(book(t, c.sheet, nil), 0)
		if err != nil || !maps.Equal(got, c.want) {
			t.Errorf("%s:\n%v, %v; want %v", c.sheet, got, err, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	const row = `<row r="1"><c r="A1" t="s"><v>0</v></c></row>`
	bomb := strings.Repeat("<b>"+strings.Repeat(" ", 1000)+"</b>", 40_000)
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"empty":     {nil, "empty"},
		"text":      {[]byte("NIK;Nama\n1;2\n"), "not an Excel workbook"},
		"cut off":   {book(t, row, nil)[:300], "not complete"},
		"old Excel": {compound("Workbook"), ".xls"},
		"encrypted": {compound("EncryptedPackage"), "password"},
		"LibreOffice": {
			book(t, row, map[string]string{"mimetype": "application/vnd.oasis"}), "LibreOffice",
		},
		"binary": {book(t, row, map[string]string{"xl/workbook.bin": ""}), ".xlsb"},
		"Word":   {book(t, row, map[string]string{"word/document.xml": ""}), "Word"},
		"no sheet": {
			book(t, row, map[string]string{"xl/workbook.xml": "<workbook/>"}), "no sheet",
		},
		"no texts": {
			book(t, `<row><c t="s"><v>77</v></c></row>`, nil), "row 1: a cell refers to text 77",
		},
		"lost sheet": {
			book(t, row, map[string]string{"xl/_rels/workbook.xml.rels": `<Relationships>` +
				`<Relationship Id="s1" Type="/worksheet" Target="gone.xml"/></Relationships>`}),
			"lost a part (xl/gone.xml)",
		},
		"a million columns": {
			book(t, `<row r="1"><c r="BDWGN1"><v>1</v></c></row>`, nil), "no sheet has",
		},
		"wide": {book(t, `<row r="1"><c r="XFD1"><v>1</v></c></row>`, nil), "beyond column 1000"},
		"row":  {book(t, `<row r="99999999"/>`, nil), "no sheet has"},
		"rows out of order": {
			book(t, `<row r="5"/><row r="4"/>`, nil), "row 5: the rows after this one",
		},
		"UTF-16":  {book(t, "", map[string]string{"xl/worksheets/sheet1.xml": "\xff\xfe<\x00"}), "damaged"},
		"doctype": {book(t, `<!DOCTYPE x>`, nil), "damaged"},
		"cut sheet": {
			book(t, "", map[string]string{"xl/worksheets/sheet1.xml": `<sheetData><row><c`}), "damaged",
		},
		"long text": {
			book(t, `<row><c t="str"><v>`+strings.Repeat("x", 2<<20)+`</v></c></row>`, nil),
			"more text than Excel allows",
		},
		"bomb": {book(t, bomb+row, nil), "blows up"},
		"bomb of texts": {
			book(t, `<row><c t="s"><v>9</v></c></row>`,
				map[string]string{"xl/sharedStrings.xml": `<sst>` + bomb}), "blows up",
		},
	} {
		_, err := cells(c.content, 0)
		var known *grid.Error
		if !errors.As(err, &known) || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// compound makes the beginning of a file in the container of old Office, with the name of a part.
func compound(name string) []byte {
	content := append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 1000)...)
	for _, c := range name {
		content = append(content, byte(c), 0)
	}
	return content
}

func TestWriter(t *testing.T) {
	var b bytes.Buffer
	w, err := xlsx.NewWriter(&b, "Daftar [1]", true)
	if err != nil {
		t.Fatal(err)
	}
	rows := [][]grid.Cell{
		{{Kind: grid.Text, Text: []byte("a<b>&\"c\" ")}, {}, {Kind: grid.Number, Text: []byte("1.5")}},
		nil,
		{{Kind: grid.Date, Text: []byte("44197")}, {Kind: grid.Bool, Text: []byte("1")}},
		{{Kind: grid.Fault, Text: []byte("#REF!")}, {Kind: grid.Formula}},
	}
	for _, row := range rows {
		if err := w.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := cells(b.Bytes(), 0)
	want := map[string]string{
		"A1": "1:a<b>&\"c\" ", "C1": "2:1.5", "A3": "3:44197", "B3": "4:1", "A4": "5:#REF!",
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	compare(t, b.Bytes())
	again, err := xlsx.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil || !again.Date1904 || again.Sheets[0].Name != "Daftar  1 " {
		t.Errorf("%+v, %v", again, err)
	}
}

// FuzzSheet reads any XML as a sheet, and any bytes as a workbook: never a panic, never a row out
// of order.
func FuzzSheet(f *testing.F) {
	for _, sheet := range []string{
		`<row r="2"><c r="B2" t="s"><v>0</v></c></row>`, `<row><c><is><t>x</t></is></c></row>`,
		`<row><c t="str"><f>A1</f><v>a&amp;b</v></c></row>`, `<row a="`, `<!-- x --><![CDATA[`, `</`,
	} {
		f.Add(sheet)
	}
	f.Fuzz(func(t *testing.T, sheet string) {
		content := book(t, sheet, nil)
		if _, err := cells(content, 0); err != nil {
			var known *grid.Error
			if !errors.As(err, &known) {
				t.Errorf("%v is no error for the owner of a file", err)
			}
		}
	})
}

func FuzzWorkbook(f *testing.F) {
	f.Add(book(f, `<row r="2"><c r="B2" t="s"><v>0</v></c></row>`, nil))
	f.Add(compound("Workbook"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if _, err := cells(content, 0); err != nil {
			var known *grid.Error
			if !errors.As(err, &known) {
				t.Errorf("%v is no error for the owner of a file", err)
			}
		}
	})
}
