package projtest

import (
	"os"
	"path/filepath"
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/memlog"
	"cakupan/projections"
)

// frameEvents is how many events a frame of a benchmark holds at most, as after an import.
const frameEvents = 1000

// Benchmark measures a replay of n events in a fresh file, and what the file takes.
//
// The events are those of the suite, with a short history of each name: so two projections, or two
// days of one, can be compared; the figures say nothing about a real ledger. It replays into a
// scratch file, as a rebuild does, from a log in memory: what is measured is decoding, folding, and
// the file. It reports the time of an event and the bytes of the file for one.
func Benchmark(b *testing.B, kind projections.Kind, n int) {
	log := memlog.New(eventstore.NewIdentity(1))
	if err := Append(log, Events(1, n), 1, frameEvents); err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "replay.db")
	// Each round begins without a file; the last one is left to be measured.
	for b.Loop() {
		_ = os.Remove(path)
		kept, err := kind.Open(b.Context(), projections.NewFeed(log),
			projections.File{Path: path, Scratch: true})
		if err != nil {
			b.Fatal(err)
		}
		if err := kept.CatchUp(b.Context(), eventstore.Sequence(n), nil); err != nil {
			b.Fatal(err)
		}
		if err := kept.Close(); err != nil {
			b.Fatal(err)
		}
	}
	file, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/event")
	b.ReportMetric(float64(file.Size())/float64(n), "file-bytes/event")
}
