package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// benchmark is one run of `cakupan bench`: it fills a ledger in a temporary folder and measures
// it, each figure beside what the same machine gives without the ledger's help.
type benchmark struct {
	dir    string
	events int
	note   func(format string, args ...any) // what is being done, for people who wait
	report benchReport
}

// benchReport is what a run found; --json prints it.
type benchReport struct {
	Machine benchMachine  `json:"machine"`
	Events  int           `json:"events"`
	Figures []benchFigure `json:"figures"`
	// DigestsAgree: the replay's digest is the live one.
	DigestsAgree bool    `json:"digestsAgree"`
	Seconds      float64 `json:"seconds"`
}

// benchMachine says where and with what settings it was measured.
type benchMachine struct {
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	OS         string `json:"os"`
	Go         string `json:"go"`
	Folder     string `json:"folder"`
	SyncAlways bool   `json:"syncAlways"`
}

// benchFigure is one measured value, with the floor of the same run where there is one.
type benchFigure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Floor is what bare JetStream gives for the same job; 0: there is no such job.
	Floor     float64 `json:"floor,omitempty"`
	FloorName string  `json:"floorName,omitempty"`
	// Target is what the figure should reach; More says on which side of it is good.
	Target float64 `json:"target,omitempty"`
	More   bool    `json:"more"`
}

// ok reports whether the figure reaches its target.
func (f benchFigure) ok() bool {
	if f.Target == 0 {
		return true
	}
	return f.More == (f.Value >= f.Target) || f.Value == f.Target
}

func (b *benchmark) add(f benchFigure) { b.report.Figures = append(b.report.Figures, f) }

// runBench measures with the given number of events under a new folder in parent, which it
// removes.
func runBench(ctx context.Context, parent string, events int,
	note func(format string, args ...any),
) (report benchReport, err error) {
	dir, err := os.MkdirTemp(parent, "cakupan-bench-")
	if err != nil {
		return report, fmt.Errorf("make folder for the benchmark: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &benchmark{dir: dir, events: events, note: note}
	b.report = benchReport{Events: events, Machine: benchMachine{
		CPU: cpuName(), Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		Go: runtime.Version(), Folder: parent, SyncAlways: true,
	}}
	started := time.Now()
	for _, part := range []func(context.Context) error{
		b.floor, b.appends, b.imports, b.posts, b.messages, b.reads,
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

// percentiles returns the median and the 99th percentile of some durations, in milliseconds.
func percentiles(d []time.Duration) (p50, p99 float64) {
	slices.SortFunc(d, cmp.Compare[time.Duration])
	at := func(share int) float64 {
		return float64(d[min(len(d)*share/100, len(d)-1)].Nanoseconds()) / 1e6
	}
	return at(50), at(99)
}

// heapBytes returns the live heap.
func heapBytes() float64 {
	runtime.GC()
	runtime.GC() // finalizers of the first may free more
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// writeBench prints the report as a table, or as JSON.
func writeBench(w io.Writer, report benchReport, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	m := report.Machine
	if _, err := fmt.Fprintf(w, "%s, %d cores, %s, %s; SyncAlways; %s events; %.0f s\n\n",
		m.CPU, m.Cores, m.OS, m.Go, grouped(float64(report.Events)), report.Seconds); err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	rows := [][]string{{"figure", "measured", "target", "", "bare JetStream", "ratio"}}
	for _, f := range report.Figures {
		rows = append(rows, f.row())
	}
	for _, row := range rows {
		if _, err := fmt.Fprintln(table, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nreplay has the digest of the live projection: %v\n",
		report.DigestsAgree)
	return err
}

func (f benchFigure) row() []string {
	row := []string{f.Name, grouped(f.Value) + " " + f.Unit, "", "", "", ""}
	if f.Target != 0 {
		sign, mark := "≥", "✓"
		if !f.More {
			sign = "≤"
		}
		if !f.ok() {
			mark = "✗"
		}
		row[2], row[3] = sign+" "+grouped(f.Target), mark
	}
	if f.Floor != 0 {
		row[4] = grouped(f.Floor) + " " + f.FloorName
		row[5] = fmt.Sprintf("%.1f×", f.Value/f.Floor)
	}
	return row
}

// grouped writes a number with thousands separators, small ones with three digits.
func grouped(v float64) string {
	if v < 1000 {
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
	}
	digits := fmt.Sprintf("%.0f", v)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
