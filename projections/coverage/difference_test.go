package coverage_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
	"cakupan/projections/difference"
)

// world is what is in force: the events up to one sequence, without what retractions up to another
// one name.
type world struct {
	events  []*Recorded
	parts   map[string]bearing
	persons persons
}

func worldOf(history []Recorded, events, retractions uint64) world {
	retracted := map[event.Key]bool{}
	for i := range history {
		if e := &history[i]; e.Type == event.EventRetracted && e.Sequence <= retractions {
			retracted[event.Key{Source: e.Data.RetractedSource, ID: e.Data.RetractedID}] = true
		}
	}
	var w world
	for i := range history {
		e := &history[i]
		if e.Type != event.EventRetracted && e.Sequence <= events && !retracted[e.Key] {
			w.events = append(w.events, e)
		}
	}
	w.parts, w.persons = byEnrolment(w.events), personsOf(w.events)
	return w
}

// covered returns the workers covered in the region on the day, by their least ids.
func (w world) covered(in region.Code, day temporal.Date) set {
	covered := set{}
	for _, facts := range w.parts {
		if s := facts.standingOn(day); s.covered && contains(in, s.region) {
			covered[w.persons.leastOf(s.worker)] = true
		}
	}
	return covered
}

// flowText is a worker who joined or left, as a text.
func flowText(step, worker, change, cause string) string {
	return strings.Join([]string{step, worker, change, cause}, " ")
}

// modelDifference writes the difference down as docs/auditors.md has it.
func modelDifference(history []Recorded, q difference.Query) (lines []string) {
	early, late := uint64(min(q.From.Known, q.To.Known)), uint64(max(q.From.Known, q.To.Known))
	changes := [2]string{"joined", "left"}
	if q.To.Known < q.From.Known {
		changes = [2]string{"left", "joined"}
	}
	for _, l := range modelKnowledge(history, early, late, q) {
		lines = append(lines, flowText("knowledge", l.worker, changes[l.left], l.cause))
	}
	slices.SortFunc(lines, byWorker)
	knowledge := len(lines)
	first, last := min(q.From.On, q.To.On), max(q.From.On, q.To.On)
	changes = [2]string{"joined", "left"}
	if q.To.On < q.From.On {
		changes = [2]string{"left", "joined"}
	}
	w := worldOf(history, uint64(q.To.Known), uint64(q.To.Known))
	was, is := w.covered(q.Region, first), w.covered(q.Region, last)
	for worker := range is {
		if !was[worker] {
			cause := w.whyJoined(worker, q.Region, first, last)
			lines = append(lines, flowText("time", worker, changes[0], cause))
		}
	}
	for worker := range was {
		if !is[worker] {
			cause := w.whyLeft(worker, q.Region, first, last)
			lines = append(lines, flowText("time", worker, changes[1], cause))
		}
	}
	slices.SortFunc(lines[knowledge:], byWorker)
	return lines
}

func byWorker(a, b string) int {
	return cmp.Compare(strings.Fields(a)[1], strings.Fields(b)[1])
}

// change is a worker who joined (left is 0) or left (1), as if forward.
type change struct {
	worker, cause string
	left          int
}

// modelKnowledge counts workers before and after, group by group: a group are ids that are one
// worker before or after, or through others.
func modelKnowledge(history []Recorded, early, late uint64, q difference.Query) (all []change) {
	before, after := worldOf(history, early, early), worldOf(history, late, late)
	between := worldOf(history, early, late)
	groups := personsOf(slices.Concat(before.events, after.events))
	a, b := before.covered(q.Region, q.From.On), after.covered(q.Region, q.From.On)
	c := between.covered(q.Region, q.From.On)
	of := map[string]bool{}
	for _, covered := range []set{a, b} {
		for worker := range covered {
			of[groups.of(worker)] = true
		}
	}
	in := func(covered set, group string) (ids []string) {
		for id := range covered {
			if groups.of(id) == group {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		return ids
	}
	for group := range of {
		were, are, stayed := in(a, group), in(b, group), in(c, group)
		together := map[string]int{} // of those who stayed: how many are one afterwards
		for _, id := range stayed {
			together[after.persons.leastOf(id)]++
		}
		merged := 0
		for _, n := range together {
			merged += n - 1
		}
		without := func(ids, others []string) []string {
			return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
				return slices.Contains(others, id)
			})
		}
		if joined := len(are) - len(were); joined > 0 {
			who := without(are, were)
			for i, id := range who[len(who)-joined:] {
				cause := "REPORTED_LATE"
				if i < len(stayed)-len(were) {
					cause = "RETRACTED"
				}
				all = append(all, change{id, cause, 0})
			}
		}
		if left := len(were) - len(are); left > 0 {
			who := without(were, are)
			for i, id := range who[len(who)-left:] {
				cause := "REPORTED_LATE"
				switch retracted := max(0, len(were)-len(stayed)); {
				case i < retracted:
					cause = "RETRACTED"
				case i < retracted+merged:
					cause = "MERGED"
				}
				all = append(all, change{id, cause, 1})
			}
		}
	}
	return all
}

