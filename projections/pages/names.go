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

// nameHash is the hash of a name under some Hasher.
type nameHash uint32

// NewHasher returns a hasher with a seed of its own.
func NewHasher() Hasher { return Hasher{maphash.MakeSeed()} }

// hash returns the hash of a name.
func (h Hasher) hash(name string) nameHash { return nameHash(maphash.String(h.seed, name) >> 32) }

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

// Lookup is a name to be numbered by NumberAll.
type Lookup struct {
	Name   string
	Number uint32 // the answer

	hash nameHash
	at   uint32 // where the text is that may be the name
	slot uint64 // that stands for it; 0: none does
	text byte   // the first byte there
}

// NumberAll numbers the names in their order: one seen for the first time gets the next number.
//
// It takes each step of the search for all of them before the next step, so that the processor
// waits for many cache misses at the same time instead of for one after the other.
func (n *Names) NumberAll(lookups []Lookup) {
	for i := range lookups {
		lookups[i].hash = n.hasher.hash(lookups[i].Name)
	}
	mask := uint64(len(n.slots) - 1)
	for i := range lookups {
		lookups[i].slot = n.slots[uint64(lookups[i].hash)&mask]
	}
	for i := range lookups {
		lookups[i].slot = n.candidate(lookups[i].hash)
	}
	for i := range lookups {
		if l := &lookups[i]; l.slot != 0 {
			l.at = *n.refs.At(int(uint32(l.slot) - 1))
		}
	}
	for i := range lookups {
		if l := &lookups[i]; l.slot != 0 {
			l.text = *n.bytes.At(int(l.at) * nameUnit) // mostly the rest comes along
		}
	}
	for i := range lookups {
		l := &lookups[i]
		if l.slot != 0 && n.is(uint32(l.slot)-1, l.Name) {
			l.Number = uint32(l.slot) - 1
			continue
		}
		l.Number = n.number(l.Name, l.hash)
	}
}

// candidate returns the first slot with the hash, 0 when there is none.
func (n *Names) candidate(hash nameHash) uint64 {
	mask := uint64(len(n.slots) - 1)
	at := uint64(hash) & mask
	for n.slots[at] != 0 && nameHash(n.slots[at]>>32) != hash {
		at = (at + 1) & mask
	}
	return n.slots[at]
}

// number returns the number of the name, which has the given hash; a new one at first sight.
func (n *Names) number(name string, hash nameHash) (number uint32) {
	mask := uint64(len(n.slots) - 1)
	at := uint64(hash) & mask
	for ; n.slots[at] != 0; at = (at + 1) & mask {
		if nameHash(n.slots[at]>>32) == hash && n.is(uint32(n.slots[at])-1, name) {
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
	length, size := byte(len(name)), len(name)
	hex := packHex(&packed, name)
	if hex {
		length, size = packedHex, len(packed)
	}
	size = (1 + size + nameUnit - 1) / nameUnit * nameUnit
	at := n.bytes.Extend(size)
	dst := n.bytes.Slice(at, size)
	dst[0] = length
	if hex {
		copy(dst[1:], packed[:])
	} else {
		copy(dst[1:], name)
	}
	return uint32(n.refs.Append(uint32(at / nameUnit)))
}

// packHex packs a name of 32 lower-case hexadecimal digits, and reports whether it is one. Half
// of the digits of a random name are letters, which no processor foresees: so nothing branches on
// them. Each digit is read as if it were one, and compared with how its value is written.
func packHex(packed *[16]byte, name string) bool {
	const digits = "0123456789abcdef"
	if len(name) != 32 {
		return false
	}
	wrong := byte(0)
	for i := range packed {
		c, d := name[2*i], name[2*i+1]
		hi, lo := (c+c>>6*9)&15, (d+d>>6*9)&15
		wrong |= c ^ digits[hi] | d ^ digits[lo]
		packed[i] = hi<<4 | lo
	}
	return wrong == 0
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
