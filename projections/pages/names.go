package pages

import (
	"encoding/binary"
	"hash/maphash"

	"go.etcd.io/bbolt"
)

// namesShift sets the page of the names' bytes: 32 KiB.
const namesShift = 15

// nameUnit is the alignment of a name's bytes, so that 32 bits reach 16 GiB of them.
const nameUnit = 4

// Names numbers distinct short texts (1–64 bytes) 0, 1, 2 … in the order in which they are first
// seen, in about 30 bytes each. The numbers depend on nothing but that order.
type Names struct {
	bytes *Table[byte]   // length byte and text, aligned to nameUnit
	refs  *Table[uint32] // number → place in bytes / nameUnit
	// slots is an open-addressing table of hash<<32 | number+1, found at the hash.
	slots  []uint64
	hasher Hasher
}

// Hasher hashes names. Its seed differs from process to process, so that nobody can choose names
// that collide; it decides where a name is looked up, never what is found.
type Hasher struct{ seed maphash.Seed }

// NameHash is the hash of a name under some Hasher.
type NameHash uint32

// NewHasher returns a hasher with a seed of its own.
func NewHasher() Hasher { return Hasher{maphash.MakeSeed()} }

// Hash returns the hash of a name.
func (h Hasher) Hash(name string) NameHash { return NameHash(maphash.String(h.seed, name) >> 32) }

// packedHex marks the length byte of a name of 32 lower-case hexadecimal digits (the worker ids
// of the identity vault), kept in 16 bytes.
const packedHex = 0x80

// NewNames returns an empty set of names that are hashed by the hasher.
func NewNames(hasher Hasher) *Names {
	return &Names{
		bytes:  NewTable[byte](namesShift),
		refs:   NewTable[uint32](12),
		slots:  make([]uint64, 1024),
		hasher: hasher,
	}
}

// Len returns the number of names.
func (n *Names) Len() int { return n.refs.Len() }

// Touch reads what a search for the hash reads first, so that it is in the processor's cache when
// the search comes: the slot, and the text of the name it may be. The result means nothing.
func (n *Names) Touch(hash NameHash) uint64 {
	slot := n.slots[uint64(hash)&uint64(len(n.slots)-1)]
	if slot>>32 != uint64(hash) {
		return slot
	}
	at := int(*n.refs.At(int(uint32(slot) - 1))) * nameUnit
	return uint64(n.bytes.Slice(at, 1)[0])
}

// Number returns the number of the name, which has the given hash; a new one at first sight.
func (n *Names) Number(name string, hash NameHash) (number uint32) {
	mask := uint64(len(n.slots) - 1)
	at := uint64(hash) & mask
	for ; n.slots[at] != 0; at = (at + 1) & mask {
		if NameHash(n.slots[at]>>32) == hash && n.is(uint32(n.slots[at])-1, name) {
			return uint32(n.slots[at]) - 1
		}
	}
	number = n.add(name)
	n.slots[at] = uint64(hash)<<32 | uint64(number+1)
	if uint64(n.refs.Len())*4 > uint64(len(n.slots))*3 {
		n.grow()
	}
	return number
}

// Name returns the text with the given number.
func (n *Names) Name(number uint32) string {
	var buf [64]byte
	return string(n.text(number, &buf))
}

// stored returns the length byte and the bytes kept for a name.
func (n *Names) stored(number uint32) (length byte, kept []byte) {
	at := int(*n.refs.At(int(number))) * nameUnit
	length = n.bytes.Slice(at, 1)[0]
	size := int(length)
	if length&packedHex != 0 {
		size = 16
	}
	return length, n.bytes.Slice(at+1, size)
}

// is reports whether the number stands for the name.
func (n *Names) is(number uint32, name string) bool {
	length, kept := n.stored(number)
	if length&packedHex == 0 {
		return string(kept) == name
	}
	var packed [16]byte
	return packHex(&packed, name) && string(kept) == string(packed[:])
}

