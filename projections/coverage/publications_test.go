package coverage_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/projections/coverage"
)

// TestPublications publishes about one topic again and again, takes some back, and asks for the
// latest as known at any moment, of one that looks at all.
func TestPublications(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	rng := rand.New(rand.NewPCG(9, 9))
	w := &dearWriter{rng: rng}
	for i := range 400 {
		if i > 10 && rng.IntN(3) == 0 {
			w.retract(1 + rng.IntN(i))
			continue
		}
		w.add(event.TargetSet, func(d *event.Data) {
			d.Region, d.Sector = 75, event.Informal
			d.Percent = fmt.Sprintf("%d.%02d", i/100, i%100)
			d.From = w.day() % 30
		})
	}
	s, err := newProduction(t.TempDir(), coverage.NewSmall)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.db.Close() }()
	foldPart(t, s, w.history[:250], 0, 250, 7)
	if err := s.store(); err != nil {
		t.Fatal(err)
	}
	if err := s.restart(); err != nil {
		t.Fatal(err)
	}
	foldPart(t, s, w.history, 250, 400, 7)
	m := newModel(w.history)
	for known := uint64(1); known <= 400; known += 3 {
		for day := range temporal.Date(30) {
			f := &finding{history: w.history}
			f.query.query = query{
				Region: 75, On: day, Known: known, Indicator: event.Employed,
			}
			for _, f.asked = range []string{"answer", "regions"} {
				if diff := f.compare(s.subject(), m); diff != "" {
					t.Fatalf("%s on day %d as known at %d: %s", f.asked, day, known, diff)
				}
			}
		}
	}
}
