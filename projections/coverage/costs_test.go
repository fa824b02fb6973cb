package coverage_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/projections/coverage"
)

// TestCost asks what events would cost, of a projection that has folded what they are about, and of
// one that was only opened.
func TestCost(t *testing.T) {
	w := &dearWriter{rng: rand.New(rand.NewPCG(7, 8))}
	w.granted(300)
	for i := range 100 {
		w.open(fmt.Sprintf("many%d", i), "many", w.day())
	}
	w.open("few1", "few", 0)
	w.open("few2", "few", 0)
	s, err := newProduction(t.TempDir(), coverage.New)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.db.Close() }()
	foldPart(t, s, w.history, 0, len(w.history), 50)
	cost := func(kind event.Type, fill func(*event.Data)) int {
		e := event.Event{Type: kind}
		fill(&e.Data)
		return s.p.Changes(coverage.WeightOf(&e))
	}
	check := func() {
		t.Helper()
		for _, kind := range []event.Type{
			event.FundingCommitted, event.FundingClosed, event.FundingDisbursed,
		} {
			if got := cost(kind, func(d *event.Data) {
				d.Commitment, d.PaidMonths = "c", []temporal.Month{5, 6, 7}
			}); got != 600 {
				t.Errorf("%s of 300 grants costs %d", kind, got)
			}
			if got := cost(kind, func(d *event.Data) { d.Commitment = "other" }); got != 0 {
				t.Errorf("%s of no grants costs %d", kind, got)
			}
		}
		scattered := cost(event.FundingDisbursed, func(d *event.Data) {
			d.Commitment, d.PaidMonths = "c", []temporal.Month{5, 7, 8, 3}
		})
		if scattered != 1800 {
			t.Errorf("three rows of months cost %d", scattered)
		}
		died := func(worker string) int {
			return cost(event.WorkerDied, func(d *event.Data) { d.Worker = worker })
		}
		if many, few := died("many"), died("few"); many < 160 || many > 200 || few != 0 {
			t.Errorf("deaths cost %d, %d", many, few)
		}
		merged := cost(event.WorkerMerged, func(d *event.Data) { d.Worker, d.Into = "many", "few" })
		if merged != 0 {
			t.Errorf("a merge of which the small one moves costs %d", merged)
		}
		if got := cost(event.FundingGranted, func(d *event.Data) { d.Commitment = "c" }); got != 0 {
			t.Errorf("a grant costs %d", got)
		}
	}
	check()
	if err := s.store(); err != nil {
		t.Fatal(err)
	}
	if err := s.restart(); err != nil {
		t.Fatal(err)
	}
	check()
}

// TestExpected adds what is not folded yet to the cost of events, and takes it away again.
func TestExpected(t *testing.T) {
	s, err := newProduction(t.TempDir(), coverage.New)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.db.Close() }()
	weight := func(kind event.Type, commitment, worker, into string) coverage.Weight {
		e := event.Event{Type: kind}
		e.Data.Commitment, e.Data.Worker, e.Data.Into = commitment, worker, into
		e.Data.PaidMonths = []temporal.Month{5}
		return coverage.WeightOf(&e)
	}
	first, second := new(coverage.Expected), new(coverage.Expected)
	for i := range 300 {
		first.Add(weight(event.FundingGranted, "c", "", ""), +1)
		second.Add(weight(event.EnrolmentOpened, "", []string{"w", "x", "y"}[i%3], ""), +1)
	}
	second.Add(weight(event.FundingGranted, "c", "", ""), +100)
	second.Add(weight(event.EnrolmentOpened, "", "few", ""), +5)
	cost := func(want int, w coverage.Weight) {
		t.Helper()
		if got := s.p.Changes(w, first, second); got != want {
			t.Errorf("%+v costs %d, want %d", w, got, want)
		}
	}
	cost(800, weight(event.FundingDisbursed, "c", "", ""))
	cost(800, weight(event.FundingClosed, "c", "", ""))
	cost(0, weight(event.FundingClosed, "d", "", ""))
	cost(0, weight(event.FundingGranted, "c", "", ""))
	cost(200, weight(event.WorkerDied, "", "w", ""))
	cost(0, weight(event.WorkerDied, "", "few", ""))
	cost(200, weight(event.WorkerMerged, "", "w", "x"))
	cost(0, weight(event.WorkerMerged, "", "w", "few"))
	second.Add(weight(event.FundingGranted, "c", "", ""), -100)
	cost(600, weight(event.FundingClosed, "c", "", ""))
}
