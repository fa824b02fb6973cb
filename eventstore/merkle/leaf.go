package merkle

import (
	"crypto/sha256"
	"encoding/binary"
)

// Prefixes of RFC 6962, section 2.1: they keep a leaf from being taken for an inner node.
const (
	leafPrefix = 0x00
	nodePrefix = 0x01
)

const (
	leafHeaderSize = 1 + 8 + 8 // prefix, sequence, record time
	stackLeafSize  = 512       // nearly every event is smaller, and then hashing allocates nothing
)

// LeafHash returns the leaf of one event: SHA-256 over the byte 0x00, the sequence and the record
// time (nanoseconds since 1970) as 8 bytes big-endian each, and the stored bytes.
// The place and the time lie inside the hash so that neither can be changed afterwards.
func LeafHash(sequence uint64, recordedAt int64, event []byte) Hash {
	var buf [stackLeafSize]byte
	buf[0] = leafPrefix
	binary.BigEndian.PutUint64(buf[1:], sequence)
	binary.BigEndian.PutUint64(buf[9:], uint64(recordedAt))
	if leafHeaderSize+len(event) <= len(buf) {
		n := copy(buf[leafHeaderSize:], event)
		return sha256.Sum256(buf[:leafHeaderSize+n])
	}
	return longLeafHash(buf[:leafHeaderSize], event)
}

// longLeafHash does not join the parts first: copying 64 KiB costs more than two allocations.
func longLeafHash(header, event []byte) (leaf Hash) {
	digest := sha256.New()
	// Writing to a hash cannot fail: see hash.Hash.
	_, _ = digest.Write(header)
	_, _ = digest.Write(event)
	digest.Sum(leaf[:0])
	return leaf
}

// nodeHash returns the hash of the inner node over two subtrees.
func nodeHash(left, right *Hash) Hash {
	var buf [1 + 2*HashSize]byte
	buf[0] = nodePrefix
	copy(buf[1:], left[:])
	copy(buf[1+HashSize:], right[:])
	return sha256.Sum256(buf[:])
}

// NodeHash returns the inner node over two subtrees: what Append makes of them, for who puts parts
// of a tree together.
func NodeHash(left, right Hash) Hash { return nodeHash(&left, &right) }

// AppendEntry appends what the leaf of an event is the hash of, but for the byte before it: its
// sequence, its record time and the stored bytes. RFC 6962 calls it the leaf's input.
func AppendEntry(dst []byte, sequence uint64, recordedAt int64, event []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, sequence)
	dst = binary.BigEndian.AppendUint64(dst, uint64(recordedAt))
	return append(dst, event...)
}

// EntryHeaderSize is how many bytes of an entry stand before the stored bytes.
const EntryHeaderSize = leafHeaderSize - 1
