package packs_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/golden"
	"cakupan/eventstore/packs"
)

// goldenRecords are what the golden files hold.
func goldenRecords() map[string]packs.Record {
	return map[string]packs.Record{
		"record-v1.hex":          {Number: 1, Data: []byte("who is who")},
		"record-v1-replaces.hex": {Number: 1 << 33, Replaces: []uint64{2, 1 << 32}, Data: []byte{}},
	}
}

func TestGolden(t *testing.T) {
	for name, want := range goldenRecords() {
		by := [8]byte{0, 1, 2, 3, 4, 5, 6, 7}
		golden.Compare(t, name, packs.Encode(want, by))
		got, err := packs.Parse(golden.Read(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if got.Number != want.Number || !bytes.Equal(got.Data, want.Data) ||
			!reflect.DeepEqual(got.Replaces, want.Replaces) {
			t.Errorf("%s holds %v", name, got)
		}
	}
}

// TestEachBit changes every bit of a record in turn: each is found.
func TestEachBit(t *testing.T) {
	raw := packs.Encode(packs.Record{Number: 7, Replaces: []uint64{3}, Data: []byte("data")}, [8]byte{})
	for bit := range 8 * len(raw) {
		raw[bit/8] ^= 1 << (bit % 8)
		if _, err := packs.Parse(raw); !errors.Is(err, packs.ErrRecord) {
			t.Errorf("bit %d: %v", bit, err)
		}
		raw[bit/8] ^= 1 << (bit % 8)
	}
}

func FuzzParse(f *testing.F) {
	for name := range goldenRecords() {
		f.Add(golden.Read(f, name))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := packs.Parse(raw)
		if err != nil {
			if !errors.Is(err, packs.ErrRecord) && !errors.Is(err, eventstore.ErrNewerFormat) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		if by := [8]byte(raw[12:20]); !bytes.Equal(packs.Encode(r, by), raw) {
			t.Errorf("%x is encoded as another", raw)
		}
	})
}
