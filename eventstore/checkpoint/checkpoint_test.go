package checkpoint_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"cakupan/eventstore/checkpoint"
)

const ledger = "00112233445566778899aabbccddeeff"

var head = tlog.Tree{N: 4711, Hash: tlog.Hash{1, 2, 3}}

func signer(t testing.TB, ledger string, seed byte) (*checkpoint.Signer, note.Verifier) {
	t.Helper()
	s, err := checkpoint.NewSigner(ledger, bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	v, err := checkpoint.Verifier(s.Key())
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}

func witness(t testing.TB, name string) (*checkpoint.Witness, note.Verifier) {
	t.Helper()
	w, err := checkpoint.NewWitness(name, bytes.Repeat([]byte(name[:1]), 32))
	if err != nil {
		t.Fatal(err)
	}
	v, err := checkpoint.WitnessVerifier(w.Key())
	if err != nil {
		t.Fatal(err)
	}
	return w, v
}

// TestSign signs a head and a text, which are not taken for each other.
func TestSign(t *testing.T) {
	s, v := signer(t, ledger, 7)
	signed, err := s.Sign(head)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Sign(head)
	if err != nil || !bytes.Equal(signed, again) {
		t.Errorf("signed twice: %q and %q, %v", signed, again, err)
	}
	if got, err := checkpoint.Open(signed, v); err != nil || got != head {
		t.Errorf("%+v, %v", got, err)
	}
	_, otherKey := signer(t, ledger, 8)
	_, otherLedger := signer(t, strings.Repeat("0", 32), 7)
	for _, other := range []note.Verifier{otherKey, otherLedger} {
		if _, err := checkpoint.Open(signed, other); !errors.Is(err, checkpoint.ErrUnsigned) {
			t.Errorf("another key: %v", err)
		}
	}
	text, err := s.SignText("a statement\nof two lines\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := checkpoint.Open(text, v); !errors.Is(err, checkpoint.ErrMalformed) {
		t.Errorf("a statement is read as a checkpoint: %v", err)
	}
	if got, err := checkpoint.OpenText(text, v); err != nil || got != "a statement\nof two lines\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestKeys refuses what is no key.
func TestKeys(t *testing.T) {
	if _, err := checkpoint.NewSigner(ledger, make([]byte, 31)); !errors.Is(err, checkpoint.ErrKey) {
		t.Errorf("a short seed: %v", err)
	}
	s, _ := signer(t, ledger, 7)
	w, _ := witness(t, "auditor")
	if _, err := checkpoint.WitnessVerifier(s.Key()); !errors.Is(err, checkpoint.ErrKey) {
		t.Errorf("a ledger's key as a witness's: %v", err)
	}
	for _, key := range []string{"", "x", w.Key(), s.Key() + "x", s.Key()[1:]} {
		if _, err := checkpoint.Verifier(key); !errors.Is(err, checkpoint.ErrKey) {
			t.Errorf("%q: %v", key, err)
		}
	}
	for _, name := range []string{"", "a b", "a+b"} {
		if _, err := checkpoint.NewWitness(name, make([]byte, 32)); !errors.Is(err, checkpoint.ErrKey) {
			t.Errorf("a witness %q: %v", name, err)
		}
	}
}

// TestCosign adds the cosignatures of two witnesses, one of them twice.
func TestCosign(t *testing.T) {
	s, v := signer(t, ledger, 7)
	signed, err := s.Sign(head)
	if err != nil {
		t.Fatal(err)
	}
	first, firstKey := witness(t, "auditor.example")
	second, secondKey := witness(t, "university.example")
	known := []note.Verifier{firstKey, secondKey}
	merged := signed
	for i, w := range []*checkpoint.Witness{first, second} {
		cosigned, err := w.Cosign(signed, v)
		if err != nil {
			t.Fatal(err)
		}
		for added := range 2 {
			var n int
			if merged, n, err = checkpoint.Merge(merged, cosigned, known); err != nil || n != 1-added {
				t.Fatalf("%d added, %v", n, err)
			}
		}
		if got := checkpoint.Cosignatures(merged, known); len(got) != i+1 {
			t.Fatalf("%+v", got)
		}
	}
	if got, err := checkpoint.Open(merged, v); err != nil || got != head {
		t.Errorf("%+v, %v", got, err)
	}
	stranger, _ := witness(t, "stranger.example")
	cosigned, err := stranger.Cosign(signed, v)
	if err != nil {
		t.Fatal(err)
	}
	if _, n, err := checkpoint.Merge(merged, cosigned, known); err != nil || n != 0 {
		t.Errorf("a stranger: %d, %v", n, err)
	}
	next, err := s.Sign(tlog.Tree{N: 4712})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := checkpoint.Merge(next, cosigned, known); err == nil {
		t.Error("a cosignature of another checkpoint is taken")
	}
	_, other := signer(t, ledger, 8)
	if _, err := first.Cosign(signed, other); !errors.Is(err, checkpoint.ErrUnsigned) {
		t.Errorf("cosigned what the ledger has not signed: %v", err)
	}
}

// TestBits: no checkpoint with another bit tells another head.
func TestBits(t *testing.T) {
	s, v := signer(t, ledger, 7)
	signed, err := s.Sign(head)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		changed := bytes.Clone(signed)
		bit := rng.IntN(8 * len(changed))
		changed[bit/8] ^= 1 << (bit % 8)
		if got, err := checkpoint.Open(changed, v); err == nil && got != head {
			t.Errorf("bit %d: %+v", bit, got)
		}
	}
}

// TestFileBits: a file of a signed note with another bit is none, and that is said.
func TestFileBits(t *testing.T) {
	tries := 50
	if os.Getenv("CAKUPAN_LONG") != "" {
		tries = 1000
	}
	s, _ := signer(t, ledger, 7)
	signed, err := s.Sign(head)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "signed")
	if err := checkpoint.WriteFile(path, signed); err != nil {
		t.Fatal(err)
	}
	if got, err := checkpoint.ReadFile(path); err != nil || !bytes.Equal(got, signed) {
		t.Fatalf("%q, %v", got, err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range tries {
		changed := bytes.Clone(whole)
		bit := rng.IntN(8 * len(changed))
		changed[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := checkpoint.ReadFile(path)
		if !errors.Is(err, checkpoint.ErrDamaged) || !strings.Contains(err.Error(), path) {
			t.Errorf("bit %d: %v", bit, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	s, v := signer(f, ledger, 7)
	signed, err := s.Sign(head)
	if err != nil {
		f.Fatal(err)
	}
	w, wv := witness(f, "auditor.example")
	cosigned, err := w.Cosign(signed, v)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add(cosigned)
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := checkpoint.Open(data, v); err == nil && got != head {
			t.Errorf("a head that nobody has signed: %+v", got)
		}
		merged, _, err := checkpoint.Merge(signed, data, []note.Verifier{wv})
		if err != nil {
			return
		}
		if got, err := checkpoint.Open(merged, v); err != nil || got != head {
			t.Errorf("merged: %+v, %v", got, err)
		}
	})
}
