package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"cakupan/cmd/internal/ledger"
	"cakupan/eventstore/writer"
)

const (
	watchTurns   = 3     // with the watchman and without
	watchSingles = 5_000 // events of a turn at the most: a second of them
	watchIdle    = 2 * time.Second
	logPart      = "log" // as Health names it
)

// quiet returns once a running ledger does nothing by itself any more: every projection has
// applied the log, its first check is over, and the tiles have caught up. What follows then counts
// what it measures and nothing else.
func quiet(ctx context.Context, l *ledger.Ledger) error {
	if _, err := l.Checkpoint(ctx); err != nil { // it is of tiles that have caught up
		return err
	}
	for {
		h := l.Health(ctx)
		if h.Status != ledger.HealthOK {
			return fmt.Errorf("the ledger is %s: %s", h.Status, h.Why)
		}
		behind := h.Verified[logPart].Sequence < uint64(h.Head)
		for _, p := range h.Projections {
			behind = behind || p.Sequence < h.Head
		}
		if !behind {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// watched measures what the watchman costs: what it takes of a processor, and who writes, one
// publisher alone, in turns with a watchman that begins anew as soon as it is through, and without
// one.
func (b *benchmark) watched(ctx context.Context) error {
	singles := min(watchSingles, max(b.events/400, 1))
	var ratios, shares []float64
	for turn := range watchTurns {
		b.note("writing with the watchman and without, %d of %d", turn+1, watchTurns)
		var rates, used [2]float64
		for i := range 2 {
			on := (turn + i) % 2 // the other one first in the next turn
			w := &watch{every: time.Hour, first: (2*turn + i) * singles, singles: singles}
			if on == 1 {
				w.every = time.Millisecond
			}
			if err := b.watch(ctx, w); err != nil {
				return err
			}
			rates[on], used[on] = w.rate, w.used
		}
		ratios = append(ratios, rates[1]/rates[0])
		shares = append(shares, max(0, used[1]-used[0]))
	}
	slices.Sort(ratios)
	slices.Sort(shares)
	const median = watchTurns / 2
	b.add(Figure{
		Name: "processor that a watchman takes that never ends", Value: 100 * shares[median],
		Unit: "%", Target: 5,
	})
	b.add(Figure{
		Name: "append beside a watchman that never ends, over append alone", More: true,
		Value: ratios[median], Unit: "×", Target: 0.95,
	})
	return nil
}

// watch is a run of a ledger that is read again each time so much time has passed.
type watch struct {
	every          time.Duration
	first, singles int // events that are appended

	used float64 // of a processor, while nothing else is done
	rate float64 // events a second, one by one
}

// watch has the imported ledger read again, while nothing else is done and while events come in.
func (b *benchmark) watch(ctx context.Context, w *watch) error {
	l, err := ledger.Open(ctx, ledger.Options{Dir: filepath.Join(b.dir, "import"), Refold: w.every})
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	if err := l.Serve(ctx, "", w.every); err != nil {
		return err
	}
	if err := quiet(ctx, l); err != nil {
		return err
	}
	started, used := time.Now(), processorTime()
	time.Sleep(min(watchIdle, time.Duration(b.events)*time.Microsecond))
	w.used = (processorTime() - used).Seconds() / time.Since(started).Seconds()
	started = time.Now()
	for i := range w.singles {
		entry, err := single(2_000_000 + w.first + i)
		if err != nil {
			return err
		}
		if _, err := l.Append(ctx, []writer.Entry{entry}, writer.AppendOptions{}); err != nil {
			return fmt.Errorf("append one event: %w", err)
		}
	}
	w.rate = float64(w.singles) / time.Since(started).Seconds()
	return nil
}
