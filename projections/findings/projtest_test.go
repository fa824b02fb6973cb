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

func TestSuite(t *testing.T) { projtest.Run(t, theKind()) }

func BenchmarkReplay(b *testing.B) { projtest.Benchmark(b, theKind(), 200_000) }
