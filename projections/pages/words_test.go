package pages_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"cakupan/projections/pages"
)

// TestWords packs records of any words, many of them alike, and reads each of them.
func TestWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.IntRange(1, 7).Draw(t, "words")
		n := rapid.IntRange(0, 40).Draw(t, "n")
		var records []byte
		word := make([]*rapid.Generator[uint32], words)
		for i := range word {
			base, width := rapid.Uint32().Draw(t, "base"), rapid.IntRange(0, 32).Draw(t, "width")
			shift := rapid.IntRange(0, 32-width).Draw(t, "shift")
			word[i] = rapid.Map(rapid.Uint64Range(0, 1<<width-1), func(v uint64) uint32 {
				return base + uint32(v)<<shift
			})
		}
		for range n {
			for i := range word {
				records = binary.LittleEndian.AppendUint32(records, word[i].Draw(t, "word"))
			}
		}
		before := []byte("before")
		packed := pages.AppendWords(before, records, words, n)[len(before):]
		fromFile, err := pages.ReadWords(packed, words)
		if err != nil {
			t.Fatal(err)
		}
		again := make([]byte, len(records))
		fromFile.CopyTo(again)
		inMemory := pages.WordsIn(pages.CloneWords(records), words, n)
		for name, w := range map[string]pages.Words{"packed": fromFile, "in memory": inMemory} {
			if w.Len() != n {
				t.Fatalf("%s: %d records, want %d", name, w.Len(), n)
			}
			for i := range words {
				column := w.Column(i)
				for record := range n {
					want := binary.LittleEndian.Uint32(records[4*(record*words+i):])
					if got := column.At(record); got != want {
						t.Fatalf("%s: word %d of record %d is %x, want %x", name, i, record, got, want)
					}
				}
			}
		}
		if string(again) != string(records) {
			t.Fatal("what is copied to memory is something else")
		}
	})
}

// FuzzWords reads any bytes as packed records: what can be read has as many as it says.
func FuzzWords(f *testing.F) {
	records := []byte{1, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0}
	f.Add(pages.AppendWords(nil, records, 2, 2), 2)
	f.Add(pages.AppendWords(nil, nil, 5, 0), 5)
	f.Add([]byte{}, 1)
	f.Add([]byte{255, 255, 255, 255, 0, 0, 0, 0, 32, 32, 0, 0, 0, 0, 0, 0, 0, 0}, 1)
	f.Fuzz(func(t *testing.T, packed []byte, words int) {
		if words < 1 || words > 11 {
			return
		}
		w, err := pages.ReadWords(packed, words)
		if err != nil {
			if !errors.Is(err, pages.ErrCorrupt) {
				t.Error(err)
			}
			return
		}
		if w.Len() == 0 {
			return
		}
		for i := range words {
			column := w.Column(i)
			_, _ = column.At(0), column.At(w.Len()-1)
		}
	})
}

// BenchmarkWords packs and reads a page as that of deltas: five words, of which two change much.
func BenchmarkWords(b *testing.B) {
	const words, n = 5, 4096
	var records []byte
	for i := range uint32(n) {
		for _, word := range []uint32{1<<20 + i/6, 0, 16_000 + i*7919%3650, i * 104_729 % 26_000, 2*(i&1) - 1} {
			records = binary.LittleEndian.AppendUint32(records, word)
		}
	}
	packed := pages.AppendWords(nil, records, words, n)
	b.Run("pack", func(b *testing.B) {
		for b.Loop() {
			pages.AppendWords(nil, records, words, n)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
	})
	b.Run("read", func(b *testing.B) {
		sum := uint32(0)
		for b.Loop() {
			w, err := pages.ReadWords(packed, words)
			if err != nil {
				b.Fatal(err)
			}
			for i := range words {
				column := w.Column(i)
				for record := range n {
					sum += column.At(record)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
	})
}