// whyJoined returns the first cause that applies to an enrolment that makes the worker covered.
func (w world) whyJoined(worker string, in region.Code, first, last temporal.Date) string {
	applies := set{}
	for _, facts := range w.parts {
		is, was := facts.standingOn(last), facts.standingOn(first)
		if !is.covered || !contains(in, is.region) || w.persons.leastOf(is.worker) != worker {
			continue
		}
		opening := temporal.Date(0)
		steps := slices.Clone(facts.own)
		slices.SortStableFunc(steps, func(a, b *Recorded) int {
			return cmp.Compare(effective(a), effective(b))
		})
		for _, e := range steps {
			if e.Type == event.EnrolmentOpened && e.Data.From <= last {
				opening = e.Data.From
			}
		}
		open := was.open && w.persons.leastOf(was.worker) == worker
		switch {
		case !open && opening > first:
			applies["ENROLLED"] = true
		case !open:
			applies["REINSTATED"] = true
		case !contains(in, was.region):
			applies["MOVED_IN"] = true
		case was.payer != is.payer:
			applies["TERMS_CHANGED"] = true
		case is.payer == event.APBD && len(facts.payments(monthOf(last))) > 0:
			applies["FUNDING_BEGAN"] = true
		default:
			applies["CONTRIBUTIONS_BEGAN"] = true
		}
	}
	return firstOfCauses(applies, "ENROLLED", "REINSTATED", "MOVED_IN", "TERMS_CHANGED",
		"FUNDING_BEGAN", "CONTRIBUTIONS_BEGAN")
}

// whyLeft returns the first cause that applies to an enrolment that made the worker covered.
func (w world) whyLeft(worker string, in region.Code, first, last temporal.Date) string {
	applies := set{}
	for _, facts := range w.parts {
		was, is := facts.standingOn(first), facts.standingOn(last)
		if !was.covered || !contains(in, was.region) || w.persons.leastOf(was.worker) != worker {
			continue
		}
		paying := facts.payments(monthOf(first))
		switch {
		case !facts.alive(was.worker, last):
			applies["DIED"] = true
		case !is.open || w.persons.leastOf(is.worker) != worker:
			applies["TERMINATED"] = true
		case !contains(in, is.region):
			applies["MOVED_OUT"] = true
		case was.payer != is.payer:
			applies["TERMS_CHANGED"] = true
		case was.payer != event.APBD || len(paying) == 0:
			applies["CONTRIBUTIONS_STOPPED"] = true
		default:
			applies["FUNDING_LAPSED"] = true
			for _, grant := range paying {
				if m := monthOf(last); m < grant.Data.UntilMonth {
					applies["FUNDING_REVOKED"] = applies["FUNDING_REVOKED"] || facts.revoked(grant, m)
					applies["FUNDING_CLOSED"] = applies["FUNDING_CLOSED"] || facts.closed(grant, m)
				}
			}
		}
	}
	return firstOfCauses(applies, "DIED", "TERMINATED", "MOVED_OUT", "TERMS_CHANGED",
		"FUNDING_REVOKED", "FUNDING_CLOSED", "FUNDING_LAPSED", "CONTRIBUTIONS_STOPPED")
}

func firstOfCauses(applies set, order ...string) string {
	for _, cause := range order {
		if applies[cause] {
			return cause
		}
	}
	return "none"
}

func findDifference(p *coverage.Projection, q difference.Query,
) (d *difference.Difference, lines []difference.Worker, err error) {
	if d, err = difference.Find(context.Background(), p, q); err != nil {
		return nil, nil, err
	}
	err = d.Workers(context.Background(), func(w *difference.Worker) error {
		lines = append(lines, *w)
		return nil
	})
	return d, lines, err
}

