package counts

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"cakupan/domain/temporal"
	"cakupan/projections/pages"
)

// The days of a run in the making are counted from the lowest int32, so that they are in order as
// unsigned numbers.

// dayNumber makes the lowest day 0. Turning one bit does that, and undoes it.
func dayNumber(day temporal.Date) uint32 { return uint32(day) ^ 1<<31 }

// runBuilder lays out a run. Rows come in order, the steps of each in order of day.
type runBuilder struct{ made run }

// step adds a step to the row that the next call of row ends.
func (b *runBuilder) step(day, count uint32) {
	step := uint64(day^1<<31) | uint64(count)<<32
	b.made.steps = binary.LittleEndian.AppendUint64(b.made.steps, step)
}

func (b *runBuilder) steps() int { return len(b.made.steps) / stepBytes }

// grow makes room for steps.
func (b *runBuilder) grow(steps int) {
	b.made.steps = slices.Grow(b.made.steps, stepBytes*steps)
}

// row adds a row whose steps are those since first. A row without steps is none.
func (b *runBuilder) row(row Key, first int) {
	if b.steps() == first {
		return
	}
	b.made.rows = binary.LittleEndian.AppendUint32(b.made.rows, uint32(row>>32))
	b.made.rows = binary.LittleEndian.AppendUint32(b.made.rows, uint32(row))
	b.made.rows = binary.LittleEndian.AppendUint32(b.made.rows, uint32(first))
}

// run returns what was built, and empties the builder.
func (b *runBuilder) run() run {
	r := run{pages.CloneWords(b.made.rows), pages.CloneWords(b.made.steps)}
	b.made = run{b.made.rows[:0], b.made.steps[:0]}
	return r
}

// summing is the memory in which the runs of a projection are made. Chunks have mostly the same
// rows, so these are kept from one chunk to the next. It belongs to the goroutine of the summer,
// and is dropped when nothing is left to be summed up.
type summing struct {
	builder runBuilder

	rows keySet // of all chunks so far
	// rowsOf holds, for each cell, one more than the numbers of the rows that it adds to; 0: not
	// known yet, or none.
	rowsOf [][len(Rows{})]uint32
	order  []uint32 // the rows by key

	deltasOf []uint32 // of each cell: how many it has in one chunk

	steps  []step // of one chunk, by day
	spare  []step // room to sort them
	merged []dayStep
	spans  []rowSpan // of each row: which of merged are its steps
}

// step is a delta without what a run does not tell: when it became known.
type step struct {
	day    uint32 // see dayNumber
	cell   uint32
	weight int32
}

// dayStep is a step of one row: which cells it came from is added up already.
type dayStep struct {
	day    uint32
	weight int32
}

// rowSpan says where the steps of a row lie while they are distributed.
type rowSpan struct {
	first, end uint32
	last       dayStep // not among them yet; of weight 0: there is none
}

// deltas makes the run of a chunk, given its pages of deltas and the rows of each cell.
//
// Deltas are many and days few, so the deltas are sorted by counting days, once, before they go
// to the rows they add to. Then each row gets its steps in order, and steps of a day that it has
// already are added up in place: sorting each row by itself took twice as long.
func (s *summing) deltas(pages []deltas, rows []Rows) run {
	s.load(pages)
	s.sortByDay()
	s.number(rows)
	s.distribute()
	return s.layOut()
}

// load reads the deltas.
func (s *summing) load(pages []deltas) {
	s.steps = s.steps[:0]
	for p := range pages {
		page := &pages[p]
		for i := range page.n {
			s.steps = append(s.steps, step{dayNumber(page.day(i)), page.cell(i), page.weight(i)})
		}
	}
}

// sortByDay sorts by a digit of the day after the other. One digit is enough for the days of
// eleven years, two for all that a date can be. The sort is stable, which the second digit needs.
func (s *summing) sortByDay() {
	const digitBits = 12
	low, high := ^uint32(0), uint32(0)
	for i := range s.steps {
		low, high = min(low, s.steps[i].day), max(high, s.steps[i].day)
	}
	s.spare = slices.Grow(s.spare[:0], len(s.steps))[:len(s.steps)]
	for shift := 0; low < high && shift < bits.Len32(high-low); shift += digitBits {
		var next [1<<digitBits + 1]uint32
		for i := range s.steps {
			next[(s.steps[i].day-low)>>shift&(1<<digitBits-1)+1]++
		}
		for i := 1; i < len(next); i++ {
			next[i] += next[i-1]
		}
		for i := range s.steps {
			at := &next[(s.steps[i].day-low)>>shift&(1<<digitBits-1)]
			s.spare[*at] = s.steps[i]
			*at++
		}
		s.steps, s.spare = s.spare, s.steps
	}
}

// number numbers the rows of the run and makes room for the steps of each.
func (s *summing) number(rowsOf []Rows) {
	s.rowsOf = append(s.rowsOf, make([][len(Rows{})]uint32, len(rowsOf)-len(s.rowsOf))...)
	s.deltasOf = slices.Grow(s.deltasOf[:0], len(rowsOf))[:len(rowsOf)]
	clear(s.deltasOf)
	for i := range s.steps {
		s.deltasOf[s.steps[i].cell]++
	}
	known := len(s.spans)
	clear(s.spans)
	for c, n := range s.deltasOf {
		if n == 0 {
			continue
		}
		rows := &s.rowsOf[c]
		if rows[0] == 0 {
			s.addRows(rows, &rowsOf[c])
		}
		for _, row := range rows {
			if row != 0 {
				s.spans[row-1].end += n
			}
		}
	}
	if len(s.spans) > known {
		s.sortRows()
	}
	total := uint32(0)
	for i := range s.spans {
		n := s.spans[i].end
		s.spans[i] = rowSpan{first: total, end: total}
		total += n
	}
	s.merged = slices.Grow(s.merged[:0], int(total))[:total]
}

