package coverage

import (
	"cmp"
	"encoding/binary"
	"slices"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// edge is a change of a cell's count from a day on. The difference between what a worker's
// edges were and what they are after an event is what the event changed.
type edge struct {
	cell   cell
	day    temporal.Date
	weight int32
}

func (e edge) compare(other edge) int {
	if e.day != other.day {
		return cmp.Compare(e.day, other.day)
	}
	return cmp.Compare(e.cell, other.cell)
}

// combine sorts the edges, adds up those of the same cell and day, and drops what cancels out.
func combine(edges []edge) []edge {
	switch {
	case len(edges) < 2:
		return edges
	case len(edges) == 2 && edges[0].compare(edges[1]) < 0: // so are most
		return edges
	case len(edges) <= 24:
		insertionSort(edges)
	default:
		slices.SortFunc(edges, edge.compare)
	}
	kept := edges[:0]
	for i := 0; i < len(edges); {
		sum := edges[i]
		for i++; i < len(edges) && edges[i].cell == sum.cell && edges[i].day == sum.day; i++ {
			sum.weight += edges[i].weight
		}
		if sum.weight != 0 {
			kept = append(kept, sum)
		}
	}
	return kept
}

// insertionSort is the faster sort for the handful of edges that nearly every event has.
func insertionSort(edges []edge) {
	for i := 1; i < len(edges); i++ {
		e := edges[i]
		at := i
		for ; at > 0 && e.compare(edges[at-1]) < 0; at-- {
			edges[at] = edges[at-1]
		}
		edges[at] = e
	}
}

// A delta is stored in 20 bytes, little endian: sequence (8), day (4), cell number (4),
// weight (4). Deltas are in order of sequence, within an event in order of day and cell.
const deltaBytes = 20

// layout says how many deltas go together, as powers of two. Tests use small ones.
type layout struct {
	page  uint // a page of the history, the unit that is read from the file
	chunk uint // a chunk, the unit that is summed up in a run: what a query scans is less
}

// fullLayout: pages of 4,096 deltas (80 KiB), chunks of 65,536. Scanning a chunk is most
// of what a query costs, and takes a fraction of a millisecond; runs of smaller chunks would be
// more, and larger in sum.
var fullLayout = layout{page: 12, chunk: 16}

// chunkPages returns how many pages a chunk has.
func (l layout) chunkPages() int { return 1 << (l.chunk - l.page) }

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
