package counts

import (
	"cmp"
	"encoding/binary"
	"slices"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/pages"
)

// compare orders changes by day and then by cell, as the deltas of an event are stored.
func (c Change) compare(other Change) int {
	if c.Day != other.Day {
		return cmp.Compare(c.Day, other.Day)
	}
	return cmp.Compare(c.Cell, other.Cell)
}

// Combine sorts the changes in place, adds up those of the same cell and day, and drops what
// cancels out: what is left is what [Cube.Append] adds.
func Combine(changes []Change) []Change {
	switch {
	case len(changes) < 2:
		return changes
	case len(changes) == 2 && changes[0].compare(changes[1]) < 0: // so are most
		return changes
	case len(changes) <= 24:
		insertionSort(changes)
	default:
		slices.SortFunc(changes, Change.compare)
	}
	kept := changes[:0]
	for i := 0; i < len(changes); {
		sum := changes[i]
		for i++; i < len(changes) && changes[i].Cell == sum.Cell && changes[i].Day == sum.Day; i++ {
			sum.Weight += changes[i].Weight
		}
		if sum.Weight != 0 {
			kept = append(kept, sum)
		}
	}
	return kept
}

// insertionSort is the faster sort for the handful of changes that nearly every event has. They are
// few and mostly in order.
func insertionSort(changes []Change) {
	for i := 1; i < len(changes); i++ {
		c := changes[i]
		at := i
		for ; at > 0 && c.compare(changes[at-1]) < 0; at-- {
			changes[at] = changes[at-1]
		}
		changes[at] = c
	}
}

// A delta is five words: low and high half of the sequence, day, number of the cell, weight. Deltas
// are in order of sequence, within an event in order of day and cell.
const (
	sequenceLow = iota
	sequenceHigh
	dayWord
	cellWord
	weightWord
	deltaWords

	deltaBytes = 4 * deltaWords
)

// putDelta writes the words of a delta into the bytes of a record.
func putDelta(b []byte, seq eventstore.Sequence, day temporal.Date, number uint32, weight int32) {
	binary.LittleEndian.PutUint64(b, uint64(seq))
	binary.LittleEndian.PutUint32(b[4*dayWord:], uint32(day))
	binary.LittleEndian.PutUint32(b[4*cellWord:], number)
	binary.LittleEndian.PutUint32(b[4*weightWord:], uint32(weight))
}

// chainedWords are the first words of a delta, which a page keeps as chains: where a page begins
// and ends is what is asked for of the sequences, and seldom.
const chainedWords = sequenceHigh + 1

// deltas are those of a page.
type deltas struct {
	page                 pages.Words
	days, cells, weights pages.WordColumn
	n                    int
}

// newDeltas returns those of a page, of which only the words are unpacked that every scan reads.
func newDeltas(page pages.Words) deltas {
	return deltas{
		page, page.Column(dayWord), page.Column(cellWord), page.Column(weightWord), page.Len(),
	}
}

func (d *deltas) day(i int) temporal.Date { return temporal.Date(d.days.At(i)) }
func (d *deltas) cell(i int) uint32       { return d.cells.At(i) }
func (d *deltas) weight(i int) int32      { return int32(d.weights.At(i)) }

// eachOf calls yield with the deltas from one to another that are of the cells. Cells are read some
// at a time: most are not among those asked for, and their other words are never touched.
func (d *deltas) eachOf(cells *cellSet, i, end int, yield func(i int, cell uint32)) {
	var together [256]uint32
	for i < end {
		some := together[:min(end-i, len(together))]
		d.cells.Read(some, i)
		for j, cell := range some {
			if cells.has(cell) {
				yield(i+j, cell)
			}
		}
		i += len(some)
	}
}

// sequences are those of the deltas of a page.
type sequences struct{ low, high pages.WordColumn }

// sequencesIn unpacks the chains of the sequences, which takes a pass through the page.
func sequencesIn(page *pages.Words) sequences {
	return sequences{page.Column(sequenceLow), page.Column(sequenceHigh)}
}

func (s *sequences) at(i int) eventstore.Sequence {
	return eventstore.Sequence(s.high.At(i))<<32 | eventstore.Sequence(s.low.At(i))
}
