package index

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/merkle"
)

// A run file, integers big-endian:
//
//	offset  size  meaning
//	0       4     "CKIX"
//	4       4     version of this format, 4: entries are of several forms
//	8       32    ledger: hexadecimal digits
//	40      8     ledger: when it was created, ns since 1970
//	48      8     sequence of the first event
//	56      8     sequence of the last event; there is one entry for each event between
//	64      4     CRC-32C of the block checksums at the end of the file
//	68      4     1: entries are short; else 0
//	72      16    the secret of short entries
//	88      4     size of the tree
//	92      n     the Merkle tree's frontier after the last event
//	…             zeros
//	4092    4     CRC-32C of the 4,092 bytes before
//	4096    s·e   the entries, by key (form.go)
//	…             zeros, to a whole block
//	…       64·f  the filter (filter.go), f = ⌈e/48⌉
//	…             zeros, likewise
//	…       4·b   CRC-32C of each block after the header: as many bytes as 128 entries
const (
	headerSize    = 4096 // a page, so that the entries begin on one
	runVersion    = 4
	ledgerSize    = 32
	checksumSize  = 4
	blockEntries  = 128 // so a block is also a multiple of filterBlock
	entrySizeMax  = 40
	offsetLedger  = 8
	offsetCreated = offsetLedger + ledgerSize
	offsetFirst   = offsetCreated + 8
	offsetLast    = offsetFirst + 8
	offsetSums    = offsetLast + 8
	offsetShort   = offsetSums + 4
	offsetSecret  = offsetShort + 4
	offsetTreeLen = offsetSecret + secretSize
	offsetTree    = offsetTreeLen + 4
	offsetHeadSum = headerSize - checksumSize
)

const magic = "CKIX"

// header is what a run says of itself.
type header struct {
	identity    eventstore.Identity
	first, last eventstore.Sequence
	tree        merkle.Tree
	sums        uint32 // checksum of the block checksums
	form        form
}

// count returns the number of entries.
func (h *header) count() int { return int(h.last - h.first + 1) }

// filterAt returns the block at which the filter begins: after those of the entries.
func (h *header) filterAt() int { return (h.count() + blockEntries - 1) / blockEntries }

// blockSize returns the size of a block.
func (h *header) blockSize() int { return blockEntries * h.entrySize() }

// blocks returns the number of blocks that entries and filter fill.
func (h *header) blocks() int {
	return h.filterAt() + (filterBlocks(h.count())*filterBlock+h.blockSize()-1)/h.blockSize()
}

// fileSize returns the size of the whole file, which is known beforehand to the byte.
func (h *header) fileSize() int64 {
	return headerSize + int64(h.blocks())*int64(h.blockSize()+checksumSize)
}

// encode returns the bytes of the header. The last checksum is over all before it, so a header that
// is half of one run and half of another is none.
func (h *header) encode() []byte {
	b := make([]byte, headerSize)
	copy(b, magic)
	binary.BigEndian.PutUint32(b[4:], runVersion)
	copy(b[offsetLedger:offsetCreated], h.identity.Ledger)
	binary.BigEndian.PutUint64(b[offsetCreated:], uint64(h.identity.Created))
	binary.BigEndian.PutUint64(b[offsetFirst:], uint64(h.first))
	binary.BigEndian.PutUint64(b[offsetLast:], uint64(h.last))
	binary.BigEndian.PutUint32(b[offsetSums:], h.sums)
	tree, _ := h.tree.MarshalBinary() // never fails
	if h.form.short {
		b[offsetSecret-1] = 1
	}
	copy(b[offsetSecret:], h.form.secret[:])
	binary.BigEndian.PutUint32(b[offsetTreeLen:], uint32(len(tree)))
	copy(b[offsetTree:], tree)
	binary.BigEndian.PutUint32(b[offsetHeadSum:], checksum(b[:offsetHeadSum]))
	return b
}

// decodeHeader checks the header of a file of the given size. The error wraps errUnusable.
func decodeHeader(b []byte, fileSize int64) (h header, err error) {
	switch {
	case len(b) != headerSize || string(b[:4]) != magic:
		return h, fmt.Errorf("%w: no header", errUnusable)
	case binary.BigEndian.Uint32(b[offsetHeadSum:]) != checksum(b[:offsetHeadSum]):
		return h, fmt.Errorf("%w: checksum of the header differs", errUnusable)
	case binary.BigEndian.Uint32(b[4:]) != runVersion:
		return h, fmt.Errorf("%w: version %d", errUnusable, binary.BigEndian.Uint32(b[4:]))
	}
	h.identity.Ledger = string(b[offsetLedger:offsetCreated])
	h.identity.Created = temporal.Instant(binary.BigEndian.Uint64(b[offsetCreated:]))
	h.first = eventstore.Sequence(binary.BigEndian.Uint64(b[offsetFirst:]))
	h.last = eventstore.Sequence(binary.BigEndian.Uint64(b[offsetLast:]))
	h.sums = binary.BigEndian.Uint32(b[offsetSums:])
	if h.first == 0 || h.last < h.first || h.last-h.first >= math.MaxInt64/(2*entrySizeMax) {
		return h, fmt.Errorf("%w: events %d to %d", errUnusable, h.first, h.last)
	}
	copy(h.form.secret[:], b[offsetSecret:])
	switch short := binary.BigEndian.Uint32(b[offsetShort:]); {
	case short > 1 || short == 0 && h.form != form{}:
		return h, fmt.Errorf("%w: entries of form %d", errUnusable, short)
	default:
		h.form.short = short == 1
	}
	if want := h.fileSize(); fileSize != want {
		return h, fmt.Errorf("%w: %d bytes instead of %d", errUnusable, fileSize, want)
	}
	size := binary.BigEndian.Uint32(b[offsetTreeLen:])
	if size > offsetHeadSum-offsetTree {
		return h, fmt.Errorf("%w: tree of %d bytes", errUnusable, size)
	}
	if err := h.tree.UnmarshalBinary(b[offsetTree:][:size]); err != nil {
		return h, fmt.Errorf("%w: %w", errUnusable, err)
	}
	if h.tree.Size() != uint64(h.last) {
		return h, fmt.Errorf("%w: tree of %d events, run ends at %d",
			errUnusable, h.tree.Size(), h.last)
	}
	return h, nil
}

// checksum is CRC-32C, for which processors have instructions: it costs next to nothing.
func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
