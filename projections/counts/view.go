package counts

import (
	"slices"
	"sort"
	"sync"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/checked"
	"cakupan/projections/pages"
)

// View is a cube as of a moment. It does not change, and may be used by any number of goroutines.
// It holds on to the memory that it was made of; what is in the file by then is read from there in
// a transaction of its caller's.
type View struct {
	cube   *Cube
	cells  []Key
	rows   []Rows
	deltas pages.HistoryView
	first  []eventstore.Sequence
	runs   *runSet
}

// Known is how many deltas are known: those of all events up to one. It is a number of deltas, not
// of events: one event may have made several, which are known together.
type Known int

// Range are the rows from From on and before Until.
type Range struct{ From, Until Key }

// has reports whether the row is in the range. NoRow is in none.
func (r Range) has(row Key) bool { return r.From <= row && row < r.Until }

// All returns that all is known.
func (v *View) All() Known { return Known(v.deltas.Len()) }

// Until returns what is known of the events up to the sequence. A sequence behind the last one is
// all; one before the first is none.
func (v *View) Until(tx *checked.Tx, k eventstore.Sequence) (Known, error) {
	page := sort.Search(len(v.first), func(i int) bool { return v.first[i] > k }) - 1
	if page < 0 {
		return 0, nil
	}
	// The page before may end, and this one begin, with the same event: pages are found by
	// their first sequence, so all of that event's deltas are at or before the end found here.
	deltas, err := v.page(tx, page)
	if err != nil {
		return 0, err
	}
	size := v.cube.deltas.PageRecords()
	first := page * size
	of := sequencesIn(&deltas.page)
	in := sort.Search(deltas.n, func(i int) bool { return of.at(i) > k })
	return Known(first + in), nil
}

// page returns the deltas of a page, from memory or from the file.
func (v *View) page(tx *checked.Tx, page int) (deltas, error) {
	words, err := v.cube.deltas.Words(&v.deltas, tx.Bucket([]byte(v.cube.rule.Deltas)), page)
	if err != nil {
		return deltas{}, err
	}
	return newDeltas(words), nil
}

// summed calls yield with what the runs that sum up the first chunks of what is known have of the
// rows, and returns how many deltas these are. The parts may have other rows too. Chunks that were
// full and are not summed up yet are left to the scan.
func (v *View) summed(tx *checked.Tx, known Known, rows Range, yield func(*part)) (int, error) {
	shift := v.cube.rule.Layout.Chunk
	chunks := min(int(known)>>shift, v.runs.chunks)
	return chunks << shift, v.runs.prefix(v.cube.rule.runsIn(tx), chunks, rows, yield)
}

// scan calls yield with the deltas [from, until), those of a page at a time: from one to another.
// The whole page is there; what is asked for of it begins and ends within.
func (v *View) scan(tx *checked.Tx, from, until int, yield func(d *deltas, i, end int)) error {
	size := v.cube.deltas.PageRecords()
	for from < until {
		page, at := from/size, from%size
		end := min(until-page*size, size)
		deltas, err := v.page(tx, page)
		if err != nil {
			return err
		}
		yield(&deltas, at, end)
		from += end - at
	}
	return nil
}

// dayCounts are the counters of On: one a cell, all zero between two questions, and the cells that
// were counted. There may be many more cells than a question meets.
type dayCounts struct {
	of      []int64
	counted []uint32
}

// countsPool keeps the counters of On.
//
//nolint:gochecknoglobals // a pool is shared by its nature
var countsPool = sync.Pool{New: func() any { return new(dayCounts) }}

// On calls yield with what adds up to the numbers of the rows on a day: for a row more than once.
// Rows whose numbers add up to 0 may come all the same. An error leaves sums that were yielded
// worth nothing.
func (v *View) On(tx *checked.Tx, known Known, day temporal.Date, rows Range,
	yield func(row Key, count int64),
) error {
	from, err := v.summed(tx, known, rows, func(sum *part) {
		for i, end := sum.rowsIn(rows); i < end; i++ {
			yield(sum.key(i), int64(sum.countOn(i, day)))
		}
	})
	if err != nil {
		return err
	}
	pooled := countsPool.Get().(*dayCounts)
	counts := slices.Grow(pooled.of[:0], len(v.cells))[:len(v.cells)]
	counted := pooled.counted[:0]
	wanted := v.cube.wanted.of(rows, v.rows)
	err = v.scan(tx, from, int(known), func(d *deltas, i, end int) {
		d.eachOf(&wanted, i, end, func(i int, cell uint32) {
			if d.day(i) > day {
				return
			}
			if counts[cell] == 0 {
				counted = append(counted, cell)
			}
			counts[cell] += int64(d.weight(i))
		})
	})
	// Only counters that were touched are cleared, which keeps them zero for the next question,
	// also after an error.
	for _, cell := range counted {
		count := counts[cell]
		if count == 0 {
			continue // it came to nothing, or was here before
		}
		counts[cell] = 0
		for _, row := range &v.rows[cell] {
			if rows.has(row) {
				yield(row, count)
			}
		}
	}
	pooled.of, pooled.counted = counts, counted
	countsPool.Put(pooled)
	return err
}

// Over calls yield with what changes the numbers of the rows over days, which are in order: by how
// much a row changes after days[i-1] and at or before days[i], the first also before that. For a
// row and a day more than once. Behind the last of the days nothing is told.
func (v *View) Over(tx *checked.Tx, known Known, days []temporal.Date, rows Range,
	yield func(row Key, i int, change int64),
) error {
	from, err := v.summed(tx, known, rows, func(sum *part) {
		for i, end := sum.rowsIn(rows); i < end; i++ {
			sum.changes(i, days, yield)
		}
	})
	if err != nil {
		return err
	}
	wanted := v.cube.wanted.of(rows, v.rows)
	return v.scan(tx, from, int(known), func(d *deltas, i, end int) {
		d.eachOf(&wanted, i, end, func(i int, cell uint32) {
			on, _ := slices.BinarySearch(days, d.day(i))
			if on == len(days) {
				return
			}
			for _, row := range &v.rows[cell] {
				if rows.has(row) {
					yield(row, on, int64(d.weight(i)))
				}
			}
		})
	})
}

// Each calls yield with what was appended after some is known until more is, and by which event: a
// change for each cell and day, as [Cube.Append] returns them. What a cell and day came to by
// several changes of one event is one change.
func (v *View) Each(tx *checked.Tx, after, until Known,
	yield func(seq eventstore.Sequence, c Change),
) error {
	return v.scan(tx, int(after), int(until), func(d *deltas, i, end int) {
		for of := sequencesIn(&d.page); i < end; i++ {
			yield(of.at(i), Change{v.cells[d.cell(i)], d.day(i), d.weight(i)})
		}
	})
}
