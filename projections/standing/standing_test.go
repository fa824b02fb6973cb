package standing_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/facts"
	"cakupan/projections/projtest"
	"cakupan/projections/standing"
	"cakupan/projections/standingtest"
)

// histories is how many random histories a test goes through.
func histories() uint64 {
	if os.Getenv(projtest.LongEnv) != "" {
		return 100
	}
	return 10
}

// events is how many a history has.
const events = 60

// draw returns a knowledge, of which retractions may be known beyond the events, and a day.
func draw(r *rand.Rand) (standing.Knowledge, temporal.Date) {
	k := standing.At(eventstore.Sequence(r.IntN(events + 2)))
	k.Retractions += eventstore.Sequence(r.IntN(2) * r.IntN(20))
	return k, standingtest.Day(2020, 12, 1).AddDays(r.IntN(640))
}

// TestStand compares how enrolments stand with the model, on any day and as known at any event.
func TestStand(t *testing.T) {
	covered, grace := 0, 0
	for seed := range histories() {
		h := newRead(t, standingtest.Random(seed, events))
		r := rand.New(rand.NewPCG(seed, 1))
		for range 40 {
			k, on := draw(r)
			w, reader := worldOf(h.events, k), standing.NewReader(k)
			for n := range standingtest.Names {
				name := fmt.Sprint("e", n)
				number, named := h.enrolment(name)
				if !named {
					continue
				}
				terms, _ := w.terms(name, on)
				var st standing.Standing
				h.ask(func(s *facts.State) { st = reader.Stand(s, number, on, w.died(terms.Worker)) })
				if got, want := text(st, h.workerName), w.standing(name, on); got != want {
					t.Fatalf("seed %d, %s on %s known %v:\n%s, want\n%s", seed, name, on, k, got, want)
				}
				if st.Covered {
					covered++
				}
				if st.InGrace {
					grace++
				}
			}
		}
	}
	if covered == 0 || grace == 0 {
		t.Errorf("%d were covered, %d in grace: too few to tell", covered, grace)
	}
}

// TestPerson compares who is one with whom, and what is known of the life, with the model.
func TestPerson(t *testing.T) {
	merged := 0
	for seed := range histories() {
		h := newRead(t, standingtest.Random(seed, events))
		r := rand.New(rand.NewPCG(seed, 2))
		for range 20 {
			k, _ := draw(r)
			w, reader := worldOf(h.events, k), standing.NewReader(k)
			name := fmt.Sprint("w", r.IntN(standingtest.Names))
			number, named := h.worker(name)
			if !named {
				continue
			}
			var p standing.Person
			h.ask(func(s *facts.State) { reader.Person(s, &p, number) })
			var ids []string
			for _, id := range p.IDs {
				ids = append(ids, h.workerName(id))
				if !p.Has(id) {
					t.Errorf("%v has no %d", p.IDs, id)
				}
			}
			slices.Sort(ids)
			if want := w.ids(name); !slices.Equal(ids, want) || p.Died != w.died(name) {
				t.Fatalf("seed %d, %s known %v: %v died %s, want %v died %s", seed, name, k, ids,
					p.Died, want, w.died(name))
			}
			if len(ids) > 1 {
				merged++
			}
			checkEvents(t, w, ids, &p)
		}
	}
	if merged == 0 {
		t.Error("nobody was merged: too few to tell")
	}
}

// checkEvents checks by which events a person is who it is.
func checkEvents(t *testing.T, w world, ids []string, p *standing.Person) {
	t.Helper()
	var merges []eventstore.Sequence
	death := eventstore.Sequence(0)
	for i := range w {
		e := &w[i]
		switch {
		case !slices.Contains(ids, e.Data.Worker):
		case e.Type == event.WorkerMerged:
			merges = append(merges, e.Sequence)
		case e.Type == event.WorkerDied && death == 0 && e.Data.On == p.Died:
			death = e.Sequence
		}
	}
	if !slices.Equal(p.Merges, merges) || p.Death != death {
		t.Fatalf("%v by %v, dead by %d; want by %v, dead by %d", ids, p.Merges, p.Death, merges, death)
	}
}

