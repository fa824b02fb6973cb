package lists

import (
	"bytes"
	"errors"
	"slices"
	"strconv"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// isStructure tells whether a row below the names of the columns belongs to the frame of the list
// and names nobody: names of columns once more, a value given for the rows below it, a total or a
// signature at the end. A list of several villages or days is often several lists under each other.
// It changes what the list knows of its columns and values for the rows below, so it must be asked
// once for each row, in order.
func (r *Reader) isStructure(row *grid.Row) bool {
	// Only the very next row can be a second row of names.
	fresh := r.fresh
	r.fresh = false
	if fresh && r.list.header.under(row) {
		r.begun = false
		r.list.frame = append(r.list.frame, row.Number)
		r.remap()
		return true
	}
	// With the values that only people have in it the row is a person without a number, and must be
	// refused rather than passed over. A table of Excel has its total right below, with formulas.
	if isTotal(row) && !r.hasTerms(row) {
		r.list.notices.totals.add(row.Number)
		return true
	}
	// With a number of a person, however wrong, the row is about somebody.
	for _, i := range r.people {
		if i < len(row.Cells) && mayName(&row.Cells[i]) {
			return false
		}
	}
	again := &header{}
	if again.name(row) {
		r.list.frame = append(r.list.frame, row.Number)
		r.newBlock(again)
		return true
	}
	again.declare(row)
	// A name, a colon, a value and one more; a row with more cells is one of the table.
	const declaredMax = 4 // cells of a row that declares something
	if len(again.declared) > 0 && filledCells(row) <= declaredMax &&
		r.declare(again.declared[0]) {
		r.list.frame = append(r.list.frame, row.Number)
		return true
	}
	// Below the last person stand totals and signatures. They are told, as somebody may be among
	// them.
	if row.Number > r.list.survey.lastPerson && !r.hasTerms(row) && !holdsNIK(row) {
		r.list.notices.skipped.add(row.Number)
		return true
	}
	return false
}

// totalWords are what a row that sums up others begins with, made plain. It is never written.
var totalWords = []string{
	"jumlah", "total", "subtotal", "grandtotal", "jumlahtotal", "totaljumlah", "jumlahseluruhnya",
	"jumlahpeserta", "totalpeserta", "jumlahorang", "sum", "count",
}

// isTotal tells whether a row sums up others: its first words say so, and no number in it is as
// long as that of a person.
func isTotal(row *grid.Row) bool {
	// Numbers of people have 11 digits at least. 40 bytes are more than any word above, as people
	// write it, has.
	const digitsMax, wordsMax = 9, 40
	first := true
	for i := range row.Cells {
		c := &row.Cells[i]
		if c.Kind == grid.Empty || c.Kind == grid.Text && isBlank(c.Text) {
			continue
		}
		if first && (c.Kind != grid.Text || len(c.Text) > wordsMax ||
			!slices.Contains(totalWords, plain(string(c.Text)))) {
			return false
		}
		first = false
		whole, _, _ := bytes.Cut(c.Text, []byte("."))
		if len(whole) > digitsMax && allDigits(string(whole), len(whole)) {
			return false
		}
	}
	return !first
}

// hasTerms tells whether a row has most of the values that only a row about somebody has: then it
// lacks who is meant, and is no total. One alone may be the day of a signature. A formula without a
// value counts as all of them: nobody knows what it would say.
func (r *Reader) hasTerms(row *grid.Row) bool {
	terms, found := 0, 0
	for i := range r.list.columns {
		c := &r.list.columns[i]
		switch c.field {
		case fieldRegion, fieldSegment, fieldCategory, fieldProgrammes, fieldPayer, fieldReason:
		default:
			if !c.field.isDay() {
				continue
			}
		}
		terms++
		if c.index >= len(row.Cells) {
			continue
		}
		cell := row.Cells[c.index]
		if cell.Kind == grid.Formula {
			return true
		}
		if cell.Kind != grid.Empty && c.mark == "" && !isBlank(cell.Text) &&
			parse(c.field, cell, false).fault == nil {
			found++
		}
	}
	return found > 0 && 2*found >= terms
}

// filledCells counts the cells of a row that say something. Blank texts do not count, numbers and
// days always do.
func filledCells(row *grid.Row) (count int) {
	for i := range row.Cells {
		if c := &row.Cells[i]; c.Kind > grid.Text || c.Kind == grid.Text && !isBlank(c.Text) {
			count++
		}
	}
	return count
}

// newBlock takes over names of columns that stand further down. What was declared before stays.
// Values that were given for rows below, while the block above had a column for them, hold now if
// this block has none.
func (r *Reader) newBlock(h *header) {
	l := r.list
	before := l.header
	// The language of the list is decided at its beginning: it does not change in the middle of a
	// report.
	h.above, h.language, h.declared = before.above, before.language, before.declared
	h.said = before.said
	l.header = h
	l.notices.blocks.add(h.row)
	r.begun, r.fresh = false, true
	pending := r.pending
	r.pending = nil
	for _, d := range pending {
		if h.has(d.field) {
			l.notices.ignoredLine(d.row, d.name, d.field.title(l.info.Lang))
		} else if v := parse(d.field, d.cell, l.since1904()); v.fault == nil {
			l.defaults[d.field], l.fallback[d.field] = &v, d.name
			l.declaredIn[d.field] = d.row
			h.said = append(slices.Clip(h.said), d)
		}
	}
	r.remap()
}

// say notes a value that was given for the rows below, however wrong: they are not given back
// without it. Rows above keep the header that they were read under.
func (l *List) say(d declaration) {
	h := *l.header
	h.said = append(slices.Clip(h.said), d)
	l.header = &h
}

// has tells whether a column of the block holds a field.
func (h *header) has(f field) bool { return slices.Contains(h.fields, f) }

// tellUnused tells of values that were given for rows below, where no block has followed. It is
// asked when a row of the list, or its end, has come.
func (r *Reader) tellUnused() {
	for _, d := range r.pending {
		r.list.notices.ignoredLine(d.row, d.name, r.list.nameOf(d.field))
	}
	r.pending = nil
}

// remap finds the columns of a new block. A block that cannot be used breaks the list from there
// on: each of its rows is refused with the reason, and the blocks before it stay as they are.
func (r *Reader) remap() {
	l, h := r.list, r.list.header
	h.spread(&l.survey)
	r.broken = nil
	err := l.mapColumns()
	if err == nil {
		err = l.checkNeeds()
	}
	if err != nil {
		why := err.Error()
		var known *problem.Error
		if errors.As(err, &known) {
			why = known.Detail
		}
		r.fail(h.row, fieldNIK.title(l.info.Lang), why, why)
		return
	}
	r.findColumns()
}

// declare takes over a value that is given for the rows below. What cannot be one ends the list:
// the value before it is not that of the rows below. It is false for what declares nothing here:
// such a row is then a row of the list, or of its end.
func (r *Reader) declare(d declaration) bool {
	l := r.list
	f := d.field
	switch {
	case f == fieldList && string(trim(d.cell.Text)) != l.info.ID, f == fieldKind:
		r.fail(d.row, d.name, "di sini mulai daftar lain: simpan sebagai berkas sendiri",
			"another list begins here: save it as a file of its own")
		return true
	case f >= fieldList || f.isPersonal() || !l.info.Kind.uses(f):
		return false
	case l.hasColumn(f):
		r.pending = append(r.pending, d)
		return true
	}
	l.say(d)
	v := parse(f, d.cell, l.since1904())
	if v.fault != nil {
		r.fail(d.row, d.name, v.fault.id, v.fault.en)
		return true
	}
	l.defaults[f], l.fallback[f], l.declaredIn[f] = &v, d.name, d.row
	// A value that is right again ends what a wrong one has begun.
	r.broken = nil
	return true
}

// fail refuses all rows from one on. name is that of the line or column that is at fault; id and en
// say why. It holds until the next block or value that can be used.
func (r *Reader) fail(row int, name, id, en string) {
	at := strconv.Itoa(row)
	r.broken = &defect{shown(name), &fault{
		event.FieldInvalid,
		"baris ini di bawah baris " + at + ", yang tidak dapat dipakai: " + id,
		"the row stands below row " + at + ", which cannot be used: " + en,
	}}
}

// hasColumn tells whether the block that is read has a column of a field.
func (l *List) hasColumn(f field) bool { return l.nameOf(f) != "" }

// nameOf returns the name of the column of a field, "" where there is none. It is that of the block
// that is read.
func (l *List) nameOf(f field) string {
	for i := range l.columns {
		if l.columns[i].field == f {
			return l.columns[i].name
		}
	}
	return ""
}

// notice takes note of how a row is shown. How a row is shown is no reason to refuse it: people
// strike out or hide what they mean to keep, and what they mean to be gone alike.
func (r *Reader) notice(row *grid.Row) {
	n := &r.list.notices
	if row.Hidden {
		n.hidden.add(row.Number)
	}
	switch {
	case row.Struck:
		n.struck.add(row.Number)
	case row.Stroke:
		n.strokes.add(row.Number)
	}
	if row.Quote {
		n.quotes.add(row.Number)
	}
}

// checkWidth refuses a row of a CSV file that has more values than the list has columns, or too few
// for the columns that are kept: a separator is missing or stands inside of a value, and what
// follows is not in its place. Workbooks have no width: their cells say in which column they stand.
func (r *Reader) checkWidth(row *grid.Row) *fault {
	width := r.list.header.width
	if row.Width == 0 || width == 0 || row.Width == width {
		return nil
	}
	has, should := strconv.Itoa(row.Width), strconv.Itoa(width)
	if row.Width > width {
		if len(row.Cells) <= width && r.list.survey.mostHave(row.Width) {
			return nil // every row ends with a separator
		}
		return &fault{
			event.FieldInvalid,
			"baris ini punya " + has + " kolom, sedangkan judulnya " + should + ": ada pemisah di" +
				" dalam sebuah nilai; tulis nilai itu di antara tanda kutip",
			"the row has " + has + " columns, its heading " + should + ": a separator stands" +
				" inside of a value; put that value into quotation marks",
		}
	}
	last := 0
	for i := range r.list.columns {
		last = max(last, r.list.columns[i].index)
	}
	// Only columns that are not kept are missing, or so many rows are short that the program which
	// wrote them leaves empty values out.
	if row.Width > last || r.list.survey.widthMeant(row.Width) {
		return nil
	}
	return &fault{
		event.FieldInvalid,
		"baris ini hanya punya " + has + " kolom, sedangkan judulnya " + should + ": sebuah" +
			" pemisah hilang, atau tanda kutip menelan yang berikutnya",
		"the row has only " + has + " columns, its heading " + should + ": a separator is" +
			" missing, or a quotation mark swallows what follows",
	}
}

// holdsNIK tells whether a NIK stands in a row, in whichever column: it is about somebody.
func holdsNIK(row *grid.Row) bool {
	return slices.ContainsFunc(row.Cells, func(c grid.Cell) bool {
		return event.HasNIK(string(c.Text))
	})
}
