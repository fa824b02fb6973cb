package counts

import (
	"cmp"
	"encoding/binary"
	"slices"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

func (c Change) compare(other Change) int {
	if c.Day != other.Day {
		return cmp.Compare(c.Day, other.Day)
	}
	return cmp.Compare(c.Cell, other.Cell)
}

// combine sorts the changes, adds up those of the same cell and day, and drops what cancels out.
func combine(changes []Change) []Change {
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

// insertionSort is the faster sort for the handful of changes that nearly every event has.
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

// A delta is stored in 20 bytes, little endian: sequence (8), day (4), cell number (4),
// weight (4). Deltas are in order of sequence, within an event in order of day and cell.
const deltaBytes = 20

func putDelta(b []byte, seq eventstore.Sequence, day temporal.Date, number uint32, weight int32) {
	binary.LittleEndian.PutUint64(b, uint64(seq))
	binary.LittleEndian.PutUint32(b[8:], uint32(day))
	binary.LittleEndian.PutUint32(b[12:], number)
	binary.LittleEndian.PutUint32(b[16:], uint32(weight))
}

func deltaSequence(b []byte) eventstore.Sequence {
	return eventstore.Sequence(binary.LittleEndian.Uint64(b))
}
func deltaDay(b []byte) temporal.Date { return temporal.Date(binary.LittleEndian.Uint32(b[8:])) }
func deltaCell(b []byte) uint32       { return binary.LittleEndian.Uint32(b[12:]) }
func deltaWeight(b []byte) int32      { return int32(binary.LittleEndian.Uint32(b[16:])) }
