package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"cakupan/eventstore/keyfile"
)

func newSealer(t testing.TB) *Sealer {
	t.Helper()
	s, err := CreateKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealAndOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	s, err := CreateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	later, err := ReadKey(path) // another start of the program
	if err != nil {
		t.Fatal(err)
	}
	for _, plain := range []string{"", "x", "7571991501900001"} {
		sealed, err := s.Seal([]byte("before"), []byte(plain), "place")
		if err != nil {
			t.Fatal(err)
		}
		sealed = sealed[len("before"):]
		if len(sealed) != len(plain)+Overhead {
			t.Errorf("%d bytes became %d, want %d more", len(plain), len(sealed), Overhead)
		}
		if len(plain) > 8 && bytes.Contains(sealed, []byte(plain)) {
			t.Errorf("%q can be read", sealed)
		}
		for _, by := range []*Sealer{s, later} {
			if got, err := by.Open(sealed, "place"); err != nil || string(got) != plain {
				t.Errorf("opened %q, %v; want %q", got, err, plain)
			}
		}
		if _, err := s.Open(sealed, "other place"); !errors.Is(err, ErrNotSealed) {
			t.Errorf("opened elsewhere: %v", err)
		}
	}
}

// TestEveryByteCounts changes every byte of what is sealed, and cuts it at every place.
func TestEveryByteCounts(t *testing.T) {
	s := newSealer(t)
	sealed, err := s.Seal(nil, []byte("some words"), "p")
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if got, err := s.Open(changed, "p"); err == nil {
			t.Errorf("byte %d changed: opened %q", i, got)
		}
		if got, err := s.Open(sealed[:i], "p"); err == nil {
			t.Errorf("cut at %d: opened %q", i, got)
		}
	}
	sealed[3]++
	if _, err := s.Open(sealed, "p"); !errors.Is(err, ErrNewerFormat) {
		t.Errorf("newer version: %v", err)
	}
	sealed[3]--
	if _, err := newSealer(t).Open(sealed, "p"); !errors.Is(err, ErrOtherKey) {
		t.Errorf("other key: %v", err)
	}
}

// TestSalt makes sure that keys are not used for ever, and that old ones still open.
func TestSalt(t *testing.T) {
	s := newSealer(t)
	first, err := s.Seal(nil, []byte("first"), "p")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * saltsKept {
		s.used = perSalt
		if _, err := s.Seal(nil, nil, "p"); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.opened) > saltsKept {
		t.Errorf("%d keys are kept", len(s.opened))
	}
	last, err := s.Seal(nil, []byte("first"), "p")
	if err != nil || bytes.Equal(first[:headSize], last[:headSize]) {
		t.Errorf("the salt is still the first one, %v", err)
	}
	if plain, err := s.Open(first, "p"); err != nil || string(plain) != "first" {
		t.Errorf("opened %q, %v", plain, err)
	}
}

func TestConcurrent(t *testing.T) {
	s := newSealer(t)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for n := range 200 {
				plain := fmt.Append(nil, i, n)
				sealed, err := s.Seal(nil, plain, "p")
				if err != nil {
					t.Error(err)
				}
				if got, err := s.Open(sealed, "p"); err != nil || !bytes.Equal(got, plain) {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	wait.Wait()
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if _, err := ReadKey(path); !errors.Is(err, ErrNoKey) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path+".tmp", []byte("cut off by a crash"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateKey(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	before, _ := os.ReadFile(path)
	if _, err := CreateKey(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a key is replaced: %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the key has changed")
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKey(path); !errors.Is(err, keyfile.ErrExposed) {
		t.Errorf("key for the group: %v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 31); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKey(path); !errors.Is(err, keyfile.ErrInvalid) {
		t.Errorf("short key: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	s, err := New(bytes.Repeat([]byte{7}, keyfile.Size))
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := s.Seal(nil, []byte("words"), "p")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		// Each process of the fuzzer seals for itself, with the same key: the same words.
		if plain, err := s.Open(data, "p"); err == nil && string(plain) != "words" {
			t.Errorf("opened %q, which was never sealed", plain)
		}
	})
}

// BenchmarkSeal shows what sealing costs: packs of 100 events of 300 bytes.
func BenchmarkSeal(b *testing.B) {
	s := newSealer(b)
	plain := make([]byte, 100*300)
	var sealed []byte
	b.SetBytes(int64(len(plain)))
	b.Run("seal", func(b *testing.B) {
		for b.Loop() {
			sealed, _ = s.Seal(sealed[:0], plain, "p")
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/event")
	})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Open(sealed, "p"); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/event")
	})
}