// addRows numbers the rows that a cell adds to. A cell without any keeps zeros, and is asked again
// in the next chunk.
func (s *summing) addRows(numbers *[len(Rows{})]uint32, rows *Rows) {
	for i, row := range rows {
		if row == NoRow {
			continue
		}
		number, fresh := s.rows.number(row)
		if fresh {
			s.spans = append(s.spans, rowSpan{})
		}
		numbers[i] = number + 1
	}
}

// sortRows brings rows that are new to their places among the others, which are in order. Only
// those are sorted: after the first chunks new rows are rare.
func (s *summing) sortRows() {
	keys, known := s.rows.keys, s.order
	fresh := make([]uint32, 0, len(keys)-len(known))
	for row := len(known); row < len(keys); row++ {
		fresh = append(fresh, uint32(row))
	}
	slices.SortFunc(fresh, func(a, b uint32) int {
		return cmp.Compare(keys[a], keys[b])
	})
	s.order = append(s.order, fresh...)
	for at := len(s.order) - 1; len(fresh) > 0; at-- { // from the last on, so nothing is in the way
		k, f := len(known)-1, len(fresh)-1
		if k >= 0 && keys[known[k]] > keys[fresh[f]] {
			s.order[at], known = known[k], known[:k]
		} else {
			s.order[at], fresh = fresh[f], fresh[:f]
		}
	}
}

// distribute gives each row its steps, one a day. The last of a row stays with the span for as long
// as there may be more of its day: that is what the processor reads, it only writes the others.
func (s *summing) distribute() {
	for i := range s.steps {
		step := &s.steps[i]
		for _, row := range &s.rowsOf[step.cell] {
			if row == 0 {
				continue
			}
			span := &s.spans[row-1]
			if span.last.day == step.day {
				span.last.weight += step.weight
				continue
			}
			s.flush(span)
			span.last = dayStep{step.day, step.weight}
		}
	}
	for i := range s.spans {
		s.flush(&s.spans[i])
	}
}

// flush adds the last step of a row to the others. A step that has come to 0 is none.
func (s *summing) flush(span *rowSpan) {
	if span.last.weight != 0 {
		s.merged[span.end] = span.last
		span.end++
	}
}

// layOut makes the run of the rows and their steps. The counts of a step are from the beginning of
// the chunk on: a run knows nothing of the ones before it.
func (s *summing) layOut() run {
	s.builder.grow(len(s.merged))
	for _, row := range s.order {
		first, count := s.builder.steps(), uint32(0)
		for _, step := range s.merged[s.spans[row].first:s.spans[row].end] {
			count += uint32(step.weight)
			s.builder.step(step.day, count)
		}
		s.builder.row(s.rows.keys[row], first)
	}
	return s.builder.run()
}

// rows goes through the rows of a run, of which it has all parts.
type rows struct {
	parts []part
	at    int // in the first part
}

// more tells whether there is one.
func (r *rows) more() bool {
	for len(r.parts) > 0 && r.at == r.parts[0].rows {
		r.parts, r.at = r.parts[1:], 0
	}
	return len(r.parts) > 0
}

// key returns the key of the next row. There is one.
func (r *rows) key() Key { return r.parts[0].key(r.at) }

// next takes the next row. There is one.
func (r *rows) next() track {
	p, row := &r.parts[0], r.at
	r.at++
	return track{part: p, at: p.firstStep(row), end: p.firstStep(row + 1)}
}

// runs makes one run of several. They follow one another in the log, and the sums do not depend on
// how they were cut.
func (s *summing) runs(runs []rows) run {
	tracks := make([]track, 0, len(runs))
	for {
		next, more := Key(0), false
		for i := range runs {
			if runs[i].more() {
				if row := runs[i].key(); !more || row < next {
					next, more = row, true
				}
			}
		}
		if !more {
			return s.builder.run()
		}
		tracks = tracks[:0]
		for i := range runs {
			if runs[i].more() && runs[i].key() == next {
				if t := runs[i].next(); t.at < t.end {
					tracks = append(tracks, t)
				}
			}
		}
		s.sumRow(next, tracks)
	}
}

// track goes through the steps of a row of a run.
type track struct {
	part    *part
	at, end int    // which steps are to come; there is one at least
	count   uint32 // on the day before that
}

// day returns the day of the next step.
func (t *track) day() uint32 { return dayNumber(t.part.day(t.at)) }

// next takes the next step, and returns by how much the count changes, and whether there is more.
func (t *track) next() (change uint32, more bool) {
	count := uint32(t.part.count(t.at))
	change, t.count = count-t.count, count
	t.at++
	return change, t.at < t.end
}

// sumRow adds a row: on every day on which one of the tracks steps, the sum of all. There are at
// most as many tracks as runs make one of the next level.
func (s *summing) sumRow(row Key, tracks []track) {
	first, before := s.builder.steps(), uint32(0)
	var days [runFanOut]uint32 // of each track, of its next step
	for i := range tracks {
		days[i] = tracks[i].day()
	}
	for n := len(tracks); n > 0; {
		day, count := days[0], before
		for _, other := range days[1:n] {
			day = min(day, other)
		}
		for i := 0; i < n; {
			if days[i] != day {
				i++
				continue
			}
			change, more := tracks[i].next()
			if count += change; more {
				days[i] = tracks[i].day() // a later one
				continue
			}
			n--
			tracks[i], days[i] = tracks[n], days[n]
		}
		if count != before {
			s.builder.step(day, count)
			before = count
		}
	}
	s.builder.row(row, first)
}
