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

// watched measures what the watchman costs who writes: one publisher alone, in turns with a
// watchman that never rests for longer than it must, and without one.
func (b *benchmark) watched(ctx context.Context) error {
	singles := min(watchSingles, max(b.events/400, 1))
	var shares []float64
	for turn := range watchTurns {
		b.note("writing with the watchman and without, %d of %d", turn+1, watchTurns)
		var rates [2]float64
		for i, every := range []time.Duration{time.Hour, time.Millisecond} {
			rate, err := b.writeBeside(ctx, every, (2*turn+i)*singles, singles)
			if err != nil {
				return err
			}
			rates[i] = rate
		}
		shares = append(shares, rates[1]/rates[0])
	}
	slices.Sort(shares)
	b.add(Figure{
		Name: "append beside a watchman that never ends, over append alone", More: true,
		Value: shares[len(shares)/2], Unit: "×", Target: 0.95,
	})
	return nil
}

// writeBeside appends events one by one to the imported ledger, which is read again each time so
// much time has passed, and returns how many a second.
func (b *benchmark) writeBeside(ctx context.Context, every time.Duration, first, singles int,
) (rate float64, err error) {
	l, err := ledger.Open(ctx, ledger.Options{Dir: filepath.Join(b.dir, "import"), Refold: every})
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	if err := l.Serve(ctx, "", every); err != nil {
		return 0, err
	}
	if err := quiet(ctx, l); err != nil {
		return 0, err
	}
	started := time.Now()
	for i := range singles {
		entry, err := single(2_000_000 + first + i)
		if err != nil {
			return 0, err
		}
		if _, err := l.Append(ctx, []writer.Entry{entry}, writer.AppendOptions{}); err != nil {
			return 0, fmt.Errorf("append one event: %w", err)
		}
	}
	return float64(singles) / time.Since(started).Seconds(), nil
}
