package lists

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists/csv"
	"cakupan/cmd/internal/lists/grid"
)

// survey is what a list looks like as a whole, before any row of it is believed. It is taken in a
// pass of its own: what the last row shows may decide what the first one means. It is filled by
// List.look and read afterwards. What it holds is bounded by columns and not by rows, but for a bit
// a row: see merged.
type survey struct {
	columns    []surveyed // by place
	days       map[place]*days
	widths     map[int]int // of CSV: rows by how many values they have, where that is unusual
	width      int         // how many the names of the columns are
	usual      int         // rows with so many values
	lastPerson int         // the last row that names somebody, 0: none does
	merged     merged
}

// place is a column of a block of rows, and what its name says that it holds. Two blocks may have
// days of different kinds in one column: they are judged apart.
type place struct {
	column int
	field  field
}

// surveyed is what a column holds. samples are copies of cells from the top.
type surveyed struct {
	filled  int         // cells that say something, as far as they were looked at
	samples []grid.Cell // some of them
	long    int         // a row with a number as long as that of a card, 0: none
}

// days judges a column of days. Values come again and again, so those seen are remembered. memo has
// at most memoMax values, by kind and text of the cell.
type days struct {
	judge judge
	memo  map[string]value
}

const (
	// They are enough to tell what a column holds; the bounds below them keep memory small where a
	// file is made to fill it. What memo has forgotten is only read again.
	samplesMax  = 20
	glanceRows  = 200   // of a list that is opened for a look alone
	memoMax     = 4096  // values that a column remembers
	memoTextMax = 128   // bytes of one
	widthsMax   = 1_000 // kinds of rows by their width
)

// look surveys the list through a reader of its own. What cannot be read ends it: the error comes
// again when the rows are read. With [Options].Glance it ends early, and verdicts are of what was
// seen.
func (l *List) look() error {
	in, closer, err := l.reopen()
	if err != nil {
		return err
	}
	s := &l.survey
	s.days, s.widths, s.width = map[place]*days{}, map[int]int{}, l.header.width
	fields := l.header.fields
	s.named(l.header)
	for seen := 0; !l.opts.Glance || seen < glanceRows; {
		row, err := in.Next()
		if errors.Is(err, io.EOF) {
			err = s.takeMerges(in, l.header.row, len(l.header.names))
		}
		if err != nil || row == nil {
			break
		}
		if row.Number <= l.header.row {
			continue
		}
		seen++
		s.merged.hold(row.Number)
		// A row that is refused for its width may still prove how days are written; to look at each
		// of a great many would cost more than the rest.
		const strayMax = 100 // rows of one width: so many are no accident
		if row.Width > 0 && row.Width != l.header.width && s.widths[row.Width] < strayMax {
			s.stray(fields, row)
		}
		// The columns may change in the middle of a list: see Reader.isStructure.
		if !s.person(fields, row) {
			if again := (&header{}); again.name(row) {
				fields = again.fields
				s.named(again)
			}
			continue
		}
		s.lastPerson = row.Number
		s.add(fields, row, l.since1904())
	}
	return closer.Close()
}

// named takes in what the names of columns say of how days are written below them.
func (s *survey) named(h *header) {
	for i, f := range h.fields {
		if f.isDay() && isMonthFirstNote(h.names[i]) {
			s.judgeOf(place{i, f}).judge.proof = h.row
		}
	}
}

// takeMerges asks rows that are read to their end for the cells that are merged. What cannot be
// read comes again with the rows. width is how many columns matter at least. Files without merged
// cells do not know them.
func (s *survey) takeMerges(in rows, header, width int) error {
	sheet, ok := in.(merging)
	if !ok {
		return nil
	}
	all, err := sheet.Merges()
	s.merged.take(all, header, max(len(s.columns), width))
	return err
}

// person tells whether a row names somebody, however badly: a column of numbers of people has a
// digit.
func (s *survey) person(fields []field, row *grid.Row) bool {
	if isTotal(row) {
		return false
	}
	for i := range row.Cells {
		if i < len(fields) && fields[i].isPersonal() && mayName(&row.Cells[i]) {
			return true
		}
	}
	return false
}

