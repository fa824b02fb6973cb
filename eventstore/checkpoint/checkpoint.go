// Package checkpoint signs what the log says of itself, and reads what was signed: heads of its
// tree (C2SP tlog-checkpoint), witnesses' cosignatures of them (tlog-cosignature), and statements
// about it. The notes are those of golang.org/x/mod/sumdb/note.
//
// The key is 32 bytes of a keyfile, the seed of Ed25519. Its name, which is the origin of the
// checkpoints too, is made of the ledger's identity: heads of two ledgers cannot be mixed up.
package checkpoint

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Errors of reading what was signed.
var (
	// ErrKey is returned for a text that is no public key.
	ErrKey = errors.New("no public key of a ledger or witness")
	// ErrUnsigned is returned for a note that does not carry a true signature of the key.
	ErrUnsigned = errors.New("not signed with this key")
	// ErrMalformed is returned for what is signed and not understood.
	ErrMalformed = errors.New("signed, but not of this form")
)

// algorithmEd25519 is that of a key of C2SP signed-note.
const algorithmEd25519 = 1

// originPrefix begins the name of a ledger's key.
const originPrefix = "cakupan/"

// Origin returns the origin of a ledger's checkpoints, by the ledger's number.
func Origin(ledger string) string { return originPrefix + ledger }

// LedgerOf returns the ledger's number of an origin.
func LedgerOf(origin string) (ledger string, ok bool) {
	return strings.CutPrefix(origin, originPrefix)
}

// Signer signs for one ledger.
type Signer struct {
	signer note.Signer
	key    string
}

// NewSigner returns the signer of a ledger's number and the seed of its key.
func NewSigner(ledger string, seed []byte) (*Signer, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%w: a seed of %d bytes", ErrKey, len(seed))
	}
	name := Origin(ledger)
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	key, err := note.NewEd25519VerifierKey(name, public)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	hash := strings.Split(key, "+")[1]
	encoded := base64.StdEncoding.EncodeToString(append([]byte{algorithmEd25519}, seed...))
	signer, err := note.NewSigner("PRIVATE+KEY+" + name + "+" + hash + "+" + encoded)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return &Signer{signer: signer, key: key}, nil
}

// Key returns the public key, as [Open] takes it: "cakupan/LEDGER+HASH+KEY".
func (s *Signer) Key() string { return s.key }

// Origin returns the origin of the checkpoints.
func (s *Signer) Origin() string { return s.signer.Name() }

// Sign signs the head of a tree. The same head gives the same bytes.
func (s *Signer) Sign(tree tlog.Tree) ([]byte, error) {
	return s.SignText(torchwood.Checkpoint{Origin: s.Origin(), Tree: tree}.String())
}

// SignText signs a text of whole lines. One that is not a checkpoint must not read like one.
func (s *Signer) SignText(text string) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: text}, s.signer)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return signed, nil
}

// Verifier returns what checks signatures of a ledger's public key.
func Verifier(key string) (note.Verifier, error) {
	v, err := note.NewVerifier(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return v, nil
}

// OpenText returns the text of a note that the key has signed.
func OpenText(signed []byte, v note.Verifier) (string, error) {
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnsigned, err)
	}
	return n.Text, nil
}

// Open returns the head that a checkpoint of the key's ledger tells. Other signatures are not
// looked at.
func Open(signed []byte, v note.Verifier) (tlog.Tree, error) {
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(v.Name()),
		torchwood.SingleVerifierPolicy(v))
	c, _, err := torchwood.VerifyCheckpoint(signed, policy)
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unverified):
		return tlog.Tree{}, fmt.Errorf("%w: %w", ErrUnsigned, err)
	case err != nil:
		return tlog.Tree{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return c.Tree, nil
}
