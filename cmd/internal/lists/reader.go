package lists

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strconv"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// Reader gives the records of a list.
type Reader struct {
	list    *List
	ids     *ids
	head    []byte // of each event up to its id
	middle  []byte // between id and data
	scope   []byte // what an id is of, beside the data: list and type
	values  [fieldEnd]value
	nik     []byte
	into    []byte // NIK of whom a worker is merged into
	data    []byte
	out     []byte
	faults  []defect
	begun   bool
	ordinal []int  // columns of numbers of rows
	who     uint64 // hash of the enrolment that is named by its NIK
	seen    seen
}

// defect is a fault and the column it is in.
type defect struct {
	name  string
	fault *fault
}

// Events returns a reader of the list's rows. The key is the ledger's: see package comment. It
// may be called once.
func (l *List) Events(key [KeySize]byte) *Reader {
	r := &Reader{list: l, ids: newIDs(key)}
	r.head = []byte(`{"specversion":"1.0","id":"`)
	kind := l.info.Kind.event().Name()
	r.middle = append(r.middle, `","source":`...)
	r.middle = appendJSON(r.middle, l.info.Source)
	r.middle = append(r.middle, `,"type":"`+kind+`","data":`...)
	r.scope = []byte("event\x00" + l.info.ID + "\x00" + kind)
	for i, f := range l.header.fields {
		if f == fieldOrdinal || f == fieldRemark {
			r.ordinal = append(r.ordinal, i)
		}
	}
	return r
}

// Next returns the record of the next row that is not blank. io.EOF ends the list.
func (r *Reader) Next() (Record, error) {
	r.list.mu.Lock()
	defer r.list.mu.Unlock()
	if r.list.closed {
		return Record{}, os.ErrClosed
	}
	for {
		row, err := r.list.rows.Next()
		if errors.Is(err, io.EOF) {
			return Record{}, io.EOF
		} else if err != nil {
			return Record{}, fileProblem(err)
		}
		first := !r.begun
		r.begun = true
		if r.isBlankRow(row) || first && isNumbering(row) {
			continue
		}
		return r.record(row), nil
	}
}

// isBlankRow tells whether a row has nothing, or nothing but its number, which people prepare.
func (r *Reader) isBlankRow(row *grid.Row) bool {
	for i := range row.Cells {
		c := &row.Cells[i]
		blank := c.Kind == grid.Empty || c.Kind == grid.Formula ||
			c.Kind == grid.Text && isBlank(c.Text)
		if !blank && !r.isOrdinal(i) {
			return false
		}
	}
	return true
}

func (r *Reader) isOrdinal(column int) bool {
	for _, i := range r.ordinal {
		if i == column {
			return true
		}
	}
	return false
}

// isNumbering tells whether a row numbers the columns, as official lists do under their names:
// 1, 2, 3 or (1), (2), (3).
func isNumbering(row *grid.Row) bool {
	last, count := 0, 0
	for i := range row.Cells {
		if row.Cells[i].Kind == grid.Empty {
			continue
		}
		text := trim(row.Cells[i].Text)
		if n := len(text); n > 2 && text[0] == '(' && text[n-1] == ')' {
			text = text[1 : n-1]
		}
		n, err := strconv.Atoi(string(text))
		if err != nil || n != last+1 && count > 0 || n > grid.ColumnsMax {
			return false
		}
		last = n
		count++
	}
	return count > 1
}

// record makes the record of a row.
func (r *Reader) record(row *grid.Row) Record {
	r.faults, r.nik, r.into = r.faults[:0], r.nik[:0], r.into[:0]
	clear(r.values[:])
	for i := range r.list.columns {
		r.read(&r.list.columns[i], row)
	}
	for f := range r.list.defaults {
		if d := r.list.defaults[f]; d != nil && !r.has(field(f)) {
			r.values[f] = *d
		}
	}
	r.complete()
	record := Record{Row: row.Number}
	if len(r.faults) == 0 {
		r.out = r.appendEvent(r.out[:0])
		if earlier := r.twice(row.Number); earlier > 0 {
			r.refuse(r.nameOf([]field{fieldNIK}), saidOtherwise(earlier))
		}
	}
	if len(r.faults) > 0 {
		record.Refusal = refusalOf(r.faults, r.list.info.Lang)
	} else {
		record.Event = bytes.Clone(r.out)
	}
	if r.list.opts.KeepRows {
		record.Cells = keepCells(row)
	}
	return record
}

func (r *Reader) has(f field) bool {
	v := &r.values[f]
	return v.json != "" || v.count != 0 || v.fault != nil
}