// TestDifferenceAgrees compares the flows with the model's, worker by worker, and their sums with the
// figures; all causes are reached.
func TestDifferenceAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	t.Parallel()
	const queries = 100
	var sizes []int
	for i := range 14 {
		sizes = append(sizes, 60+i*50)
	}
	if os.Getenv("CAKUPAN_LONG") != "" {
		sizes = append(sizes, 5_000, 5_000)
	}
	reached := map[string]int{}
	for i, size := range sizes {
		seed := uint64(i)
		history := Generate(seed+900, size)
		s, err := newProduction(t.TempDir(), coverage.NewSmall)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.play(history, rand.New(rand.NewPCG(seed, 13))); err != nil {
			t.Fatal(err)
		}
		asked := Queries(seed, history, 2*queries)
		for i := range queries {
			from, to := asked[2*i], asked[2*i+1]
			q := difference.Query{
				Region: from.Region,
				From:   difference.Point{On: from.On, Known: knowledgeOf(from, history)},
				To:     difference.Point{On: to.On, Known: knowledgeOf(to, history)},
			}
			switch i % 4 { // one step alone, too
			case 1, 2:
				q.To.Known = q.From.Known
			case 3:
				q.To.On = q.From.On
			}
			compareDifference(t, s.p, history, q, reached)
		}
		if err := s.db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for cause := difference.Retracted; cause <= difference.ContributionsStopped; cause++ {
		for _, change := range []string{"joined", "left"} {
			if key := cause.String() + " " + change; reached[key] == 0 {
				t.Errorf("no worker %s: the histories are too poor", key)
			}
		}
	}
}

func knowledgeOf(q query, history []Recorded) eventstore.Sequence {
	return eventstore.Sequence(min(q.Known, uint64(len(history))))
}

func compareDifference(t *testing.T, p *coverage.Projection, history []Recorded,
	q difference.Query, reached map[string]int,
) {
	t.Helper()
	d, workers, err := findDifference(p, q)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i := range workers {
		w := &workers[i]
		lines = append(lines, flowText(w.Step, w.Worker, w.Change, w.Cause))
		reached[w.Cause+" "+w.Change]++
		causedBy(t, history, q, w)
	}
	if diff := diff.Diff(modelDifference(history, q), lines); diff != "" {
		t.Fatalf("%+v (-model +told):\n%s", q, diff)
	}
	sum, counts := int64(0), map[string]int64{}
	for _, step := range d.Steps {
		for cause, n := range step.Joined {
			sum += n
			counts[step.Step+" joined "+cause] = n
		}
		for cause, n := range step.Left {
			sum -= n
			counts[step.Step+" left "+cause] = n
		}
	}
	for i := range workers {
		counts[fmt.Sprintf("%s %s %s", workers[i].Step, workers[i].Change, workers[i].Cause)]--
	}
	for key, n := range counts {
		if n != 0 {
			t.Fatalf("%+v: %s differs by %d from the workers told", q, key, n)
		}
	}
	was, is := coveredOf(t, p, q.Region, q.From), coveredOf(t, p, q.Region, q.To)
	if is-was != sum {
		t.Fatalf("%+v: from %d to %d, and the flows come to %d", q, was, is, sum)
	}
}

func coveredOf(t *testing.T, p *coverage.Projection, in region.Code, at difference.Point) int64 {
	t.Helper()
	answer, err := p.View().Answer(coverage.Query{
		Region: in, On: at.On, Known: at.Known, Indicator: event.Employed,
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Covered
}

// causedBy fails unless the events alone that are told make the worker covered, and not covered.
func causedBy(t *testing.T, history []Recorded, q difference.Query, w *difference.Worker) {
	t.Helper()
	if len(w.Events) == 0 || !slices.IsSorted(w.Events) {
		t.Fatalf("%+v: events %v of %+v", q, w.Events, w)
	}
	early, late := min(q.From.Known, q.To.Known), max(q.From.Known, q.To.Known)
	var some []Recorded
	for _, seq := range w.Events {
		some = append(some, history[seq-1])
		if w.Step == difference.KnowledgeStep && w.Cause != "RETRACTED" &&
			(seq <= early || seq > late) {
			t.Fatalf("%+v: event %d of %+v was not recorded meanwhile", q, seq, w)
		}
	}
	if w.Step == difference.KnowledgeStep {
		return
	}
	first, last := min(q.From.On, q.To.On), max(q.From.On, q.To.On)
	alone := worldOf(some, uint64(late), uint64(late))
	if joined := w.Change == "joined"; joined != (q.To.On < q.From.On) {
		if !alone.covered(q.Region, last)[w.Worker] {
			t.Fatalf("%+v: %+v is not covered by these events alone", q, w)
		}
		return
	}
	if !alone.covered(q.Region, first)[w.Worker] || alone.covered(q.Region, last)[w.Worker] {
		t.Fatalf("%+v: %+v is not covered, or covered for good, by these events alone", q, w)
	}
}