// mayName tells whether a cell may hold the number of a person. It says yes too often rather than
// too seldom: a row that is passed over is lost.
func mayName(c *grid.Cell) bool {
	if c.Kind > grid.Text {
		return true
	}
	for _, b := range c.Text {
		// Bytes below '0' wrap around to large ones.
		if b-'0' <= 9 {
			return true
		}
	}
	return bytes.ContainsAny(c.Text, "０１２３４５６７８９")
}

// add takes in a row that names somebody. Once a column has its samples only days, and numbers of
// cards until a long one is found, are looked at: filled then counts no further, as nothing asks by
// how much it is above 0.
func (s *survey) add(fields []field, row *grid.Row, date1904 bool) {
	switch {
	case row.Width == s.width:
		s.usual++
	case row.Width > 0 && len(s.widths) < widthsMax:
		s.widths[row.Width]++
	}
	for len(s.columns) < len(row.Cells) {
		s.columns = append(s.columns, surveyed{})
	}
	s.missing(fields, row)
	for i := range row.Cells {
		cell, c := &row.Cells[i], &s.columns[i]
		f := noField
		if i < len(fields) {
			f = fields[i]
		}
		known := len(c.samples) == samplesMax && !f.isDay() && (f != fieldEnrolment || c.long > 0)
		// A list of a million rows is mostly passed over here.
		if known || cell.Kind == grid.Empty || cell.Kind == grid.Text && isBlank(cell.Text) {
			continue
		}
		c.filled++
		if len(c.samples) < samplesMax {
			c.samples = append(c.samples, grid.Cell{
				Kind: cell.Kind, Text: bytes.Clone(cell.Text),
			})
		}
		switch {
		case f.isDay():
			s.day(place{i, f}, *cell, row.Number, date1904)
		case f == fieldEnrolment && c.long == 0 && isCardNumber(cell.Text):
			c.long = row.Number
		}
	}
}

// askBeside lets the other columns of the list say how days are written, for one that shows nothing
// itself. The first that proves something counts.
func (l *List) askBeside(v *verdict, column int) {
	for i, name := range l.header.names {
		if i == column {
			continue
		}
		j := l.survey.judgeBeside(place{i, l.header.fields[i]}, l.since1904())
		if j != nil && (j.monthsFirst() || j.halfConverted()) {
			v.beside(j, name)
			return
		}
	}
}

// judgeBeside returns what a column shows of how days are written, nil where it has no days. One
// that is not kept, such as that of birthdays, is judged by its samples.
func (s *survey) judgeBeside(at place, date1904 bool) *judge {
	if at.field.isDay() {
		if d := s.days[at]; d != nil {
			return &d.judge
		}
		return nil
	}
	if at.column >= len(s.columns) || at.field != noField && at.field != fieldPersonal &&
		at.field != fieldUnclear {
		return nil
	}
	var j judge
	days, samples := 0, s.columns[at.column].samples
	for i, cell := range samples {
		v := parse(fieldFrom, cell, date1904)
		if v.fault == nil && v.form != formCount || v.monthFirst {
			days++
		}
		j.add(&v, i+1)
	}
	if 2*days <= len(samples) {
		return nil // what looks like a day is an accident
	}
	return &j
}

// missing takes note of columns of days in which a row has none. Only rows that name somebody come
// here: others need no day.
func (s *survey) missing(fields []field, row *grid.Row) {
	for i, f := range fields {
		if !f.isDay() {
			continue
		}
		j := &s.judgeOf(place{i, f}).judge
		j.rows++
		if i >= len(row.Cells) || row.Cells[i].Kind == grid.Empty ||
			row.Cells[i].Kind == grid.Text && isBlank(row.Cells[i].Text) {
			j.miss(row.Number)
		}
	}
}

// tellLost tells of columns of days of which a part may have been lost, and the rest turned. It is
// told and refuses nothing: the cells may never have been filled.
func (l *List) tellLost() {
	for i, f := range l.header.fields {
		switch f {
		case fieldFrom, fieldUntil, fieldLastDay, fieldDied: // which each row must have
		default:
			continue
		}
		d := l.survey.days[place{i, f}]
		if d == nil || !d.judge.lost() {
			continue
		}
		name, first := quote(l.header.names[i]), strconv.Itoa(d.judge.blankRow)
		l.notices.add("kolom "+name+": tidak ada tanggal di atas 12, dan sebagian baris kosong"+
			" (mulai baris "+first+"): bila berkas ini melewati program lain, tanggal dan bulannya"+
			" mungkin tertukar; periksa",
			"column "+name+": no day is above 12, and some rows are empty (from row "+first+" on):"+
				" if the file went through another program, days and months may have changed"+
				" places; check them")
	}
}

