package merkle

import "encoding/hex"

// HashSize is the length of a Hash in bytes.
const HashSize = 32

// Hash is a node of the tree: a leaf, an inner node or a root. It is a SHA-256 value.
type Hash [HashSize]byte

// String returns the hash as 64 lower-case hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }
