package counts

import (
	"encoding/binary"
	"fmt"
	"sort"

	"cakupan/domain/temporal"
	"cakupan/projections/checked"
)

// A run sums up the deltas of a range of the log: for each row it holds the days on which the
// number changed and the number from that day on. A run of level 1 covers a chunk of deltas, one
// of level n+1 covers eight of level n, so that any prefix of the deltas is a few runs and less
// than a chunk of single deltas.
//
// Stored, little endian: number of rows (4); per row the high and the low half of its key (4, 4)
// and the index of its first step (4), ordered by key; number of steps (4); per step day (4); per
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
var errRun = fmt.Errorf("stored run: %w", checked.ErrDamaged)

func (r run) rows() int          { return int(binary.LittleEndian.Uint32(r)) }
func (r run) word(at int) uint32 { return binary.LittleEndian.Uint32(r[at:]) }
func (r run) row(i int) int      { return runHead + i*runRowBytes }

// key returns the key of row i.
func (r run) key(i int) Key {
	return Key(r.word(r.row(i)))<<32 | Key(r.word(r.row(i)+4))
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

// rowsIn returns where the rows of a range begin and end.
func (r run) rowsIn(rows Range) (from, until int) {
	n := r.rows()
	from = sort.Search(n, func(i int) bool { return r.key(i) >= rows.From })
	for until = from; until < n && r.key(until) < rows.Until; until++ {
	}
	return from, until
}

// changes calls yield with the changes of a row, at the day on which they show.
func (r run) changes(row int, days []temporal.Date, yield func(row Key, i int, change int64)) {
	key, before, i := r.key(row), int32(0), 0
	for s, end := r.firstStep(row), r.firstStep(row+1); s < end; s++ {
		day := r.day(s)
		for i < len(days) && days[i] < day {
			i++
		}
		if i == len(days) {
			return
		}
		count := r.count(s)
		yield(key, i, int64(count-before))
		before = count
	}
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
