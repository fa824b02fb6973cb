package vault_test

import (
	"errors"
	"testing"

	"cakupan/eventstore/durable"
	"cakupan/eventstore/durable/durabletest"
)

// TestFailedSyncOfTheJournal fails before the sync of new ids, and after it, when they last and
// nobody is told: Persist says so, the next one makes them last, and nobody gets another id.
func TestFailedSyncOfTheJournal(t *testing.T) {
	for _, step := range []durable.Step{durable.BeforeSync, durable.Done} {
		for _, begun := range []bool{false, true} {
			dir := t.TempDir()
			v := open(t, dir)
			var workers []string
			if begun { // there is a journal, which grows
				workers = append(workers, resolve(t, v, nik(0)))
				persist(t, v)
			}
			workers = append(workers, resolve(t, v, nik(len(workers))))
			heal := durabletest.Fail(t, dir, step)
			err := v.Persist(t.Context())
			if heal() == 0 || !errors.Is(err, durabletest.ErrInjected) {
				t.Fatalf("%s, begun %t: %v", step, begun, err)
			}
			persist(t, v)
			left := open(t, crash(t, dir))
			for n, worker := range workers {
				if got := resolve(t, left, nik(n)); got != worker {
					t.Errorf("%s, begun %t: person %d is %s, was %s", step, begun, n, got, worker)
				}
			}
		}
	}
}
