package book

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/named"
)

// written returns the template of a kind as a workbook.
func written(t *testing.T, k lists.Kind, l lists.Language) (lists.Template, []byte) {
	t.Helper()
	template := lists.NewTemplate(k, l)
	var out bytes.Buffer
	if err := Write(&out, &template, l); err != nil {
		t.Fatal(err)
	}
	return template, out.Bytes()
}

// TestTemplatesCanBeFilledIn fills each template with its own examples, as a clerk does who trusts
// it, and reads it as the list it says it is, without a refusal.
func TestTemplatesCanBeFilledIn(t *testing.T) {
	for _, kind := range lists.Kinds() {
		for _, language := range []lists.Language{lists.English, lists.Indonesian} {
			t.Run(kind.String()+" "+language.String(), func(t *testing.T) {
				t.Parallel()
				template, content := written(t, kind, language)
				filled := fill(t, &template, content)
				list, err := lists.Open(bytes.NewReader(filled), int64(len(filled)),
					lists.Options{Book: true})
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := list.Close(); err != nil {
						t.Error(err)
					}
				}()
				info := list.Info()
				if info.Kind != kind || info.Lang != language || info.ID != "L-1" ||
					info.Sheet != template.Sheet || len(info.Ignored) > 0 {
					t.Errorf("%+v", info)
				}
				rows := list.Events(named.Key{1})
				record, err := rows.Next()
				if err != nil || record.Refusal != nil || record.Row != len(template.Lines)+2 {
					t.Fatalf("row %d: %v, %v", record.Row, record.Refusal, err)
				}
				if _, err := rows.Next(); !errors.Is(err, io.EOF) {
					t.Errorf("another row: %v", err)
				}
				// Its help has examples, which are no people.
				for _, notice := range list.Notices() {
					if strings.HasPrefix(notice, "lembar") || strings.HasPrefix(notice, "the sheet") {
						t.Error(notice)
					}
				}
			})
		}
	}
}

// fill puts the id of a list and one row of examples into a template.
func fill(t *testing.T, template *lists.Template, content []byte) []byte {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	set := func(column, row int, text string) {
		cell, err := excelize.CoordinatesToCellName(column, row)
		if err := errors.Join(err, f.SetCellStr(template.Sheet, cell, text)); err != nil {
			t.Fatal(err)
		}
	}
	set(2, 1, "L-1")
	titles := map[string]bool{}
	for i, c := range template.Columns {
		// Of two columns of which one is wanted, the first is filled in.
		if person := c.Example[0] == 'w'; person {
			continue
		}
		titles[c.Title] = true
		set(i+1, len(template.Lines)+2, c.Example)
	}
	if len(titles) == 0 {
		t.Fatal("no column has an example")
	}
	var out bytes.Buffer
	if err := errors.Join(f.Write(&out), f.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestTemplate looks into each workbook: the sheets, the columns, their drop-downs and the help.
func TestTemplate(t *testing.T) {
	for _, kind := range lists.Kinds() {
		for _, language := range []lists.Language{lists.English, lists.Indonesian} {
			template, content := written(t, kind, language)
			name := kind.String() + " " + language.String()
			f, err := excelize.OpenReader(bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			help, choices := "Help", "Choices"
			if language == lists.Indonesian {
				help, choices = "Petunjuk", "Pilihan"
			}
			sheets := f.GetSheetList()
			if sheets[0] != template.Sheet || !slices.Contains(sheets, help) {
				t.Errorf("%s has the sheets %q", name, sheets)
			}
			rows, err := f.GetRows(template.Sheet)
			if err != nil || len(rows) != len(template.Lines)+1 {
				t.Fatalf("%s: %d rows, %v", name, len(rows), err)
			}
			checkHelp(t, name, f, help, &template)
			checkChoices(t, name, f, choices, &template)
			for i, c := range template.Columns {
				if got := rows[len(rows)-1][i]; got != c.Title {
					t.Errorf("%s: column %d is %q, want %q", name, i+1, got, c.Title)
				}
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// checkHelp looks for every column and every sentence on the sheet of help.
func checkHelp(t *testing.T, name string, f *excelize.File, sheet string, of *lists.Template) {
	t.Helper()
	rows, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, row := range rows {
		fmt.Fprintln(&text, strings.Join(row, "|"))
	}
	for _, c := range of.Columns {
		if !strings.Contains(text.String(), c.Title+"|"+c.Help+"|"+c.Example+"\n") {
			t.Errorf("%s: the help has no line for %s", name, c.Title)
		}
	}
	for _, sentence := range of.Advice {
		if !strings.Contains(text.String(), "|"+sentence+"\n") {
			t.Errorf("%s: the help lacks %q", name, sentence)
		}
	}
}

// checkChoices follows each drop-down to the cells it names.
func checkChoices(t *testing.T, name string, f *excelize.File, sheet string, of *lists.Template) {
	t.Helper()
	validations, err := f.GetDataValidations(of.Sheet)
	if err != nil {
		t.Fatal(err)
	}
	if want := len(of.Columns) + 1; len(validations) != want { // and one for the id
		t.Errorf("%s: %d helps of cells, want %d", name, len(validations), want)
	}
	wanted := 0
	for _, c := range of.Columns {
		if len(c.Choices) > 0 {
			wanted++
		}
	}
	lists := 0
	for _, v := range validations {
		if v.Type != "list" {
			continue
		}
		lists++
		if !strings.HasPrefix(v.Formula1, sheet+"!$") {
			t.Errorf("%s: a drop-down of %q", name, v.Formula1)
		}
	}
	if lists != wanted {
		t.Errorf("%s: %d drop-downs, want %d", name, lists, wanted)
	}
	if wanted == 0 {
		return
	}
	columns, err := f.GetCols(sheet)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range of.Columns {
		if len(c.Choices) == 0 {
			continue
		}
		i := slices.IndexFunc(columns, func(column []string) bool { return column[0] == c.Title })
		if i < 0 || !slices.Equal(columns[i][1:len(c.Choices)+1], c.Choices) ||
			strings.Join(columns[i][len(c.Choices)+1:], "") != "" {
			t.Errorf("%s: the choices of %s are not those of the template", name, c.Title)
		}
	}
}

// TestWriteFails: a full disk is said, and nothing is taken for written.
func TestWriteFails(t *testing.T) {
	template := lists.NewTemplate(lists.Death, lists.English)
	if err := Write(full{}, &template, lists.English); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
