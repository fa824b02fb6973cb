package lists

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

const producersDir = "testdata/producers"

// knownPerson is a person of a file of testdata/producers, as whoever made it knew her.
type knownPerson struct {
	NIK        string   `json:"nik"`
	KPJ        string   `json:"kpj"`
	Region     string   `json:"region"`
	Programmes []string `json:"programmes"`
	From       string   `json:"from"`
}

// produced is what is known of such a file: where its people stand, which of them are others than
// in most, and how many are read; -1: it is refused as a whole.
type produced struct {
	Rows   []int               `json:"rows"`
	Others map[int]knownPerson `json:"others"`
	Read   int                 `json:"read"`
}

// TestProducers reads files as real programs have written them: exceljs 4.4, SheetJS 0.18.5,
// openpyxl 3.0, XlsxWriter 3.0, pandas 1.5, and what LibreOffice 7.4 made of some of them. Nobody
// becomes another person, and nobody is lost, without a word that names the row. What is read is not
// less than it was: a reader that refuses all would pass as well.
func TestProducers(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(producersDir, "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var known struct {
		People []knownPerson       `json:"people"`
		Files  map[string]produced `json:"files"`
	}
	if err := json.Unmarshal(raw, &known); err != nil {
		t.Fatal(err)
	}
	for name, file := range known.Files {
		content, err := os.ReadFile(filepath.Join(producersDir, name))
		if err != nil {
			t.Fatal(err)
		}
		o := &oddList{}
		for i, p := range known.People {
			if other, found := file.Others[i]; found {
				p = other
			}
			o.people = append(o.people, p.truth(t, file.Rows[i]))
		}
		extension := filepath.Ext(name)
		_, lines, notices, err := readNoted(content, Options{
			ID: "X", Source: "urn:x", Book: strings.HasPrefix(extension, ".xls") || extension == ".ods",
		})
		if file.Read < 0 {
			if err == nil || !strings.Contains(err.Error(), "simpan sebagai .xlsx") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, wrong := range o.check(lines, notices) {
			t.Errorf("%s: %s", name, event.MaskNIK(wrong))
		}
		read := 0
		for i := range lines {
			if lines[i].fault == nil {
				read++
			}
		}
		if read != file.Read {
			t.Errorf("%s: %d rows are read, not %d", name, read, file.Read)
		}
	}
}

// truth returns the person as she stands in a row.
func (p *knownPerson) truth(t *testing.T, row int) *truth {
	t.Helper()
	from, err := temporal.ParseDate(p.From)
	if err != nil {
		t.Fatal(err)
	}
	return &truth{
		nik: p.NIK, kpj: p.KPJ, region: p.Region, programmes: p.Programmes, from: from, row: row,
	}
}
