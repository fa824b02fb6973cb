package pages

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// chain is a word of all records, of which each is told by how far it is from one that was before:
// mostly the same way as all others, then it takes one bit. So numbers that are given out one after
// the other take hardly any room, and links that most records do not have.
//
// Packed: the word before the first one (4), how far most are (4), a bit for each record, set if it
// is not so far, and how far those are, packed as words are, from the lowest bit of each byte on.
type chain struct {
	of    chained
	start uint32 // what the first is told from
	usual uint32
	word  WordColumn // how the others are packed
	width uint       // bits of each of those
	marks []byte
	other []byte // eight bytes can be read from wherever one begins

	steps []uint32 // of one that is made: how far each is
}

// chained says from what a word is told.
type chained uint8

const (
	direct   chained = iota // it is not: see [Words]
	fromZero                // from nothing
	fromLast                // from that of the record before
	fromMost                // from the highest one before, as a signed number
)

const (
	shiftBits = 6 // of the byte that has the shift, and above it the chained
	shiftMask = 1<<shiftBits - 1

	chainHead = 8
)

// read reads what follows the head, and returns how much that is.
func (c *chain) read(packed []byte, n int) (taken int, err error) {
	marks := (n + 7) / 8
	if len(packed) < chainHead+marks {
		return 0, fmt.Errorf("%w: a chain of %d records in %d bytes", ErrCorrupt, n, len(packed))
	}
	c.start = binary.LittleEndian.Uint32(packed)
	c.usual = binary.LittleEndian.Uint32(packed[4:])
	c.marks, c.other = packed[chainHead:chainHead+marks], packed[chainHead+marks:]
	others := 0
	for _, m := range c.marks {
		others += bits.OnesCount8(m)
	}
	if over := n & 7; over != 0 && c.marks[marks-1]>>over != 0 {
		return 0, fmt.Errorf("%w: a chain of more than %d records", ErrCorrupt, n)
	}
	size := (others*int(c.width) + 7) / 8
	if len(c.other) < size+wordsPad {
		return 0, fmt.Errorf("%w: a chain of %d bytes", ErrCorrupt, len(packed))
	}
	return chainHead + marks + size, nil
}

// restore writes the words of the first n records, each so many bytes from the one before.
func (c *chain) restore(to []byte, apart, n int) {
	from, at := c.start, uint(0)
	for i := range n {
		step := c.usual
		if c.marks[i>>3]>>(i&7)&1 != 0 {
			more := binary.LittleEndian.Uint64(c.other[at>>3:]) >> (at & 7) & c.word.mask
			step = c.word.base + uint32(more)<<c.word.shift
			at += c.width
		}
		word := from + step
		binary.LittleEndian.PutUint32(to[i*apart:], word)
		from = c.of.next(from, word)
	}
}

// next returns what the word after one is told from.
func (of chained) next(from, word uint32) uint32 {
	if of == fromLast || of == fromMost && int32(word) > int32(from) {
		return word
	}
	return from
}

// chainTried is how many records tell from what a word is best told.
const chainTried = 64

// linked returns the best chain of a word, and whether it is smaller than the packing.
func linked(records []byte, words, n int, p packing) (best chain, worth bool) {
	first := wordBytes * p.word
	tried, size := min(n, chainTried), 0
	middle := records[(n-tried)/2*wordBytes*words:]
	var steps [chainTried]uint32
	for i, of := range []chained{fromLast, fromMost, fromZero} {
		c := chain{of: of, steps: steps[:tried]}
		c.link(middle[first:], wordBytes*words)
		if s := c.size(); i == 0 || s < size {
			best, size = c, s
		}
	}
	if best.steps = steps[:tried]; tried < n {
		best.steps = make([]uint32, n)
	}
	best.link(records[first:], wordBytes*words)
	return best, best.size() < n*int(p.width)
}

// link works out the steps, and how they are packed. The first word is the first four bytes.
func (c *chain) link(records []byte, apart int) {
	if c.start = 0; c.of != fromZero {
		c.start = binary.LittleEndian.Uint32(records)
	}
	for i, from := 0, c.start; i < len(c.steps); i++ {
		word := binary.LittleEndian.Uint32(records[i*apart:])
		c.steps[i] = word - from
		from = c.of.next(from, word)
	}
	c.usual = usual(c.steps)
	c.measure()
}

// usual returns about the most frequent step.
func usual(steps []uint32) (most uint32) {
	const asked = 16
	var some [asked]uint32
	n := min(len(steps), asked)
	for i := range n {
		some[i] = steps[(2*i+1)*len(steps)/(2*n)]
	}
	best := 0
	for i, step := range some[:n] {
		times := 0
		for _, other := range some[i:n] {
			if other == step {
				times++
			}
		}
		if times > best {
			best, most = times, step
		}
	}
	return most
}

// measure works out how the steps that are not usual are best packed.
func (c *chain) measure() {
	first, least, most, all, any := uint32(0), int32(0), int32(0), uint32(0), false
	for _, step := range c.steps {
		switch {
		case step == c.usual:
		case !any:
			first, any = step, true
		default:
			more := step - first
			least, most = min(least, int32(more)), max(most, int32(more))
			all |= more
		}
	}
	c.word, c.width = WordColumn{base: first}, 0
	if all != 0 {
		c.word.shift = uint(bits.TrailingZeros32(all))
		c.word.base = first + uint32(least)
		c.width = uint(bits.Len32((uint32(most) - uint32(least)) >> c.word.shift))
	}
}

// size returns how many bits the chain takes.
func (c *chain) size() int {
	others := 0
	for _, step := range c.steps {
		if step != c.usual {
			others++
		}
	}
	return 8*chainHead + len(c.steps) + others*int(c.width)
}

func (c *chain) appendHead(head []byte) []byte {
	head = binary.LittleEndian.AppendUint32(head, c.word.base)
	return append(head, byte(c.width), byte(c.word.shift)|byte(c.of)<<shiftBits)
}

// append appends what follows the head.
func (c *chain) append(to []byte) []byte {
	to = binary.LittleEndian.AppendUint32(to, c.start)
	to = binary.LittleEndian.AppendUint32(to, c.usual)
	marks := len(to)
	to = append(to, make([]byte, (len(c.steps)+7)/8)...)
	var b bitWriter
	for i, step := range c.steps {
		if step != c.usual {
			to[marks+i>>3] |= 1 << (i & 7)
			to = b.append(to, uint64((step-c.word.base)>>c.word.shift), c.width)
		}
	}
	return b.end(to)
}

// bitWriter appends bits, from the lowest of each byte on.
type bitWriter struct {
	bits uint64 // that are not a byte yet
	n    uint
}

// append appends the low bits of a value, 57 at most, which has no others.
func (b *bitWriter) append(to []byte, value uint64, width uint) []byte {
	b.bits |= value << b.n
	for b.n += width; b.n >= 8; b.n -= 8 {
		to = append(to, byte(b.bits))
		b.bits >>= 8
	}
	return to
}

// end appends what is left, filled up to a byte.
func (b *bitWriter) end(to []byte) []byte {
	if b.n > 0 {
		to = append(to, byte(b.bits))
	}
	*b = bitWriter{}
	return to
}
