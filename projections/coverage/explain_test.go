package coverage_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
	"cakupan/projections/explain"
)

// explained is what the model and the explanation are compared by: a text a worker.
func explained(w *explain.Worker) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s:", w.Worker)
	for _, e := range w.Enrolments {
		fmt.Fprintf(&text, " %s %s %s %s %v %s %s %v", e.Enrolment, e.Region, e.Segment, e.Category,
			e.Programmes, e.Payer, e.Status, e.Evidence)
	}
	return text.String()
}

// leastOf returns the least of the ids that are one worker with an id.
func (p persons) leastOf(id string) string {
	least := id
	for other, person := range p {
		if person == p.of(id) {
			least = min(least, other)
		}
	}
	return least
}

// explain writes down who makes a figure up, enrolment by enrolment.
func (m *model) explain(q query, of explain.Of) (lines []string) {
	if m.known != q.Known {
		m.know(q.Known)
	}
	workers, covered := map[string]*explain.Worker{}, set{}
	for name, facts := range m.parts {
		s := facts.standingOn(q.On)
		if !s.agreed || !contains(q.Region, s.region) || !s.covered && !s.inGrace {
			continue
		}
		worker := facts.persons.leastOf(s.worker)
		if s.covered {
			covered[worker] = true
		}
		if s.inGrace != (of == explain.InGrace) || of == explain.Confirmed && !s.confirmed() {
			continue
		}
		if workers[worker] == nil {
			workers[worker] = &explain.Worker{Worker: worker}
		}
		workers[worker].Enrolments = append(workers[worker].Enrolments, s.explained(name))
	}
	for _, name := range slices.Sorted(maps.Keys(workers)) {
		worker := workers[name]
		if of == explain.InGrace && covered[name] {
			continue
		}
		slices.SortFunc(worker.Enrolments, func(a, b explain.Enrolment) int {
			return strings.Compare(a.Enrolment, b.Enrolment)
		})
		lines = append(lines, explained(worker))
	}
	return lines
}

func (s standing) explained(name string) explain.Enrolment {
	e := explain.Enrolment{
		Enrolment: name, Region: regionText(s.region), Segment: segmentNames[s.segment],
		Category: categoryNames[s.category], Programmes: []string{},
		Payer: payerNames[s.payer], Status: "COVERED", Evidence: []string{},
	}
	if s.inGrace {
		e.Status = "IN_GRACE"
	}
	programmes := slices.Clone(s.programmes)
	slices.Sort(programmes)
	for _, p := range slices.Compact(programmes) {
		e.Programmes = append(e.Programmes, programmeNames[p])
	}
	for _, name := range []string{"CREDITED", "DISBURSED", "PROMISED", "DUE", "PRESUMED"} {
		if slices.Contains(s.evidence, name) {
			e.Evidence = append(e.Evidence, name)
		}
	}
	return e
}

func explainAll(p *coverage.Projection, q query, of explain.Of) (all []explain.Worker, err error) {
	n, err := explain.Workers(context.Background(), p, explain.Query{
		Region: q.Region, On: q.On, Known: eventstore.Sequence(q.Known), Of: of,
	}, func(w *explain.Worker) error {
		kept := *w
		kept.Enrolments = slices.Clone(w.Enrolments)
		all = append(all, kept)
		return nil
	})
	if err == nil && n != int64(len(all)) {
		return nil, fmt.Errorf("%d workers are told, %d are said to be there", len(all), n)
	}
	return all, err
}

func textsOf(all []explain.Worker) (lines []string) {
	for i := range all {
		lines = append(lines, explained(&all[i]))
	}
	return lines
}

// figureOf returns the figure of an answer that is explained, and how many enrolments there are to
// it, -1 where the answer does not say.
func figureOf(a coverage.Answer, of explain.Of) (workers, enrolments int64) {
	switch of {
	case explain.Confirmed:
		return a.Confirmed, -1
	case explain.InGrace:
		return a.InGrace, -1
	default:
		return a.Covered, a.Enrolments
	}
}

// rests fails unless an enrolment stands the same when only the events are known on which it is said
// to rest, in the log where they were.
func rests(t *testing.T, history []Recorded, q query, w *explain.Worker, e explain.Enrolment) {
	t.Helper()
	if !slices.IsSorted(e.Events) || len(slices.Compact(slices.Clone(e.Events))) != len(e.Events) {
		t.Fatalf("events do not ascend: %v", e.Events)
	}
	var some []Recorded
	for _, seq := range e.Events {
		some = append(some, history[seq-1])
	}
	m := newModel(some)
	m.know(uint64(len(history)))
	s := m.parts[e.Enrolment].standingOn(q.On)
	want := explain.Worker{Worker: w.Worker, Enrolments: []explain.Enrolment{e}}
	got := explain.Worker{
		Worker:     m.parts[e.Enrolment].persons.leastOf(s.worker),
		Enrolments: []explain.Enrolment{s.explained(e.Enrolment)},
	}
	if diff := cmp.Diff(explained(&want), explained(&got)); diff != "" {
		t.Fatalf("with the events %v alone (-told +known):\n%s", e.Events, diff)
	}
	for _, one := range inForce(history, q.Known) {
		if i, found := slices.BinarySearch(e.Events, eventstore.Sequence(one.Sequence)); found {
			e.Events = slices.Delete(slices.Clone(e.Events), i, i+1)
		}
	}
	if len(e.Events) > 0 {
		t.Fatalf("events %v are not in force at %d", e.Events, q.Known)
	}
}

