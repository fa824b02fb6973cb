package coverage_test

import (
	"testing"

	"cakupan/projections"
	"cakupan/projections/coverage"
	"cakupan/projections/projtest"
)

func TestSuite(t *testing.T) {
	projtest.Run(t, projections.StagedKind[*coverage.Projection, coverage.Batch](
		coverage.Name, coverage.NewSmall))
}

func BenchmarkReplay(b *testing.B) {
	projtest.Benchmark(b, projections.StagedKind[*coverage.Projection, coverage.Batch](
		coverage.Name, coverage.New), 200_000)
}
