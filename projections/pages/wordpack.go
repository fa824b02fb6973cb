package pages

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// packing is how one word of records is packed.
type packing struct {
	word         int
	base         uint32
	width, shift uint
}

// measure returns how a word of n records is best packed: by how much it differs from that of the
// first, which may be more or less.
func measure(records []byte, words, word, n int) packing {
	first := binary.LittleEndian.Uint32(records[wordBytes*word:])
	least, most, all := int32(0), int32(0), uint32(0)
	for at := wordBytes * word; n > 0; n-- {
		more := binary.LittleEndian.Uint32(records[at:]) - first
		least, most = min(least, int32(more)), max(most, int32(more))
		all |= more
		at += wordBytes * words
	}
	if all == 0 {
		return packing{word: word, base: first}
	}
	shift := uint(bits.TrailingZeros32(all))
	return packing{
		word: word, base: first + uint32(least), shift: shift,
		width: uint(bits.Len32((uint32(most) - uint32(least)) >> shift)),
	}
}

// AppendWords appends n records of so many words, packed. The first words, so many as chains says,
// may be kept as chains: those that nobody reads here and there. The bytes depend on the records
// alone, so that the same pages make the same file.
func AppendWords(to, records []byte, words, n, chains int) []byte {
	packings, stride := make([]packing, 0, words), uint(0)
	var behind []byte // the chains
	head := binary.LittleEndian.AppendUint32(make([]byte, 0, packedHead+words*packedWordHead),
		uint32(n))
	for i := range words {
		p := packing{}
		if n > 0 {
			p = measure(records, words, i, n)
		}
		if i < chains && p.width > 0 {
			if c, worth := linked(records, words, n, p); worth {
				head = c.appendHead(head)
				behind = c.append(behind)
				continue
			}
		}
		head = binary.LittleEndian.AppendUint32(head, p.base)
		head = append(head, byte(p.width), byte(p.shift))
		if p.width > 0 {
			packings = append(packings, p)
			stride += p.width
		}
	}
	packed := (int(stride)*n + 7) / 8
	to = append(slices.Grow(to, len(head)+packed+len(behind)+wordsPad), head...)
	at := len(to)
	to = to[:at+packed+wordsPad]
	clear(to[at:])
	if stride > 0 {
		packRecords(to[at:], records[:wordBytes*words*n], words, groups(packings))
	}
	to = append(to[:at+packed], behind...)
	return append(to, make([]byte, wordsPad)...)
}

// bitsTogether is how many bits are written at once: eight bytes less what a byte has already.
const bitsTogether = 57

// group is words of a record that are written at once.
type group struct {
	words []place
	bits  uint
}

// place is where the bits of a word go: it is turned left by so many.
type place struct {
	at     int // bytes, in the record
	base   uint32
	rotate int
}

// groups puts words together as far as they fit: so no branch depends on where in a byte a word
// comes to lie.
func groups(packings []packing) (groups []group) {
	var g group
	for _, p := range packings {
		if g.bits+p.width > bitsTogether {
			groups, g = append(groups, g), group{}
		}
		g.words = append(g.words, place{wordBytes * p.word, p.base, int(g.bits) - int(p.shift)})
		g.bits += p.width
	}
	return append(groups, g)
}

// packRecords writes the bits of the records to zeros, of which more follow.
func packRecords(to, records []byte, words int, groups []group) {
	at := uint(0) // bits that are written
	for ; len(records) >= wordBytes*words; records = records[wordBytes*words:] {
		for i := range groups {
			together := uint64(0)
			for _, p := range groups[i].words {
				// The lowest bits, as many as the shift has, are zeros: none comes round.
				v := binary.LittleEndian.Uint32(records[p.at:]) - p.base
				together |= bits.RotateLeft64(uint64(v), p.rotate)
			}
			writeBits(to[at>>3:], together<<(at&7))
			at += groups[i].bits
		}
	}
}

// writeBits adds bits to those that the first byte has.
func writeBits(to []byte, more uint64) {
	binary.LittleEndian.PutUint64(to, uint64(to[0])|more)
}
