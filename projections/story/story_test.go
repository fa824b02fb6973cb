package story_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/coverage"
	"cakupan/projections/facts"
	"cakupan/projections/history"
	"cakupan/projections/projtest"
	"cakupan/projections/standing"
	"cakupan/projections/standingtest"
	"cakupan/projections/story"
)

// told is a history that tells its events.
type told []event.Event

func (h told) Reported(_ context.Context, about history.Subject, known eventstore.Sequence,
	_ func([]eventstore.Sequence) ([]eventstore.Sequence, error),
	yield func(*history.Reported) error,
) error {
	return standingtest.About(h, about.Name, known,
		func(e *projections.Event, retractions []eventstore.Sequence) error {
			return yield(&history.Reported{
				Sequence: e.Sequence, RecordedAt: e.RecordedAt, Event: &e.Event, Retractions: retractions,
			})
		})
}

func (h told) EventsAt(_ context.Context, sequences []eventstore.Sequence,
	yield func(*history.Reported) error,
) error {
	all := standingtest.Logged(h)
	for i, seq := range sequences {
		if i > 0 && sequences[i-1] >= seq {
			return fmt.Errorf("asked for %v, which do not ascend", sequences)
		}
		e := &all[seq-1]
		r := history.Reported{Sequence: seq, RecordedAt: e.RecordedAt, Event: &e.Event}
		if err := yield(&r); err != nil {
			return err
		}
	}
	return nil
}

// lines returns the story of a subject.
func (h told) lines(t *testing.T, source standing.Source, about history.Subject,
	known eventstore.Sequence,
) (lines []story.Line, err error) {
	t.Helper()
	err = story.Each(t.Context(), source, h, story.Query{About: about, Known: known},
		func(l *story.Line) error {
			lines = append(lines, *l)
			return nil
		})
	return lines, err
}

