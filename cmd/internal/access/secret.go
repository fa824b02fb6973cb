package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// secretPrefix begins every secret, so that a program that looks for lost secrets knows one.
const secretPrefix = "ckp_"

// secretBytes is how much of a secret is random.
const secretBytes = 32

// secretText is how long a secret is as it is shown: the prefix, and base64url without padding.
var secretText = len(secretPrefix) + base64.RawURLEncoding.EncodedLen(secretBytes)

// newSecret makes a secret.
func newSecret() string {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // ends the program rather than fail
	return secretPrefix + base64.RawURLEncoding.EncodeToString(b[:])
}

// digest is the SHA-256 of a secret.
type digest [sha256.Size]byte

// digestOf returns the digest of a secret, and whether the text looks like one at all; what does
// not is nobody's. A text of another length is not hashed: nobody makes the ledger hash megabytes.
func digestOf(secret string) (key digest, sound bool) {
	if len(secret) != secretText || !strings.HasPrefix(secret, secretPrefix) {
		return digest{}, false
	}
	return sha256.Sum256([]byte(secret)), true
}

// equal compares in a time that does not depend on the digests.
func (d digest) equal(other digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }

// digestPrefix says by which hash a digest was made. With it another hash could be taken one day
// without guessing which of them made an old entry.
const digestPrefix = "sha256:"

// String returns the digest as the register holds it.
func (d digest) String() string { return digestPrefix + hex.EncodeToString(d[:]) }

// parseDigest reads what String writes.
func parseDigest(text string) (d digest, err error) {
	rest, known := strings.CutPrefix(text, digestPrefix)
	if !known || len(rest) != 2*len(d) {
		return d, fmt.Errorf("is no %s and %d hexadecimal digits", digestPrefix, 2*len(d))
	}
	if _, err := hex.Decode(d[:], []byte(rest)); err != nil {
		return d, fmt.Errorf("is no %s and %d hexadecimal digits", digestPrefix, 2*len(d))
	}
	return d, nil
}
