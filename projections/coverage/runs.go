package coverage

import (
	"encoding/binary"
	"errors"
	"fmt"
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

// cell returns the exact cell that row i is.
func (r run) cell(i int) cell { return newExactCell(region.Code(r.region(i)), r.measures(i)) }

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
