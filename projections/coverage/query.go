package coverage

import (
	"encoding/binary"
	"errors"
	"slices"
	"sort"
	"sync"

	"go.etcd.io/bbolt"

	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/pages"
)

// Everything is the knowledge of all that is recorded.
const Everything eventstore.Sequence = 1<<64 - 1

// ErrUnknownTime is returned for a record time of an event that is not in the log.
var ErrUnknownTime = errors.New("no such event")

// View is the projection as of a moment. It does not change, and may be used by any number of
// goroutines.
type View struct {
	p     *Projection
	known eventstore.Sequence // the last event applied

	cells         []cell
	deltas        pages.HistoryView
	recorded      pages.HistoryView
	firstSequence []eventstore.Sequence
	firstRecorded []temporal.Instant
	runs          *runSet
	flips         []flip
}

// Known returns the sequence of the last event applied.
func (v *View) Known() eventstore.Sequence { return v.known }

// until returns how many deltas are of events up to the sequence.
func (v *View) until(tx *bbolt.Tx, k eventstore.Sequence) (int, error) {
	n := v.deltas.Len()
	if k >= v.known {
		return n, nil
	}
	after := func(i int) bool { return v.firstSequence[i] > k }
	page := sort.Search(len(v.firstSequence), after) - 1
	if page < 0 {
		return 0, nil
	}
	// The page before may end, and this one begin, with the same event: pages are found by
	// their first sequence, so all of that event's deltas are at or before the end found here.
	deltas, err := v.p.deltas.Page(&v.deltas, bucket(tx, deltasBucket), page)
	if err != nil {
		return 0, err
	}
	size := v.p.deltas.PageRecords()
	first := page * size
	in := sort.Search(min(n-first, size), func(i int) bool {
		return deltaSequence(deltas[i*deltaBytes:]) > k
	})
	return first + in, nil
}

// split returns how many whole chunks of the first n deltas are summed up in runs.
func (v *View) split(n int) (chunks int) { return min(n>>v.p.layout.chunk, v.runs.chunks) }

// scan calls yield with the bytes of the deltas [from, until), a page or less at a time.
func (v *View) scan(tx *bbolt.Tx, from, until int, yield func(deltas []byte)) error {
	size := v.p.deltas.PageRecords()
	for from < until {
		page, at := from/size, from%size
		end := min(until-page*size, size)
		deltas, err := v.p.deltas.Page(&v.deltas, bucket(tx, deltasBucket), page)
		if err != nil {
			return err
		}
		yield(deltas[at*deltaBytes : end*deltaBytes])
		from += end - at
	}
	return nil
}

// countsPool keeps the counters of totals: one a cell, zeroed by whoever gives them back.
//
//nolint:gochecknoglobals // a pool is shared by its nature
var countsPool = sync.Pool{New: func() any { return new([]int64) }}

// totals returns all numbers of a region on a day, of the first n deltas.
func (v *View) totals(tx *bbolt.Tx, r region.Code, on temporal.Date, n int) (sums, error) {
	var total sums
	chunks := v.split(n)
	err := v.runs.prefix(bucket(tx, runsBucket), chunks, func(sum run) {
		for row, end := sum.rowsOf(r); row < end; row++ {
			total.add(sum.measures(row), int64(sum.countOn(row, on)))
		}
	})
	if err != nil {
		return total, err
	}
	pooled := countsPool.Get().(*[]int64)
	counts := slices.Grow((*pooled)[:0], len(v.cells))[:len(v.cells)]
	err = v.scan(tx, chunks<<v.p.layout.chunk, n, func(deltas []byte) {
		for ; len(deltas) >= deltaBytes; deltas = deltas[deltaBytes:] {
			if deltaDay(deltas) <= on {
				counts[deltaCell(deltas)] += int64(deltaWeight(deltas))
			}
		}
	})
	for i, count := range counts {
		if count != 0 && v.cells[i].countsIn(r) {
			total.add(v.cells[i].measures(), count)
		}
	}
	clear(counts)
	*pooled = counts
	countsPool.Put(pooled)
	return total, err
}

// point is a day's covered workers and those in grace.
type point struct{ covered, inGrace int64 }

