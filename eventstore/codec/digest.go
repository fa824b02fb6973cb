package codec

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"

	"cakupan/domain/event"
)

// DigestBytes is the length of a [Digest].
const DigestBytes = 16

// Digest returns what two events with the same key must share to be the same fact: the
// first 16 bytes of the SHA-256 of type and data of an event's bytes, as [Append] wrote them.
//
// Programmes are a set, so it sees each once and in the order of their numbers, however they were
// sent and are stored. Of every other event the digest is over the stored bytes as they are.
func Digest(b []byte) ([DigestBytes]byte, error) {
	var digest [DigestBytes]byte
	var buffer [512]byte
	content := buffer[:0]
	s := alias(b)
	for i := 0; i < len(s); {
		f, v, text, next := readField(s, i)
		if next < 0 {
			return digest, fmt.Errorf("digest event: %w", ErrMalformed)
		}
		i = next
		switch f {
		case numberType<<3 | wireVarint:
			content = binary.AppendUvarint(content, v)
		case numberData<<3 | wireBytes:
			var ok bool
			if content, ok = appendContent(content, text); !ok {
				return digest, fmt.Errorf("digest event: %w", ErrMalformed)
			}
		}
	}
	sum := sha256.Sum256(content)
	copy(digest[:], sum[:])
	return digest, nil
}

// appendContent appends the message Data as the digest sees it: all as it is, but for the lists of
// programmes, which are in order. It returns false for a list that is damaged.
func appendContent(content []byte, data string) ([]byte, bool) {
	copied := 0 // how much of data is in content
	for i := 0; i < len(data); {
		f, _, text, next := readField(data, i)
		if next < 0 {
			return nil, false
		}
		if f == field(event.FieldProgrammes)<<3|wireBytes {
			set, inOrder, ok := programmeSet(text)
			if !ok {
				return nil, false
			}
			if !inOrder {
				content = append(content, data[copied:i]...)
				content = appendSet(content, set)
				copied = next
			}
		}
		i = next
	}
	return append(content, data[copied:]...), true
}

// programmeSet reads a packed list. It tells whether each programme comes once and in order.
func programmeSet(packed string) (set uint64, inOrder, ok bool) {
	inOrder = true
	for i := 0; i < len(packed); {
		v, next := readVarint(packed, i)
		number := uint32(v) // as Decode reads it
		if next < 0 || number-1 >= uint32(event.JKP) {
			return 0, false, false
		}
		inOrder = inOrder && set>>number == 0
		set |= 1 << number
		i = next
	}
	return set, inOrder, true
}

// appendSet appends the packed list of a set in order.
func appendSet(dst []byte, set uint64) []byte {
	dst, start := open(dst, int(event.FieldProgrammes))
	for ; set != 0; set &= set - 1 {
		dst = append(dst, byte(bits.TrailingZeros64(set)))
	}
	return closeAt(dst, start)
}
