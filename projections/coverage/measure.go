package coverage

import (
	"math/bits"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/projections/counts"
)

// measures is a set of the numbers a worker can count in; bit i is measure i.
type measures uint32

// The measures. Their numbers are stored: never reorder. Those of the code lists follow the
// lists' own numbers from the base given here.
const (
	coveredMeasure    = 0
	inGraceMeasure    = 1
	enrolmentsMeasure = 2
	sectorBase        = 3 - int(event.Formal)    // 2 of them
	segmentBase       = 5 - int(event.PU)        // 4
	categoryBase      = 9 - int(event.ASN)       // 7
	programmeBase     = 16 - int(event.JKK)      // 5
	payerBase         = 21 - int(event.Employer) // 2: EMPLOYER, SELF
	fundingBase       = 23                       // 8: UNKNOWN and the sources of money
	measureCount      = 31
)

const (
	covered    measures = 1 << coveredMeasure
	inGrace    measures = 1 << inGraceMeasure
	enrolments measures = 1 << enrolmentsMeasure
)

// measuresOf returns what one enrolment counts in during a spell, were it its worker's only one.
func measuresOf(s *enrolment.Spell) measures {
	if s.InGrace {
		return inGrace
	}
	t := &s.Terms
	m := covered | enrolments |
		1<<(sectorBase+int(t.Segment.Sector())) |
		1<<(segmentBase+int(t.Segment)) |
		1<<(categoryBase+int(t.Category)) |
		measures(t.Programmes>>event.JKK)<<(programmeBase+int(event.JKK))
	if t.Payer == event.APBD {
		return m | measures(s.Sources)<<fundingBase
	}
	return m | 1<<(payerBase+int(t.Payer))
}

// sums holds one number a measure.
type sums [measureCount]int64

// add adds the weight to every measure of the set.
func (s *sums) add(m measures, weight int64) {
	for ; m != 0; m &= m - 1 {
		s[bits.TrailingZeros32(uint32(m))] += weight
	}
}

// cell is what a change of coverage counts in: the measures of a region, and, unless exact, of
// the regions that region lies in. It packs into 64 bits: region, exact, measures.
type cell uint64

const exactBit = 1 << 32

func newCell(in region.Code, m measures) cell      { return cell(in)<<33 | cell(m) }
func newExactCell(in region.Code, m measures) cell { return newCell(in, m) | exactBit }

func (c cell) region() region.Code { return region.Code(c >> 33) }
func (c cell) exact() bool         { return c&exactBit != 0 }
func (c cell) measures() measures  { return measures(uint32(c)) }

// countsIn reports whether the cell counts in the numbers of a region.
func (c cell) countsIn(r region.Code) bool {
	own := c.region()
	switch {
	case own == r:
		return true
	case c.exact():
		return false
	}
	return r == region.Nation || own.Parent() == r
}

// newRow returns the row of the workers of a region who count in exactly these measures. Rows of a
// region follow one another.
func newRow(in region.Code, m measures) counts.Key { return counts.Key(in)<<32 | counts.Key(m) }

func rowMeasures(row counts.Key) measures { return measures(uint32(row)) }

// rowsIn returns the rows of a region.
func rowsIn(r region.Code) counts.Range {
	return counts.Range{From: newRow(r, 0), Until: newRow(r+1, 0)}
}

// rowsOf returns the rows that a cell adds to: that of its region, and unless it is exact those of
// the regions that region lies in.
func rowsOf(key counts.Key) counts.Rows {
	c := cell(key)
	rows := counts.Rows{newRow(c.region(), c.measures()), counts.NoRow, counts.NoRow}
	if c.exact() || c.region() == region.Nation {
		return rows
	}
	if parent := c.region().Parent(); parent != region.Nation {
		rows[1] = newRow(parent, c.measures())
	}
	rows[2] = newRow(region.Nation, c.measures())
	return rows
}
