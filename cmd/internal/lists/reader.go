package lists

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/cmd/internal/lists/named"
	"cakupan/domain/event"
)

// Reader gives the records of a list. Values, slices and buffers are of the row that is read and
// used again for the next; the list's mu guards all of it.
type Reader struct {
	list      *List
	ids       *named.Hashes
	head      []byte // of each event up to its id
	middle    []byte // between id and data
	scope     []byte // what an id is of, beside the data: list and type
	values    [fieldEnd]value
	broken    *defect // why no row is read from here on; nil: rows are read
	nik       []byte
	hashed    bool   // something of the row is named by the hash of nik
	into      []byte // NIK of whom a worker is merged into
	data      []byte
	out       []byte
	faults    []defect
	begun     bool
	pending   []declaration // given for rows below, of what has a column so far
	fresh     bool          // the row before names the columns anew
	doubted   doubt         // what a remark on the row says of its days
	twiceSaid bool          // a remark on the row says that another one says otherwise
	ordinal   []int         // columns of numbers of rows
	people    []int         // columns of numbers of people
	who       uint64        // hash of the enrolment that is named by its NIK
	across    *Across
	places    []regionSaid // what the columns of regions say, where there are several
}

// defect is a fault and the column it is in. name is what the clerk sees: the column as the list
// calls it, cut and masked.
type defect struct {
	name  string
	fault *fault
}

// Events returns a reader of the list's rows. The key is the ledger's: see package comment. It
// may be called once. key is the ledger's list key: the same for each list of it, so that ids are
// the same whenever a list is sent.
func (l *List) Events(key named.Key) *Reader {
	r := &Reader{list: l, ids: named.New(key)}
	if r.across = l.opts.Across; r.across == nil {
		r.across = NewAcross([]string{l.info.Sheet})
	}
	// What is the same in each event is made once.
	r.head = []byte(`{"specversion":"1.0","id":"`)
	kind := l.info.Kind.event().Name()
	r.middle = append(r.middle, `","source":`...)
	r.middle = appendJSON(r.middle, l.info.Source)
	r.middle = append(r.middle, `,"type":"`+kind+`","list":`...)
	r.middle = append(appendJSON(r.middle, l.info.ID), `,"listrow":`...)
	r.scope = named.Scope(l.info.ID, kind)
	r.findColumns()
	return r
}

// findColumns finds the columns that say whether a row is one. It is asked anew for each block of
// rows.
func (r *Reader) findColumns() {
	r.ordinal, r.people = nil, nil
	for i, f := range r.list.header.fields {
		switch {
		case f == fieldOrdinal || f == fieldRemark:
			r.ordinal = append(r.ordinal, i)
		case f.isPersonal():
			r.people = append(r.people, i)
		}
	}
}

// Next returns the record of the next row that is not blank. io.EOF ends the list. It may be called
// while another goroutine closes the list: then it returns os.ErrClosed. A row that cannot become
// an event is a [Record] with a refusal, and no error. An error other than io.EOF says that the
// file cannot be read further; the rows before it stand.
func (r *Reader) Next() (Record, error) {
	r.list.mu.Lock()
	defer r.list.mu.Unlock()
	if r.list.closed {
		return Record{}, os.ErrClosed
	}
	for {
		row, err := r.list.next()
		if errors.Is(err, io.EOF) {
			r.tellUnused()
			return Record{}, io.EOF
		} else if err != nil {
			return Record{}, fileProblem(err, &r.list.info.Lang)
		}
		first := !r.begun
		r.begun = true
		// isStructure comes last: it takes note of what it sees.
		if r.isBlankRow(row) || first && isNumbering(row) || r.isStructure(row) {
			continue
		}
		// Values that were given for a block cannot be meant for one that comes below this row.
		r.tellUnused()
		return r.record(row), nil
	}
}

// isBlankRow tells whether a row has nothing, or nothing but its number, which people prepare.
func (r *Reader) isBlankRow(row *grid.Row) bool {
	for i := range row.Cells {
		c := &row.Cells[i]
		blank := c.Kind == grid.Empty || c.Kind == grid.Text && isBlank(c.Text)
		if !blank && (!r.isOrdinal(i) || isUncut(c)) {
			return false
		}
	}
	return true
}

// isUncut tells whether a cell holds a whole row, which other separators divide than those of the
// row of names.
func isUncut(c *grid.Cell) bool {
	const separatorsMin = 2
	return c.Kind == grid.Text && (bytes.Count(c.Text, []byte{';'}) >= separatorsMin ||
		bytes.Count(c.Text, []byte{','}) >= separatorsMin ||
		bytes.Count(c.Text, []byte{'\t'}) >= separatorsMin)
}

