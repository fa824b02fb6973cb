//go:build linux || darwin || freebsd

package sample

import (
	"iter"
	"testing"
	"time"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/memlog"
	"cakupan/projections"
	"cakupan/projections/coverage"
	"cakupan/projections/findings"
	"cakupan/projections/history"
	"cakupan/projections/projtest"
)

// logOf makes a log of events, as the ledger stores them.
func logOf(b *testing.B, all iter.Seq[Dated]) (*memlog.Log, eventstore.Sequence) {
	b.Helper()
	var events []projections.Event
	keys := map[event.Key]eventstore.Sequence{}
	for d := range all {
		e := projections.Event{
			Sequence: eventstore.Sequence(len(events) + 1), RecordedAt: d.RecordedAt, Event: d.Event,
		}
		if e.Type == event.EventRetracted {
			e.Retracts = keys[event.Key{Source: e.Data.RetractedSource, ID: e.Data.RetractedID}]
		}
		keys[e.Key] = e.Sequence
		events = append(events, e)
	}
	log := memlog.New(eventstore.NewIdentity(1))
	if err := projtest.Append(log, events, 1, 1000); err != nil {
		b.Fatal(err)
	}
	return log, eventstore.Sequence(len(events))
}

// BenchmarkShelf measures a replay of each projection: findings must have half of the rate of the
// coverage at least.
func BenchmarkShelf(b *testing.B) {
	kinds := []projections.Kind{
		projections.StagedKind[*coverage.Projection, coverage.Batch](coverage.Name, coverage.New),
		projections.SimpleKind(history.Name, time.Second, history.New),
		projections.StagedKind[*findings.Projection, findings.Batch](findings.Name, findings.New),
	}
	for name, all := range map[string]iter.Seq[Dated]{
		"sample": Events(Seed), "nation": Nation(1, 500_000),
	} {
		log, n := logOf(b, all)
		for _, kind := range kinds {
			b.Run(name+"/"+kind.Name, func(b *testing.B) { benchmarkReplay(b, log, kind, n) })
		}
	}
}

func benchmarkReplay(b *testing.B, log *memlog.Log, kind projections.Kind, n eventstore.Sequence) {
	began := usedBy(b, process)
	for b.Loop() {
		path := b.TempDir() + "/replay.db"
		kept, err := kind.Open(b.Context(), projections.NewFeed(log),
			projections.File{Path: path, Scratch: true})
		if err == nil {
			err = kept.CatchUp(b.Context(), n, nil)
		}
		if err != nil {
			b.Fatal(err)
		}
		if err := kept.Close(); err != nil {
			b.Fatal(err)
		}
	}
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(b.N) / float64(n) }
	b.ReportMetric(each(b.Elapsed()), "ns/event")
	b.ReportMetric(each(usedBy(b, process)-began), "processor-ns/event") // on a busy machine
}
