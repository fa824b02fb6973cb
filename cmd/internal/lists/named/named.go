// Package named makes the ids of the events of lists, and the names of enrolments that a list gives
// no number, by keyed hashes: the same rows have the same, and nobody without the key can tell
// whose they are.
//
// Package lists makes them of rows, package matched of rows that were sent, by other keys. The
// hashes are persisted, in the log: no byte of what they are of may ever change.
package named

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"hash"
)

// KeySize is the length of a key, in bytes.
const KeySize = 32

// Key is a key of lists. Who has it can try which NIK a name or an id belongs to.
type Key = [KeySize]byte

const (
	// Prefix begins the name of an enrolment that is named by its NIK. Nobody else may use it for a
	// number of an enrolment.
	Prefix  = "nik-"
	idBytes = 16 // of the keyed hash
)

// idAlphabet is lower case alone, as ids are compared byte by byte and people read them out. Its 32
// letters are those of RFC 4648. No dot is among them: package whole puts one behind an id.
const idAlphabet = "abcdefghijklmnopqrstuvwxyz234567"

var idEncoding = base32.NewEncoding(idAlphabet).WithPadding(base32.NoPadding)

// Scope returns what the id of an event is of, beside its data: the id of its list, and the full
// name of its type.
func Scope(list, kind string) []byte { return []byte("event\x00" + list + "\x00" + kind) }

// Hashes computes keyed hashes as ids. It belongs to one goroutine.
type Hashes struct {
	// Sum is all of the last hash, until the next one.
	Sum [sha256.Size]byte
	mac hash.Hash
}

// New returns the hashes of a key: with another one, all ids of a list would be others.
func New(key Key) *Hashes { return &Hashes{mac: hmac.New(sha256.New, key[:])} }

// AppendID appends the id of the event of a row: of its scope and the bytes of its data.
func (h *Hashes) AppendID(dst, scope, data []byte) []byte { return h.append(dst, scope, data) }

// AppendName appends the name of an enrolment that is named by its NIK, which is also what a row
// about a person is known by.
func (h *Hashes) AppendName(dst, nik []byte) []byte {
	return h.append(append(dst, Prefix...), []byte("enrolment"), nik)
}

// append appends the id of some texts to dst. A byte that no text has stands between them. The id
// has 26 characters: 128 bits, so that no two of a ledger's events ever meet by chance.
func (h *Hashes) append(dst []byte, texts ...[]byte) []byte {
	h.mac.Reset()
	for i, text := range texts {
		if i > 0 {
			_, _ = h.mac.Write([]byte{0}) // never fails: see hash.Hash
		}
		_, _ = h.mac.Write(text)
	}
	sum := h.mac.Sum(h.Sum[:0])
	return idEncoding.AppendEncode(dst, sum[:idBytes])
}