// isOrdinal tells whether a column, from 0, holds numbers of rows or remarks: alone they are no
// row.
func (r *Reader) isOrdinal(column int) bool {
	for _, i := range r.ordinal {
		if i == column {
			return true
		}
	}
	return false
}

// isNumbering tells whether a row numbers the columns, as official lists do under their names:
// 1, 2, 3 or (1), (2), (3). It is asked of the first row below names alone: further down such a row
// could be anybody's.
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

// record makes the record of a row. What it returns is a copy, and lasts. The event is made before
// it is known whether it may be sent, because whether a row says otherwise than an earlier one is
// told by the hash in its id.
func (r *Reader) record(row *grid.Row) Record {
	r.faults, r.nik, r.into = r.faults[:0], r.nik[:0], r.into[:0]
	clear(r.values[:])
	r.places = r.places[:0]
	r.notice(row)
	record := Record{Row: row.Number, list: r.list.header, columns: r.list.columns}
	switch wide := r.checkWidth(row); {
	// What the row means is not known, so that nothing more can be said of it.
	case r.broken != nil:
		r.faults = append(r.faults, *r.broken)
	case wide != nil:
		r.refuse(r.nameOf([]field{fieldNIK}), wide)
	default:
		r.readRow(row)
	}
	if len(r.faults) == 0 {
		r.out = r.appendEvent(r.out[:0], row.Number)
		switch earlier := r.twice(row.Number); {
		case r.twiceSaid && !r.hasOtherKPJ(row):
			r.refuse(r.nameOfNumber(), saidTwiceFault)
		case earlier > 0:
			r.refuse(r.nameOfNumber(), r.saidOtherwise(earlier))
		default:
			if earlier = r.ownedOtherwise(row.Number); earlier > 0 {
				r.refuse(r.nameOfNumber(), r.saidOfOther(earlier))
			}
		}
	}
	if len(r.faults) > 0 {
		record.Refusal = refusalOf(r.faults, r.list.info.Lang)
	} else {
		record.Event = bytes.Clone(r.out)
		if r.hashed {
			record.NIK = bytes.Clone(r.nik)
		}
	}
	if r.list.opts.KeepRows {
		record.Cells = keepCells(row)
	}
	return record
}

// hasOtherKPJ tells whether a row that came back, since another one has its number too, has another
// number now: the remark on it names the one that it had.
func (r *Reader) hasOtherKPJ(row *grid.Row) bool {
	for i, f := range r.list.header.fields {
		if f != fieldRemark || i >= len(row.Cells) {
			continue
		}
		text := string(row.Cells[i].Text)
		for _, l := range []Language{Indonesian, English} {
			if strings.Contains(text, l.Pick(kpjID, kpjEN)) &&
				!strings.Contains(text, saidKPJ(r.kpj(), l)) {
				return true
			}
		}
	}
	return false
}

// readRow reads the values of a row, and those that are given for all rows. A value that is given
// for all rows is used where the row's own cell says nothing.
func (r *Reader) readRow(row *grid.Row) {
	r.doubted, r.twiceSaid = doubt{}, false
	for i, f := range r.list.header.fields {
		if f == fieldRemark && i < len(row.Cells) {
			r.doubted = doubtOf(row.Cells[i].Text)
			r.twiceSaid = isSaidTwice(row.Cells[i].Text)
		}
	}
	// What merged cells say is not believed, so that the others' defects are told next time.
	if r.checkMerged(row.Number); len(r.faults) > 0 {
		return
	}
	for i := range r.list.columns {
		r.read(&r.list.columns[i], row)
	}
	for f := range r.list.defaults {
		// It is copied: what complete works out of it must not reach the next row.
		if d := r.list.defaults[f]; d != nil && !r.has(field(f)) {
			r.values[f] = *d
		}
	}
	r.complete()
}

// has tells whether the row has a value of a field. One with a fault counts: it is there, and
// refused already.
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
	// A NIK goes past all memory: it stays in one buffer that the next row writes over.
	if c.field == fieldNIK || c.field == fieldIntoNIK {
		r.readNIK(c, cell)
		return
	}
	date1904 := r.list.since1904()
	switch {
	case c.mark != "":
		r.readMark(c, cell)
		return
	case c.field == fieldEnrolment:
		v := r.shortNumber(c, cell, parse(c.field, cell, date1904))
		if v.fault == nil && isOddCard(v.json) {
			r.list.notices.oddCards.add(row.Number)
		}
		r.keep(c, v)
		return
	}
	// Cells of other kinds are not remembered. A text and a number of one writing may mean
	// different things, so each kind has a memory of its own.
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
		// It begins anew, which costs less than to find out what is no longer asked for.
		if len(memo) >= memoMax {
			clear(memo)
		}
		if len(cell.Text) <= memoTextMax {
			memo[string(cell.Text)] = v
		}
	}
	r.keep(c, v)
}

