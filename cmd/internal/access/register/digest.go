package register

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"
)

// Digest is the SHA-256 of a secret. Nobody finds the secret by it: that has 32 random bytes. The
// zero value stands for no secret.
type Digest [sha256.Size]byte

// Equal compares in a time that does not depend on the digests.
func (d Digest) Equal(other Digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }

// digestPrefix says by which hash a digest was made. With it another hash could be taken one day
// without guessing which of them made an old one.
const digestPrefix = "sha256:"

// String returns the digest as the register holds it.
func (d Digest) String() string { return digestPrefix + hex.EncodeToString(d[:]) }

// ParseDigest reads what String writes. Capital letters are refused: a digest has one text.
func ParseDigest(text string) (d Digest, err error) {
	rest, known := strings.CutPrefix(text, digestPrefix)
	if !known || len(rest) != 2*len(d) || strings.ToLower(rest) != rest {
		return d, fmt.Errorf("is no %s and %d hexadecimal digits", digestPrefix, 2*len(d))
	}
	if _, err := hex.Decode(d[:], []byte(rest)); err != nil {
		return d, fmt.Errorf("is no %s and %d hexadecimal digits", digestPrefix, 2*len(d))
	}
	return d, nil
}
