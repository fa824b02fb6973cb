package counts

// keySet numbers distinct keys 0, 1, 2 … in the order in which they are first seen. There are
// tens of thousands, and one or two look-ups for every event, so they have a table of their own
// with a hash of one multiplication. It is for one goroutine; keys alone are for all.
type keySet struct {
	keys  []Key // by number; readers keep prefixes of it
	slots []keySlot
}

// keySlot is one place of the table; the key says nothing while the number is 0.
type keySlot struct {
	key    Key
	number uint32 // plus one; 0: empty
}

// keySlotsMin is the first size of the table, a power of two like every later one.
const keySlotsMin = 1 << 10

// number returns the number of the key, and whether this call gave it out. The table is kept at
// most half full, so that searches stay short.
func (s *keySet) number(k Key) (number uint32, fresh bool) {
	if 2*len(s.keys) >= len(s.slots) {
		s.grow()
	}
	slot := s.find(k)
	if slot.number == 0 {
		s.keys = append(s.keys, k)
		*slot = keySlot{k, uint32(len(s.keys))}
		return slot.number - 1, true
	}
	return slot.number - 1, false
}

// appendSlots appends the slots in which the searches for the cells of changes begin. Nothing is
// found yet: it is where the processor will have to look.
func (s *keySet) appendSlots(slots []*keySlot, changes []Change) []*keySlot {
	if len(s.slots) == 0 {
		return slots
	}
	for i := range changes {
		slots = append(slots, &s.slots[s.place(changes[i].Cell)])
	}
	return slots
}

// place returns where a search for the key begins. The high half is folded into the low one first:
// alone, its bits would reach none of those that are kept of the product.
func (s *keySet) place(k Key) uint64 {
	const mix = 0x9E3779B97F4A7C15 // 2^64 / golden ratio: spreads neighbouring keys
	return (uint64(k) ^ uint64(k)>>32) * mix >> 32 & uint64(len(s.slots)-1)
}

// find returns the slot of the key, or the empty one where it belongs.
func (s *keySet) find(k Key) *keySlot {
	mask, at := uint64(len(s.slots)-1), s.place(k)
	for s.slots[at].number != 0 && s.slots[at].key != k {
		at = (at + 1) & mask
	}
	return &s.slots[at]
}

// grow doubles the table, and puts each key where a search now finds it. Slots that were handed out
// are of the old table.
func (s *keySet) grow() {
	s.slots = make([]keySlot, max(keySlotsMin, 2*len(s.slots)))
	for i, k := range s.keys {
		*s.find(k) = keySlot{k, uint32(i + 1)}
	}
}
