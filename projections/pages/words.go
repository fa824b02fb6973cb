package pages

import (
	"encoding/binary"
	"fmt"
)

// Words are records of 32-bit words to be read, packed or as they are in memory: of each word a
// packed record has only the bits that are not the same in all records. Nothing is unpacked to
// read one, so packed records are read where they lie.
//
// Packed, little endian: number of records (4); per word of a record the base (4), the width in
// bits (1), a shift in the low six bits, and in the others how it is kept (1); the records, bit by
// bit from the lowest of each byte on; the words that are kept as chains; eight zeros. A word is
// base + value << shift, modulo 2³². A [chain] is smaller, but has to be read from its beginning.
type Words struct {
	n       int
	columns []WordColumn
	chains  []chain // one a word, nil: there are none
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

// Column returns one word of all records. That of a chain is made at each call. Whoever reads more
// than one word of it keeps the column.
func (w *Words) Column(i int) WordColumn {
	if w.chains == nil || w.chains[i].of == direct {
		return w.columns[i]
	}
	words := make([]byte, wordBytes*w.n+wordsPad)
	w.chains[i].restore(words, wordBytes, w.n)
	return WordColumn{bytes: words, stride: 8 * wordBytes, mask: 1<<32 - 1, plain: true}
}

// At returns the word of a record. The record must be less than Len.
func (c *WordColumn) At(record int) uint32 {
	at := uint(record)*c.stride + c.at
	if c.plain {
		return binary.LittleEndian.Uint32(c.bytes[at>>3:])
	}
	value := binary.LittleEndian.Uint64(c.bytes[at>>3:]) >> (at & 7) & c.mask
	return c.base + uint32(value)<<c.shift
}

// Read reads the word of as many records as there is room for, from one on: faster than one by one.
func (c *WordColumn) Read(words []uint32, record int) {
	if c.plain {
		for i := range words {
			words[i] = c.At(record + i)
		}
		return
	}
	bytes, at := c.bytes, uint(record)*c.stride+c.at
	for i := range words {
		value := binary.LittleEndian.Uint64(bytes[at>>3:]) >> (at & 7) & c.mask
		words[i] = c.base + uint32(value)<<(c.shift&31)
		at += c.stride
	}
}

// WordsIn returns n records of so many words as they are in memory. There must be room for more
// bytes behind them: see [CloneWords].
func WordsIn(records []byte, words, n int) Words {
	w := Words{n: n, columns: make([]WordColumn, words)}
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

// ReadWords returns packed records of so many words, of which the bytes are all. They are not to
// be changed any more. Everything is bounded here by the bytes there are, so that reading what a
// fault has left ends in an error and not outside.
func ReadWords(packed []byte, words int) (Words, error) {
	head := packedHead + words*packedWordHead
	if len(packed) < head+wordsPad {
		return Words{}, fmt.Errorf("%w: %d bytes of packed records", ErrCorrupt, len(packed))
	}
	w := Words{n: int(binary.LittleEndian.Uint32(packed)), columns: make([]WordColumn, words)}
	stride := uint(0)
	for i := range w.columns {
		h := packed[packedHead+i*packedWordHead:]
		width, shift, of := uint(h[4]), uint(h[5]&shiftMask), chained(h[5]>>shiftBits)
		if width+shift > 32 {
			return Words{}, fmt.Errorf("%w: a word of %d bits", ErrCorrupt, width+shift)
		}
		column := &w.columns[i]
		*column = WordColumn{
			bytes: packed[head:], at: stride, mask: 1<<width - 1, shift: shift,
			base: binary.LittleEndian.Uint32(h),
		}
		if of == direct {
			stride += width
			continue
		}
		if w.chains == nil {
			w.chains = make([]chain, words)
		}
		w.chains[i] = chain{of: of, word: *column, width: width}
	}
	for i := range w.columns {
		w.columns[i].stride = stride
	}
	rest := packed[head:]
	size := (uint64(stride)*uint64(w.n) + 7) / 8
	for i := range w.chains {
		if c := &w.chains[i]; c.of != direct && size <= uint64(len(rest)) {
			taken, err := c.read(rest[size:], w.n)
			if err != nil {
				return Words{}, err
			}
			size += uint64(taken)
		}
	}
	if size+wordsPad != uint64(len(rest)) {
		return Words{}, fmt.Errorf("%w: %d bytes of packed records, not %d", ErrCorrupt,
			len(packed), uint64(head)+size+wordsPad)
	}
	return w, nil
}

// CopyTo writes the first records to memory, as many as there is room for.
func (w *Words) CopyTo(records []byte) {
	words := len(w.columns)
	n := min(w.n, len(records)/(wordBytes*words))
	for i := range w.columns {
		if w.chains != nil && w.chains[i].of != direct {
			w.chains[i].restore(records[wordBytes*i:], wordBytes*words, n)
			continue
		}
		column := &w.columns[i]
		for record, at := 0, wordBytes*i; record < n; record++ {
			binary.LittleEndian.PutUint32(records[at:], column.At(record))
			at += wordBytes * words
		}
	}
}
