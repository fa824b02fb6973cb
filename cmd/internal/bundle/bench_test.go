package bundle

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// BenchmarkCheck shows what writing and checking a bundle of 100,000 events costs.
func BenchmarkCheck(b *testing.B) {
	book := newBook(b)
	m := &maker{Rand: rand.New(rand.NewPCG(1, 1))}
	book.record(b, m.events(120_000), 1000)
	l := book.source(b, book.view(b), 0, 18_500, 120_000)
	data := write(b, l)
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			if err := Write(b.Context(), &bytes.Buffer{}, l); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("check", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := book.check(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}