// stray looks for days in a row whose values are not in their places: it is refused, and may be the
// only one that proves how the days of the list are written. Only what proves something is taken
// in: which column a value belongs to is not known.
func (s *survey) stray(fields []field, row *grid.Row) {
	for _, cell := range row.Cells {
		// A quotation mark may have made one value of several. The row is read as CSV with dates of
		// 1900: no workbook has rows of another width.
		for _, text := range bytes.FieldsFunc(cell.Text, isSeparator) {
			if len(text) > memoTextMax || len(trim(text)) == 0 {
				continue
			}
			v := parse(fieldFrom, grid.Cell{Kind: grid.Text, Text: text}, false)
			if v.monthFirst || v.dayBeforeMonth || v.late || v.turned && v.form == formLoose {
				s.prove(fields, &v, row.Number)
			}
		}
	}
}

// isSeparator tells whether values of a CSV file may end there, whatever separator it has.
func isSeparator(r rune) bool { return strings.ContainsRune(csv.Separators+`"`, r) }

// prove takes in a day for each column of days. It goes to all of them, as it may be of any.
func (s *survey) prove(fields []field, v *value, row int) {
	for i, f := range fields {
		if f.isDay() {
			s.judgeOf(place{i, f}).judge.add(v, row)
		}
	}
}

// isCardNumber tells whether a text is a number as long as that of a card. See kpjDigits.
func isCardNumber(text []byte) bool {
	digits := oneSpelling(unformula(string(trim(text))))
	return len(digits) == kpjDigits && allDigits(digits, kpjDigits)
}

// day takes in a cell of a column of days. at is the column with what its name says; row is where
// the judge may find its proof.
func (s *survey) day(at place, cell grid.Cell, row int, date1904 bool) {
	d := s.judgeOf(at)
	// Looking a text up as string(key) allocates nothing, and most are found.
	var room [memoTextMax + 1]byte
	key := append(append(room[:0], byte(cell.Kind)), cell.Text...)
	v, known := d.memo[string(key)]
	if !known {
		v = parse(at.field, cell, date1904)
		if len(d.memo) >= memoMax {
			clear(d.memo)
		}
		if len(key) <= memoTextMax {
			d.memo[string(key)] = v
		}
	}
	d.judge.add(&v, row)
}

// judgeOf returns what judges a column of days. It is made at first sight.
func (s *survey) judgeOf(at place) *days {
	d := s.days[at]
	if d == nil {
		d = &days{memo: map[string]value{}}
		s.days[at] = d
	}
	return d
}

// fits tells whether the values of a column, as far as they are known, can be those of a field:
// most of them are. A column beyond those that hold something counts as empty.
func (s *survey) fits(column int, f field, date1904 bool) bool {
	good, all := s.good(column, f, date1904)
	return all == 0 || 2*good > all // of an empty one nothing speaks against it
}

// good counts the samples of a column, and those that can be values of a field. Samples are read as
// cells of the field would be; all is 0 where the column is empty or not there.
func (s *survey) good(column int, f field, date1904 bool) (good, all int) {
	if column >= len(s.columns) {
		return 0, 0
	}
	for _, cell := range s.columns[column].samples {
		var wrong *fault
		if f == fieldNIK || f == fieldIntoNIK {
			_, wrong = parseNIK(nil, cell)
		} else {
			wrong = parse(f, cell, date1904).fault
		}
		if wrong == nil {
			good++
		}
	}
	return good, len(s.columns[column].samples)
}

// widthMeant tells whether rows of so many values are no accident: several have as many.
func (s *survey) widthMeant(width int) bool {
	const several = 3
	return s.widths[width] >= several
}

// mostHave tells whether most rows have so many values. Rows whose width is beyond widthsMax kinds
// are not counted.
func (s *survey) mostHave(width int) bool {
	all := s.usual
	for _, count := range s.widths {
		all += count
	}
	return 2*s.widths[width] > all
}