// readNIK reads the cell of a column of NIKs. values has a mark that it is there, and not the
// number.
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

// keep takes a value into the row, and judges days by their column. v is a copy: what the column
// remembers stays as it is.
func (r *Reader) keep(c *column, v value) {
	if c.days != nil {
		if v.fault = c.days.on(&v); v.fault != nil {
			v.fault = v.fault.reading(v.date)
		}
	}
	// In a list that came back the rows that proved the doubt are missing, so that the column no
	// longer does.
	if v.fault == nil && r.doubted.holds(&v) {
		v.fault = r.doubted.fault(v.date)
	}
	switch before := &r.values[c.field]; {
	case c.field == fieldRegion && r.list.regions > 1:
		r.places = append(r.places, regionSaid{c.name, v})
		return
	case c.field == fieldProgrammes && before.json != "" && v.fault == nil:
		v.set |= before.set
		v.json = programmesOf(v.set)
	}
	r.values[c.field] = v
	if v.fault != nil {
		r.refuse(c.name, v.fault)
	}
}

// readMark reads a cell in which a mark stands for the programme of its column. A mark that says no
// adds nothing.
func (r *Reader) readMark(c *column, cell grid.Cell) {
	switch marked, ok := isMarked(cell, c.mark); {
	case !ok:
		r.refuse(c.name, &fault{
			event.FieldInvalid,
			quote(string(cell.Text)) + " bukan tanda: tulis v bila ikut program ini, kosongkan" +
				" bila tidak",
			quote(string(cell.Text)) + " is no mark: write v where the programme is meant, and" +
				" nothing where it is not",
		})
		r.values[fieldProgrammes].fault = r.faults[len(r.faults)-1].fault
	case marked:
		r.keep(c, parseCode(fieldProgrammes, c.mark).asSet())
	}
}

// refuse takes note of a defect. A row may have several; the first decides its code.
func (r *Reader) refuse(name string, f *fault) {
	r.faults = append(r.faults, defect{name, f})
}

// appendEvent appends the event of a row without defects. Its attributes say that it is a row of
// the list, and which: see package whole. Members and their order never change: the id is a hash of
// the data's bytes, and another order would make the same list sent again a new one.
func (r *Reader) appendEvent(dst []byte, row int) []byte {
	r.hashed = r.list.info.Kind.ofPersons() || r.values[fieldEnrolment].json == ""
	if r.list.info.Kind.ofPersons() {
		r.data = r.appendPersons(append(r.data[:0], '{'))
	} else {
		r.data = r.appendEnrolment(append(r.data[:0], '{'), row)
	}
	r.data = append(r.data, '}')
	r.hashed = r.hashed && len(r.nik) > 0
	dst = append(dst, r.head...)
	dst = r.ids.AppendID(dst, r.scope, r.data)
	dst = strconv.AppendInt(append(dst, r.middle...), int64(row), 10)
	// Such events have no enrolment to know the row by, and the log has no NIK.
	if r.list.info.Kind.ofPersons() && len(r.nik) > 0 {
		// The hash of the event is kept over the next one.
		what := binary.LittleEndian.Uint32(r.ids.Sum[:]) // twice asks for it
		dst = append(dst, `,"listkey":"`...)
		dst = append(r.ids.AppendName(dst, r.nik), '"')
		binary.LittleEndian.PutUint32(r.ids.Sum[:], what)
	}
	dst = append(dst, `,"data":`...)
	dst = append(dst, r.data...)
	return append(dst, '}')
}

// appendPersons appends the data of a row about people. The names of its members are those of the
// contract, section 1.
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

// appendEnrolment appends the data of a row about an enrolment. Where the row has no number of the
// enrolment, it is named by the keyed hash of the NIK: see the package comment, and twice for who.
func (r *Reader) appendEnrolment(d []byte, row int) []byte {
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
		d = append(d, '"')
		d = append(r.ids.AppendName(d, r.nik), '"')
		r.who = binary.LittleEndian.Uint64(r.ids.Sum[:])
	}
	if kind != Enrolment && v[fieldEnrolment].json != "" && len(r.nik) > 0 {
		r.list.notices.unused.add(row)
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

// member is a field of an event's data, and the one of the list that it has its value from. The
// value's json is copied as it is.
type member struct {
	name string
	from field
}

// appendFields appends the fields that the row has. What the row has not is left out, so that it
// does not change the id.
func (r *Reader) appendFields(d []byte, members ...member) []byte {
	for _, m := range members {
		if json := r.values[m.from].json; json != "" {
			d = append(append(append(d, `,"`...), m.name...), `":`...)
			d = append(d, json...)
		}
	}
	return d
}
