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
	// Each waits for a sync before it is followed.
	liveCount = 500
	// An odd number, so that there is a middle one.
	replays = 5
	years   = 10 // that the events of the nation span, from 2015
)

// reads measures what comes out of the ledger that appends has filled. Its order counts: the first
// fold writes the projection's file, the start after it reads that file, and only a ledger that is
// quiet is asked. The start is timed until coverage answers; that the other projections follow
// later is as in any start.
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
	// The watchman reads the log again each hour, which is never within a run: watched measures
	// what he takes.
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
// measures the projection's memory. The heap before is taken with the ledger open: what is counted
// is the fold's state alone.
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

// replay measures replays in turns with the floor, and takes the median of each. Turns, because a
// shared machine changes while five replays run, and a median, because one of them may meet
// somebody else's work. The figure comes with its name and target; the rest is filled in here.
// Where a digest differs it goes on, and the report says so. Both read a log in one process; the
// ordered consumer hands out one event a message, the replay frames of them.
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

// queries asks for random regions, days and knowledge. All is of one view, so nothing changes
// meanwhile, and of the generator's order: no question is near the last one, as no cache would have
// it. The days and sequences are those of the log; the clock counts the answer alone, without HTTP,
// which asks measures.
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
	// What came before is in the report; percentiles has sorted it in place.
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
// after that its findings do. Both are waited for by sequence, as `min_seq` does. The findings are
// a projection of their own, and may come a while later: nobody waits for them to read a figure.
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

// sizes measures the log on disk and the projection in memory. The heap is taken with the state of
// the fold loaded and nothing else going on. The target of memory is 100 bytes a worker, and 100 MB
// that do not depend on their number. Sizes are what the files hold, not what the disk gives them,
// and the log's are those of the whole folder of JetStream, with what it keeps beside the messages.
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

// bytesIn returns the size of all files of a folder. Of files alone; folders count for nothing. Of
// a file it counts the length, so that one with holes counts as if it were full.
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
