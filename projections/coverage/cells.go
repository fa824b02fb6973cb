package coverage

// cellSet numbers distinct cells 0, 1, 2 … in the order in which they are first seen. There are
// tens of thousands, and one or two look-ups for every event, so they have a table of their own
// with a hash of one multiplication.
type cellSet struct {
	cells []cell // by number; readers keep prefixes of it
	slots []cellSlot
}

type cellSlot struct {
	cell   cell
	number uint32 // plus one; 0: empty
}

// cellSlotsMin is the first size of the table, a power of two like every later one.
const cellSlotsMin = 1 << 10

// number returns the number of the cell, and whether this call gave it out.
func (s *cellSet) number(c cell) (number uint32, fresh bool) {
	if 2*len(s.cells) >= len(s.slots) {
		s.grow()
	}
	slot := s.find(c)
	if slot.number == 0 {
		s.cells = append(s.cells, c)
		*slot = cellSlot{c, uint32(len(s.cells))}
		return slot.number - 1, true
	}
	return slot.number - 1, false
}

// appendSlots appends the slots in which the searches for the cells of edges begin.
func (s *cellSet) appendSlots(slots []*cellSlot, edges []edge) []*cellSlot {
	if len(s.slots) == 0 {
		return slots
	}
	for i := range edges {
		slots = append(slots, &s.slots[s.place(edges[i].cell)])
	}
	return slots
}

// place returns where a search for the cell begins.
func (s *cellSet) place(c cell) uint64 {
	const mix = 0x9E3779B97F4A7C15 // 2^64 / golden ratio: spreads neighbouring cells
	return uint64(c) * mix >> 32 & uint64(len(s.slots)-1)
}

// find returns the slot of the cell, or the empty one where it belongs.
func (s *cellSet) find(c cell) *cellSlot {
	mask, at := uint64(len(s.slots)-1), s.place(c)
	for s.slots[at].number != 0 && s.slots[at].cell != c {
		at = (at + 1) & mask
	}
	return &s.slots[at]
}

func (s *cellSet) grow() {
	s.slots = make([]cellSlot, max(cellSlotsMin, 2*len(s.slots)))
	for i, c := range s.cells {
		*s.find(c) = cellSlot{c, uint32(i + 1)}
	}
}
