package pages

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// Words are records of 32-bit words to be read, packed or as they are in memory: of each word a
// packed record has only the bits that are not the same in all records. Nothing is unpacked to
// read one, so packed records are read where they lie.
//
// Packed, little endian: number of records (4); per word of a record the base (4), the width in
// bits (1) and a shift (1); the records, bit by bit from the lowest of each byte on; eight zeros.
// A word is base + value << shift, modulo 2³².
type Words struct {
	n       int
	columns []WordColumn
}

// WordColumn is one word of all records.
type WordColumn struct {
	bytes      []byte // of all words; eight can be read from wherever one begins
	at, stride uint   // bits: where that of the first record is, and from one to the next
	mask       uint64
	shift      uint
	base       uint32
	// plain says that they lie as they are. Then no byte behind the word is read: the record after
	// it may be written to just now.
	plain bool
}

const (
	wordBytes      = 4
	packedHead     = 4
	packedWordHead = 6
	// wordsPad is what follows the last record, so that whoever reads a word may read eight bytes.
	wordsPad = 8
)

// Len returns the number of records.
func (w *Words) Len() int { return w.n }

// Column returns one word of all records.
func (w *Words) Column(i int) WordColumn { return w.columns[i] }

// At returns the word of a record.
func (c *WordColumn) At(record int) uint32 {
	at := uint(record)*c.stride + c.at
	if c.plain {
		return binary.LittleEndian.Uint32(c.bytes[at>>3:])
	}
	value := binary.LittleEndian.Uint64(c.bytes[at>>3:]) >> (at & 7) & c.mask
	return c.base + uint32(value)<<c.shift
}

// WordsIn returns n records of so many words as they are in memory. There must be room for more
// bytes behind them: see [CloneWords].
func WordsIn(records []byte, words, n int) Words {
	w := Words{n, make([]WordColumn, words)}
	for i := range w.columns {
		w.columns[i] = WordColumn{
			bytes:  records[:words*wordBytes*n+wordsPad],
			at:     uint(8 * wordBytes * i),
			stride: uint(8 * wordBytes * words),
			mask:   1<<32 - 1,
			plain:  true,
		}
	}
	return w
}

// CloneWords returns a copy of records of words, with the room behind them for [WordsIn].
func CloneWords(records []byte) []byte {
	return append(make([]byte, 0, len(records)+wordsPad), records...)
}

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

// AppendWords appends n records of so many words, packed.
func AppendWords(to, records []byte, words, n int) []byte {
	packings, stride := make([]packing, 0, words), uint(0)
	head := binary.LittleEndian.AppendUint32(make([]byte, 0, packedHead+words*packedWordHead),
		uint32(n))
	for i := range words {
		p := packing{}
		if n > 0 {
			p = measure(records, words, i, n)
		}
		head = binary.LittleEndian.AppendUint32(head, p.base)
		head = append(head, byte(p.width), byte(p.shift))
		if p.width > 0 {
			packings = append(packings, p)
			stride += p.width
		}
	}
	packed := (int(stride)*n + 7) / 8
	to = append(slices.Grow(to, len(head)+packed+wordsPad), head...)
	at := len(to)
	to = to[:at+packed+wordsPad]
	clear(to[at:])
	if stride > 0 {
		packRecords(to[at:], records[:wordBytes*words*n], words, groups(packings))
	}
	return to
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

// ReadWords returns packed records of so many words, of which the bytes are all. They are not to
// be changed any more.
func ReadWords(packed []byte, words int) (Words, error) {
	head := packedHead + words*packedWordHead
	if len(packed) < head+wordsPad {
		return Words{}, fmt.Errorf("%w: %d bytes of packed records", ErrCorrupt, len(packed))
	}
	w := Words{int(binary.LittleEndian.Uint32(packed)), make([]WordColumn, words)}
	stride := uint(0)
	for i := range w.columns {
		h := packed[packedHead+i*packedWordHead:]
		width, shift := uint(h[4]), uint(h[5])
		if width+shift > 32 {
			return Words{}, fmt.Errorf("%w: a word of %d bits", ErrCorrupt, width+shift)
		}
		w.columns[i] = WordColumn{
			bytes: packed[head:], at: stride, mask: 1<<width - 1, shift: shift,
			base: binary.LittleEndian.Uint32(h),
		}
		stride += width
	}
	if want := (stride*uint(w.n) + 7) / 8; uint(len(packed)-head-wordsPad) != want {
		return Words{}, fmt.Errorf("%w: %d bytes of packed records, not %d", ErrCorrupt,
			len(packed), uint(head+wordsPad)+want)
	}
	for i := range w.columns {
		w.columns[i].stride = stride
	}
	return w, nil
}

// CopyTo writes the first records to memory, as many as there is room for.
func (w *Words) CopyTo(records []byte) {
	words := len(w.columns)
	for i := range w.columns {
		column := &w.columns[i]
		for record, at := 0, wordBytes*i; record < w.n && at < len(records); record++ {
			binary.LittleEndian.PutUint32(records[at:], column.At(record))
			at += wordBytes * words
		}
	}
}
