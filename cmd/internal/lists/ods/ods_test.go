package ods

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"cakupan/cmd/internal/lists/grid"
)

// document makes a file as LibreOffice writes it: a mimetype that comes first and is not packed,
// then the parts.
func document(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	to, err := w.CreateHeader(&zip.FileHeader{Name: "mimetype", Method: zip.Store})
	if err == nil {
		_, err = io.WriteString(to, mimeSheet)
	}
	for name, text := range parts {
		if err == nil {
			if to, err = w.Create(name); err == nil {
				_, err = io.WriteString(to, text)
			}
		}
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const before = `<?xml version="1.0" encoding="UTF-8"?><office:document-content><office:automatic-styles>` +
	`<style:style style:name="ce1" style:family="table-cell"><style:text-properties` +
	` style:text-line-through-style="solid"/></style:style></office:automatic-styles>` +
	`<office:body><office:spreadsheet>`

const after = `</office:spreadsheet></office:body></office:document-content>`

func readSheet(t testing.TB, content []byte, sheet string) (said []string, err error) {
	t.Helper()
	file := bytes.NewReader(content)
	b, err := Open(file, int64(len(content)))
	if err != nil {
		return nil, err
	}
	rows, err := b.Rows(sheet)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return said, nil
		} else if err != nil {
			return said, err
		}
		text := fmt.Sprintf("%d hidden %t struck %t:", row.Number, row.Hidden, row.Struck)
		for _, c := range row.Cells {
			text += fmt.Sprintf(" %d=%s", c.Kind, c.Text)
		}
		said = append(said, text)
	}
}

// TestRows reads each kind of cell, rows and cells that stand there several times, rows that are
// hidden or struck out, and notes that hang on cells.
func TestRows(t *testing.T) {
	sheet := `<table:table table:name="Satu"><table:table-row><table:table-cell/></table:table-row></table:table>` +
		`<table:table table:name="Dua"><table:table-header-rows><table:table-row>` +
		`<table:table-cell office:value-type="string"><office:annotation><text:p>note</text:p></office:annotation>` +
		`<text:p>N<text:span>I</text:span>K</text:p><text:p>16<text:s text:c="2"/>x</text:p></table:table-cell>` +
		`<table:table-cell table:number-columns-repeated="2"/><table:table-cell office:value-type="float" office:value="8012345678">` +
		`<text:p>08012345678</text:p></table:table-cell></table:table-row></table:table-header-rows>` +
		`<table:table-row table:number-rows-repeated="3"><table:table-cell table:number-columns-repeated="1024"/></table:table-row>` +
		`<table:table-row table:visibility="filter" table:number-rows-repeated="2">` +
		`<table:table-cell table:style-name="ce1" office:value-type="date" office:date-value="2021-01-31"><text:p>31/01/21</text:p></table:table-cell>` +
		`<table:table-cell table:style-name="ce1" table:formula="of:=[.A1]"/></table:table-row>` +
		`<table:table-row><table:table-cell office:value-type="boolean" office:boolean-value="true"/>` +
		`<table:table-cell office:value-type="float" office:value="20012345678"><text:p>20.012.345.678</text:p></table:table-cell>` +
		`<table:table-cell office:value-type="string" calcext:value-type="error"><text:p>#REF!</text:p></table:table-cell>` +
		`<table:table-cell office:value-type="date" office:date-value="2021-01-31T12:00:00"/></table:table-row>` +
		`<table:table-row table:number-rows-repeated="1048569"><table:table-cell/></table:table-row></table:table>`
	got, err := readSheet(t, document(t, map[string]string{"content.xml": before + sheet + after}), "Dua")
	want := []string{
		"1 hidden false struck false: 1=NIK\n16  x 0= 0= 1=08012345678",
		"5 hidden true struck true: 3=44227 6=",
		"6 hidden true struck true: 3=44227 6=",
		"7 hidden false struck false: 4=1 2=20012345678 5=#REF! 3=44227.5",
	}
	if err != nil || strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%v: %s\nwant %s", err, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestHiddenSheets are told apart from those that are shown, by the styles of sheets.
func TestHiddenSheets(t *testing.T) {
	style := func(name, display string) string {
		return `<style:style style:name="` + name + `" style:family="table"><style:table-properties table:display="` +
			display + `"/></style:style>`
	}
	sheet := func(name, style string) string {
		return `<table:table table:name="` + name + `" table:style-name="` + style + `"><table:table-row/></table:table>`
	}
	text := strings.Replace(before, "</office:automatic-styles>",
		style("ta1", "true")+style("ta2", "false")+"</office:automatic-styles>", 1)
	content := document(t, map[string]string{
		"content.xml": text + sheet("Satu", "ta2") + sheet("Dua", "ta1") + sheet("Tiga", "") + after,
	})
	b, err := Open(bytes.NewReader(content), int64(len(content)))
	if err != nil || strings.Join(b.Sheets, ",") != "Dua,Tiga" || strings.Join(b.Hidden, ",") != "Satu" {
		t.Errorf("%v: shown %q, hidden %q", err, b.Sheets, b.Hidden)
	}
}

// TestHostile reads what no spreadsheet writes: an answer each time, in bounded room.
func TestHostile(t *testing.T) {
	cell := `<table:table-cell office:value-type="string"><text:p>x</text:p></table:table-cell>`
	table := func(rows string) string {
		return before + `<table:table table:name="A">` + rows + `</table:table>` + after
	}
	for what, parts := range map[string]map[string]string{
		"no content": {},
		"no sheet":   {"content.xml": before + after},
		"broken":     {"content.xml": table("<table:table-row>" + cell)[:len(before)+100]},
		"doctype":    {"content.xml": `<!DOCTYPE a [<!ENTITY b "c">]>` + table("<table:table-row>&b;</table:table-row>")},
		"bomb":       {"content.xml": table(strings.Repeat(" ", 80<<20))},
		"wide": {"content.xml": table(`<table:table-row><table:table-cell table:number-columns-repeated="16000"` +
			` office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>`)},
		"rows":   {"content.xml": table(`<table:table-row table:number-rows-repeated="99999999">` + cell + `</table:table-row>`)},
		"locked": {"content.xml": "rubbish", "META-INF/manifest.xml": "<manifest:encryption-data/>"},
		"text":   {"content.xml": table(`<table:table-row>` + strings.Replace(cell, ">x<", ">"+strings.Repeat("x", textMax+1)+"<", 1) + `</table:table-row>`)},
	} {
		_, err := readSheet(t, document(t, parts), "A")
		var known *grid.Error
		if !errors.As(err, &known) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzContent reads anything as the content of a document.
func FuzzContent(f *testing.F) {
	f.Add(before + `<table:table table:name="A"><table:table-row><table:table-cell/></table:table-row></table:table>` + after)
	f.Fuzz(func(t *testing.T, content string) {
		_, err := readSheet(t, document(t, map[string]string{"content.xml": content}), "A")
		var known *grid.Error
		if err != nil && !errors.As(err, &known) {
			t.Errorf("%v is not in words", err)
		}
	})
}
