package coverage_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
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

// crowdedWriter writes what is dear in more than one way: an enrolment of many facts, one that is
// credited in years that nobody knows, a person of many ids, and a commitment that is restated.
func crowdedWriter(facts int) *dearWriter {
	w := &dearWriter{rng: rand.New(rand.NewPCG(9, 10))}
	w.open("long", "hard", 0)
	w.open("old", "older", 0)
	w.open("usual", "someone", 0)
	for i := range facts {
		w.fact("long")
		w.credit("old", temporal.Month(-12_000+i))
		if i < 600 {
			w.credit("usual", temporal.Month(300+i))
		}
		if i%3 == 0 {
			w.money(0) // committed
		}
	}
	w.add(event.WorkerDied, func(d *event.Data) { d.Worker, d.On = "dead", 0 })
	for i := range 30 {
		w.open(fmt.Sprintf("i%d", i), fmt.Sprintf("id%d", i), 0)
	}
	for i := 1; i < 30; i++ {
		w.add(event.WorkerMerged, func(d *event.Data) {
			d.Worker, d.Into = fmt.Sprintf("id%d", i), "id0"
		})
	}
	return w
}

func (w *dearWriter) credit(enrolment string, month temporal.Month) {
	w.add(event.ContributionCredited, func(d *event.Data) {
		d.Enrolment, d.FromMonth, d.UntilMonth = enrolment, month, month+1
	})
}

// costOf returns what a fact about an enrolment costs.
func costOf(p *coverage.Projection, enrolment string, expected ...*coverage.Expected) int {
	e := event.Event{Type: event.EnrolmentAmended}
	e.Data.Enrolment = enrolment
	tag, _ := coverage.FactOf(&e)
	return p.ChangesOfFact(tag, expected...)
}

// TestCostOfFacts asks what events about an enrolment of many facts cost, about whoever is of many
// ids or has such an enrolment, and about a commitment that was stated very often.
func TestCostOfFacts(t *testing.T) {
	const facts = 3_300
	w := crowdedWriter(facts)
	s, err := newProduction(t.TempDir(), coverage.New)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.db.Close() }()
	foldPart(t, s, w.history, 0, len(w.history), 500)
	check := func() {
		t.Helper()
		for _, c := range []struct {
			enrolment   string
			least, most int
		}{
			{"long", facts / 8, facts/8 + 2},
			{"old", facts / 8, (facts + 1_000) / 8}, // the first thousand may be there twice
			{"usual", 0, 0},
			{"nobody's", 0, 0},
		} {
			if got := costOf(s.p, c.enrolment); got < c.least || got > c.most {
				t.Errorf("a fact about %s costs %d, want %d to %d", c.enrolment, got, c.least, c.most)
			}
		}
		died := func(worker string) int {
			e := event.Event{Type: event.WorkerDied}
			e.Data.Worker = worker
			return s.p.Changes(coverage.WeightOf(&e))
		}
		if got := died("id7"); got != 2*(30+29) {
			t.Errorf("the death of a person of 30 ids costs %d", got)
		}
		merged := func(worker, into string) int {
			e := event.Event{Type: event.WorkerMerged}
			e.Data.Worker, e.Data.Into = worker, into
			return s.p.Changes(coverage.WeightOf(&e))
		}
		if got := merged("id3", "someone"); got != 0 {
			t.Errorf("a merge of which the small one moves costs %d", got)
		}
		if got := merged("id3", "id4"); got != 2*(30+29) {
			t.Errorf("a merge within a person of 30 ids costs %d", got)
		}
		if got := merged("id3", "dead"); got != 2*(30+29) {
			t.Errorf("a merge of a person of 30 ids with one who has died costs %d", got)
		}
		if got := died("hard"); got < 2*facts {
			t.Errorf("a death after %d facts costs %d", facts, got)
		}
		if got := died("someone"); got != 0 {
			t.Errorf("the death of somebody with one enrolment costs %d", got)
		}
		e := event.Event{Type: event.FundingCommitted}
		e.Data.Commitment = "c"
		if got := s.p.Changes(coverage.WeightOf(&e)); got != 2*(facts/3-1_000) {
			t.Errorf("one restatement more costs %d", got)
		}
	}
	check()
	if err := s.store(); err != nil {
		t.Fatal(err)
	}
	if err := s.restart(); err != nil {
		t.Fatal(err)
	}
	foldPart(t, s, w.history, len(w.history), len(w.history), 1)
	if got := costOf(s.p, "long"); got < facts/8 {
		t.Errorf("after a start a fact costs %d", got)
	}
	w.open("last", "last", 0)
	foldPart(t, s, w.history, len(w.history)-1, len(w.history), 1) // loads the state
	check()
}

