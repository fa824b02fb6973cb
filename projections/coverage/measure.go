package coverage

import (
	"math/bits"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/projections/counts"
)

// measures is a set of the numbers a covered enrolment and its worker can count in; bit i is
// measure i. There is room for 40 below the bits of a cell.
type measures uint64

// The measures. Their numbers are stored: never reorder. Those of the code lists follow the
// lists' own numbers from the base given here.
const (
	coveredMeasure   = 0
	confirmedMeasure = 1
	inGraceMeasure   = 2
	sectorBase       = 3 - int(event.Formal)    // 2 of them
	segmentBase      = 5 - int(event.PU)        // 4
	categoryBase     = 9 - int(event.ASN)       // 7
	programmeBase    = 16 - int(event.JKK)      // 5
	payerBase        = 21 - int(event.Employer) // 2: EMPLOYER, SELF
	fundingBase      = 23                       // 8: UNKNOWN and the sources of money
	evidenceBase     = 31                       // 5, in the order of the bits of enrolment.Evidence
	measureCount     = 36
)

const (
	covered   measures = 1 << coveredMeasure
	confirmed measures = 1 << confirmedMeasure
	inGrace   measures = 1 << inGraceMeasure
)

// measuresOf returns what one enrolment counts in during a spell, and its worker were it the only
// one.
func measuresOf(s *enrolment.Spell) measures {
	if s.InGrace() {
		return inGrace
	}
	t := &s.Terms
	m := covered |
		1<<(sectorBase+int(t.Segment.Sector())) |
		1<<(segmentBase+int(t.Segment)) |
		1<<(categoryBase+int(t.Category)) |
		measures(t.Programmes>>event.JKK)<<(programmeBase+int(event.JKK)) |
		measures(s.Evidence)<<evidenceBase
	if s.Evidence.Confirmed() {
		m |= confirmed
	}
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
		s[bits.TrailingZeros64(uint64(m))] += weight
	}
}

// totals are the numbers of workers, and of enrolments.
type totals struct{ workers, enrolments sums }

// add adds the weight of a row.
func (t *totals) add(row counts.Key, weight int64) {
	m := rowMeasures(row)
	if row&workersBit != 0 {
		t.workers.add(m, weight)
	}
	if row&enrolmentsBit != 0 {
		t.enrolments.add(m, weight)
	}
}

// cell is what a change of coverage counts in: the measures of a region, and, unless exact, of the
// regions that region lies in; as a number of workers, of enrolments, or of both. It packs into 64
// bits: region, exact, who counts, measures. It is stored, in deltas and runs, and hashed: its bits
// are part of the file and of every digest.
type cell uint64

const (
	workersBit    = 1 << 40
	enrolmentsBit = 1 << 41
	exactBit      = 1 << 42
	regionShift   = 48
)

// newCell returns the cell of an enrolment that is the only one of its worker.
func newCell(in region.Code, m measures) cell {
	return cell(in)<<regionShift | workersBit | enrolmentsBit | cell(m)
}

// newEnrolmentCell returns the cell of an enrolment whose worker is counted by itself.
func newEnrolmentCell(in region.Code, m measures) cell {
	return cell(in)<<regionShift | enrolmentsBit | cell(m)
}

// newWorkerCell returns the cell of a worker whose enrolments are counted by themselves; regions
// that this one lies in have a cell of their own.
func newWorkerCell(in region.Code, m measures) cell {
	return cell(in)<<regionShift | exactBit | workersBit | cell(m)
}

func (c cell) region() region.Code { return region.Code(c >> regionShift) }
func (c cell) exact() bool         { return c&exactBit != 0 }

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

// newRow returns the row of a cell in a region. Rows of a region follow one another. It is by what
// the counts are sorted, so that one region is read in one go.
func newRow(in region.Code, c cell) counts.Key {
	const kept = workersBit | enrolmentsBit | 1<<measureCount - 1
	return counts.Key(in)<<regionShift | counts.Key(c)&kept
}

func rowMeasures(row counts.Key) measures { return measures(row & (1<<measureCount - 1)) }

// rowsIn returns the rows of a region.
func rowsIn(r region.Code) counts.Range {
	return counts.Range{From: newRow(r, 0), Until: newRow(r+1, 0)}
}

// rowsOf returns the rows that a cell adds to: that of its region, and unless it is exact those of
// the regions that region lies in.
func rowsOf(key counts.Key) counts.Rows {
	c := cell(key)
	rows := counts.Rows{newRow(c.region(), c), counts.NoRow, counts.NoRow}
	if c.exact() || c.region() == region.Nation {
		return rows
	}
	if parent := c.region().Parent(); parent != region.Nation {
		rows[1] = newRow(parent, c)
	}
	rows[2] = newRow(region.Nation, c)
	return rows
}
