package history_test

import (
	"fmt"
	"testing"
	"time"

	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/history"
	"cakupan/projections/projtest"
)

// TestDamages damages the file; see [projtest.Damages].
func TestDamages(t *testing.T) {
	events := listed(31, 300)
	all := subjects(events)
	ask := func(kept projections.Kept, k eventstore.Sequence) (string, error) {
		p, _ := projections.Answers[*history.Projection](kept)
		text, err := p.Digest(k)
		for i := 0; i < len(all) && err == nil; i += 3 {
			var about []eventstore.Sequence
			if about, _, err = p.About(all[i], 1, 1000); err == nil {
				for len(about) > 0 && about[len(about)-1] > k {
					about = about[:len(about)-1]
				}
				text += fmt.Sprint("\n", all[i], about)
			}
		}
		for i := 0; i < int(k) && err == nil; i += 5 {
			var by []eventstore.Sequence
			if by, err = p.Retractions(events[i].Sequence, events[i].Key); err == nil {
				for len(by) > 0 && by[len(by)-1] > k {
					by = by[:len(by)-1]
				}
				text += fmt.Sprint("\n", i, by)
			}
		}
		return text, err
	}
	projtest.Damages(t, projections.SimpleKind(history.Name, time.Millisecond, history.NewSmall), ask)
}
