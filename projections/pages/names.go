package pages

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/maphash"

	"cakupan/projections/checked"
)

// namesShift sets the page of the names' bytes: 32 KiB.
const namesShift = 15

// nameUnit is the alignment of a name's record, so that 32 bits reach 16 GiB of them.
const nameUnit = 4

// Names numbers distinct short texts (1–64 bytes) 0, 1, 2 … in the order in which they are first
// seen, in about 30 bytes each. The numbers depend on nothing but that order.
//
// It is not safe for concurrent use. A name once numbered keeps its number for ever; none is
// removed.
type Names struct {
	records *Table[byte] // see nameHead
	n       int
	// slots is an open-addressing table of hash<<32 | place of the record / nameUnit + 1, found at
	// the hash.
	slots  []uint64
	hasher Hasher

	searches [numberTogether]search

	// places are where the first names are, by number, in units of nameUnit: as far as somebody has
	// asked for one. indexed is where the record after them is.
	places  []uint32
	indexed int
}

// A name's record is its number, little endian (4), a length byte, and its text, aligned to
// nameUnit, all in one page. A length of 0 says that the next record begins the next page.
const nameHead = 5

// nameMin is what the record of the shortest name takes.
const nameMin = 2 * nameUnit

// Hasher hashes names. Its seed differs from process to process, so that nobody can choose names
// that collide; it decides where a name is looked up, never what is found.
type Hasher struct{ seed maphash.Seed }

// nameHash is the hash of a name under some Hasher.
type nameHash uint32

// NewHasher returns a hasher with a seed of its own.
func NewHasher() Hasher { return Hasher{maphash.MakeSeed()} }

// packedHex is the length byte of a name of 32 lower-case hexadecimal digits (the worker ids of
// the identity vault), kept in 16 bytes.
const (
	packedHex   = 0x80
	packedBytes = 16
)

// NewNames returns an empty set of names that are hashed by the hasher.
func NewNames(hasher Hasher) *Names {
	records := NewTable[byte](namesShift)
	records.coding = nameCoding{}
	return &Names{
		records: records,
		slots:   make([]uint64, 1024),
		hasher:  hasher,
	}
}

// Len returns the number of names. All numbers that were given out are less.
func (n *Names) Len() int { return n.n }

// Text returns the name with the number, which must be less than Len. The first to ask after names
// were added waits until they are indexed, which costs those who add names nothing.
func (n *Names) Text(number uint32) string {
	for int(number) >= len(n.places) {
		r := n.records.Tail(n.indexed)
		if len(r) <= nameHead || r[4] == 0 {
			n.indexed += len(r) // the next begins the next page
			continue
		}
		n.places = append(n.places, uint32(n.indexed/nameUnit))
		n.indexed += recordBytes(r[4])
	}
	r := n.records.Tail(int(n.places[number]) * nameUnit)
	if r[4] == packedHex {
		return hex.EncodeToString(r[nameHead : nameHead+packedBytes])
	}
	return string(r[nameHead : nameHead+int(r[4])])
}

// recordBytes returns how many bytes a record takes whose length byte is given.
func recordBytes(length byte) int {
	return (nameHead + keptBytes(length) + nameUnit - 1) / nameUnit * nameUnit
}

// numberTogether is how many names are numbered at once: enough for cache misses to overlap, few
// enough for what was touched to stay in the cache.
const numberTogether = 128

// search is the search for one name.
type search struct {
	slot   uint64 // that stands for it; 0: none does
	hash   nameHash
	length byte // of the record
	packed [packedBytes]byte
}

// NumberAll numbers the names in their order: one seen for the first time gets the next number.
// Those of the names go to numbers, which has the same length.
func (n *Names) NumberAll(names []string, numbers []uint32) {
	for len(names) > 0 {
		k := min(len(names), numberTogether)
		n.numberAll(names[:k], numbers[:k])
		names, numbers = names[k:], numbers[k:]
	}
}

