package story_test

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"testing"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
	"cakupan/projections/facts"
	"cakupan/projections/history"
	"cakupan/projections/projtest"
	"cakupan/projections/standingtest"
	"cakupan/projections/story"
)

// counting is a source that counts how often it is read: each time the fold waits.
type counting struct {
	*coverage.Projection
	reads int
}

func (c *counting) Read(f func(s *facts.State) error) error {
	c.reads++
	return c.Projection.Read(f)
}

// TestManyIDs: the story of a person of many ids reads what its events change, not all that the
// person has for each of them.
func TestManyIDs(t *testing.T) {
	const n = 300
	var h told
	terms, day := standingtest.Terms(7503, event.Employer), standingtest.Day(2021, 1, 1)
	name := func(kind string, i int) string { return fmt.Sprint(kind, i) }
	for i := range n {
		h = append(h, standingtest.Opened(name("e", i), name("w", i), terms, day))
	}
	for i := 1; i < n; i++ {
		h = append(h, standingtest.Merged(name("w", i-1), name("w", i)))
	}
	for _, c := range []struct {
		name  string
		more  told
		reads int // for each event, at most
	}{
		{"alive", nil, 3},
		{"dead", told{standingtest.Died("w7", day+9)}, 8},
	} {
		all := append(h[:len(h):len(h)], c.more...)
		source := &counting{Projection: standingtest.Source(t, all...)}
		about := history.Subject{Kind: history.Worker, Name: "w0"}
		lines, err := all.lines(t, source, about, eventstore.Sequence(len(all)))
		if err != nil || len(lines) != len(all) || source.reads > c.reads*len(all) {
			t.Errorf("%s: %d events are told of %d, the facts are read %d times: %v", c.name,
				len(lines), len(all), source.reads, err)
			continue
		}
		if ended := lines[len(lines)-1].Changes; len(c.more) > 0 && len(ended) != n {
			t.Errorf("a death ends %d enrolments of %d", len(ended), n)
		}
	}
}

// TestChangesOfPersons: what an event changes in the story of a person is what it changes in the
// stories of the person's enrolments.
func TestChangesOfPersons(t *testing.T) {
	seeds, compared := uint64(4), 0
	if os.Getenv(projtest.LongEnv) != "" {
		seeds = 60
	}
	for seed := range seeds {
		h := told(standingtest.Random(seed, 60))
		source := standingtest.Source(t, h...)
		own := map[string]map[eventstore.Sequence][]story.Change{}
		changes := func(kind history.Kind, name string, add func(eventstore.Sequence, story.Change)) {
			lines, err := h.lines(t, source, history.Subject{Kind: kind, Name: name}, 60)
			if err != nil && !errors.Is(err, story.ErrUnknown) { // not every name is in every history
				t.Fatal(err)
			}
			for i := range lines {
				for _, c := range lines[i].Changes {
					add(lines[i].Sequence, c)
				}
			}
		}
		for n := range standingtest.Names {
			e := fmt.Sprint("e", n)
			own[e] = map[eventstore.Sequence][]story.Change{}
			changes(history.Enrolment, e, func(seq eventstore.Sequence, c story.Change) {
				own[e][seq] = append(own[e][seq], c)
			})
		}
		for n := range standingtest.Names {
			got := map[string]map[eventstore.Sequence][]story.Change{}
			changes(history.Worker, fmt.Sprint("w", n), func(seq eventstore.Sequence, c story.Change) {
				if got[c.Enrolment] == nil {
					got[c.Enrolment] = map[eventstore.Sequence][]story.Change{}
				}
				got[c.Enrolment][seq] = append(got[c.Enrolment][seq], c)
			})
			for e, changes := range got {
				compared += len(changes)
				if !reflect.DeepEqual(changes, own[e]) {
					t.Fatalf("seed %d: in the story of w%d %s changes by %v, in its own by %v", seed, n, e,
						changes, own[e])
				}
			}
		}
	}
	if compared == 0 {
		t.Error("nothing changed: too little to tell")
	}
}
