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

// quiet returns once a running ledger does nothing by itself any more: every projection has applied
// the log, its first check is over, and the tiles have caught up. What follows then counts what it
// measures and nothing else. It fails as soon as the ledger is anything but well: a projection that
// has stopped would never catch up. There is no bound but ctx.
func quiet(ctx context.Context, l *ledger.Ledger) error {
	if _, err := l.Checkpoint(ctx); err != nil { // it is of tiles that have caught up
		return err
	}
	for {
		h := l.Health(ctx)
		if h.Status != ledger.HealthOK {
			return fmt.Errorf("the ledger is %s: %s", h.Status, h.Why)
		}
		// Of the log as a whole: the watchman's first round is over when he has read to the head.
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
		// Nobody tells when all of that is over, and a question each 10 ms takes next to nothing of
		// what is measured afterwards, which has not begun.
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// watched measures what the watchman costs: what it takes of a processor, and who writes, one
// publisher alone, in turns with a watchman that begins anew as soon as it is through, and without
// one. The one that never ends is dearer than any in use: it bounds them all. Its share of a
// processor is what its run took above the one without, and never below 0, which noise would make
// it.
func (b *benchmark) watched(ctx context.Context) error {
	// Fewer in small runs, so that the parts stay in proportion.
	singles := min(watchSingles, max(b.events/400, 1))
	var ratios, shares []float64
	for turn := range watchTurns {
		b.note("writing with the watchman and without, %d of %d", turn+1, watchTurns)
		var rates, used [2]float64
		for i := range 2 {
			// 0: without a watchman, 1: with one.
			on := (turn + i) % 2 // the other one first in the next turn
			// An hour is longer than any run: he does not begin again. Each run appends events that
			// no other has, so that none is a duplicate.
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
	// How long after the end of one round the watchman begins the next.
	every          time.Duration
	first, singles int // events that are appended

	// Set by the run: processors on average, 1 is one of them.
	used float64 // of a processor, while nothing else is done
	// Set by the run; each waits for its own sync.
	rate float64 // events a second, one by one
}

// watch has the imported ledger read again, while nothing else is done and while events come in.
// The ledger of imports is opened anew, and keeps what is appended to it: its log is longer for
// each run, by little. First it is left alone for at most two seconds, less where there are few
// events, and then written to.
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
		// Above all numbers that live has taken, though of another ledger.
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
