package lists

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"hash"
)

// KeySize is the length of a list key: see [List.Events]. It is in bytes.
const KeySize = 32

const (
	// derivedPrefix begins the name of an enrolment that is named by its NIK. Nobody else may use
	// it for a number of an enrolment: see parseID.
	derivedPrefix = "nik-"
	idBytes       = 16 // of the keyed hash
)

// idAlphabet is lower case alone, as ids are compared byte by byte and people read them out. Its 32
// letters are those of RFC 4648. No dot is among them: package whole puts one behind an id.
const idAlphabet = "abcdefghijklmnopqrstuvwxyz234567"

var idEncoding = base32.NewEncoding(idAlphabet).WithPadding(base32.NoPadding)

// ids computes keyed hashes as ids. It belongs to one goroutine.
type ids struct {
	mac hash.Hash
	sum [sha256.Size]byte
}

// newIDs returns the hashes of a ledger: with another key, all ids of a list would be others.
func newIDs(key [KeySize]byte) *ids { return &ids{mac: hmac.New(sha256.New, key[:])} }

// append appends the id of some texts to dst. A byte that no text has stands between them. The sum
// stays in d.sum until the next call: see Reader.twice, which takes more bits of it. The id has 26
// characters: 128 bits, so that no two of a ledger's events ever meet by chance.
func (d *ids) append(dst []byte, texts ...[]byte) []byte {
	d.mac.Reset()
	for i, text := range texts {
		if i > 0 {
			_, _ = d.mac.Write([]byte{0}) // never fails: see hash.Hash
		}
		_, _ = d.mac.Write(text)
	}
	sum := d.mac.Sum(d.sum[:0])
	return idEncoding.AppendEncode(dst, sum[:idBytes])
}