// stateOn writes down how an enrolment stands on a day as known at an event: asked one by one.
func stateOn(t *testing.T, source *coverage.Projection, e string, on temporal.Date,
	known eventstore.Sequence,
) string {
	t.Helper()
	number, named, err := source.Names().FindEnrolment(e)
	if err != nil || !named {
		t.Fatalf("%s: %t, %v", e, named, err)
	}
	var st standing.Standing
	err = source.Read(func(s *facts.State) error {
		reader := standing.NewReader(standing.At(known))
		if st = reader.Stand(s, number, on, enrolment.Never); st.Open {
			var p standing.Person
			reader.Person(s, &p, st.Worker)
			st = reader.Stand(s, number, on, p.Died)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !st.Open {
		return ""
	}
	status := story.StatusNotCovered
	switch {
	case st.Covered:
		status = story.StatusCovered
	case st.InGrace:
		status = story.StatusInGrace
	}
	return fmt.Sprint(status, st.Terms.Region.String(), st.Terms.Payer.String(), st.Evidence.Names())
}

func textOf(s *story.State) string {
	if s == nil {
		return ""
	}
	return fmt.Sprint(s.Status, s.Region, s.Payer, s.Evidence)
}

// TestChanges: an event changes those days of an enrolment on which it stood otherwise before it,
// and an event that is not told changes none.
func TestChanges(t *testing.T) {
	seeds, changed := uint64(1), 0
	if os.Getenv(projtest.LongEnv) != "" {
		seeds = 20
	}
	for seed := range seeds {
		h := told(standingtest.Random(seed, 60))
		source := standingtest.Source(t, h...)
		for n := range standingtest.Names {
			name := fmt.Sprint("e", n)
			lines, err := h.lines(t, source, history.Subject{Kind: history.Enrolment, Name: name}, 60)
			if err != nil {
				t.Fatal(err)
			}
			for seq := eventstore.Sequence(1); seq <= 60; seq++ {
				var of []story.Change
				for i := range lines {
					if lines[i].Sequence == seq {
						of = append(of, lines[i].Changes...)
					}
				}
				changed += len(of)
				for on := standingtest.Day(2020, 12, 25); on < standingtest.Day(2023, 2, 1); on += 17 {
					before := stateOn(t, source, name, on, seq-1)
					want := stateOn(t, source, name, on, seq)
					got := before
					for _, c := range of {
						if text := on.String(); c.From <= text && (c.Until == nil || text < *c.Until) {
							if textOf(c.Before) != before {
								t.Fatalf("seed %d, %s on %s before %d: %q, want %q", seed, name, on, seq,
									textOf(c.Before), before)
							}
							got = textOf(c.After)
						}
					}
					if got != want {
						t.Fatalf("seed %d, %s on %s after %d: %q, want %q", seed, name, on, seq, got, want)
					}
				}
			}
		}
	}
	if changed == 0 {
		t.Error("nothing changed: too little to tell")
	}
}

// TestLines tells the events of a subject in order, each with what took it back, and a retraction
// with what it takes.
func TestLines(t *testing.T) {
	day, month := standingtest.Day, standingtest.Month
	terms := standingtest.Terms(7503, event.APBD)
	h := told{
		standingtest.Opened("e0", "w0", terms, day(2021, 1, 1)),
		standingtest.Opened("e1", "w1", terms, day(2021, 1, 1)),
		standingtest.Granted("c0", "e0", month(2021, 1), month(2021, 4)),
		standingtest.Closed("c0", month(2021, 3)),
		standingtest.Merged("w1", "w0"),
		standingtest.Retracted(3),
		standingtest.Died("w1", day(2021, 2, 1)),
		standingtest.Retracted(5),
	}
	source := standingtest.Source(t, h...)
	for _, c := range []struct {
		about history.Subject
		known eventstore.Sequence
		want  []string
	}{
		{
			history.Subject{Kind: history.Enrolment, Name: "e0"},
			8,
			[]string{"1", "3 taken by 6", "4", "5 taken by 8", "6 takes [3]", "7", "8 takes [5]"},
		},
		{
			history.Subject{Kind: history.Enrolment, Name: "e0"},
			5,
			[]string{"1", "3", "4", "5"},
		},
		{
			history.Subject{Kind: history.Worker, Name: "w1"},
			8,
			[]string{"1", "2", "3 taken by 6", "4", "5 taken by 8", "6 takes [3]", "7", "8 takes [5]"},
		},
		{history.Subject{Kind: history.Worker, Name: "w1"}, 4, []string{"2"}},
		{
			history.Subject{Kind: history.Commitment, Name: "c0"},
			8,
			[]string{"3 taken by 6", "4", "6 takes [3]"},
		},
	} {
		lines, err := h.lines(t, source, c.about, c.known)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range lines {
			l := &lines[i]
			text := fmt.Sprint(l.Sequence)
			if l.TakenBy != nil {
				text += fmt.Sprint(" taken by ", *l.TakenBy)
			}
			if len(l.Takes) > 0 {
				text += fmt.Sprint(" takes ", l.Takes)
			}
			got = append(got, text)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v at %d: %q, want %q", c.about, c.known, got, c.want)
		}
	}
}

// TestUnknown: a subject of which nobody spoke has no story, and neither has one of whom nothing is
// known yet.
func TestUnknown(t *testing.T) {
	h := told{standingtest.Opened("e0", "w0", standingtest.Terms(7503, event.Self), standingtest.Day(2021, 1, 1))}
	source := standingtest.Source(t, h...)
	for _, kind := range []history.Kind{history.Enrolment, history.Worker, history.Commitment} {
		_, err := h.lines(t, source, history.Subject{Kind: kind, Name: "x"}, 1)
		if !errors.Is(err, story.ErrUnknown) {
			t.Errorf("%v: %v", kind, err)
		}
	}
	_, err := h.lines(t, source, history.Subject{Kind: history.Enrolment, Name: "e0"}, 0)
	if !errors.Is(err, story.ErrUnknown) {
		t.Errorf("at 0: %v", err)
	}
}
