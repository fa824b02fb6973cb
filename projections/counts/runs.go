package counts

import (
	"encoding/binary"
	"fmt"
	"sort"

	"cakupan/domain/temporal"
	"cakupan/projections/checked"
	"cakupan/projections/pages"
)

// A run sums up the deltas of a range of the log: for each row it holds the days on which the
// number changed and the number from that day on. A run of level 1 covers a chunk of deltas, one
// of level n+1 covers eight of level n, so that any prefix of the deltas is a few runs and less
// than a chunk of single deltas.
//
// Its rows are of three words, ordered by key: high and low half of the key, index of the first
// step. Its steps are of two: day, count. Those of a row are in order of day. Both have the room
// behind them that [pages.WordsIn] asks for. A run never changes once it is made.
type run struct{ rows, steps []byte }

// runFanOut is how many runs of a level make one of the next. A prefix is at most seven runs a
// level: 14 for 4 million deltas.
const runFanOut = 8

const (
	keyHigh = iota
	keyLow
	firstStep
	rowWords

	rowBytes = 4 * rowWords
)

const (
	stepDay = iota
	stepCount
	stepWords

	stepBytes = 4 * stepWords
)

// errRun is returned for a stored run that is not one.
var errRun = fmt.Errorf("stored run: %w", checked.ErrDamaged)

// part is what is looked at: a run, or in the file some of its rows with all their steps, so that
// of a large run only the rows that are asked for are read.
type part struct {
	high, low, first pages.WordColumn // of the rows
	days, counts     pages.WordColumn // of the steps
	rows, steps      int
}

// newPart returns a part whose words lie packed or as they are in memory.
func newPart(rows, steps pages.Words) part {
	return part{
		rows.Column(keyHigh), rows.Column(keyLow), rows.Column(firstStep),
		steps.Column(stepDay), steps.Column(stepCount), rows.Len(), steps.Len(),
	}
}

// part returns the whole run.
func (r *run) part() part {
	return newPart(
		pages.WordsIn(r.rows, rowWords, len(r.rows)/rowBytes),
		pages.WordsIn(r.steps, stepWords, len(r.steps)/stepBytes))
}

// key returns the key of row i.
func (p *part) key(i int) Key { return Key(p.high.At(i))<<32 | Key(p.low.At(i)) }

// firstStep returns the index of the first step of row i; of row rows: how many steps there are.
// The first step is bounded by what there is: a part that is damaged may say anything.
func (p *part) firstStep(i int) int {
	if i == p.rows {
		return p.steps
	}
	return min(int(p.first.At(i)), p.steps)
}

func (p *part) day(step int) temporal.Date { return temporal.Date(p.days.At(step)) }
func (p *part) count(step int) int32       { return int32(p.counts.At(step)) }

// rowsIn returns where the rows of a range begin and end. The keys are in order, and the rows of
// most ranges are few: the end is found by going there.
func (p *part) rowsIn(rows Range) (from, until int) {
	from = sort.Search(p.rows, func(i int) bool { return p.key(i) >= rows.From })
	for until = from; until < p.rows && p.key(until) < rows.Until; until++ {
	}
	return from, until
}

// after returns the first step after the day, among those from one on and before another. Steps of
// a row are in order of day, so it is a search.
func (p *part) after(day temporal.Date, from, until int) int {
	for from < until {
		mid := int(uint(from+until) >> 1)
		if p.day(mid) <= day {
			from = mid + 1
		} else {
			until = mid
		}
	}
	return from
}

// countOn returns the count of a row on a day. Before its first step a row has none.
func (p *part) countOn(row int, day temporal.Date) int32 {
	first := p.firstStep(row)
	if at := p.after(day, first, p.firstStep(row+1)); at > first {
		return p.count(at - 1)
	}
	return 0
}

// changes calls yield with the changes of a row, at the day on which they show. Days on which
// nothing changes are left out. The days have to be in order.
func (p *part) changes(row int, days []temporal.Date, yield func(row Key, i int, change int64)) {
	key, before := p.key(row), int32(0)
	at, end := p.firstStep(row), p.firstStep(row+1)
	for i := 0; i < len(days) && at < end; i++ {
		next := p.afterNear(days[i], at, end)
		if next == at {
			continue
		}
		if count := p.count(next - 1); count != before {
			yield(key, i, int64(count-before))
			before = count
		}
		at = next
	}
}

// afterNear is after for a step that is not far from the first. Days that are asked for follow each
// other closely, and so do steps.
func (p *part) afterNear(day temporal.Date, from, until int) int {
	for reach := 1; ; reach *= 2 {
		if from+reach >= until {
			return p.after(day, from, until)
		}
		if p.day(from+reach) > day {
			return p.after(day, from, from+reach)
		}
		from += reach + 1
	}
}

// split calls yield with what is stored of the parts of a run, and the key from which on a part has
// all rows: that of the first part is 0. A part has so many rows and steps, or one row. Splitting
// depends on the run alone, so that the same run makes the same bytes.
func (r *run) split(size int, yield func(from Key, stored []byte) error) error {
	whole, from := r.part(), Key(0)
	for row := 0; ; {
		first, begin := row, whole.firstStep(row)
		for row < whole.rows && (row == first ||
			row+1-first+whole.firstStep(row+1)-begin <= size) {
			row++
		}
		if err := yield(from, r.store(first, row)); err != nil || row == whole.rows {
			return err
		}
		from = whole.key(row)
	}
}

// store returns what is stored of some rows: the length of the rows, packed (4, little endian),
// then themselves, then the steps, packed. The steps of a part count from 0. Nothing of the run is
// changed: the steps of the copy are counted anew.
func (r *run) store(from, until int) []byte {
	whole := r.part()
	begin, end := whole.firstStep(from), whole.firstStep(until)
	rows := append([]byte(nil), r.rows[rowBytes*from:rowBytes*until]...)
	for at := 4 * firstStep; at < len(rows); at += rowBytes {
		first := binary.LittleEndian.Uint32(rows[at:])
		binary.LittleEndian.PutUint32(rows[at:], first-uint32(begin))
	}
	stored := pages.AppendWords(make([]byte, 4), rows, rowWords, until-from, 0)
	binary.LittleEndian.PutUint32(stored, uint32(len(stored)-4))
	return pages.AppendWords(stored, r.steps[stepBytes*begin:], stepWords, end-begin, 0)
}

// readPart returns a part that is stored. It shares the memory of what is stored, which must not
// change. An error is damage.
func readPart(stored []byte) (part, error) {
	if len(stored) < 4 || uint64(binary.LittleEndian.Uint32(stored)) > uint64(len(stored)-4) {
		return part{}, fmt.Errorf("%w: %d bytes", errRun, len(stored))
	}
	end := 4 + binary.LittleEndian.Uint32(stored)
	rows, err := pages.ReadWords(stored[4:end], rowWords)
	if err != nil {
		return part{}, fmt.Errorf("%w: its rows: %w", errRun, err)
	}
	steps, err := pages.ReadWords(stored[end:], stepWords)
	if err != nil {
		return part{}, fmt.Errorf("%w: its steps: %w", errRun, err)
	}
	return newPart(rows, steps), nil
}
