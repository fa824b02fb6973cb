package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"cakupan/cmd/internal/access/register"
)

// secretPrefix begins every secret, so that a program that looks for lost secrets knows one.
const secretPrefix = "ckp_"

// secretBytes is how much of a secret is random.
const secretBytes = 32

// secretText is how long a secret is as it is shown: the prefix, and base64url without padding.
var secretText = len(secretPrefix) + base64.RawURLEncoding.EncodedLen(secretBytes)

// newSecret makes a secret. The secret is given to who asked for it and kept by nobody.
func newSecret() (secret string, digest register.Digest) {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // ends the program rather than fail
	secret = secretPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	return secret, sha256.Sum256([]byte(secret))
}

// digestOf returns the digest of a secret, and whether the text looks like one at all; what does
// not is nobody's. A text of another length is not hashed: nobody makes the ledger hash megabytes.
func digestOf(secret string) (digest register.Digest, sound bool) {
	if len(secret) != secretText || !strings.HasPrefix(secret, secretPrefix) {
		return register.Digest{}, false
	}
	return sha256.Sum256([]byte(secret)), true
}
