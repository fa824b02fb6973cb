package seal

import (
	"bytes"
	"testing"

	"cakupan/eventstore/golden"
	"cakupan/eventstore/keyfile"
)

// What the golden file was sealed from: with the key of the bytes 00 to 1f.
const (
	goldenPlain   = "what waits for the log"
	goldenPurpose = "CAKUPAN_INTAKE"
)

func goldenSealer(t testing.TB) *Sealer {
	t.Helper()
	key := make([]byte, keyfile.Size)
	for i := range key {
		key[i] = byte(i)
	}
	s, err := New(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestGolden opens what a program of format 1 sealed. Salt and nonce are random, so what is sealed
// today is compared in what is not.
func TestGolden(t *testing.T) {
	s := goldenSealer(t)
	sealed, err := s.Seal(nil, []byte(goldenPlain), goldenPurpose)
	if err != nil {
		t.Fatal(err)
	}
	golden.Make(t, "sealed-v1.hex", func() []byte { return sealed })
	want := golden.Read(t, "sealed-v1.hex")
	if plain, err := s.Open(want, goldenPurpose); err != nil || string(plain) != goldenPlain {
		t.Errorf("opened %q, %v", plain, err)
	}
	const same = len(magic) + idSize
	if !bytes.Equal(sealed[:same], want[:same]) || len(sealed) != len(want) {
		t.Errorf("sealed today it is %x", sealed)
	}
	if id, err := KeyOf(want); err != nil || id != s.id {
		t.Errorf("the key is %x, %v", id, err)
	}
}
