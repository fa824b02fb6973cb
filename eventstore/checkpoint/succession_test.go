package checkpoint

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

const someLedger = "00112233445566778899aabbccddeeff"

func signerOf(t testing.TB, ledger string, seed byte) *Signer {
	t.Helper()
	s, err := NewSigner(ledger, bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// chainOf returns the successions of keys with these seeds, one after the other.
func chainOf(t testing.TB, ledger string, seeds ...byte) (all []byte) {
	t.Helper()
	for i := range seeds[1:] {
		signed, err := Succeed(signerOf(t, ledger, seeds[i]), signerOf(t, ledger, seeds[i+1]))
		if err != nil {
			t.Fatal(err)
		}
		all = AppendSuccession(all, signed)
	}
	return all
}

// TestSuccessions follows keys forward and back.
func TestSuccessions(t *testing.T) {
	all, err := ParseSuccessions(chainOf(t, someLedger, 1, 2, 3, 4))
	if err != nil || len(all) != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	for seed, after := range map[byte]int{1: 3, 2: 2, 3: 1, 4: 0, 9: 0} {
		key := signerOf(t, someLedger, seed).Key()
		forward := Successors(key, all)
		if len(forward) != after+1 {
			t.Errorf("key %d has %d with its successors", seed, len(forward))
		}
		back := Predecessors(key, all)
		if seed != 9 && len(back) != 3-after || seed == 9 && back != nil {
			t.Errorf("key %d has %d predecessors", seed, len(back))
		}
		signed, err := signerOf(t, someLedger, 4).Sign(tlog.Tree{})
		if err != nil {
			t.Fatal(err)
		}
		_, by, err := OpenAny(signed, forward...)
		if seed == 9 && !errors.Is(err, ErrUnsigned) || seed != 9 && (err != nil || by != signerOf(t, someLedger, 4).Key()) {
			t.Errorf("who has key %d opens what key 4 has signed: %v", seed, err)
		}
		if _, _, err := OpenAny(signed, back...); !errors.Is(err, ErrUnsigned) {
			t.Errorf("a predecessor of %d has signed it: %v", seed, err)
		}
	}
}

// TestFalseSuccessions proves nothing by what only looks like a succession.
func TestFalseSuccessions(t *testing.T) {
	one := chainOf(t, someLedger, 1, 2)
	another := strings.Repeat("0", 32)
	mixed, err := Succeed(signerOf(t, someLedger, 1), signerOf(t, another, 2))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(one), "\n")
	text := strings.Join(lines[:3], "")
	alone := func(s *Signer) []byte {
		signed, err := s.SignText(text)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	for name, text := range map[string][]byte{
		"two that do not meet":       AppendSuccession(chainOf(t, someLedger, 1, 2), chainOf(t, someLedger, 3, 4)),
		"twice":                      AppendSuccession(bytes.Clone(one), one),
		"half":                       one[:len(one)/2],
		"of two ledgers":             mixed,
		"signed by the old alone":    alone(signerOf(t, someLedger, 1)),
		"signed by the new alone":    alone(signerOf(t, someLedger, 2)),
		"nothing":                    []byte("\n"),
		"too much":                   bytes.Repeat([]byte("x"), SuccessionsMax+1),
		"a line more than it should": []byte(strings.Replace(string(one), "\n\n", "\nmore\n\n", 1)),
	} {
		if got, err := ParseSuccessions(text); !errors.Is(err, ErrSuccession) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if got, err := ParseSuccessions(nil); err != nil || got != nil {
		t.Errorf("none: %+v, %v", got, err)
	}
}

// FuzzParseSuccessions believes no key that the first one has not signed for.
func FuzzParseSuccessions(f *testing.F) {
	f.Add(chainOf(f, someLedger, 1, 2, 3))
	f.Add(chainOf(f, someLedger, 1, 2))
	known := map[string]bool{}
	for _, seed := range []byte{1, 2, 3} {
		known[signerOf(f, someLedger, seed).Key()] = true
	}
	first := signerOf(f, someLedger, 1).Key()
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := ParseSuccessions(text)
		if err != nil {
			return
		}
		for i, one := range all {
			if i > 0 && all[i-1].New != one.Old {
				t.Errorf("a gap: %+v", all)
			}
			if one.Old == first && !known[one.New] {
				t.Errorf("%s is believed", one.New)
			}
		}
	})
}