// read reads the cell of a column. Values come again and again, so those seen are remembered.
func (r *Reader) read(c *column, row *grid.Row) {
	if c.index >= len(row.Cells) {
		return
	}
	cell := row.Cells[c.index]
	if cell.Kind == grid.Empty || cell.Kind == grid.Text && isBlank(cell.Text) {
		return
	}
	if c.field == fieldNIK || c.field == fieldIntoNIK {
		r.readNIK(c, cell)
		return
	}
	date1904 := r.list.book != nil && r.list.book.Date1904
	if c.field == fieldEnrolment {
		r.keep(c, parse(c.field, cell, date1904))
		return
	}
	memo := c.memo
	if cell.Kind != grid.Text {
		memo = c.nums
		if cell.Kind != grid.Number {
			r.keep(c, parse(c.field, cell, date1904))
			return
		}
	}
	v, known := memo[string(cell.Text)]
	if !known {
		v = parse(c.field, cell, date1904)
		const memoMax, memoTextMax = 4096, 128
		if len(memo) >= memoMax {
			clear(memo)
		}
		if len(cell.Text) <= memoTextMax {
			memo[string(cell.Text)] = v
		}
	}
	r.keep(c, v)
}

// readNIK reads the cell of a column of NIKs.
func (r *Reader) readNIK(c *column, cell grid.Cell) {
	to := &r.nik
	if c.field == fieldIntoNIK {
		to = &r.into
	}
	var wrong *fault
	if *to, wrong = parseNIK(*to, cell); wrong != nil {
		r.refuse(c.name, wrong)
	}
	r.values[c.field] = value{json: "nik", fault: wrong}
}

func (r *Reader) keep(c *column, v value) {
	r.values[c.field] = v
	if v.fault != nil {
		r.refuse(c.name, v.fault)
	}
}

func (r *Reader) refuse(name string, f *fault) {
	r.faults = append(r.faults, defect{name, f})
}

// complete finds what the row must have and has not, and what follows from what it has.
func (r *Reader) complete() {
	for _, n := range r.list.needs {
		found := false
		for _, f := range n.fields {
			found = found || r.has(f)
		}
		if found {
			continue
		}
		r.refuse(r.nameOf(n.fields), missing(n.fields[0]))
		if n.fields[0] == fieldNIK {
			return // then the rest does not matter
		}
	}
	if len(r.faults) > 0 {
		return
	}
	v := &r.values
	if last := &v[fieldLastDay]; last.json != "" {
		v[fieldUntil].json = `"` + last.date.AddDays(1).String() + `"`
	}
	if month := &v[fieldInactive]; month.json != "" {
		v[fieldUntil].json = `"` + month.month.First().String() + `"`
	}
	switch r.list.info.Kind {
	case Funding, Contribution:
		r.period()
	case Death, Merge:
		r.persons()
	default: // nothing in such a row speaks of two cells at once
	}
}

// persons makes sure that each person is named once, and that two who are one are two numbers.
func (r *Reader) persons() {
	v := &r.values
	for _, one := range [...][]field{{fieldNIK, fieldWorker}, {fieldIntoNIK, fieldInto}} {
		if r.has(one[0]) && r.has(one[1]) {
			r.refuse(r.nameOf(one), &fault{
				event.WorkerAmbiguous, "sebut orangnya sekali saja: NIK atau ID pekerja",
				"name the person once: by NIK or by worker id",
			})
		}
	}
	if len(r.into) > 0 && bytes.Equal(r.nik, r.into) ||
		v[fieldInto].json != "" && v[fieldInto].json == v[fieldWorker].json {
		r.refuse(r.nameOf([]field{fieldIntoNIK, fieldInto}), &fault{
			event.FieldInvalid, "sama dengan nomor yang digabungkan: tulis nomor yang lain",
			"is the number that is merged: write the other one",
		})
	}
}

// period finds the months that are paid.
func (r *Reader) period() {
	v := &r.values
	from := v[fieldFromMonth].month
	if r.has(fieldMonth) {
		from = v[fieldMonth].month
	}
	var until temporal.Month
	var ending field
	switch {
	case r.has(fieldLastMonth):
		until, ending = v[fieldLastMonth].month+1, fieldLastMonth
	case r.has(fieldUntilMonth):
		until, ending = v[fieldUntilMonth].month, fieldUntilMonth
	case r.has(fieldMonths):
		until, ending = from+temporal.Month(v[fieldMonths].count), fieldMonths
	default:
		until = from + 1
	}
	if until <= from {
		r.refuse(r.nameOf([]field{ending}), &fault{
			event.PeriodInverted, "harus sesudah bulan mulai", "must be after the first month",
		})
		return
	}
	v[fieldFromMonth].json = `"` + from.String() + `"`
	v[fieldUntilMonth].json = `"` + until.String() + `"`
}

