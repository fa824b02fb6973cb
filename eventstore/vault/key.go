package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"

	"cakupan/eventstore/vault/older"
)

const (
	fileMode = 0o600
	dirMode  = 0o700
)

// handle is what the vault knows a NIK by: the first 128 bits of its keyed hash. Two of 150
// million share one with a probability of 2^-75.
type handle = older.Handle

// id is a worker id: 128 random bits. It has 32 hexadecimal digits in events.
type id = older.ID

// hasher computes handles. It may be used concurrently.
type hasher struct{ pool sync.Pool }

// newHasher keeps prepared HMACs: setting one up costs as much as the hash itself. secret is the
// vault's, and is not kept elsewhere.
func newHasher(secret []byte) *hasher {
	return &hasher{pool: sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}}
}

// handle returns what a NIK is known by.
func (h *hasher) handle(nik string) (handle handle) {
	mac := h.sum(nik)
	copy(handle[:], mac[:])
	return handle
}

// sum returns the keyed hash of a text. The text is not kept.
func (h *hasher) sum(text string) (sum [sha256.Size]byte) {
	mac := h.pool.Get().(hash.Hash)
	mac.Reset()
	_, _ = mac.Write([]byte(text)) // never fails: see hash.Hash
	mac.Sum(sum[:0])
	h.pool.Put(mac)
	return sum
}
