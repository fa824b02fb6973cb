package bench

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"cakupan/cmd/internal/ledger"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/writer"
	"cakupan/projections/coverage"
)

const (
	queryCount  = 5_000
	seriesCount = 200
	liveCount   = 500
	replays     = 5
	years       = 10 // that the events of the nation span, from 2015
)

// reads measures what comes out of the ledger that appends has filled.
func (b *benchmark) reads(ctx context.Context) error {
	if err := b.first(ctx); err != nil {
		return err
	}
	started := time.Now()
	l, err := b.openBench(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	if err := l.Serve(ctx, "", time.Hour); err != nil {
		return err
	}
	if _, err := l.View(ctx, 0); err != nil {
		return err
	}
	b.add(Figure{
		Name: "start with that log", Value: time.Since(started).Seconds(), Unit: "s", Target: 2,
	})
	b.note("waiting until all projections have caught up")
	if err := quiet(ctx, l); err != nil {
		return err
	}
	if err := b.queries(ctx, l); err != nil {
		return err
	}
	if err := b.asks(ctx, l); err != nil {
		return err
	}
	if err := b.live(ctx, l); err != nil {
		return err
	}
	return b.replay(ctx, l, Figure{
		Name: "replay with the coverage fold", Target: 3_000_000,
	})
}

// first folds the log for the first time, so that the start after it is an ordinary one, and
// measures the projection's memory.
func (b *benchmark) first(ctx context.Context) error {
	b.note("folding the log for the first time")
	l, err := b.openBench(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	heapBefore := heapBytes()
	if _, err := l.View(ctx, 0); err != nil {
		return err
	}
	return b.sizes(ctx, l, heapBefore)
}

// replay measures replays in turns with the floor, and takes the median of each.
func (b *benchmark) replay(ctx context.Context, l *ledger.Ledger, f Figure) error {
	var rates, floors []float64
	for turn := range replays {
		b.note("replaying, %d of %d", turn+1, replays)
		result, err := l.Replay(ctx, ledger.ReplayOptions{}, nil)
		if err != nil {
			return err
		}
		b.report.DigestsAgree = b.report.DigestsAgree && result.Matches
		floor, err := b.floorRead(ctx)
		if err != nil {
			return err
		}
		rates, floors = append(rates, result.EventsPerSecond), append(floors, floor)
	}
	slices.Sort(rates)
	slices.Sort(floors)
	const median = replays / 2
	f.Value, f.Unit, f.More = rates[median], "events/s", true
	f.Floor, f.FloorName = floors[median], "events/s, ordered consumer"
	b.add(f)
	b.add(Figure{
		Name: f.Name + ", over the ordered consumer", Value: rates[median] / floors[median],
		Unit: "×", More: true, Target: 12,
	})
	return nil
}

// queries asks for random regions, days and knowledge.
func (b *benchmark) queries(ctx context.Context, l *ledger.Ledger) error {
	b.note("asking")
	view, err := l.View(ctx, 0)
	if err != nil {
		return err
	}
	rng, regions := rand.New(rand.NewPCG(seed, 2)), region.All()
	start, err := temporal.ParseDate("2015-01-01")
	if err != nil {
		return err
	}
	anything := func() coverage.Query {
		return coverage.Query{
			Region:    regions[rng.IntN(len(regions))],
			On:        start + temporal.Date(rng.IntN(years*365)),
			Known:     eventstore.Sequence(rng.Int64N(int64(view.Known())) + 1),
			Indicator: event.Employed,
			By:        []coverage.Dimension{coverage.BySegment, coverage.ByFunding},
		}
	}
	latencies := make([]time.Duration, 0, queryCount)
	for range queryCount {
		q, before := anything(), time.Now()
		if _, err := view.Answer(q); err != nil {
			return err
		}
		latencies = append(latencies, time.Since(before))
	}
	p50, p99 := percentiles(latencies)
	b.add(Figure{Name: "coverage of any region, day, knowledge, p50", Value: p50, Unit: "ms"})
	b.add(Figure{
		Name: "coverage of any region, day, knowledge, p99", Value: p99, Unit: "ms", Target: 1,
	})
	days := coverage.Days(start, start+years*365, coverage.Monthly)
	latencies = latencies[:0]
	for range seriesCount {
		q, before := anything(), time.Now()
		if _, err := view.Series(q, days); err != nil {
			return err
		}
		latencies = append(latencies, time.Since(before))
	}
	_, p99 = percentiles(latencies)
	b.add(Figure{
		Name: "series of ten years by month, p99", Value: p99, Unit: "ms", Target: 10,
	})
	return nil
}

// live measures how long after its acknowledgement an event shows in the coverage, and how long
// after that its findings do.
func (b *benchmark) live(ctx context.Context, l *ledger.Ledger) error {
	b.note("following")
	readable := make([]time.Duration, 0, liveCount)
	found := make([]time.Duration, 0, liveCount)
	for i := range liveCount {
		entry, err := single(1_000_000 + i)
		if err != nil {
			return err
		}
		results, err := l.Append(ctx, []writer.Entry{entry}, writer.AppendOptions{})
		if err != nil {
			return fmt.Errorf("append one event: %w", err)
		}
		before := time.Now()
		if _, err := l.View(ctx, results[0].Sequence); err != nil {
			return err
		}
		between := time.Now()
		if _, err := l.Findings(ctx, results[0].Sequence); err != nil {
			return err
		}
		readable = append(readable, between.Sub(before))
		found = append(found, time.Since(between))
	}
	p50, p99 := percentiles(readable)
	b.add(Figure{
		Name: "from acknowledged to readable, p50", Value: p50, Unit: "ms",
	})
	b.add(Figure{
		Name: "from acknowledged to readable, p99", Value: p99, Unit: "ms", Target: 1.3,
	})
	_, p99 = percentiles(found)
	b.add(Figure{
		Name: "from readable to found, p99", Value: p99, Unit: "ms", Target: 100,
	})
	return nil
}

// sizes measures the log on disk and the projection in memory. The heap is taken with the state
// of the fold loaded and nothing else going on.
func (b *benchmark) sizes(ctx context.Context, l *ledger.Ledger, heapBefore float64) error {
	workers := l.Workers()
	heap := heapBytes() - heapBefore
	b.add(Figure{
		Name: fmt.Sprintf("memory of the projection per worker (%s workers)",
			grouped(float64(workers))),
		Value: heap / float64(workers), Unit: "bytes", Target: 100 + 100e6/float64(workers),
	})
	head, err := l.Head(ctx)
	if err != nil {
		return err
	}
	size, err := bytesIn(l.NATSFolder())
	if err != nil {
		return fmt.Errorf("measure the log: %w", err)
	}
	b.add(Figure{
		Name: "log on disk per event", Value: float64(size) / float64(head.Sequence),
		Unit: "bytes", Target: 150,
	})
	for _, derived := range []struct {
		name, path string
		target     float64
	}{
		{"file of the projection per event", "projections/coverage.db", 60},
		{"index per event", "index", 25},
	} {
		size, err := bytesIn(filepath.Join(b.dir, "ledger", derived.path))
		if err != nil {
			return fmt.Errorf("measure the %s: %w", derived.name, err)
		}
		b.add(Figure{
			Name: derived.name, Value: float64(size) / float64(head.Sequence), Unit: "bytes",
			Target: derived.target,
		})
	}
	return nil
}

// bytesIn returns the size of all files of a folder.
func bytesIn(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