// text unpacks a name into buf.
func (n *Names) text(number uint32, buf *[64]byte) []byte {
	length, kept := n.stored(number)
	if length&packedHex == 0 {
		return append(buf[:0], kept...)
	}
	const digits = "0123456789abcdef"
	for i, b := range kept {
		buf[2*i], buf[2*i+1] = digits[b>>4], digits[b&15]
	}
	return buf[:32]
}

func (n *Names) add(name string) uint32 {
	var packed [16]byte
	length, kept := byte(len(name)), []byte(name)
	if packHex(&packed, name) {
		length, kept = packedHex, packed[:]
	}
	size := (1 + len(kept) + nameUnit - 1) / nameUnit * nameUnit
	at := n.bytes.Extend(size)
	dst := n.bytes.Slice(at, size)
	dst[0] = length
	copy(dst[1:], kept)
	return uint32(n.refs.Append(uint32(at / nameUnit)))
}

// packHex packs a name of 32 lower-case hexadecimal digits, and reports whether it is one.
func packHex(packed *[16]byte, name string) bool {
	if len(name) != 32 {
		return false
	}
	for i := range packed {
		hi, lo := hexDigit(name[2*i]), hexDigit(name[2*i+1])
		if hi|lo > 15 {
			return false
		}
		packed[i] = hi<<4 | lo
	}
	return true
}

// hexDigit returns the value of a lower-case hexadecimal digit, or 255.
func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// grow doubles the slots. The names themselves are not needed: a slot holds its hash.
func (n *Names) grow() {
	old := n.slots
	n.slots = make([]uint64, 2*len(old))
	for _, slot := range old {
		if slot != 0 {
			n.place(slot)
		}
	}
}

// place puts a slot where a search for its hash finds it.
func (n *Names) place(slot uint64) {
	mask := uint64(len(n.slots) - 1)
	at := slot >> 32 & mask
	for n.slots[at] != 0 {
		at = (at + 1) & mask
	}
	n.slots[at] = slot
}

// index makes the slots for the names that were loaded.
func (n *Names) index() {
	size := len(n.slots)
	for uint64(n.refs.Len())*4 > uint64(size)*3 {
		size *= 2
	}
	n.slots = make([]uint64, size)
	var buf [64]byte
	for number := range uint32(n.refs.Len()) {
		hash := maphash.Bytes(n.hasher.seed, n.text(number, &buf)) >> 32
		n.place(hash<<32 | uint64(number+1))
	}
}

// Store writes what changed. The bucket gets two nested ones and a key for the counts. It writes
// copies, so that names may be added before the transaction commits.
func (n *Names) Store(b *bbolt.Bucket) error {
	for name, store := range map[string]func(*bbolt.Bucket) error{
		"bytes": n.bytes.StoreCopy, "refs": n.refs.StoreCopy,
	} {
		nested, err := b.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return err
		}
		if err := store(nested); err != nil {
			return err
		}
	}
	counts := binary.BigEndian.AppendUint64(nil, uint64(n.bytes.Len()))
	return b.Put([]byte("n"), binary.BigEndian.AppendUint64(counts, uint64(n.refs.Len())))
}

// Stored tells that the transaction of the last Store has committed.
func (n *Names) Stored() {
	n.bytes.Stored()
	n.refs.Stored()
}

// Load replaces the names by the stored ones.
func (n *Names) Load(b *bbolt.Bucket) error {
	counts := b.Get([]byte("n"))
	bytes, refs := b.Bucket([]byte("bytes")), b.Bucket([]byte("refs"))
	if len(counts) != 16 || bytes == nil || refs == nil {
		return ErrCorrupt
	}
	if err := n.bytes.Load(bytes, int(binary.BigEndian.Uint64(counts))); err != nil {
		return err
	}
	if err := n.refs.Load(refs, int(binary.BigEndian.Uint64(counts[8:]))); err != nil {
		return err
	}
	n.index()
	return nil
}