// numberAll takes each step of the search for all names before the next step, so that the processor
// waits for many cache misses at the same time instead of for one after the other.
func (n *Names) numberAll(names []string, numbers []uint32) {
	searches := n.searches[:len(names)]
	for i, name := range names {
		n.begin(&searches[i], name)
	}
	n.prefetchSlots(searches)
	for i := range searches {
		searches[i].slot = n.candidate(searches[i].hash)
	}
	n.prefetchRecords(searches)
	for i, name := range names {
		l := &searches[i]
		if l.slot != 0 {
			if r := n.record(l.slot); l.is(r, name) {
				numbers[i] = binary.LittleEndian.Uint32(r)
				continue
			}
		}
		numbers[i] = n.number(l, name)
	}
}

// prefetchSlots prefetches where the searches begin, and what follows there.
func (n *Names) prefetchSlots(searches []search) {
	const follow = 8 // a line of the cache
	var slots [numberTogether]*[follow]uint64
	mask := uint64(len(n.slots) - follow)
	for i := range searches {
		at := uint64(searches[i].hash) & mask
		slots[i] = (*[follow]uint64)(n.slots[at:])
	}
	Prefetch(slots[:len(searches)])
}

// prefetchRecords prefetches the records that the searches have found.
func (n *Names) prefetchRecords(searches []search) {
	var heads [numberTogether]*[nameHead]byte
	found := 0
	for i := range searches {
		if slot := searches[i].slot; slot != 0 {
			heads[found] = (*[nameHead]byte)(n.record(slot))
			found++
		}
	}
	Prefetch(heads[:found])
}

// begin works out what the record of a name looks like, and its hash.
func (n *Names) begin(l *search, name string) {
	if packHex(&l.packed, name) {
		l.length = packedHex
		l.hash = nameHash(maphash.Bytes(n.hasher.seed, l.packed[:]) >> 32)
		return
	}
	l.length = byte(len(name))
	l.hash = nameHash(maphash.String(n.hasher.seed, name) >> 32)
}

// is reports whether the record is that of the name.
func (l *search) is(record []byte, name string) bool {
	switch {
	case record[4] != l.length:
		return false
	case l.length == packedHex:
		return [packedBytes]byte(record[nameHead:]) == l.packed
	}
	return string(record[nameHead:nameHead+len(name)]) == name
}

