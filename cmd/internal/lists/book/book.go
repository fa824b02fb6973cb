// Package book writes the template of a list as a workbook, with drop-downs and a sheet of help.
//
// It is apart from package lists, which says what a template holds, because drop-downs, styles and
// help on cells need a library that reading lists does not. A template is small and made in memory.
package book

import (
	"errors"
	"fmt"
	"io"

	"github.com/xuri/excelize/v2"

	"cakupan/cmd/internal/lists"
)

// templateRows is how many rows of a template have drop-downs. People add rows below them, which
// are read all the same: a drop-down only helps.
const templateRows = 10_000

// book is a workbook that is made. It is made by Write and belongs to it.
type book struct {
	*excelize.File
	errs []error // all of them: the first may only say that a later step had nothing to stand on
}

// note keeps an error until the end: the workbook is in memory, and nothing of it is used then.
func (b *book) note(err error) { b.errs = append(b.errs, err) }

// set puts a value into a cell. Columns and rows count from 1, as in all of this package.
func (b *book) set(sheet string, column, row int, value any) {
	cell, err := excelize.CoordinatesToCellName(column, row)
	b.note(err)
	b.note(b.SetCellValue(sheet, cell, value))
}

// style returns a format of cells.
func (b *book) style(s *excelize.Style) int {
	id, err := b.NewStyle(s)
	b.note(err)
	return id
}

// Write writes a template as a workbook. The template has one line above its columns and one piece
// of advice at least. On an error, which is all of them joined, what was written to out is to be
// thrown away.
func Write(out io.Writer, t *lists.Template, language lists.Language) error {
	b := &book{File: excelize.NewFile()}
	// Names without spaces need no quotes in the references of drop-downs.
	help, choices := "Help", "Choices"
	if language == lists.Indonesian {
		help, choices = "Petunjuk", "Pilihan"
	}
	b.note(b.SetSheetName("Sheet1", t.Sheet))
	_, err := b.NewSheet(help)
	b.note(err)
	// The choices come first: the drop-downs of the list refer to them.
	b.fillList(t, b.fillChoices(t, choices))
	b.fillHelp(t, help, language)
	_, err = b.WriteTo(out)
	return errors.Join(append(b.errs, err, b.Close())...)
}

// bold returns the format of names of columns.
func (b *book) bold() int {
	return b.style(&excelize.Style{
		Font: &excelize.Font{Bold: true},
		Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"DDEBF7"}},
	})
}

// fillChoices fills the sheet with what people may choose, if there is anything, and returns for
// each column where its choices stand. It has no column of persons: it is never taken for a list.
// They stand in a sheet because a drop-down that names them itself may have 255 characters at most.
func (b *book) fillChoices(t *lists.Template, sheet string) []string {
	ranges := make([]string, len(t.Columns))
	bold, at := b.bold(), 0
	for i := range t.Columns {
		c := &t.Columns[i]
		if len(c.Choices) == 0 {
			continue
		}
		if at++; at == 1 {
			_, err := b.NewSheet(sheet)
			b.note(err)
		}
		letters, err := excelize.ColumnNumberToName(at)
		b.note(err)
		b.set(sheet, at, 1, c.Title)
		b.note(b.SetCellStyle(sheet, letters+"1", letters+"1", bold))
		b.note(b.SetColWidth(sheet, letters, letters, 32))
		for n, choice := range c.Choices {
			b.set(sheet, at, n+2, choice)
		}
		ranges[i] = fmt.Sprintf("%s!$%s$2:$%s$%d", sheet, letters, letters, len(c.Choices)+1)
	}
	return ranges
}

// fillList fills the sheet that people fill in. Columns are Text from top to bottom, so that Excel
// makes no number of a NIK and drops no zero; those of days have a format that is read in one way
// in each language.
func (b *book) fillList(t *lists.Template, choices []string) {
	bold := b.bold()
	day := "yyyy-mm-dd"
	dates := b.style(&excelize.Style{CustomNumFmt: &day})
	texts := b.style(&excelize.Style{NumFmt: 49}) // Text
	// The lines stand above the names of the columns, where lists are declared.
	header := len(t.Lines) + 1
	for i := range t.Columns {
		c := &t.Columns[i]
		letters, err := excelize.ColumnNumberToName(i + 1)
		b.note(err)
		style := texts
		if c.Date {
			style = dates
		}
		b.note(b.SetColStyle(t.Sheet, letters, style))
		b.note(b.SetColWidth(t.Sheet, letters, letters, 26))
		b.set(t.Sheet, i+1, header, c.Title)
		top := fmt.Sprint(letters, header)
		b.note(b.SetCellStyle(t.Sheet, top, top, bold))
		rows := fmt.Sprintf("%s%d:%s%d", letters, header+1, letters, header+templateRows)
		b.validate(t.Sheet, rows, c, choices[i])
	}
	for i, line := range t.Lines {
		b.set(t.Sheet, 1, i+1, line[0])
		b.set(t.Sheet, 2, i+1, line[1])
		b.note(b.SetCellStyle(t.Sheet, fmt.Sprint("A", i+1), fmt.Sprint("A", i+1), bold))
		b.note(b.SetCellStyle(t.Sheet, fmt.Sprint("B", i+1), fmt.Sprint("B", i+1), texts))
	}
	// The id of the list is the one thing that cannot be left out, so its cell explains itself.
	prompt := excelize.NewDataValidation(true)
	prompt.SetSqref("B1")
	prompt.SetInput(t.Lines[0][0], t.Advice[0])
	b.note(b.AddDataValidation(t.Sheet, prompt))
	b.note(b.SetPanes(t.Sheet, &excelize.Panes{
		Freeze: true, YSplit: header, TopLeftCell: fmt.Sprint("A", header+1),
		ActivePane: "bottomLeft",
	}))
}

// validate gives the rows of a column their help and, where there are choices, a drop-down.
func (b *book) validate(sheet, rows string, c *lists.TemplateColumn, choices string) {
	v := excelize.NewDataValidation(true)
	v.SetSqref(rows)
	// It shows when a cell is chosen, to people who never look at the sheet of help.
	v.SetInput(c.Title, c.Help)
	if len(c.Choices) > 0 {
		v.SetSqrefDropList(choices)
		// People paste, and other words are known too: it is a help, not a bar.
		v.SetError(excelize.DataValidationErrorStyleWarning, c.Title, c.Help)
	}
	b.note(b.AddDataValidation(sheet, v))
}

// fillHelp fills the help sheet.
func (b *book) fillHelp(t *lists.Template, sheet string, language lists.Language) {
	titles := []string{"Column", "What it holds", "Example"}
	if language == lists.Indonesian {
		titles = []string{"Kolom", "Isinya", "Contoh"}
	}
	for i, title := range titles {
		b.set(sheet, i+1, 1, title)
	}
	row := 2
	for i := range t.Columns {
		c := &t.Columns[i]
		for n, text := range []string{c.Title, c.Help, c.Example} {
			b.set(sheet, n+1, row, text)
		}
		row++
	}
	for _, text := range t.Advice {
		row++
		b.set(sheet, 2, row, text)
	}
	wrap := b.style(&excelize.Style{
		Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"},
	})
	b.note(b.SetColStyle(sheet, "B", wrap))
	for column, width := range map[string]float64{"A": 28, "B": 90, "C": 32} {
		b.note(b.SetColWidth(sheet, column, column, width))
	}
}
