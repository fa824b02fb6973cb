package index

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math/bits"

	"cakupan/eventstore"
)

// form says how much of an entry runs keep. A short one keeps what tells events apart: 12 bytes of
// the key, of which the others are zeros, and 8 of the digest, encrypted under a secret of the
// folder. That two digests have those in common happens by accident once in 2⁶⁴, and on purpose
// only to who knows the secret: it is made at random, and leaves the folder for nowhere.
type form struct {
	short  bool
	secret [secretSize]byte // of a short one
}

const (
	secretSize  = aes.BlockSize
	shortKey    = 12
	shortDigest = 8
)

// newForm returns the form of a folder that has no runs yet.
func newForm(short bool) (f form, err error) {
	if f.short = short; short {
		_, err = rand.Read(f.secret[:])
	}
	return f, err
}

// cipher returns what encrypts digests; nil: they are kept as they are.
func (f *form) cipher() (cipher.Block, error) {
	if !f.short {
		return nil, nil
	}
	block, err := aes.NewCipher(f.secret[:])
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	return block, nil
}

// Kept returns what the index keeps of a digest: what Add takes in an entry and Lookup finds. Two
// digests are the same if this is.
func (x *Index) Kept(d Digest) (kept Digest) {
	if x.cipher == nil {
		return d
	}
	x.cipher.Encrypt(kept[:], d[:])
	clear(kept[shortDigest:])
	return kept
}

// keySize returns how many bytes a run has of a key.
func (h *header) keySize() int {
	if h.form.short {
		return shortKey
	}
	return len(Key{})
}

// digestSize returns how many bytes a run has of a digest.
func (h *header) digestSize() int {
	if h.form.short {
		return shortDigest
	}
	return len(Digest{})
}

// placeSize returns how many bytes a run has of a sequence, from that of its first event.
func (h *header) placeSize() int { return (bits.Len64(uint64(h.last-h.first)) + 7) / 8 }

// entrySize is the size of an entry in a run: key, place, digest.
func (h *header) entrySize() int { return h.keySize() + h.placeSize() + h.digestSize() }

// appendEntry appends the bytes of an entry as the run holds them, big-endian.
func (h *header) appendEntry(dst []byte, e *Entry) []byte {
	dst = append(dst, e.Key[:h.keySize()]...)
	var place [8]byte
	binary.BigEndian.PutUint64(place[:], uint64(e.Sequence-h.first))
	dst = append(dst, place[8-h.placeSize():]...)
	return append(dst, e.Digest[:h.digestSize()]...)
}

// decodeEntry decodes the entry of which the bytes are b.
func (h *header) decodeEntry(b []byte) (e Entry) {
	key, place := h.keySize(), h.placeSize()
	copy(e.Key[:], b[:key])
	e.Sequence = h.first
	for i, c := range b[key : key+place] {
		e.Sequence += eventstore.Sequence(c) << (8 * (place - 1 - i))
	}
	copy(e.Digest[:], b[key+place:])
	return e
}
