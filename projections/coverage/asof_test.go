package coverage_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/checked"
	"cakupan/projections/facts"
)

// remembered is the facts of a history, with the numbers that names must have got.
type remembered struct {
	state               *facts.State
	enrolments, workers []string // by number
}

// remember folds a history into facts alone.
func remember(t *testing.T, history []Recorded, rng *rand.Rand) remembered {
	t.Helper()
	db, err := checked.Open(filepath.Join(t.TempDir(), "f.db"), checked.Options{Scratch: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	r, names := remembered{state: facts.New()}, facts.NewNames(db)
	for from := 0; from < len(history); {
		until := min(from+1+rng.IntN(12), len(history))
		frame, err := frameOf(history, from, until)
		if err != nil {
			t.Fatal(err)
		}
		var batch facts.Batch
		if err := names.Prepare(frame, &batch); err != nil {
			t.Fatal(err)
		}
		r.state.Admit(batch.Events())
		for i := range batch.Events() {
			r.state.Apply(&batch.Events()[i], &batch)
		}
		from = until
	}
	for i := range history {
		note(&r.enrolments, history[i].Data.Enrolment)
		note(&r.workers, history[i].Data.Worker)
		note(&r.workers, history[i].Data.Into)
	}
	return r
}

// note numbers a name at first sight.
func note(names *[]string, name string) {
	if name != "" && !slices.Contains(*names, name) {
		*names = append(*names, name)
	}
}

// standing returns how an enrolment stands on a day as known at k, and for whom.
func (r *remembered) standing(e uint32, day temporal.Date, k eventstore.Sequence) (s standing) {
	course := r.state.CourseAsOf(e, k)
	for w, name := range r.workers {
		died := r.state.DiedAsOf(uint32(w), k)
		spells := course.AppendSpells(nil, uint32(w), died, facts.AllDays())
		for _, spell := range spells {
			if spell.From > day || day >= spell.Until {
				continue
			}
			s.worker, s.covered, s.inGrace = name, !spell.InGrace(), spell.InGrace()
			s.region, s.segment, s.payer = spell.Terms.Region, spell.Terms.Segment, spell.Terms.Payer
			if spell.Terms.Payer == event.APBD {
				s.sources = sourceNames(spell.Sources)
			}
			s.evidence = evidenceNames(spell.Evidence)
		}
	}
	return s
}

func sourceNames(set enrolment.Sources) (names []string) {
	for i, name := range fundingNames {
		if set>>i&1 == 1 {
			names = append(names, name)
		}
	}
	return names
}

func evidenceNames(set enrolment.Evidence) (names []string) {
	for i, name := range []string{"CREDITED", "DISBURSED", "PROMISED", "DUE", "PRESUMED"} {
		if set>>i&1 == 1 {
			names = append(names, name)
		}
	}
	return names
}

// TestFactsKnowWhatWasKnown asks facts that saw a whole history how an enrolment stood, as known at
// any place of it, and the model that sees no more than was known.
func TestFactsKnowWhatWasKnown(t *testing.T) {
	counted := 0
	for seed := range uint64(60) {
		history := Generate(seed, 30+int(seed))
		rng := rand.New(rand.NewPCG(seed, 9))
		r, m := remember(t, history, rng), newModel(history)
		for _, q := range Queries(seed, history, 20) {
			m.know(q.Known)
			for e, name := range r.enrolments {
				want := m.parts[name].standingOn(q.On)
				got := r.standing(uint32(e), q.On, eventstore.Sequence(q.Known))
				if got.covered != want.covered || got.inGrace != want.inGrace {
					t.Fatalf("seed %d: %s on %s as known at %d: covered %t, grace %t; want %t, %t",
						seed, name, dateText(q.On), q.Known, got.covered, got.inGrace,
						want.covered, want.inGrace)
				}
				if want.covered || want.inGrace {
					counted++
					sameStanding(t, got, want)
				}
			}
		}
	}
	if counted < 1000 {
		t.Fatalf("only %d standings to compare", counted)
	}
}

func sameStanding(t *testing.T, got, want standing) {
	t.Helper()
	sources := slices.Compact(slices.Sorted(slices.Values(want.sources)))
	if want.payer != event.APBD {
		sources = nil
	}
	slices.Sort(got.sources)
	slices.Sort(got.evidence)
	if evidence := slices.Compact(slices.Sorted(slices.Values(want.evidence))); want.covered &&
		!slices.Equal(got.evidence, evidence) {
		t.Fatalf("rests on %v, want %v", got.evidence, evidence)
	}
	if want.inGrace {
		sources = nil
	}
	if got.worker != want.worker || got.region != want.region || got.segment != want.segment ||
		got.payer != want.payer || !slices.Equal(got.sources, sources) {
		t.Fatalf("stands %+v, want %+v", got, want)
	}
}
