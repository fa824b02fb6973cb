package findings_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/memlog"
	"cakupan/projections"
	"cakupan/projections/coverage"
	"cakupan/projections/findings"
	"cakupan/projections/projtest"
)

// nation makes n events as a ledger gets them over ten years: half of them open an enrolment, of
// which a third is paid by a commitment of its regency, the others by credits.
func nation(n int) []projections.Event {
	rng := rand.New(rand.NewPCG(1, 2))
	var regencies []region.Code
	for _, r := range region.All() {
		if r.Level() == region.RegencyLevel {
			regencies = append(regencies, r)
		}
	}
	start, opened := date(2015, 1, 1), 0
	events := make([]projections.Event, n)
	for i := range events {
		e := &events[i]
		day := start + temporal.Date(i*3650/n)
		e.Sequence, e.RecordedAt = eventstore.Sequence(i+1), temporal.EndOfDay(day)
		e.Key = event.Key{Source: "urn:bench", ID: fmt.Sprint(i)}
		d := &e.Data
		someone := rng.IntN(opened + 1)
		d.Enrolment = fmt.Sprintf("K%010d", someone)
		d.Has = d.Has.With(event.FieldEnrolment)
		switch draw := rng.IntN(100); {
		case opened == 0 || draw < 50:
			e.Type, d.Enrolment = event.EnrolmentOpened, fmt.Sprintf("K%010d", opened)
			d.Worker, d.From = fmt.Sprintf("w%010d", opened-opened%40/39), day-7
			d.Region, d.Segment = regencies[opened*7919%len(regencies)], event.BPU
			d.Category, d.Payer = event.Vulnerable, []event.Payer{
				event.APBD, event.Self, event.Employer,
			}[opened%3]
			d.Programmes = []event.Programme{event.JKK, event.JKM}
			d.Has = d.Has.With(event.FieldWorker).With(event.FieldFrom).With(event.FieldRegion).
				With(event.FieldSegment).With(event.FieldCategory).With(event.FieldPayer).
				With(event.FieldProgrammes)
			opened++
		case draw < 75:
			someone -= someone % 3
			e.Type, d.Enrolment = event.FundingGranted, fmt.Sprintf("K%010d", someone)
			d.FromMonth = day.Month() / 12 * 12
			d.UntilMonth = d.FromMonth + 12
			d.Commitment = fmt.Sprintf("apbd-%d-%d", regencies[someone*7919%len(regencies)],
				d.FromMonth)
			d.Has = d.Has.With(event.FieldCommitment).With(event.FieldFromMonth).
				With(event.FieldUntilMonth)
		case draw < 90:
			e.Type, d.FromMonth = event.ContributionCredited, day.Month()
			d.UntilMonth = d.FromMonth + 1
			d.Has = d.Has.With(event.FieldFromMonth).With(event.FieldUntilMonth)
		default:
			e.Type, d.Until, d.Reason = event.EnrolmentTerminated, day-3, event.Layoff
			d.Has = d.Has.With(event.FieldUntil).With(event.FieldReason)
		}
	}
	return events
}

// BenchmarkNation measures a replay of what a ledger gets, beside that of the coverage: the ratio
// tells, on a busy machine.
func BenchmarkNation(b *testing.B) {
	b.Run(coverage.Name, func(b *testing.B) {
		benchmarkNation(b, projections.StagedKind[*coverage.Projection, coverage.Batch](
			coverage.Name, coverage.New))
	})
	b.Run(findings.Name, func(b *testing.B) { benchmarkNation(b, theKind()) })
}

func benchmarkNation(b *testing.B, kind projections.Kind) {
	b.Helper()
	const n = 200_000
	log := memlog.New(eventstore.NewIdentity(1))
	if err := projtest.Append(log, nation(n), 1, 1000); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for b.Loop() {
		kept, err := kind.Open(b.Context(), projections.NewFeed(log),
			projections.File{Path: b.TempDir() + "/findings.db", Scratch: true})
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
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/event")
}
