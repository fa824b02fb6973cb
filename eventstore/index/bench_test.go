package index_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"cakupan/eventstore/index"
)

// openReal opens an index with tables of the real size.
func openReal(b *testing.B) *index.Index {
	b.Helper()
	x, err := index.Open(b.TempDir(), ledger)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := x.Close(); err != nil {
			b.Error(err)
		}
	})
	return x
}

func BenchmarkAdd(b *testing.B) {
	const frameSize = 1000
	x := openReal(b)
	entries := make([]index.Entry, frameSize)
	tree := x.Tree()
	n := uint64(0)
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		for i := range entries {
			n++
			entries[i] = entry(n)
			tree.Append([32]byte{})
		}
		b.StartTimer()
		if err := x.Reserve(frameSize); err != nil {
			b.Fatal(err)
		}
		if err := x.Add(entries, &tree); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*frameSize/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkLookup asks for keys in frames of 1,000 among 2 million events, or as many as
// CAKUPAN_EVENTS says (50 million need 4 GB of disk for a minute).
func BenchmarkLookup(b *testing.B) {
	events := uint64(2_000_000)
	if text := os.Getenv("CAKUPAN_EVENTS"); text != "" {
		var err error
		if events, err = strconv.ParseUint(text, 10, 64); err != nil {
			b.Fatal(err)
		}
	}
	x := openReal(b)
	fill(b, x, events)
	x.Quiet()
	b.Logf("%d runs", x.Runs())
	for _, bench := range []struct {
		name string
		from uint64
	}{{"miss", 1 << 50}, {"hit", 0}} {
		for _, batch := range []int{1, 1000} {
			b.Run(fmt.Sprintf("%s/batch=%d", bench.name, batch), func(b *testing.B) {
				keys, found := make([]index.Key, 1<<16), make([]index.Entry, batch)
				for i := range keys {
					keys[i] = entry(bench.from + 1 + scramble(uint64(i))%events).Key
				}
				for i := 0; b.Loop(); i += batch {
					at := i % (len(keys) - batch)
					if err := x.Lookup(keys[at:at+batch], found); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/key")
			})
		}
	}
}