// TestExplainAgrees compares the workers behind a figure with the figure and with the model, and has
// each enrolment rest on its events alone.
func TestExplainAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	t.Parallel()
	reached := map[string]int{}
	sizes := []int{40, 110, 180, 250, 320, 390, 460, 530, 600, 670}
	if os.Getenv("CAKUPAN_LONG") != "" {
		sizes = append(sizes, 5_000, 5_000)
	}
	for i, size := range sizes {
		seed := uint64(i)
		history := Generate(seed+500, size)
		s, err := newProduction(t.TempDir(), coverage.NewSmall)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.play(history, rand.New(rand.NewPCG(seed, 11))); err != nil {
			t.Fatal(err)
		}
		m := newModel(history)
		for i, q := range Queries(seed, history, 100) {
			q.Known = min(q.Known, uint64(len(history)))
			of := explain.Of(i % 3)
			all, err := explainAll(s.p, q, of)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(m.explain(q, of), textsOf(all)); diff != "" {
				t.Fatalf("seed %d, %+v, of %d (-model +told):\n%s", seed, q, of, diff)
			}
			compareFigure(t, s.p, q, of, all)
			for w := range all {
				for _, e := range all[w].Enrolments {
					rests(t, history, q, &all[w], e)
					reached[e.Status+strings.Join(e.Evidence, "+")]++
				}
			}
		}
		if err := s.db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, evidence := range []string{
		"IN_GRACE", "COVEREDCREDITED", "COVEREDDISBURSED", "COVEREDPROMISED", "COVEREDDUE",
		"COVEREDPRESUMED", "COVEREDCREDITED+DISBURSED",
	} {
		if reached[evidence] == 0 {
			t.Errorf("no enrolment is %s: the histories are too poor", evidence)
		}
	}
}

func compareFigure(t *testing.T, p *coverage.Projection, q query, of explain.Of,
	all []explain.Worker,
) {
	t.Helper()
	answer, err := p.View().Answer(coverage.Query{
		Region: q.Region, On: q.On, Known: eventstore.Sequence(q.Known), Indicator: event.Employed,
	})
	if err != nil {
		t.Fatal(err)
	}
	enrolments := int64(0)
	for i := range all {
		enrolments += int64(len(all[i].Enrolments))
	}
	workers, wanted := figureOf(answer, of)
	if int64(len(all)) != workers || wanted >= 0 && wanted != enrolments {
		t.Fatalf("%+v: %d workers with %d enrolments are told, the answer says %d with %d",
			q, len(all), enrolments, workers, wanted)
	}
}

// TestExplainBesideTheFold explains the past while the fold goes on: the answer stays the same.
func TestExplainBesideTheFold(t *testing.T) {
	t.Parallel()
	history := Generate(77, 600)
	s, err := newProduction(t.TempDir(), coverage.NewSmall)
	if err != nil {
		t.Fatal(err)
	}
	const known = 300
	first, err := frameOf(history, 0, known)
	if err != nil {
		t.Fatal(err)
	}
	if err := apply(s.p, first); err != nil {
		t.Fatal(err)
	}
	q := query{Region: region.Nation, On: must(parseDate("2020-04-15")), Known: known}
	want := newModel(history).explain(q, explain.Covered)
	if len(want) == 0 {
		t.Fatal("nobody is covered: the history is too poor")
	}
	var readers sync.WaitGroup
	folded := make(chan struct{})
	for range 3 {
		readers.Go(func() {
			for done := false; !done; {
				select {
				case <-folded:
					done = true
				default:
				}
				all, err := explainAll(s.p, q, explain.Covered)
				if diff := cmp.Diff(want, textsOf(all)); diff != "" || err != nil {
					t.Errorf("error %v (-want +got):\n%s", err, diff)
					return
				}
			}
		})
	}
	for from := known; from < len(history); from += 10 {
		frame, err := frameOf(history, from, min(from+10, len(history)))
		if err != nil {
			t.Fatal(err)
		}
		if err := apply(s.p, frame); err != nil {
			t.Fatal(err)
		}
		if err := s.store(); err != nil {
			t.Fatal(err)
		}
	}
	close(folded)
	readers.Wait()
	if err := s.restart(); err != nil {
		t.Fatal(err)
	}
	all, err := explainAll(s.p, q, explain.Covered) // reads the state from the file
	if diff := cmp.Diff(want, textsOf(all)); diff != "" || err != nil {
		t.Errorf("after a restart: error %v (-want +got):\n%s", err, diff)
	}
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
}