// record returns the record that a slot stands for, and what follows in its page.
func (n *Names) record(slot uint64) []byte {
	return n.records.Tail(int(uint32(slot)-1) * nameUnit)
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

// number returns the number of the name that is searched for; a new one at first sight. A candidate
// was looked at before, and was another name or none: so the search begins again.
func (n *Names) number(l *search, name string) uint32 {
	mask := uint64(len(n.slots) - 1)
	at := uint64(l.hash) & mask
	for ; n.slots[at] != 0; at = (at + 1) & mask {
		if nameHash(n.slots[at]>>32) != l.hash {
			continue
		}
		if r := n.record(n.slots[at]); l.is(r, name) {
			return binary.LittleEndian.Uint32(r)
		}
	}
	number := uint32(n.n)
	n.slots[at] = uint64(l.hash)<<32 | uint64(n.add(l, name)/nameUnit+1)
	if n.n*4 > len(n.slots)*3 {
		n.grow()
	}
	return number
}

// add adds the record of a name, with the next number, and returns its place. The record has to lie
// in one page, so that it can be handed out as one slice.
func (n *Names) add(l *search, name string) int {
	size := nameHead + len(name)
	if l.length == packedHex {
		size = nameHead + packedBytes
	}
	at := n.records.Extend((size + nameUnit - 1) / nameUnit * nameUnit)
	r := n.records.Tail(at)
	binary.LittleEndian.PutUint32(r, uint32(n.n))
	r[4] = l.length
	if l.length == packedHex {
		*(*[packedBytes]byte)(r[nameHead:]) = l.packed
	} else {
		copy(r[nameHead:], name)
	}
	n.n++
	return at
}

// packHex packs a name of 32 lower-case hexadecimal digits, and reports whether it is one. Half
// of the digits of a random name are letters, which no processor foresees: so nothing branches on
// them. Eight digits at a time are read as if they were digits, and compared with how what was
// read is written.
func packHex(packed *[packedBytes]byte, name string) bool {
	if len(name) != 2*packedBytes {
		return false
	}
	const each = 0x0101010101010101 // a number in each of eight bytes
	wrong := uint64(0)
	for i := 0; i < packedBytes; i += 4 {
		digits := binary.LittleEndian.Uint64([]byte(name[2*i : 2*i+8]))
		values := (digits + digits>>6&each*9) & (each * 0xf)
		letters := (values + each*6) >> 4 & each
		wrong |= digits ^ (values + each*'0' + letters*('a'-'0'-10))
		pairs := (values<<4 | values>>8) & 0x00ff00ff00ff00ff
		pairs = (pairs | pairs>>8) & 0x0000ffff0000ffff
		binary.LittleEndian.PutUint32(packed[i:], uint32(pairs|pairs>>16))
	}
	return wrong == 0
}

// grow doubles the slots. The names themselves are not needed: a slot holds its hash. It costs a
// pass over the slots, and is done when three of four are taken.
func (n *Names) grow() {
	old := n.slots
	n.slots = make([]uint64, 2*len(old))
	const page = 4096 / 8
	for i := 0; i < len(n.slots); i += page {
		n.slots[i] = 0 // or the kernel would map it twice: once to be read, once to be written
	}
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

// index makes the slots for the names that were loaded. It reads all records once, which makes the
// start of a large ledger wait: hence only when names are needed. What does not follow on is
// damage.
func (n *Names) index() error {
	if n.n < 0 || n.n > n.records.Len()/nameMin {
		return fmt.Errorf("%w: %d names in %d bytes", ErrCorrupt, n.n, n.records.Len())
	}
	size := len(n.slots)
	for n.n*4 > size*3 {
		size *= 2
	}
	n.slots = make([]uint64, size)
	for at, found := 0, 0; found < n.n; {
		if at >= n.records.Len() {
			return fmt.Errorf("%w: %d names, not %d", ErrCorrupt, found, n.n)
		}
		r := n.records.Tail(at)
		if len(r) <= nameHead || r[4] == 0 {
			at += len(r)
			continue
		}
		kept := keptBytes(r[4])
		if len(r) < nameHead+kept || binary.LittleEndian.Uint32(r) != uint32(found) {
			return fmt.Errorf("%w: name %d", ErrCorrupt, found)
		}
		hash := maphash.Bytes(n.hasher.seed, r[nameHead:nameHead+kept]) >> 32
		n.place(hash<<32 | uint64(at/nameUnit+1))
		found++
		at += recordBytes(r[4])
	}
	return nil
}

// Store writes what changed. The bucket gets a nested one and a key for the counts. Names may be
// added before the transaction commits. The count of bytes has the unused ends of pages in it.
func (n *Names) Store(b *checked.Bucket) error {
	nested, err := b.CreateBucketIfNotExists([]byte("records"))
	if err != nil {
		return err
	}
	if err := n.records.Store(nested); err != nil {
		return err
	}
	counts := binary.BigEndian.AppendUint64(nil, uint64(n.records.Len()))
	return b.Put([]byte("n"), binary.BigEndian.AppendUint64(counts, uint64(n.n)))
}

// Stored tells that the transaction of the last Store has committed.
func (n *Names) Stored() { n.records.Stored() }

// Load replaces the names by the stored ones. After an error they are of no use.
func (n *Names) Load(b *checked.Bucket) error {
	records := b.Bucket([]byte("records"))
	counts, err := b.Get([]byte("n"))
	if err != nil {
		return err
	}
	if len(counts) != 16 || records == nil {
		return ErrCorrupt
	}
	if err := n.records.Load(records, int(binary.BigEndian.Uint64(counts))); err != nil {
		return err
	}
	n.n = int(binary.BigEndian.Uint64(counts[8:]))
	n.places, n.indexed = nil, 0
	return n.index()
}
