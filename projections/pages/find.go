package pages

import "encoding/binary"

// Find returns the number of a name, and whether there is one. It gives out none. A text that is
// empty or longer than a name can be has no record that it could be compared with.
func (n *Names) Find(name string) (number uint32, found bool) {
	if name == "" || len(name) >= packedHex {
		return 0, false
	}
	var l search
	n.begin(&l, name)
	mask := uint64(len(n.slots) - 1)
	for at := uint64(l.hash) & mask; n.slots[at] != 0; at = (at + 1) & mask {
		if nameHash(n.slots[at]>>32) != l.hash {
			continue
		}
		if r := n.record(n.slots[at]); l.is(r, name) {
			return binary.LittleEndian.Uint32(r), true
		}
	}
	return 0, false
}
