// Package bench measures the ledger on this machine: durable append, import, replay, queries and
// live latency, each beside what bare JetStream gives in the same run.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// benchmark is one run of `cakupan bench`: it fills a ledger in a temporary folder and measures
// it, each figure beside what the same machine gives without the ledger's help.
type benchmark struct {
	dir string // removed at the end, whatever happens
	// events is how many the largest part takes; others take a share, so that none takes all of
	// the time.
	events int
	note   func(format string, args ...any) // what is being done, for people who wait
	report Report
}

// add notes a figure. Parts that come later find it by its name.
func (b *benchmark) add(f Figure) { b.report.Figures = append(b.report.Figures, f) }

// Run measures with the given number of events under a new folder in parent, which it
// removes.
func Run(ctx context.Context, parent string, events int,
	note func(format string, args ...any),
) (report Report, err error) {
	dir, err := os.MkdirTemp(parent, "cakupan-bench-")
	if err != nil {
		return report, fmt.Errorf("make folder for the benchmark: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &benchmark{dir: dir, events: events, note: note}
	b.report = Report{Events: events, DigestsAgree: true, Machine: Machine{
		CPU: cpuName(), Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		Go: runtime.Version(), Folder: parent, SyncAlways: true,
	}}
	started := time.Now()
	for _, part := range []func(context.Context) error{
		b.floor, b.appends, b.imports, b.watched, b.posts, b.messages, b.reads, b.credits,
		b.dears,
	} {
		if err := part(ctx); err != nil {
			return b.report, err
		}
	}
	b.report.Seconds = time.Since(started).Seconds()
	return b.report, nil
}

// cpuName returns the processor's name, as far as the system tells.
func cpuName() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, found := strings.CutPrefix(line, "model name"); found {
			return strings.TrimSpace(strings.TrimLeft(name, "\t: "))
		}
	}
	return runtime.GOARCH
}

// percentiles returns the median and the 99th percentile of one or more durations, in milliseconds.
// It sorts them where they are.
func percentiles(d []time.Duration) (p50, p99 float64) {
	slices.SortFunc(d, cmp.Compare[time.Duration])
	at := func(share int) float64 {
		return float64(d[min(len(d)*share/100, len(d)-1)].Nanoseconds()) / 1e6
	}
	return at(50), at(99)
}

// heapBytes returns the live heap, in bytes. It stops the world twice: never call it inside of what
// is being timed.
func heapBytes() float64 {
	runtime.GC()
	runtime.GC() // finalizers of the first may free more
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
