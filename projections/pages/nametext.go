package pages

import (
	"encoding/binary"
	"fmt"
)

// nameCoding packs pages of names: of most names only the end differs from the name before, and of
// the numbers in a page each is one more than that before.
//
// Packed: number of the first name, little endian (4); per name the length byte of its record, how
// many bytes it has in common with the name before (1), and the others.
type nameCoding struct{}

const packedNameHead = 2

func (nameCoding) pack(page []byte, used int) []byte {
	packed := make([]byte, 0, used)
	page = page[:used]
	if used > nameHead {
		packed = append(packed, page[:nameHead-1]...)
	}
	var before []byte
	for len(page) > nameHead && page[nameHead-1] != 0 {
		length := page[nameHead-1]
		text := page[nameHead : nameHead+keptBytes(length)]
		same := 0
		for same < min(len(text), len(before)) && text[same] == before[same] {
			same++
		}
		packed = append(packed, length, byte(same))
		packed = append(packed, text[same:]...)
		page, before = page[recordBytes(length):], text
	}
	return packed
}

func (nameCoding) unpack(page, packed []byte, used int) error {
	if used <= nameHead {
		return nil
	}
	page = page[:used]
	if len(packed) < nameHead-1 {
		return errNames
	}
	number := binary.LittleEndian.Uint32(packed)
	var before []byte
	for packed = packed[nameHead-1:]; len(packed) > 0 && len(page) > nameHead; number++ {
		if len(packed) < packedNameHead {
			return errNames
		}
		length, same := packed[0], int(packed[1])
		rest := keptBytes(length) - same
		packed = packed[packedNameHead:]
		if length == 0 || same > len(before) || rest < 0 || rest > len(packed) ||
			recordBytes(length) > len(page) {
			return errNames
		}
		binary.LittleEndian.PutUint32(page, number)
		page[nameHead-1] = length
		text := page[nameHead : nameHead+same+rest]
		copy(text, before[:same])
		copy(text[same:], packed[:rest])
		packed, page, before = packed[rest:], page[recordBytes(length):], text
	}
	return nil
}

var errNames = fmt.Errorf("%w: a page of names", ErrCorrupt)

// keptBytes returns how many bytes a name has in its record whose length byte is given.
func keptBytes(length byte) int {
	if length == packedHex {
		return packedBytes
	}
	return int(length)
}