// nameOf returns the name of the first column that has one of some fields, and the first one's
// title when the list has none.
func (r *Reader) nameOf(fields []field) string {
	for _, f := range fields {
		for i := range r.list.columns {
			if r.list.columns[i].field == f {
				return r.list.columns[i].name
			}
		}
	}
	return fields[0].title(r.list.info.Lang)
}

// missing says that a row has no value where it must.
func missing(f field) *fault {
	if f == fieldNIK {
		return &fault{
			event.FieldMissing,
			"baris ini tidak menyebut siapa orangnya; bila ini jumlah atau tanda tangan, hapus",
			"the row does not say who is meant; if it is a total or a signature, delete it",
		}
	}
	return &fault{
		event.FieldMissing,
		"belum diisi (bila selnya digabung, hanya baris pertama yang terisi)",
		"is empty (merged cells fill only the first of their rows)",
	}
}

// saidOtherwise says that an earlier row enrols the same person otherwise.
func saidOtherwise(earlier uint32) *fault {
	row := strconv.FormatUint(uint64(earlier), 10)
	return &fault{
		event.FieldInvalid,
		"orang ini sudah ada di baris " + row + " dengan isi yang lain: hapus salah satu baris," +
			" atau beri KPJ bila memang dua kepesertaan",
		"the person is in row " + row + " already, with other values: delete one of the rows, or" +
			" give each its KPJ if there are two enrolments indeed",
	}
}

// appendEvent appends the event of a row without defects.
func (r *Reader) appendEvent(dst []byte) []byte {
	if r.list.info.Kind.ofPersons() {
		r.data = r.appendPersons(append(r.data[:0], '{'))
	} else {
		r.data = r.appendEnrolment(append(r.data[:0], '{'))
	}
	r.data = append(r.data, '}')
	dst = append(dst, r.head...)
	dst = r.ids.append(dst, r.scope, r.data)
	dst = append(dst, r.middle...)
	dst = append(dst, r.data...)
	return append(dst, '}')
}

// appendPersons appends the data of a row about people.
func (r *Reader) appendPersons(d []byte) []byte {
	v := &r.values
	if len(r.nik) > 0 {
		d = append(append(append(d, `"nik":"`...), r.nik...), '"')
	} else {
		d = append(append(d, `"worker":`...), v[fieldWorker].json...)
	}
	switch {
	case r.list.info.Kind == Death:
		d = append(append(d, `,"on":`...), v[fieldDied].json...)
	case len(r.into) > 0:
		d = append(append(append(d, `,"intoNik":"`...), r.into...), '"')
	default:
		d = append(append(d, `,"into":`...), v[fieldInto].json...)
	}
	return d
}

// appendEnrolment appends the data of a row about an enrolment.
func (r *Reader) appendEnrolment(d []byte) []byte {
	v := &r.values
	kind := r.list.info.Kind
	if kind == Funding {
		d = append(append(d, `"commitment":`...), v[fieldCommitment].json...)
		d = append(d, ',')
	}
	d = append(d, `"enrolment":`...)
	if v[fieldEnrolment].json != "" {
		d = append(d, v[fieldEnrolment].json...)
	} else {
		d = append(d, `"`+derivedPrefix...)
		d = append(r.ids.append(d, []byte("enrolment"), r.nik), '"')
		r.who = binary.LittleEndian.Uint64(r.ids.sum[:])
	}
	switch kind {
	case Termination:
		return r.appendFields(d, member{"until", fieldUntil}, member{"reason", fieldReason})
	case Funding, Contribution:
		return r.appendFields(d, member{"from", fieldFromMonth}, member{"until", fieldUntilMonth},
			member{"paidOn", fieldPaidOn}, member{"amount", fieldAmount},
			member{"reference", fieldReference})
	default: // an enrolment: the kinds that name a person have gone another way
		d = append(append(append(d, `,"nik":"`...), r.nik...), '"')
		return r.appendFields(d, member{"region", fieldRegion}, member{"segment", fieldSegment},
			member{"category", fieldCategory}, member{"programmes", fieldProgrammes},
			member{"payer", fieldPayer}, member{"from", fieldFrom})
	}
}

// member is a field of an event's data, and the one of the list that it has its value from.
type member struct {
	name string
	from field
}

// appendFields appends the fields that the row has.
func (r *Reader) appendFields(d []byte, members ...member) []byte {
	for _, m := range members {
		if json := r.values[m.from].json; json != "" {
			d = append(append(append(d, `,"`...), m.name...), `":`...)
			d = append(d, json...)
		}
	}
	return d
}
