//go:build linux || darwin || freebsd

package coverage_test

import (
	"context"
	"errors"
	"testing"

	"cakupan/domain/temporal"
	"cakupan/projections/coverage"
	"cakupan/projections/difference"
	"cakupan/projections/explain"
)

// regencies folds two million events of few regencies, in each of which 100,000 and more are
// covered.
func regencies(b *testing.B) (*coverage.Projection, *nation, temporal.Date) {
	b.Helper()
	n := newNation()
	n.regencies = n.regencies[:6]
	db := openScratch(b)
	p := coverage.New(db)
	for _, frame := range n.frames(b, 2_000_000, n.mixture) {
		if err := apply(p, frame); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(p.Finish(), db.Update(p.Store)); err != nil {
		b.Fatal(err)
	}
	p.Stored()
	return p, n, must(parseDate("2024-06-30"))
}

// BenchmarkExplain tells who is covered in a regency.
func BenchmarkExplain(b *testing.B) {
	p, n, day := regencies(b)
	workers := int64(0)
	for b.Loop() {
		told, err := explain.Workers(context.Background(), p, explain.Query{
			Region: n.regencies[1], On: day, Known: 2_000_000,
		}, func(*explain.Worker) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
		workers = told
	}
	b.ReportMetric(float64(workers), "workers")
}

// BenchmarkDifference finds why a regency differs from the year before, as known a year later.
func BenchmarkDifference(b *testing.B) {
	p, n, day := regencies(b)
	for b.Loop() {
		_, err := difference.Find(context.Background(), p, difference.Query{
			Region: n.regencies[1],
			From:   difference.Point{On: day - 365, Known: 1_700_000},
			To:     difference.Point{On: day, Known: 2_000_000},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
