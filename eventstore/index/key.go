package index

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"

	"cakupan/domain/event"
	"cakupan/eventstore"
)

// Key stands for what an entry is found by.
type Key [16]byte

// Digest stands for what an event says: equal digests, equal type and data.
type Digest [16]byte

// Entry is what the index knows of one event.
type Entry struct {
	Key      Key
	Sequence eventstore.Sequence
	Digest   Digest
}

// KeyOf returns the key for a source and id: the first 12 bytes of a SHA-256, and zeros. 96 bits
// are enough never to meet two that share one by accident. Who wants two of his own to share one,
// of which the second will be refused, needs 2^48 attempts; for that of somebody else, 2^96.
func KeyOf(key event.Key) Key {
	var stack [512]byte // nearly all keys are shorter: no allocation
	// The length keeps ("a", "bc") and ("ab", "c") apart.
	buf := binary.BigEndian.AppendUint32(stack[:0], uint32(len(key.Source)))
	buf = append(buf, key.Source...)
	buf = append(buf, key.ID...)
	sum := sha256.Sum256(buf)
	clear(sum[shortKey:])
	return Key(sum[:len(Key{})])
}

// prefix returns the first 64 bits, by which runs and tables place a key.
func (k *Key) prefix() uint64 { return binary.BigEndian.Uint64(k[:8]) }

// suffix returns 64 bits of which none decides where a run or a table places the key.
func (k *Key) suffix() uint64 { return binary.BigEndian.Uint64(k[4:]) }

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
