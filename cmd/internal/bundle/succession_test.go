package bundle

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"cakupan/domain/region"
	"cakupan/eventstore/checkpoint"
)

// rotate has a book sign with another key, and returns the proof.
func (b *book) rotate(t *testing.T, seed byte) []byte {
	t.Helper()
	successor, err := checkpoint.NewSigner(ledgerNumber, bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	proof, err := checkpoint.Succeed(b.signer, successor)
	if err != nil {
		t.Fatal(err)
	}
	b.signer = successor
	return proof
}

// TestSuccession checks a bundle with the key that the ledger had before, and the one before that: it
// says so in both languages. Without proof, or with another one, nothing is believed.
func TestSuccession(t *testing.T) {
	b := newBook(t)
	m := &maker{Rand: rand.New(rand.NewPCG(3, 4))}
	b.record(t, m.events(120), 10)
	oldest, v, r := b.signer.Key(), b.view(t), region.Code(7503)
	older := write(t, b.source(t, v, r, m.day(), 100))
	var all []byte
	for _, seed := range []byte{8, 9} {
		all = checkpoint.AppendSuccession(all, b.rotate(t, seed))
	}
	l := b.source(t, v, r, m.day(), 100)
	unproved := write(t, l)
	l.Successions = all
	proved := write(t, l)
	is, err := Check(t.Context(), proved, Keys{Ledger: oldest})
	if err != nil || is.Key != oldest || is.Successor != b.signer.Key() {
		t.Fatalf("%+v, %v", is, err)
	}
	for _, indonesian := range []bool{true, false} {
		words, err := Words(is, indonesian)
		if err != nil || !strings.Contains(words, is.Successor) || !strings.Contains(words, oldest) {
			t.Errorf("%s, %v", words, err)
		}
	}
	if is, err := b.check(proved); err != nil || is.Successor != "" {
		t.Errorf("with the key of now: %+v, %v", is, err)
	}
	if _, err := Check(t.Context(), older, Keys{Ledger: oldest}); err != nil {
		t.Errorf("a bundle of before: %v", err)
	}
	forged := bytes.Replace(proved, []byte(" succession v1"), []byte(" succession v2"), 1)
	for name, data := range map[string][]byte{
		"no proof": unproved, "another proof": seal(forged),
		"proof of other keys": write(t, with(l, func(l *Ledger) { l.Successions = newBook(t).rotate(t, 5) })),
	} {
		if _, err := Check(t.Context(), data, Keys{Ledger: oldest}); !isProof(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
