package vault_test

import (
	"fmt"
	"sync"
	"testing"
)

// BenchmarkNewWorkers gives ids to persons who are new, a thousand by each of four callers before
// they persist, as an import does.
func BenchmarkNewWorkers(b *testing.B) {
	const callers, batch = 4, 1000
	_, v := openNew(b, b.TempDir())
	b.ResetTimer()
	var wait sync.WaitGroup
	for c := range callers {
		wait.Go(func() {
			for i := range b.N / callers {
				if _, err := v.Resolve(fmt.Sprintf("%016d", i*callers+c)); err != nil {
					b.Error(err)
				}
				if i%batch == batch-1 {
					if err := v.Persist(b.Context(), 0); err != nil {
						b.Error(err)
					}
				}
			}
		})
	}
	wait.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "workers/s")
}
