package findings_test

import (
	"testing"

	"cakupan/projections"
	"cakupan/projections/findings"
	"cakupan/projections/projtest"
)

func theKind() projections.Kind {
	return projections.StagedKind[*findings.Projection, findings.Batch](
		findings.Name, findings.New)
}

func smallKind() projections.Kind {
	return projections.StagedKind[*findings.Projection, findings.Batch](
		findings.Name, findings.NewSmall)
}

func TestSuite(t *testing.T) { projtest.Run(t, smallKind()) }

func BenchmarkReplay(b *testing.B) { projtest.Benchmark(b, theKind(), 200_000) }
