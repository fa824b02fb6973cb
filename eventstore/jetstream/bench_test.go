package jetstream_test

import (
	"slices"
	"testing"
	"time"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/logtest"
)

// BenchmarkAppend appends frames of one event and of 1,000, each flushed to the disk.
func BenchmarkAppend(b *testing.B) {
	for _, bench := range []struct {
		name   string
		events int
	}{{"1 event", 1}, {"1000 events", 1000}} {
		b.Run(bench.name, func(b *testing.B) {
			log := create(b, start(b, b.TempDir()), jetstream.Options{})
			var maker logtest.Maker
			var took []time.Duration
			for range b.N {
				raw := maker.Frame(bench.events)
				b.StartTimer()
				began := time.Now()
				tail, err := log.Append(b.Context(), raw, maker.Before())
				took = append(took, time.Since(began))
				b.StopTimer()
				if err != nil {
					b.Fatal(err)
				}
				maker.Appended(tail)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// BenchmarkRead reads a log and touches every event.
func BenchmarkRead(b *testing.B) {
	for _, bench := range []struct {
		name           string
		frames, events int
	}{{"1000 events a frame", 2000, 1000}, {"1 event a frame", 10000, 1}} {
		b.Run(bench.name, func(b *testing.B) {
			log := create(b, start(b, b.TempDir()), jetstream.Options{})
			var maker logtest.Maker
			for range bench.frames {
				tail, err := log.Append(b.Context(), maker.Frame(bench.events), maker.Before())
				if err != nil {
					b.Fatal(err)
				}
				maker.Appended(tail)
			}
			b.ResetTimer()
			var events, bytes int
			for range b.N {
				for frame, err := range log.Read(b.Context(), 1) {
					if err != nil {
						b.Fatal(err)
					}
					for record := range frame.Records() {
						events++
						bytes += len(record.Event)
					}
				}
			}
			if events != b.N*bench.frames*bench.events {
				b.Fatalf("read %d events", events)
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds()/1e6, "Mevents/s")
			b.ReportMetric(float64(bytes)/b.Elapsed().Seconds()/1e6, "MB/s")
		})
	}
}

// BenchmarkFollow measures how long after its acknowledgement a frame reaches a follower.
func BenchmarkFollow(b *testing.B) {
	conn := start(b, b.TempDir())
	log := create(b, conn, jetstream.Options{})
	arrived := make(chan time.Time, 1)
	go func() {
		for _, err := range log.Follow(b.Context(), 1) {
			if err == nil {
				arrived <- time.Now()
			}
		}
	}()
	var maker logtest.Maker
	var took []time.Duration
	for range b.N {
		tail, err := log.Append(b.Context(), maker.Frame(2), maker.Before())
		acked := time.Now()
		if err != nil {
			b.Fatal(err)
		}
		maker.Appended(tail)
		took = append(took, max((<-arrived).Sub(acked), 0))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkLocate reads one frame in the middle of a long log.
func BenchmarkLocate(b *testing.B) {
	log := create(b, start(b, b.TempDir()), jetstream.Options{})
	var maker logtest.Maker
	for n := range 3000 {
		tail, err := log.Append(b.Context(), maker.Frame(1+n%50), maker.Before())
		if err != nil {
			b.Fatal(err)
		}
		maker.Appended(tail)
	}
	end := maker.Before().Sequence
	b.ResetTimer()
	for n := range b.N {
		from := eventstore.Sequence(n*7919)%end + 1
		for frame, err := range log.Read(b.Context(), from) {
			if err != nil || frame.First() > from || frame.Last() < from {
				b.Fatalf("read from %d: frame from %d, %v", from, frame.First(), err)
			}
			break
		}
	}
}