// TestCostsAreTheSame: what is counted does not depend on what is kept in memory of heavy ones,
// which a start forgets.
func TestCostsAreTheSame(t *testing.T) {
	w := crowdedWriter(60)
	for i := range 40 {
		w.retract(4 + 3*i)
		w.fact("long")
	}
	costs := func(every int) []int {
		s, err := newProduction(t.TempDir(), coverage.NewHeavy)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.db.Close() }()
		for from := 0; from < len(w.history); from += every {
			foldPart(t, s, w.history, from, min(from+every, len(w.history)), 3)
			if err := errors.Join(s.store(), s.restart()); err != nil {
				t.Fatal(err)
			}
		}
		return []int{costOf(s.p, "long"), costOf(s.p, "old"), costOf(s.p, "usual")}
	}
	whole := costs(len(w.history))
	for _, every := range []int{1, 7} {
		if got := costs(every); !slices.Equal(got, whole) {
			t.Errorf("with a start after every %d events facts cost %v, else %v", every, got, whole)
		}
	}
	if whole[0] == 0 || whole[1] == 0 {
		t.Errorf("nothing is counted: %v", whole)
	}
}

// TestExpectedFacts: what is on its way counts like what is folded, once it is very much.
func TestExpectedFacts(t *testing.T) {
	s, err := newProduction(t.TempDir(), coverage.New)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.db.Close() }()
	e := event.Event{Type: event.ContributionCredited}
	e.Data.Enrolment = "e"
	tag, is := coverage.FactOf(&e)
	if !is {
		t.Fatal("a credit is no fact about an enrolment")
	}
	x := new(coverage.Expected)
	for range 999 {
		x.AddFact(tag, +1)
	}
	if got := costOf(s.p, "e", x); got != 0 {
		t.Errorf("after 999 facts one costs %d", got)
	}
	x.AddFact(tag, +1)
	if got := costOf(s.p, "e", x); got != 1_000/8 {
		t.Errorf("after a thousand facts one costs %d", got)
	}
	if got := costOf(s.p, "f", x); got != 0 {
		t.Errorf("one about another costs %d", got)
	}
	x.Clear()
	if got := costOf(s.p, "e", x); got != 0 {
		t.Errorf("once they are folded one costs %d", got)
	}
}

// BenchmarkCostOfFact measures what each event that is taken in pays for being asked what it costs.
func BenchmarkCostOfFact(b *testing.B) {
	s, err := newProduction(b.TempDir(), coverage.New)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.db.Close() }()
	younger, older := new(coverage.Expected), new(coverage.Expected)
	events := make([]event.Event, 1<<12)
	for i := range events {
		events[i].Type = event.ContributionCredited
		events[i].Data.Enrolment = fmt.Sprintf("KPJ-%011d", i)
	}
	b.ResetTimer()
	for i := range b.N {
		tag, _ := coverage.FactOf(&events[i%len(events)])
		younger.AddFact(tag, +1)
		if s.p.ChangesOfFact(tag, younger, older) != 0 && i < 1<<20 {
			b.Fatal("it is dear")
		}
		younger.AddFact(tag, -1)
	}
}