// line returns the points of the days, which are in order, of the first n deltas.
func (v *View) line(tx *bbolt.Tx, r region.Code, days []temporal.Date, n int) ([]point, error) {
	// changes[i] is what comes in after days[i-1] and at or before days[i].
	changes := make([]point, len(days)+1)
	at := func(day temporal.Date) *point {
		i, _ := slices.BinarySearch(days, day)
		return &changes[i]
	}
	chunks := v.split(n)
	err := v.runs.prefix(bucket(tx, runsBucket), chunks, func(sum run) {
		for row, end := sum.rowsOf(r); row < end; row++ {
			if m := sum.measures(row) & (covered | inGrace); m != 0 {
				sum.addTo(changes, days, row, m)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	kinds := make([]measures, len(v.cells)) // of the cells that count in the region
	for i, c := range v.cells {
		if c.countsIn(r) {
			kinds[i] = c.measures() & (covered | inGrace)
		}
	}
	err = v.scan(tx, chunks<<v.p.layout.chunk, n, func(deltas []byte) {
		for ; len(deltas) >= deltaBytes; deltas = deltas[deltaBytes:] {
			if m := kinds[deltaCell(deltas)]; m != 0 {
				at(deltaDay(deltas)).add(m, int64(deltaWeight(deltas)))
			}
		}
	})
	for i := 1; i < len(days); i++ {
		changes[i].covered += changes[i-1].covered
		changes[i].inGrace += changes[i-1].inGrace
	}
	return changes[:len(days)], err
}

func (p *point) add(m measures, weight int64) {
	if m&covered != 0 {
		p.covered += weight
	}
	if m&inGrace != 0 {
		p.inGrace += weight
	}
}

// addTo adds the changes of a row, which counts in the measures m, to the days they show on.
func (r run) addTo(changes []point, days []temporal.Date, row int, m measures) {
	before, i := int32(0), 0
	for s, end := r.firstStep(row), r.firstStep(row+1); s < end; s++ {
		day := r.day(s)
		for i < len(days) && days[i] < day {
			i++
		}
		if i == len(days) {
			return
		}
		count := r.count(s)
		changes[i].add(m, int64(count-before))
		before = count
	}
}

// RecordedAt returns when the event was recorded.
func (v *View) RecordedAt(k eventstore.Sequence) (at temporal.Instant, err error) {
	if k == 0 || k > v.known {
		return 0, ErrUnknownTime
	}
	err = v.p.db.View(func(tx *bbolt.Tx) error {
		at, err = v.recordedAt(tx, k)
		return err
	})
	return at, err
}

func (v *View) recordedAt(tx *bbolt.Tx, k eventstore.Sequence) (temporal.Instant, error) {
	i := int(k - 1)
	page, err := v.p.recorded.Page(&v.recorded, bucket(tx, recordedBucket), i>>recordedPageShift)
	if err != nil {
		return 0, err
	}
	return recordTime(page, i&(1<<recordedPageShift-1)), nil
}

func recordTime(page []byte, i int) temporal.Instant {
	return temporal.Instant(binary.LittleEndian.Uint64(page[8*i:]))
}

// KnownAt returns the last event recorded at or before the moment, 0 if there is none.
func (v *View) KnownAt(at temporal.Instant) (k eventstore.Sequence, err error) {
	n := sort.Search(len(v.firstRecorded), func(i int) bool { return v.firstRecorded[i] > at }) - 1
	if n < 0 {
		return 0, nil
	}
	err = v.p.db.View(func(tx *bbolt.Tx) error {
		page, err := v.p.recorded.Page(&v.recorded, bucket(tx, recordedBucket), n)
		if err != nil {
			return err
		}
		first := n << recordedPageShift
		records := min(v.recorded.Len()-first, 1<<recordedPageShift)
		in := sort.Search(records, func(i int) bool { return recordTime(page, i) > at })
		k = eventstore.Sequence(first + in)
		return nil
	})
	return k, err
}

// Regions returns the regions worth listing as known at k: the nation, and every province and
// regency with an enrolment, a workforce or a target of its own; in order of their codes.
func (v *View) Regions(k eventstore.Sequence) []region.Code {
	k = min(k, v.known)
	set := map[region.Code]bool{region.Nation: true}
	presentRegions(set, v.flips, k)
	v.p.publications.regions(set, k)
	codes := make([]region.Code, 0, len(set))
	for code := range set {
		codes = append(codes, code)
	}
	slices.SortFunc(codes, func(a, b region.Code) int { return listRank(a) - listRank(b) })
	return codes
}

// listRank orders regions as their written codes: ID, 11, 11.01, 11.02, then 12.
func listRank(r region.Code) int {
	if r.Level() == region.ProvinceLevel {
		return int(r) * 100
	}
	return int(r)
}
