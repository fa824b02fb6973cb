package checkpoint

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
)

// Witness cosigns checkpoints of others.
type Witness struct{ signer *torchwood.CosignatureSigner }

// NewWitness returns the witness of a name and the seed of its key.
func NewWitness(name string, seed []byte) (*Witness, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%w: a seed of %d bytes", ErrKey, len(seed))
	}
	signer, err := torchwood.NewCosignatureSigner(name, ed25519.NewKeyFromSeed(seed))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return &Witness{signer}, nil
}

// Key returns the public key, as [WitnessVerifier] takes it.
func (w *Witness) Key() string { return w.signer.Verifier().String() }

// Cosign returns a checkpoint with the witness's cosignature. Who calls it has checked that the
// tree goes on from all that the witness has cosigned before.
func (w *Witness) Cosign(signed []byte, v note.Verifier) ([]byte, error) {
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsigned, err)
	}
	n.UnverifiedSigs = nil // other witnesses': they send their own
	cosigned, err := note.Sign(n, w.signer)
	if err != nil {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	return cosigned, nil
}

// WitnessVerifier returns what checks cosignatures of a witness's public key.
func WitnessVerifier(key string) (note.Verifier, error) {
	v, err := torchwood.NewCosignatureVerifier(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return v, nil
}

// Cosignature is what a witness has said of a checkpoint.
type Cosignature struct {
	Witness string    `json:"witness"`
	At      time.Time `json:"at"` // by the witness's clock
	line    string
}

// Cosignatures returns those of a checkpoint by witnesses with one of the keys, in their order.
func Cosignatures(signed []byte, witnesses []note.Verifier) (found []Cosignature) {
	n, err := note.Open(signed, note.VerifierList(witnesses...))
	if err != nil {
		return nil
	}
	for _, sig := range n.Sigs {
		at, err := torchwood.CosignatureTimestamp(sig)
		if err != nil {
			continue
		}
		found = append(found, Cosignature{
			Witness: sig.Name, At: time.Unix(at, 0).UTC(),
			line: "— " + sig.Name + " " + sig.Base64 + "\n",
		})
	}
	return found
}

// Merge adds to a checkpoint the cosignatures by known witnesses of another note with the same
// text, and reports how many of them are new. One of a witness that is there already takes its
// place.
func Merge(signed, cosigned []byte, witnesses []note.Verifier,
) (merged []byte, added int, err error) {
	text, signatures, found := strings.Cut(string(signed), "\n\n")
	other, _, _ := strings.Cut(string(cosigned), "\n\n")
	if !found || text != other {
		return nil, 0, errOtherText
	}
	for _, c := range Cosignatures(cosigned, witnesses) {
		kept := &bytes.Buffer{}
		for line := range strings.Lines(signatures) {
			if line == c.line {
				added-- // it is there already
			}
			if !strings.HasPrefix(line, c.line[:strings.LastIndex(c.line, " ")+1]) {
				kept.WriteString(line)
			}
		}
		kept.WriteString(c.line)
		signatures = kept.String()
		added++
	}
	return []byte(text + "\n\n" + signatures), added, nil
}

// errOtherText is of a cosignature of another checkpoint.
var errOtherText = errors.New("this is another checkpoint")

// OtherSigners returns the names of whose signatures a note carries that none of the keys checks.
func OtherSigners(signed []byte, known []note.Verifier) []string {
	others := []string{}
	n, err := note.Open(signed, note.VerifierList(known...))
	if err != nil {
		return others
	}
	for _, sig := range n.UnverifiedSigs {
		others = append(others, sig.Name)
	}
	return others
}
