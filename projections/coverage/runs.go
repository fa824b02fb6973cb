package coverage

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"

	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// A run sums up the deltas of a range of the log: for each region and set of measures it holds
// the days on which the count changed and the count from that day on. A run of level 1 covers a
// chunk of deltas, one of level n+1 covers eight of level n, so that any prefix of the deltas is
// a few runs and less than a chunk of single deltas.
//
// Stored, little endian: number of rows (4); per row region (4), measures (4), index of its
// first step (4), ordered by region and measures; number of steps (4); per step day (4); per
// step count (4). Steps of a row are in order of day.
type run []byte

// runFanOut is how many runs of a level make one of the next. A prefix is at most seven runs a
// level: 14 for 4 million deltas.
const runFanOut = 8

const (
	runHead     = 4
	runRowBytes = 12
)

// errRun is returned for a stored run that is not one.
var errRun = errors.New("stored run is damaged")

func (r run) rows() int           { return int(binary.LittleEndian.Uint32(r)) }
func (r run) word(at int) uint32  { return binary.LittleEndian.Uint32(r[at:]) }
func (r run) row(i int) int       { return runHead + i*runRowBytes }
func (r run) region(i int) uint32 { return r.word(r.row(i)) }
func (r run) measures(i int) measures {
	return measures(r.word(r.row(i) + 4))
}
func (r run) firstStep(i int) int { // of row i; of row rows(): the number of all steps
	if i == r.rows() {
		return int(r.word(r.row(i)))
	}
	return int(r.word(r.row(i) + 8))
}
func (r run) day(step int) temporal.Date {
	return temporal.Date(r.word(r.row(r.rows()) + 4 + 4*step))
}
func (r run) count(step int) int32 {
	return int32(r.word(r.row(r.rows()) + 4 + 4*(r.firstStep(r.rows())+step)))
}

// check reports whether the stored bytes have the size that their head says.
func (r run) check() error {
	if len(r) < runHead+4 || len(r) < r.row(r.rows())+4 {
		return fmt.Errorf("%w: %d bytes", errRun, len(r))
	}
	if want := r.row(r.rows()) + 4 + 8*r.firstStep(r.rows()); len(r) != want {
		return fmt.Errorf("%w: %d bytes, not %d", errRun, len(r), want)
	}
	return nil
}

// rowsOf returns the range of the rows of a region.
func (r run) rowsOf(code region.Code) (from, until int) {
	n, want := r.rows(), uint32(code)
	from = sort.Search(n, func(i int) bool { return r.region(i) >= want })
	for until = from; until < n && r.region(until) == want; until++ {
	}
	return from, until
}

// countOn returns the count of a row on a day.
func (r run) countOn(row int, day temporal.Date) int32 {
	first, end := r.firstStep(row), r.firstStep(row+1)
	days := r[r.row(r.rows())+4:]
	lo, hi := first, end // first step after the day is in [lo, hi]
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if temporal.Date(binary.LittleEndian.Uint32(days[4*mid:])) <= day {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == first {
		return 0
	}
	return r.count(lo - 1)
}

// step is one change of a count: row is region<<32 | measures.
type step struct {
	row    uint64
	day    temporal.Date
	weight int32
}

func (s step) compare(other step) int {
	if s.row != other.row {
		return cmp.Compare(s.row, other.row)
	}
	return cmp.Compare(s.day, other.day)
}

func newRow(code region.Code, m measures) uint64 { return uint64(code)<<32 | uint64(m) }

// sumDeltas makes the run of a chunk, given its pages of deltas and the cells by number.
func sumDeltas(deltas [][]byte, cells []cell) run {
	total := 0
	for _, page := range deltas {
		total += len(page) / deltaBytes
	}
	steps := make([]step, 0, 3*total)
	for _, page := range deltas {
		for ; len(page) >= deltaBytes; page = page[deltaBytes:] {
			c, day, weight := cells[deltaCell(page)], deltaDay(page), deltaWeight(page)
			own, m := c.region(), c.measures()
			steps = append(steps, step{newRow(own, m), day, weight})
			if !c.exact() && own != region.Nation {
				steps = append(steps,
					step{newRow(own.Parent(), m), day, weight},
					step{newRow(region.Nation, m), day, weight})
			}
		}
	}
	return newRun(mergeSteps(steps))
}

// sumRuns makes one run of several.
func sumRuns(runs []run) run {
	total := 0
	for _, r := range runs {
		total += r.firstStep(r.rows())
	}
	steps := make([]step, 0, total)
	for _, r := range runs {
		for i := range r.rows() {
			row := uint64(r.region(i))<<32 | uint64(r.measures(i))
			before := int32(0)
			for s := r.firstStep(i); s < r.firstStep(i+1); s++ {
				count := r.count(s)
				steps = append(steps, step{row, r.day(s), count - before})
				before = count
			}
		}
	}
	return newRun(mergeSteps(steps))
}

// mergeSteps sorts the steps, adds up those of a row and day, and drops what cancels out.
func mergeSteps(steps []step) []step {
	slices.SortFunc(steps, step.compare)
	kept := steps[:0]
	for i := 0; i < len(steps); {
		sum := steps[i]
		for i++; i < len(steps) && steps[i].row == sum.row && steps[i].day == sum.day; i++ {
			sum.weight += steps[i].weight
		}
		if sum.weight != 0 {
			kept = append(kept, sum)
		}
	}
	return kept
}

// newRun lays out merged steps.
func newRun(steps []step) run {
	rows := 0
	for i := range steps {
		if i == 0 || steps[i].row != steps[i-1].row {
			rows++
		}
	}
	r := make(run, 0, runHead+rows*runRowBytes+4+8*len(steps))
	r = binary.LittleEndian.AppendUint32(r, uint32(rows))
	for i := range steps {
		if i == 0 || steps[i].row != steps[i-1].row {
			r = binary.LittleEndian.AppendUint32(r, uint32(steps[i].row>>32))
			r = binary.LittleEndian.AppendUint32(r, uint32(steps[i].row))
			r = binary.LittleEndian.AppendUint32(r, uint32(i))
		}
	}
	r = binary.LittleEndian.AppendUint32(r, uint32(len(steps)))
	for i := range steps {
		r = binary.LittleEndian.AppendUint32(r, uint32(steps[i].day))
	}
	count := int32(0)
	for i := range steps {
		if i > 0 && steps[i].row != steps[i-1].row {
			count = 0
		}
		count += steps[i].weight
		r = binary.LittleEndian.AppendUint32(r, uint32(count))
	}
	return r
}
