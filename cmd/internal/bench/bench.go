// Package bench measures the ledger on this machine: durable append, import, replay, queries and
// live latency, each beside what bare JetStream gives in the same run. The floor and the figure
// beside it come from one run because a shared machine changes from hour to hour: only their ratio
// can be compared between runs, or between machines.
//
// The command `cakupan bench` alone uses it. Nothing here is a test: a figure that misses its
// target is shown as such, and is no error. Everything that is written goes under one folder, which
// is removed; a ledger in use is never touched.
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
	// Each part has folders of its own in it, by fixed names: a later part opens again what an
	// earlier one left.
	dir string // removed at the end, whatever happens
	// events is how many the largest part takes; others take a share, so that none takes all of
	// the time.
	events int
	// It is never nil, and is called by the goroutine that runs the benchmark alone.
	note func(format string, args ...any) // what is being done, for people who wait
	// It grows as the parts run; what an earlier part has measured stands when a later one fails.
	report Report
}

// add notes a figure. Parts that come later find it by its name. Names are therefore part of what
// holds the parts together: see measured.
func (b *benchmark) add(f Figure) { b.report.Figures = append(b.report.Figures, f) }

// Run measures with the given number of events under a new folder in parent, which it removes. It
// holds the folder's disk and both ends of every connection, so that nothing else should run beside
// it. With an error the report has the figures up to then. The time of a run grows with events, of
// which each part takes a share, the credits several times as many. Where ctx ends, the part that
// runs ends with its error; the folder is removed all the same.
func Run(ctx context.Context, parent string, events int,
	note func(format string, args ...any),
) (report Report, err error) {
	// The folder is in parent, not in the system's place for such things: that is often memory,
	// where a sync costs nothing, and what is measured is the disk that the ledger would be on.
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
	// The order counts: floor leaves the stream that replays read beside theirs and the rates that
	// others are compared with; appends leaves the ledger that reads opens; imports leaves the one
	// that watched opens.
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

// cpuName returns the processor's name, as far as the system tells. Where there is no such file, as
// outside of Linux, or no such line, as on some ARM, it is the architecture: enough to tell two
// reports apart, and no reason to fail.
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
// It sorts them where they are. A percentile is a duration that was measured, the one above, not
// one between two: of a hundred or fewer the 99th is the slowest.
func percentiles(d []time.Duration) (p50, p99 float64) {
	slices.SortFunc(d, cmp.Compare[time.Duration])
	at := func(share int) float64 {
		return float64(d[min(len(d)*share/100, len(d)-1)].Nanoseconds()) / 1e6
	}
	return at(50), at(99)
}

// heapBytes returns the live heap, in bytes. It stops the world twice: never call it inside of what
// is being timed. It is the heap of the whole process, so only a difference of two says something,
// and only while nothing else allocates.
func heapBytes() float64 {
	runtime.GC()
	runtime.GC() // finalizers of the first may free more
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
