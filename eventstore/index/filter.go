package index

import (
	"encoding/binary"
	"math/bits"
)

// Each run carries a filter over its keys, a Bloom filter of 11 bits a key in blocks of one cache
// line. For a new key a lookup reads one line of it in each run; only one time in a hundred it
// must go on to the entries, which costs several reads, each a miss in the caches and in the page
// tables.
//
// The block of a key follows from its first bits, so a filter is made in one pass over sorted
// entries, and read in their order.
const (
	filterBlock  = 64 // bytes, a cache line
	filterKeys   = 48 // keys a block on average
	filterProbes = 6  // bits set for a key, each chosen by 9 bits of it
	probeBits    = 9
	probeMask    = filterBlock*8 - 1
)

// filterBlocks returns how many blocks the filter over so many keys has.
func filterBlocks(keys int) int { return (keys + filterKeys - 1) / filterKeys }

// filterPlace returns the block of a key with this prefix.
func filterPlace(prefix uint64, blocks int) int {
	hi, _ := bits.Mul64(prefix, uint64(blocks))
	return int(hi)
}

// filterAdd sets the bits of a key in its block, given by the last 8 bytes of the key.
func filterAdd(block []byte, suffix uint64) {
	for range filterProbes {
		probe := suffix & probeMask
		block[probe/8] |= 1 << (probe % 8)
		suffix >>= probeBits
	}
}

// filterHas returns 1 when the key may be in the run, and 0 when it is not.
func filterHas(block []byte, suffix uint64) int {
	block = block[:filterBlock]
	all := uint64(1)
	for range filterProbes {
		probe := suffix & probeMask
		all &= binary.LittleEndian.Uint64(block[probe/64*8:]) >> (probe % 64)
		suffix >>= probeBits
	}
	return int(all)
}
