package merkle

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// ErrEncoding is returned by Tree.UnmarshalBinary for bytes that are not a tree.
var ErrEncoding = errors.New("not an encoded tree")

// EncodedSizeMax bounds what Tree.MarshalBinary returns, in bytes.
const EncodedSizeMax = sizeBytes + levels*HashSize

const (
	sizeBytes = 8
	levels    = 64 // one for each bit of the size
)

// Tree is the frontier of the log's tree: the roots of the perfect subtrees that its leaves fill
// from the left, one for each 1 bit of their number. That is all that appending and the root need.
//
// The zero value is the empty tree. A Tree is a plain value: copying it is Clone. It is not safe
// for concurrent use.
type Tree struct {
	size uint64
	// full[i] is the root of the subtree of 2^i leaves while bit i of size is set, else stale.
	full [levels]Hash
}

// Append adds the next leaf. It costs two hashes on average with that of the leaf itself, and
// allocates nothing.
func (t *Tree) Append(leaf Hash) {
	level := 0
	for ; t.size>>level&1 == 1; level++ {
		leaf = nodeHash(&t.full[level], &leaf)
	}
	t.full[level] = leaf
	t.size++
}

// AppendNodes adds the next leaf as [Tree.Append] does, and calls node with it and with each inner
// node that it completes, from below: a node of level i is over 2^i leaves and never changes again.
func (t *Tree) AppendNodes(leaf Hash, node func(level int, node Hash)) {
	level := 0
	node(level, leaf)
	for ; t.size>>level&1 == 1; level++ {
		leaf = nodeHash(&t.full[level], &leaf)
		node(level+1, leaf)
	}
	t.full[level] = leaf
	t.size++
}

// Size returns the number of leaves.
func (t *Tree) Size() uint64 { return t.size }

// Root returns the root over all leaves, for the empty tree the SHA-256 of nothing. It costs at
// most log₂ n hashes.
func (t *Tree) Root() Hash {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	level := bits.TrailingZeros64(t.size)
	root := t.full[level]
	for level++; level < bits.Len64(t.size); level++ {
		if t.size>>level&1 == 1 {
			root = nodeHash(&t.full[level], &root)
		}
	}
	return root
}

// Clone returns a copy that shares nothing with t.
func (t *Tree) Clone() *Tree {
	clone := *t
	return &clone
}

// MarshalBinary returns the size (8 bytes big-endian) and the roots of the full subtrees, the
// largest first. Equal trees have equal bytes. The error is always nil.
func (t *Tree) MarshalBinary() ([]byte, error) { return t.AppendBinary(nil) }

// AppendBinary appends what MarshalBinary returns. The error is always nil.
func (t *Tree) AppendBinary(dst []byte) ([]byte, error) {
	dst = binary.BigEndian.AppendUint64(dst, t.size)
	for level := bits.Len64(t.size) - 1; level >= 0; level-- {
		if t.size>>level&1 == 1 {
			dst = append(dst, t.full[level][:]...)
		}
	}
	return dst, nil
}

// UnmarshalBinary replaces t by the tree that MarshalBinary encoded. On an error, which wraps
// ErrEncoding, t is unchanged. Only the length can be checked: keep a checksum beside the bytes.
func (t *Tree) UnmarshalBinary(data []byte) error {
	if len(data) < sizeBytes {
		return fmt.Errorf("%w: only %d bytes", ErrEncoding, len(data))
	}
	decoded := Tree{size: binary.BigEndian.Uint64(data)}
	data = data[sizeBytes:]
	if want := bits.OnesCount64(decoded.size) * HashSize; len(data) != want {
		return fmt.Errorf("%w: size %d needs %d bytes of hashes, there are %d",
			ErrEncoding, decoded.size, want, len(data))
	}
	for level := bits.Len64(decoded.size) - 1; level >= 0; level-- {
		if decoded.size>>level&1 == 1 {
			data = data[copy(decoded.full[level][:], data):]
		}
	}
	*t = decoded
	return nil
}
