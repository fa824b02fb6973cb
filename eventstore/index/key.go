package index

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"

	"cakupan/domain/event"
	"cakupan/eventstore"
)

// Key stands for the source and id of an event: the first 16 bytes of a SHA-256.
type Key [16]byte

// Digest stands for what an event says: equal digests, equal type and data.
type Digest [16]byte

// Entry is what the index knows of one event.
type Entry struct {
	Key      Key
	Sequence eventstore.Sequence
	Digest   Digest
}

// KeyOf returns the key for a source and id. 128 bits are enough never to meet two that share
// one by accident, and even finding such a pair on purpose takes 2^64 attempts.
func KeyOf(key event.Key) Key {
	var stack [512]byte // nearly all keys are shorter: no allocation
	// The length keeps ("a", "bc") and ("ab", "c") apart.
	buf := binary.BigEndian.AppendUint32(stack[:0], uint32(len(key.Source)))
	buf = append(buf, key.Source...)
	buf = append(buf, key.ID...)
	sum := sha256.Sum256(buf)
	return Key(sum[:len(Key{})])
}

// prefix returns the first 64 bits, by which runs and tables place a key.
func (k *Key) prefix() uint64 { return binary.BigEndian.Uint64(k[:8]) }

// suffix returns the last 64 bits, which are independent of the first.
func (k *Key) suffix() uint64 { return binary.BigEndian.Uint64(k[8:]) }

// compare orders entries as in a run: by key. The sequence only matters for a log that holds a
// key twice, which no writer of ours makes; then the first event is found first.
func compare(a, b *Entry) int {
	if c := cmp.Compare(a.Key.prefix(), b.Key.prefix()); c != 0 {
		return c
	}
	if c := bytes.Compare(a.Key[:], b.Key[:]); c != 0 {
		return c
	}
	return cmp.Compare(a.Sequence, b.Sequence)
}

// entrySize is the size of an entry in a run: key, sequence (big-endian), digest.
const entrySize = 40

// appendEntry appends the bytes of an entry as a run holds them: the key first, big-endian, so that
// bytes compare as entries do.
func appendEntry(dst []byte, e *Entry) []byte {
	dst = append(dst, e.Key[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Sequence))
	return append(dst, e.Digest[:]...)
}

// decodeEntry decodes the entry at the front of b, which holds at least entrySize bytes.
func decodeEntry(b []byte) (e Entry) {
	_ = b[entrySize-1]
	copy(e.Key[:], b)
	e.Sequence = eventstore.Sequence(binary.BigEndian.Uint64(b[16:]))
	copy(e.Digest[:], b[24:])
	return e
}
