package pages

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// nameCoding packs pages of names: of most names only the end differs from the name before, it is
// of few characters, and of the numbers in a page each is one more than that before.
//
// Packed, little endian: number of the first name (4); how many names (2); how many characters
// there are, less one, and these (1 each); bits from the lowest of each byte on; eight zeros. The
// bits are of each name: 1 if its head is another than that of the name before, and then the head:
// the length byte of its record, how many bytes it has in common with the name before (8 each).
// Then the bytes behind those, of a name in hexadecimal digits as they are (8 each), of any other
// the places of the characters, in as many bits as the last place has.
type nameCoding struct{}

const (
	namesHead   = 7
	nameHeadMax = 1 + 8 + 8 // bits
)

// nameLike says how a name is told from the one before.
type nameLike struct {
	length byte // of the record
	same   int  // bytes at the beginning
}

// packedName is a name of a page.
type packedName struct {
	nameLike
	rest []byte
}

// namesIn returns the names of a page.
func namesIn(page []byte) (names []packedName) {
	var before []byte
	for len(page) > nameHead && page[nameHead-1] != 0 {
		length := page[nameHead-1]
		text := page[nameHead : nameHead+keptBytes(length)]
		same := 0
		for same < min(len(text), len(before)) && text[same] == before[same] {
			same++
		}
		names = append(names, packedName{nameLike{length, same}, text[same:]})
		page, before = page[recordBytes(length):], text
	}
	return names
}

// characters returns those that the names have, and the place of each among them.
func characters(names []packedName) (all []byte, place [256]byte) {
	var there [256]bool
	for i := range names {
		if names[i].length == packedHex {
			continue
		}
		for _, c := range names[i].rest {
			there[c] = true
		}
	}
	for c, is := range there {
		if is {
			place[c] = byte(len(all))
			all = append(all, byte(c))
		}
	}
	if len(all) == 0 {
		all = append(all, 0) // there is one at least
	}
	return all, place
}

func (nameCoding) pack(page []byte, used int) []byte {
	if used <= nameHead {
		return []byte{}
	}
	names := namesIn(page[:used])
	all, place := characters(names)
	packed := make([]byte, 0, used)
	packed = append(packed, page[:nameHead-1]...)
	packed = binary.LittleEndian.AppendUint16(packed, uint16(len(names)))
	packed = append(append(packed, byte(len(all)-1)), all...)
	width := uint(bits.Len(uint(len(all) - 1)))
	var b bitWriter
	var before nameLike
	for i := range names {
		name := &names[i]
		if name.nameLike == before {
			packed = b.append(packed, 0, 1)
		} else {
			before = name.nameLike
			packed = b.append(packed, 1|uint64(name.length)<<1|uint64(name.same)<<9, nameHeadMax)
		}
		for _, c := range name.rest {
			if name.length == packedHex {
				packed = b.append(packed, uint64(c), 8)
			} else {
				packed = b.append(packed, uint64(place[c]), width)
			}
		}
	}
	return append(b.end(packed), make([]byte, wordsPad)...)
}

func (nameCoding) unpack(page, packed []byte, used int) error {
	if used <= nameHead {
		return nil
	}
	if len(packed) < namesHead {
		return errNames
	}
	number, n := binary.LittleEndian.Uint32(packed), int(binary.LittleEndian.Uint16(packed[4:]))
	characters := int(packed[6]) + 1
	if len(packed) < namesHead+characters+wordsPad {
		return errNames
	}
	u := unpacking{
		page: page[:used], number: number,
		characters: packed[namesHead : namesHead+characters],
		bits:       bitReader{packed: packed[namesHead+characters:]},
	}
	for range n {
		if len(u.page) <= nameHead {
			return nil // a page may hold more than is used
		}
		if !u.next() {
			return errNames
		}
	}
	return nil
}

// unpacking is a page of names that is being unpacked.
type unpacking struct {
	page       []byte // what is to be filled in
	number     uint32 // of the next name
	characters []byte
	bits       bitReader

	like   nameLike
	before []byte
}

// next unpacks the next name, and reports whether there is one.
func (u *unpacking) next() bool {
	if u.bits.take(1) != 0 {
		head := u.bits.take(nameHeadMax - 1)
		u.like = nameLike{byte(head), int(head >> 8)}
	}
	kept := keptBytes(u.like.length)
	rest := kept - u.like.same
	if u.like.length == 0 || u.like.same > len(u.before) || rest < 0 ||
		recordBytes(u.like.length) > len(u.page) {
		return false
	}
	text := u.page[nameHead : nameHead+kept]
	copy(text, u.before[:u.like.same])
	if !u.rest(text[u.like.same:]) {
		return false
	}
	binary.LittleEndian.PutUint32(u.page, u.number)
	u.page[nameHead-1] = u.like.length
	u.page, u.before = u.page[recordBytes(u.like.length):], text
	u.number++
	return true
}

// rest fills in the bytes of a name that it has not in common with the name before.
func (u *unpacking) rest(text []byte) bool {
	if u.like.length == packedHex {
		for i := range text {
			text[i] = byte(u.bits.take(8))
		}
		return u.bits.left()
	}
	width := uint(bits.Len(uint(len(u.characters) - 1)))
	for i := range text {
		at := int(u.bits.take(width))
		if at >= len(u.characters) {
			return false
		}
		text[i] = u.characters[at]
	}
	return u.bits.left()
}

// bitReader takes bits as [bitWriter] wrote them. Behind them are eight bytes more.
type bitReader struct {
	packed []byte
	at     uint // bits
}

// take returns the next bits, 57 at most; zeros when there are none any more.
func (b *bitReader) take(width uint) uint64 {
	from := b.at >> 3
	if from+8 > uint(len(b.packed)) {
		b.at = 8 * uint(len(b.packed))
		return 0
	}
	value := binary.LittleEndian.Uint64(b.packed[from:]) >> (b.at & 7) & (1<<width - 1)
	b.at += width
	return value
}

// left reports whether all bits that were taken were there.
func (b *bitReader) left() bool { return b.at <= 8*uint(len(b.packed)-wordsPad) }

var errNames = fmt.Errorf("%w: a page of names", ErrCorrupt)

// keptBytes returns how many bytes a name has in its record whose length byte is given.
func keptBytes(length byte) int {
	if length == packedHex {
		return packedBytes
	}
	return int(length)
}
