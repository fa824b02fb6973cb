package vault

import (
	"path/filepath"
	"sync"
	"testing"
)

// TestDroppedMeanwhile asks what is wrong with the cache while the state cannot be saved: each time
// is told, and none is read half written.
func TestDroppedMeanwhile(t *testing.T) {
	const times = 50
	v := &Vault{opts: Options{Dir: filepath.Join(t.TempDir(), "gone")}}
	var both sync.WaitGroup
	both.Go(func() {
		for range times {
			v.writing.Lock()
			v.state.Number += saveEvery
			v.saveAtTimes()
			v.writing.Unlock()
		}
	})
	both.Go(func() {
		for range times {
			for _, err := range v.Dropped() {
				if err == nil {
					t.Error("nothing is wrong")
				}
			}
		}
	})
	both.Wait()
	if n := len(v.Dropped()); n != times {
		t.Errorf("told %d times of %d", n, times)
	}
}
