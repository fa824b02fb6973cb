//go:build unix

package sample

import (
	"errors"
	"iter"
	"math"
	"runtime"
	"syscall"
	"testing"
	"time"

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

// Whose processor time getrusage tells: of the process, or of this thread alone.
const process, thread = 0, 1

func usedBy(b *testing.B, who int) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Skip("no processor time of a thread here:", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
