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
		n := rapid.IntRange(0, 100).Draw(t, "n")
		chains := rapid.IntRange(0, words).Draw(t, "chains")
		var records []byte
		word := make([]*rapid.Generator[uint32], words)
		for i := range word {
			base, width := rapid.Uint32().Draw(t, "base"), rapid.IntRange(0, 32).Draw(t, "width")
			shift := rapid.IntRange(0, 32-width).Draw(t, "shift")
			word[i] = rapid.Map(rapid.Uint64Range(0, 1<<width-1), func(v uint64) uint32 {
				return base + uint32(v)<<shift
			})
		}
		likes := make([]like, words)
		for i := range likes {
			likes[i] = like{rapid.IntRange(0, 3).Draw(t, "like"), rapid.Uint32().Draw(t, "step"), 0, 0}
		}
		for range n {
			for i := range word {
				value := likes[i].next(rapid.IntRange(0, 4).Draw(t, "so") == 0, word[i].Draw(t, "word"))
				records = binary.LittleEndian.AppendUint32(records, value)
			}
		}
		before := []byte("before")
		packed := pages.AppendWords(before, records, words, n, chains)[len(before):]
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
				all := make([]uint32, n)
				column.Read(all, 0)
				for record := range n {
					want := binary.LittleEndian.Uint32(records[4*(record*words+i):])
					if got := column.At(record); got != want || all[record] != want {
						t.Fatalf("%s: word %d of record %d is %x, %x, want %x",
							name, i, record, got, all[record], want)
					}
				}
			}
		}
		if string(again) != string(records) {
			t.Fatal("what is copied to memory is something else")
		}
	})
}

// like is how the words of records follow one another: 0 as they come, 1 mostly the same, 2 mostly
// so far from the last, 3 mostly so far from the highest.
type like struct {
	kind       int
	step       uint32
	last, most uint32
}

// next returns the next word; other says that it is not as most are.
func (l *like) next(other bool, word uint32) uint32 {
	switch {
	case l.kind == 0 || other:
	case l.kind == 1:
		word = l.step
	case l.kind == 2:
		word = l.last + l.step
	default:
		word = l.most + l.step
	}
	if l.last = word; int32(word) > int32(l.most) {
		l.most = word
	}
	return word
}

// TestChainsAreSmall packs numbers as they are given out, with others among them: they take a bit
// each, and the others what they need.
func TestChainsAreSmall(t *testing.T) {
	const n, head = 4096, 4 + 6 + 8 + 8
	of := func(word func(i uint32) uint32) int {
		var records []byte
		for i := range uint32(n) {
			records = binary.LittleEndian.AppendUint32(records, word(i))
		}
		return len(pages.AppendWords(nil, records, 1, n, 1)) - head
	}
	for name, c := range map[string]struct {
		word func(i uint32) uint32
		want int
	}{
		"as they are given out": {func(i uint32) uint32 { return 7_000_000 + i }, n / 8},
		"seldom another time":   {func(i uint32) uint32 { return 1<<30 + i/1000*12_345 }, n/8 + 1},
		"mostly none": {func(i uint32) uint32 {
			if i%8 == 3 {
				return i * 104_729 % (1 << 20)
			}
			return 0
		}, n/8 + n/8*20/8},
		"new, and now and then an old one": {func(i uint32) uint32 {
			if i%8 == 3 {
				return i * 104_729 % i
			}
			return i - (i+4)/8
		}, n/8 + n/8*13/8},
	} {
		if got := of(c.word); got > c.want {
			t.Errorf("%s: %d bytes, at most %d are needed", name, got, c.want)
		}
	}
}

// FuzzWords reads any bytes as packed records: what can be read has as many as it says.
func FuzzWords(f *testing.F) {
	records := []byte{1, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0}
	f.Add(pages.AppendWords(nil, records, 2, 2, 0), 2)
	f.Add(pages.AppendWords(nil, nil, 5, 0, 5), 5)
	var links []byte
	for i := range uint32(100) {
		links = binary.LittleEndian.AppendUint32(links, i+i%7)
		links = binary.LittleEndian.AppendUint32(links, i/50*1000)
	}
	f.Add(pages.AppendWords(nil, links, 2, 100, 2), 2)
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
		few := min(w.Len(), 100)
		records := make([]byte, 4*words*few)
		w.CopyTo(records)
		for i := range words {
			column := w.Column(i)
			for record := range few {
				want := binary.LittleEndian.Uint32(records[4*(record*words+i):])
				if got := column.At(record); got != want {
					t.Errorf("word %d of record %d is %d, copied it is %d", i, record, got, want)
				}
			}
			_ = column.At(w.Len() - 1)
		}
	})
}

// BenchmarkWords packs and reads a page as that of deltas: five words, of which two change much.
func BenchmarkWords(b *testing.B) {
	const words, n, chains = 5, 4096, 2
	var records []byte
	for i := range uint32(n) {
		for _, word := range []uint32{1<<20 + i/6, 0, 16_000 + i*7919%3650, i * 104_729 % 26_000, 2*(i&1) - 1} {
			records = binary.LittleEndian.AppendUint32(records, word)
		}
	}
	packed := pages.AppendWords(nil, records, words, n, chains)
	b.Run("pack", func(b *testing.B) {
		for b.Loop() {
			pages.AppendWords(nil, records, words, n, chains)
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
