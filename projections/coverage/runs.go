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

// A row in the making is region<<32 | measures.
func newRow(code region.Code, m measures) uint64 { return uint64(code)<<32 | uint64(m) }

// summing collects steps by row. The steps of a run are many and its rows few, so steps are
// sorted by counting rows first, and by day only within a row.
type summing struct {
	rows    []uint64
	numbers map[uint64]uint32 // row → index in rows
	row     []uint32          // of each step: index in rows
	steps   []uint64          // day<<32 | weight, the day with its sign bit flipped
}

func newSumming(steps int) *summing {
	return &summing{
		numbers: map[uint64]uint32{},
		row:     make([]uint32, 0, steps),
		steps:   make([]uint64, 0, steps),
	}
}

// number returns the index of a row, giving it one when it is new.
func (s *summing) number(row uint64) uint32 {
	n, known := s.numbers[row]
	if !known {
		n = uint32(len(s.rows))
		s.rows = append(s.rows, row)
		s.numbers[row] = n
	}
	return n
}

func (s *summing) add(number uint32, day temporal.Date, weight int32) {
	s.row = append(s.row, number)
	s.steps = append(s.steps, uint64(uint32(day)^1<<31)<<32|uint64(uint32(weight)))
}

// sumDeltas makes the run of a chunk, given its pages of deltas and the cells by number.
func sumDeltas(deltas [][]byte, cells []cell) run {
	total := 0
	for _, page := range deltas {
		total += len(page) / deltaBytes
	}
	s := newSumming(3 * total)
	// Of each cell: one more than the index of its own row and of those it adds to.
	const own, province, nation = 0, 1, 2
	numbers := make([][3]uint32, len(cells))
	for _, page := range deltas {
		for ; len(page) >= deltaBytes; page = page[deltaBytes:] {
			number, day, weight := deltaCell(page), deltaDay(page), deltaWeight(page)
			c, n := cells[number], &numbers[number]
			above := !c.exact() && c.region() != region.Nation
			if n[own] == 0 {
				n[own] = s.number(newRow(c.region(), c.measures())) + 1
				if above {
					n[province] = s.number(newRow(c.region().Parent(), c.measures())) + 1
					n[nation] = s.number(newRow(region.Nation, c.measures())) + 1
				}
			}
			s.add(n[own]-1, day, weight)
			if above {
				s.add(n[province]-1, day, weight)
				s.add(n[nation]-1, day, weight)
			}
		}
	}
	return s.run()
}

// sumRuns makes one run of several.
func sumRuns(runs []run) run {
	total := 0
	for _, r := range runs {
		total += r.firstStep(r.rows())
	}
	s := newSumming(total)
	for _, r := range runs {
		for i := range r.rows() {
			number := s.number(newRow(region.Code(r.region(i)), r.measures(i)))
			before := int32(0)
			for at, end := r.firstStep(i), r.firstStep(i+1); at < end; at++ {
				count := r.count(at)
				s.add(number, r.day(at), count-before)
				before = count
			}
		}
	}
	return s.run()
}

// byRow returns the steps sorted by the index of their row, and where each row's begin.
func (s *summing) byRow() (sorted []uint64, first []int) {
	first = make([]int, len(s.rows)+1)
	for _, number := range s.row {
		first[number+1]++
	}
	for i := range s.rows {
		first[i+1] += first[i]
	}
	next := slices.Clone(first)
	sorted = make([]uint64, len(s.steps))
	for i, number := range s.row {
		sorted[next[number]] = s.steps[i]
		next[number]++
	}
	return sorted, first
}

// mergeDays sorts the steps of a row by day, adds up those of the same day, and drops what
// cancels out. It works in place.
func mergeDays(steps []uint64) []uint64 {
	slices.Sort(steps)
	kept := steps[:0]
	for i := 0; i < len(steps); {
		day, weight := steps[i]>>32, uint32(steps[i])
		for i++; i < len(steps) && steps[i]>>32 == day; i++ {
			weight += uint32(steps[i])
		}
		if weight != 0 {
			kept = append(kept, day<<32|uint64(weight))
		}
	}
	return kept
}

// run lays out what was collected.
func (s *summing) run() run {
	sorted, first := s.byRow()
	order := make([]int, 0, len(s.rows)) // rows with steps left, by region and measures
	merged := make([][]uint64, len(s.rows))
	total := 0
	for i := range s.rows {
		merged[i] = mergeDays(sorted[first[i]:first[i+1]])
		if total += len(merged[i]); len(merged[i]) > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(s.rows[a], s.rows[b]) })

	r := make(run, 0, runHead+len(order)*runRowBytes+4+8*total)
	r = binary.LittleEndian.AppendUint32(r, uint32(len(order)))
	total = 0
	for _, i := range order {
		r = binary.LittleEndian.AppendUint32(r, uint32(s.rows[i]>>32))
		r = binary.LittleEndian.AppendUint32(r, uint32(s.rows[i]))
		r = binary.LittleEndian.AppendUint32(r, uint32(total))
		total += len(merged[i])
	}
	r = binary.LittleEndian.AppendUint32(r, uint32(total))
	for _, i := range order {
		for _, step := range merged[i] {
			r = binary.LittleEndian.AppendUint32(r, uint32(step>>32)^1<<31)
		}
	}
	for _, i := range order {
		count := uint32(0)
		for _, step := range merged[i] {
			count += uint32(step)
			r = binary.LittleEndian.AppendUint32(r, count)
		}
	}
	return r
}
