package coverage_test

import (
	"math/rand/v2"
	"testing"

	"cakupan/domain/event"
	"cakupan/projections/coverage"
	"cakupan/projections/facts"
)

// TestReadersAreLetIn: while an event is worked out that looks at very many enrolments, readers do
// not wait for any part of that work.
func TestReadersAreLetIn(t *testing.T) {
	t.Parallel()
	const many = 4 * facts.Together
	for name, c := range map[string]struct {
		before, last func(*dearWriter)
		least        int // looked at between letting in and shutting out
	}{
		"a closing of many grants": {
			func(w *dearWriter) { w.granted(many) }, func(w *dearWriter) { w.money(1) }, many,
		},
		"a death of a worker with many enrolments": {
			func(w *dearWriter) {
				for range many {
					w.open("e"+w.day().String(), "w", 0)
				}
			},
			func(w *dearWriter) {
				w.add(event.WorkerDied, func(d *event.Data) { d.Worker, d.On = "w", 1 })
			},
			0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &dearWriter{rng: rand.New(rand.NewPCG(5, 6))}
			c.before(w)
			before := len(w.history)
			c.last(w)
			s, err := newProduction(t.TempDir(), coverage.New)
			if err != nil {
				t.Fatal(err)
			}
			foldPart(t, s, w.history, 0, before, 100)
			var in, out []int
			s.p.WatchReading(func(letIn bool, looked int) {
				if !letIn {
					out = append(out, looked)
					return
				}
				in = append(in, looked)
				// It would wait for ever for a fold that holds the state.
				if err := s.p.Read(func(state *facts.State) error {
					if state.EnrolmentCount() < many/2 {
						t.Errorf("%d enrolments are known", state.EnrolmentCount())
					}
					return nil
				}); err != nil {
					t.Error(err)
				}
			})
			foldPart(t, s, w.history, before, len(w.history), 1)
			if len(in) != 1 || len(out) != 1 || out[0]-in[0] < c.least {
				t.Errorf("let in at %d, shut out at %d: want once, and %d between them", in, out, c.least)
			}
		})
	}
}
