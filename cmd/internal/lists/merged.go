package lists

import (
	"math"
	"slices"
	"sort"
	"strconv"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/domain/event"
)

// merged knows which cells of a sheet are shown as a part of another one. What such a cell says
// cannot be told: a spreadsheet shows the value of the first, a program reads nothing. The survey
// fills it, before rows are taken in; rows only look things up.
type merged struct {
	columns map[int][]span // by place, in order of rows
	filled  []uint64       // a bit for each row that holds something
}

// span are rows of a column that are shown as one cell. Both ends are in it.
type span struct {
	first, last int
	left        bool // the cell that is shown stands in a column to the left
}

// merging are rows that know which of their cells are merged, once they are read to their end. The
// error is that of the file. They come in any order.
type merging interface {
	Merges() ([]grid.Merge, error)
}

// hold takes note of a row that holds something. A bit a row takes 128 KiB for a sheet of a
// million.
func (m *merged) hold(row int) {
	for row/64 >= len(m.filled) {
		m.filled = append(m.filled, 0)
	}
	m.filled[row/64] |= 1 << (row % 64)
}

// holds tells whether one of some rows holds something.
func (m *merged) holds(first, last int) bool {
	for row := first; row <= last && row/64 < len(m.filled); row++ {
		if m.filled[row/64]&(1<<(row%64)) != 0 {
			return true
		}
	}
	return false
}

// take takes in what is merged below the names of the columns, in so many columns. header is the
// number of the row of names; what is merged above it is how letterheads are laid out. Merged cells
// of a sheet do not overlap, so at finds them by the last row.
func (m *merged) take(all []grid.Merge, header, width int) {
	m.columns = map[int][]span{}
	// 24 MiB: a merge may span a thousand columns, and a file have many of them.
	const spansMax = 1 << 20
	for spans, i := 0, 0; i < len(all); i++ {
		one := all[i]
		if one.Top <= header {
			continue
		}
		for column := one.Left; column <= min(one.Right, width-1); column++ {
			m.columns[column] = append(m.columns[column],
				span{one.Top, one.Bottom, column > one.Left})
			spans++
		}
		// Which cells are merged is not known then, and to believe any of them would be a guess.
		if spans > spansMax { // no people make so many: then every row is refused
			for column := range width {
				m.columns[column] = []span{{first: header, last: math.MaxInt}}
			}
			return
		}
	}
	for _, spans := range m.columns {
		slices.SortFunc(spans, func(a, b span) int { return a.first - b.first })
	}
}

// at returns what a cell is merged into; false when it stands alone.
func (m *merged) at(column, row int) (span, bool) {
	spans := m.columns[column]
	i := sort.Search(len(spans), func(i int) bool { return spans[i].last >= row })
	if i == len(spans) || spans[i].first > row {
		return span{}, false
	}
	return spans[i], true
}

// checkMerged refuses what a row says in cells that are shown as a part of others, and somebody who
// has several rows. It comes before the values are read, as they would be those of the first row,
// or none.
func (r *Reader) checkMerged(row int) {
	m := &r.list.survey.merged
	if len(m.columns) == 0 {
		return
	}
	for i := range r.list.columns {
		c := &r.list.columns[i]
		s, found := m.at(c.index, row)
		switch {
		case !found:
			continue
		// Excel leaves such cells empty; other programs may leave values in them that nobody sees.
		case row > s.first || s.left:
			r.refuse(c.name, coveredFault(s))
		// One person over several rows: which of the values beside the number are meant cannot be
		// told.
		case c.field.isPersonal() && m.holds(s.first+1, s.last):
			r.refuse(c.name, severalRowsFault(s))
		default:
			continue
		}
		if c.field.isPersonal() {
			return // then the rest does not matter
		}
		r.values[c.field].fault = r.faults[len(r.faults)-1].fault
	}
}

// coveredFault is for a cell that is shown as a part of another one.
func coveredFault(s span) *fault {
	first := strconv.Itoa(s.first)
	if s.left {
		return &fault{
			event.FieldInvalid,
			"sel ini digabung dengan sel di sebelah kirinya: pisahkan (Unmerge Cells), lalu isi" +
				" setiap kolom",
			"the cell is merged with one to its left: unmerge it, and fill each column",
		}
	}
	return &fault{
		event.FieldInvalid,
		"sel ini digabung dengan baris " + first + ": pisahkan (Unmerge Cells), lalu isi setiap" +
			" baris",
		"the cell is merged with row " + first + ": unmerge it, and fill each row",
	}
}

// severalRowsFault is for a person whose cell spans rows that hold something each.
func severalRowsFault(s span) *fault {
	rows := strconv.Itoa(s.first) + "-" + strconv.Itoa(s.last)
	return &fault{
		event.FieldInvalid,
		"orang ini menempati baris " + rows + ", yang digabung: pisahkan (Unmerge Cells), dan" +
			" tulis semuanya dalam satu baris",
		"the person takes rows " + rows + ", which are merged: unmerge them, and write all of it" +
			" into one row",
	}
}
