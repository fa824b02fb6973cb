//go:build linux || darwin || freebsd

package sample

import (
	"errors"
	"iter"
	"math"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cakupan/eventstore"
	"cakupan/eventstore/memlog"
	"cakupan/projections"
	"cakupan/projections/checked"
	"cakupan/projections/coverage"
	"cakupan/projections/findings"
)

// BenchmarkStages folds the same logs as BenchmarkShelf, one stage after the other in one thread,
// and reports the processor time of each: it tells on a machine that others use too. Of a replay,
// apply and commit are what it waits for; all else goes on beside them.
func BenchmarkStages(b *testing.B) {
	for name, all := range map[string]iter.Seq[Dated]{
		"sample": Events(Seed), "nation": Nation(1, 500_000),
	} {
		log, n := logOf(b, all)
		b.Run(name+"/"+coverage.Name, func(b *testing.B) {
			benchmarkStages[*coverage.Projection, coverage.Batch](b, log, n, coverage.New)
		})
		b.Run(name+"/"+findings.Name, func(b *testing.B) {
			benchmarkStages[*findings.Projection, findings.Batch](b, log, n, findings.New)
		})
	}
}

func benchmarkStages[P projections.Projection[Batch], Batch any](b *testing.B, log *memlog.Log,
	n eventstore.Sequence, makeEmpty func(*checked.DB) P,
) {
	b.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	spent := map[string]time.Duration{}
	for b.Loop() {
		db, err := checked.Open(b.TempDir()+"/stages.db", checked.Options{Scratch: true})
		if err != nil {
			b.Fatal(err)
		}
		p := makeEmpty(db)
		last, began := usedBy(b, thread), usedBy(b, process)
		end := func(stage string, err error) {
			if err != nil {
				b.Fatal(err)
			}
			now := usedBy(b, thread)
			spent[stage] += now - last
			last = now
		}
		var batch Batch
		for frame, err := range log.Read(b.Context(), 1) {
			end("read", err)
			end("prepare", p.Prepare(frame, &batch))
			_, err := p.Apply(&batch, math.MaxInt)
			end("apply", err)
			p.Show(&batch)
			end("show", nil)
		}
		end("commit", errors.Join(p.Finish(), db.Update(p.Store)))
		p.Stored()
		spent["all"] += usedBy(b, process) - began
		_ = db.Close()
	}
	for stage, spent := range spent {
		each := float64(spent.Nanoseconds()) / float64(n) / float64(b.N)
		b.ReportMetric(each, stage+"-ns/event")
	}
}

// Clocks of the processor time that the process, or this thread alone, has used.
const process, thread = unix.CLOCK_PROCESS_CPUTIME_ID, unix.CLOCK_THREAD_CPUTIME_ID

// usedBy returns what a clock tells. Getrusage would tell it as of when the kernel last looked at
// the thread, which is when that gives way: all stages would be counted to the one that does.
func usedBy(b *testing.B, clock int32) time.Duration {
	b.Helper()
	var used unix.Timespec
	if err := unix.ClockGettime(clock, &used); err != nil {
		b.Skip("no processor time of a thread here:", err)
	}
	return time.Duration(used.Nano())
}