// TestEach: the standings of a person are those of the enrolments that are open for one of the ids
// in the region.
func TestEach(t *testing.T) {
	for seed := range histories() {
		h := newRead(t, standingtest.Random(seed, events))
		r := rand.New(rand.NewPCG(seed, 3))
		for range 20 {
			k, on := draw(r)
			w, reader := worldOf(h.events, k), standing.NewReader(k)
			in := []region.Code{region.Nation, 75, 7503, 7101}[r.IntN(4)]
			name := fmt.Sprint("w", r.IntN(standingtest.Names))
			number, named := h.worker(name)
			if !named {
				continue
			}
			var got, want []string
			h.ask(func(s *facts.State) {
				var p standing.Person
				reader.Person(s, &p, number)
				reader.Each(s, &p, in, on, func(st standing.Standing) {
					got = append(got, text(st, h.workerName))
				})
			})
			for n := range standingtest.Names {
				e := fmt.Sprint("e", n)
				if terms, open := w.terms(e, on); open && lies(terms.Region, in) &&
					slices.Contains(w.ids(name), terms.Worker) {
					want = append(want, w.standing(e, on))
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, %s in %s on %s known %v:\n%q, want\n%q", seed, name, in, on, k, got, want)
			}
		}
	}
}

// lies reports by the digits of codes whether a region is another or lies in it.
func lies(r, in region.Code) bool {
	return in == region.Nation || r == in || r.String()[:2] == in.String()
}

// TestIn holds for the register's codes, of which each lies in itself, its province and the nation.
func TestIn(t *testing.T) {
	all := region.All()
	for i := 0; i < len(all); i += 7 {
		for j := 0; j < len(all); j += 11 {
			if got, want := standing.In(all[i], all[j]), lies(all[i], all[j]); got != want {
				t.Errorf("%s in %s: %t, want %t", all[i], all[j], got, want)
			}
		}
	}
}

// TestAscending brings sequences in order, each once.
func TestAscending(t *testing.T) {
	for _, c := range []struct{ some, more, want []eventstore.Sequence }{
		{nil, nil, nil},
		{[]eventstore.Sequence{3, 1, 3}, nil, []eventstore.Sequence{1, 3}},
		{[]eventstore.Sequence{2}, []eventstore.Sequence{9, 2, 1}, []eventstore.Sequence{1, 2, 9}},
	} {
		got := standing.Ascending(slices.Clone(c.some), c.more...)
		if !slices.Equal(got, c.want) {
			t.Errorf("%v with %v: %v, want %v", c.some, c.more, got, c.want)
		}
	}
}

// about returns what is said of workers, of the enrolments ever opened for them, and of the closing
// of what these are granted in a world. An opening that was taken back before it came opened
// nothing.
func about(all []projections.Event, in world, ids ...string) (some []*projections.Event) {
	enrolments, commitments := map[string]bool{}, map[string]bool{}
	for i := range all {
		d, by := &all[i].Data, retractionOf(all, &all[i])
		if all[i].Type == event.EnrolmentOpened && slices.Contains(ids, d.Worker) &&
			(by == 0 || by > all[i].Sequence) {
			enrolments[d.Enrolment] = true
		}
	}
	for i := range in {
		if d := &in[i].Data; in[i].Type == event.FundingGranted && enrolments[d.Enrolment] {
			commitments[d.Commitment] = true
		}
	}
	for i := range all {
		e := &all[i]
		d := &e.Data
		switch e.Type {
		case event.WorkerDied, event.WorkerMerged:
			if slices.Contains(ids, d.Worker) || slices.Contains(ids, d.Into) {
				some = append(some, e)
			}
		case event.FundingClosed:
			if commitments[d.Commitment] {
				some = append(some, e)
			}
		default:
			if enrolments[d.Enrolment] {
				some = append(some, e)
			}
		}
	}
	return some
}

// TestTakenAndCome compares what came into force and what went out of it between two knowledges
// with the model.
func TestTakenAndCome(t *testing.T) {
	taken, come := 0, 0
	for seed := range histories() {
		h := newRead(t, standingtest.Random(seed, events))
		r := rand.New(rand.NewPCG(seed, 4))
		for range 20 {
			was, _ := draw(r)
			is, _ := draw(r)
			name := fmt.Sprint("w", r.IntN(standingtest.Names))
			number, named := h.worker(name)
			if !named {
				continue
			}
			var gotTaken, gotCome, gotMerges []eventstore.Sequence
			h.ask(func(s *facts.State) {
				before, after := standing.NewReader(was), standing.NewReader(is)
				gotTaken = standing.Taken(s, []uint32{number}, before, after)
				gotCome = standing.Come(s, []uint32{number}, before, after, false)
				gotMerges = standing.Come(s, []uint32{number}, before, after, true)
			})
			wantTaken, wantCome, wantMerges := between(h.events, name, was, is)
			if !slices.Equal(gotTaken, wantTaken) || !slices.Equal(gotCome, wantCome) ||
				!slices.Equal(gotMerges, wantMerges) {
				t.Fatalf("seed %d, %s from %v to %v: taken %v, come %v, merges %v; want %v, %v, %v",
					seed, name, was, is, gotTaken, gotCome, gotMerges, wantTaken, wantCome, wantMerges)
			}
			taken, come = taken+len(gotTaken), come+len(gotCome)
		}
	}
	if taken == 0 || come == 0 {
		t.Errorf("%d taken, %d come: too few to tell", taken, come)
	}
}

// between returns what of a worker's events was in force and is not, with what took it, and what is
// and was not.
func between(all []projections.Event, worker string, was, is standing.Knowledge,
) (taken, come, merges []eventstore.Sequence) {
	before, after := worldOf(all, was), worldOf(all, is)
	has := func(w world, e *projections.Event) bool {
		return slices.ContainsFunc(w, func(other projections.Event) bool {
			return other.Sequence == e.Sequence
		})
	}
	for _, e := range about(all, before, worker) {
		if has(before, e) && !has(after, e) {
			taken = append(taken, e.Sequence, retractionOf(all, e))
		}
	}
	for _, e := range about(all, after, worker) {
		if !has(after, e) || has(before, e) {
			continue
		}
		come = append(come, e.Sequence)
		if e.Type == event.WorkerMerged {
			merges = append(merges, e.Sequence)
		}
	}
	return standing.Ascending(taken), standing.Ascending(come), standing.Ascending(merges)
}

// retractionOf returns the first event that takes one back, 0 if none does.
func retractionOf(all []projections.Event, e *projections.Event) eventstore.Sequence {
	for i := range all {
		if d := &all[i].Data; all[i].Type == event.EventRetracted &&
			d.RetractedSource == e.Source && d.RetractedID == e.ID {
			return all[i].Sequence
		}
	}
	return 0
}
