// Package seal keeps bytes that may hold a NIK unreadable wherever they are stored for a while:
// messages that wait for the log, and those that were refused. It seals with AES-256-GCM under a
// key in a file of its own; whoever has the stored bytes without the key has nothing.
//
// What is sealed begins with a header that is authenticated with the rest:
//
//	bytes  what
//	    4  "CKS" and the version of the format, 1
//	    4  which key: the beginning of its SHA-256
//	   16  salt, from which and the key the key of these bytes is derived (HKDF-SHA256)
//	   12  nonce
//
// and ends with GCM's tag of 16 bytes. The salt is new at each start and after 2^30 pieces, so
// that random nonces never come near their limit of 2^32 under one key, however long a ledger runs.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"sync"

	"cakupan/eventstore/keyfile"
)

const (
	magic     = "CKS\x01" // its last byte is the version
	idSize    = 4
	saltSize  = 16
	headSize  = len(magic) + idSize + saltSize
	gcmExtra  = 12 + 16 // nonce and tag
	perSalt   = 1 << 30
	saltsKept = 64 // derived keys that are kept for opening: each start of the ledger has one

	// Overhead is how many bytes sealing adds.
	Overhead = headSize + gcmExtra
)

// Errors of Open.
var (
	// ErrNotSealed is returned for bytes that this package did not make, or that were changed.
	ErrNotSealed = errors.New("sealed bytes are damaged")
	// ErrOtherKey is returned for what another key sealed.
	ErrOtherKey = errors.New("sealed with another key")
	// ErrNewerFormat is returned for what a newer version of this program sealed.
	ErrNewerFormat = errors.New("sealed in a newer format")
)

// Sealer seals and opens with one key. It is safe for concurrent use.
type Sealer struct {
	key []byte
	id  [idSize]byte

	mu     sync.Mutex // guards what follows
	salt   [saltSize]byte
	used   int // pieces sealed under salt
	opened map[[saltSize]byte]cipher.AEAD
}

// New returns a sealer of a key of 32 bytes, which it keeps.
func New(key []byte) (*Sealer, error) {
	if len(key) != keyfile.Size {
		return nil, fmt.Errorf("%w: %d bytes instead of %d",
			keyfile.ErrInvalid, len(key), keyfile.Size)
	}
	s := &Sealer{key: key, used: perSalt, opened: map[[saltSize]byte]cipher.AEAD{}}
	sum := sha256.Sum256(key)
	copy(s.id[:], sum[:])
	return s, nil
}

// Seal appends plain, sealed, to dst. What it is for, such as the name of where it is stored, must
// be said again to open it: bytes cannot be moved to another place.
func (s *Sealer) Seal(dst, plain []byte, purpose string) ([]byte, error) {
	salt, aead, err := s.forSealing()
	if err != nil {
		return dst, err
	}
	head := s.head(salt)
	dst = append(dst, head...)
	return aead.Seal(dst, nil, plain, append(head, purpose...)), nil
}

// head returns what stands before the sealed bytes, with room behind it for a purpose. All of it is
// authenticated.
func (s *Sealer) head(salt [saltSize]byte) []byte {
	head := make([]byte, 0, headSize+32)
	head = append(head, magic...)
	head = append(head, s.id[:]...)
	return append(head, salt[:]...)
}

// Of tells whether it seals with a key.
func (s *Sealer) Of(key []byte) bool { return subtle.ConstantTimeCompare(s.key, key) == 1 }

// Sealed tells whether the bytes say that they were sealed with this key.
func (s *Sealer) Sealed(sealed []byte) bool {
	id, err := KeyOf(sealed)
	return err == nil && id == s.id
}

// Open returns what was sealed for the purpose. The error is ErrNotSealed, ErrOtherKey or
// ErrNewerFormat, wrapped.
func (s *Sealer) Open(sealed []byte, purpose string) ([]byte, error) {
	switch id, err := KeyOf(sealed); {
	case err != nil:
		return nil, err
	case id != s.id:
		return nil, fmt.Errorf("open: %w", ErrOtherKey)
	}
	aead, err := s.forOpening([saltSize]byte(sealed[headSize-saltSize : headSize]))
	if err != nil {
		return nil, err
	}
	context := append(bytes.Clone(sealed[:headSize]), purpose...)
	plain, err := aead.Open(nil, nil, sealed[headSize:], context)
	if err != nil {
		return nil, fmt.Errorf("open: %w", ErrNotSealed)
	}
	return plain, nil
}

// KeyOf tells which key sealed bytes were sealed with, by the beginning of its SHA-256; it needs
// no key. The error is ErrNotSealed or ErrNewerFormat, wrapped.
func KeyOf(sealed []byte) (id [idSize]byte, err error) {
	if len(sealed) < Overhead || !bytes.HasPrefix(sealed, []byte(magic[:3])) {
		return id, fmt.Errorf("open %d bytes: %w", len(sealed), ErrNotSealed)
	}
	if sealed[3] != magic[3] {
		return id, fmt.Errorf("open version %d: %w", sealed[3], ErrNewerFormat)
	}
	return [idSize]byte(sealed[len(magic):]), nil
}

// forSealing returns the salt of the present and its cipher.
func (s *Sealer) forSealing() ([saltSize]byte, cipher.AEAD, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used >= perSalt {
		_, _ = rand.Read(s.salt[:]) // never fails: see crypto/rand
		s.used = 0
	}
	s.used++
	aead, err := s.cipher(s.salt)
	return s.salt, aead, err
}

// forOpening returns the cipher of a salt.
func (s *Sealer) forOpening(salt [saltSize]byte) (cipher.AEAD, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cipher(salt)
}

// cipher returns the cipher of a salt. s.mu is held.
func (s *Sealer) cipher(salt [saltSize]byte) (cipher.AEAD, error) {
	if aead := s.opened[salt]; aead != nil {
		return aead, nil
	}
	key, err := hkdf.Key(sha256.New, s.key, salt[:], "cakupan seal", keyfile.Size)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	if len(s.opened) >= saltsKept {
		clear(s.opened)
	}
	s.opened[salt] = aead
	return aead, nil
}
