package coverage_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/merkle"
	"cakupan/projections/coverage"
)

// nation makes frames of 1,000 events: of ten, six open an enrolment of a new worker, three of
// them paid by grants that follow, one ends.
func nation(b *testing.B, events int) []eventstore.Frame {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	var regencies []region.Code
	for _, r := range region.All() {
		if r.Level() == region.RegencyLevel {
			regencies = append(regencies, r)
		}
	}
	start, _ := temporal.ParseDate("2015-01-01")
	opened := 0
	var frames []eventstore.Frame
	builder := new(eventstore.FrameBuilder)
	var bytes []byte
	for seq := 1; seq <= events; {
		builder.Reset(eventstore.Sequence(seq), merkle.Hash{}, temporal.Instant(seq))
		for range 1000 {
			day := start + temporal.Date(seq*3650/events)
			e := event.Event{Key: event.Key{Source: "urn:bpjs:cabang:G01", ID: fmt.Sprintf("G01-%08d", seq)}}
			d := &e.Data
			switch rng.IntN(10) {
			default:
				e.Type = event.EnrolmentOpened
				d.Enrolment = fmt.Sprintf("G01-%08d", opened)
				d.Worker = fmt.Sprintf("%016x%016x", opened*7919, opened)
				d.Region = regencies[rng.IntN(len(regencies))]
				d.Segment = event.Segment(1 + opened%2)
				d.Category = event.Category(4 + opened%3)
				d.Programmes = []event.Programme{event.JKK, event.JKM}
				d.Payer = event.Payer(1 + opened%3)
				d.From = day - temporal.Date(rng.IntN(31))
				opened++
			case 0, 1, 2:
				e.Type = event.FundingGranted
				d.Commitment = fmt.Sprintf("c-%d", rng.IntN(500))
				d.Enrolment = fmt.Sprintf("G01-%08d", max(0, opened-1-rng.IntN(3000))/3*3+2)
				d.FromMonth = day.Month()
				d.UntilMonth = d.FromMonth + 12
			case 3:
				e.Type = event.EnrolmentTerminated
				d.Enrolment = fmt.Sprintf("G01-%08d", rng.IntN(opened+1))
				d.Until = day
				d.Reason = event.Layoff
			}
			setHas(&e)
			bytes = codec.Append(bytes[:0], &e)
			if err := builder.Append(temporal.Instant(seq), bytes); err != nil {
				b.Fatal(err)
			}
			seq++
		}
		frame, err := eventstore.ParseFrame(append([]byte(nil), builder.Bytes()...))
		if err != nil {
			b.Fatal(err)
		}
		frames = append(frames, frame)
	}
	return frames
}

// BenchmarkFold folds two million events in memory.
func BenchmarkFold(b *testing.B) {
	const events = 2_000_000
	frames := nation(b, events)
	for b.Loop() {
		db, err := bbolt.Open(filepath.Join(b.TempDir(), "c.db"), 0o600,
			&bbolt.Options{NoSync: true, NoFreelistSync: true, InitialMmapSize: 4 << 30})
		if err != nil {
			b.Fatal(err)
		}
		p := coverage.New(db)
		var batch coverage.Batch
		for _, frame := range frames {
			if err := p.Prepare(frame, &batch); err != nil {
				b.Fatal(err)
			}
			if err := p.Apply(&batch); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		if err := db.Update(p.Store); err != nil {
			b.Fatal(err)
		}
		p.Stored()
		_ = db.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkAnswer asks for random regions, days and knowledge after two million events.
func BenchmarkAnswer(b *testing.B) {
	const events = 2_000_000
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "c.db"), 0o600,
		&bbolt.Options{NoSync: true, NoFreelistSync: true, InitialMmapSize: 4 << 30})
	if err != nil {
		b.Fatal(err)
	}
	p := coverage.New(db)
	for _, frame := range nation(b, events) {
		if err := apply(p, frame); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Update(p.Store); err != nil {
		b.Fatal(err)
	}
	p.Stored()
	rng := rand.New(rand.NewPCG(3, 4))
	all := region.All()
	day, _ := temporal.ParseDate("2015-01-01")
	for b.Loop() {
		_, err := p.View().Answer(coverage.Query{
			Region: all[rng.IntN(len(all))], On: day + temporal.Date(rng.IntN(3650)),
			Known: eventstore.Sequence(rng.IntN(events)), Indicator: event.Employed,
			By: []coverage.Dimension{coverage.BySegment, coverage.ByFunding},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
