package coverage_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
	"cakupan/projections/history"
	"cakupan/projections/story"
)

func (h told) EventsAt(_ context.Context, sequences []eventstore.Sequence,
	yield func(*history.Reported) error,
) error {
	for _, seq := range sequences {
		e := &h[seq-1]
		err := yield(&history.Reported{
			Sequence: seq, RecordedAt: e.RecordedAt, Event: &e.Event,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// storyDays are days on which stories are compared: the first and last ones of the months that the
// generator makes and of those around them, some between, and the ends of time.
func storyDays() (days []temporal.Date) {
	days = append(days, must(parseDate("0001-01-01")), must(parseDate("9999-12-31")))
	for m := must(parseMonth("2019-09")); m < must(parseMonth("2021-06")); m++ {
		first := firstOf(m)
		days = append(days, first, first+1, first+14, firstOf(m+1)-1)
	}
	return days
}

// painting is how enrolments stand, as a story has told so far: by enrolment and day.
type painting map[string]string

func (p painting) paint(l *story.Line) {
	for _, c := range l.Changes {
		for _, day := range storyDays() {
			if text := day.String(); c.From <= text && (c.Until == nil || text < *c.Until) {
				p[c.Enrolment+" "+text] = stateText(c.After)
			}
		}
	}
}

func stateText(s *story.State) string {
	if s == nil {
		return ""
	}
	return fmt.Sprint(s.Status, s.Region, s.Payer, s.Evidence)
}

// modelState writes down the same of the model.
func modelState(s standing) string {
	if !s.open {
		return ""
	}
	e := s.explained("")
	status := story.StatusNotCovered
	if s.covered || s.inGrace {
		status = e.Status
	}
	return fmt.Sprint(status, e.Region, e.Payer, e.Evidence)
}

// ofStory returns the enrolments of a subject's story: of a worker those that were ever opened for
// any id that a merge ever joined with it.
func ofStory(events []Recorded, known uint64, about history.Subject) set {
	if about.Kind == history.Enrolment {
		return set{about.Name: true}
	}
	ids := set{about.Name: true}
	for range events {
		for _, e := range events[:known] {
			if e.Type == event.WorkerMerged && (ids[e.Data.Worker] || ids[e.Data.Into]) {
				ids[e.Data.Worker], ids[e.Data.Into] = true, true
			}
		}
	}
	enrolments := set{}
	for _, e := range events[:known] {
		if e.Type == event.EnrolmentOpened && ids[e.Data.Worker] {
			enrolments[e.Data.Enrolment] = true
		}
	}
	return enrolments
}

// TestStoryIsWhole paints what each event of a story changes, and compares the picture with the
// model after every event of the history: so none is missing, and none changes too much.
func TestStoryIsWhole(t *testing.T) {
	t.Parallel()
	retracted, moved := 0, 0
	for seed := range uint64(5) {
		events := Generate(seed+1_500, 60+int(seed)*15)
		s, err := newProduction(t.TempDir(), coverage.NewSmall)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.play(events, rand.New(rand.NewPCG(seed, 19))); err != nil {
			t.Fatal(err)
		}
		for _, about := range []history.Subject{
			{Kind: history.Enrolment, Name: "e0"},
			{Kind: history.Enrolment, Name: "e1"},
			{Kind: history.Worker, Name: "w0"},
			{Kind: history.Worker, Name: "w1"},
		} {
			known := uint64(len(events)) - seed
			lines, err := storyOf(s.p, events, about, known)
			if err != nil && !errors.Is(err, story.ErrUnknown) {
				t.Fatal(err)
			}
			for i := range lines {
				if lines[i].TakenBy != nil {
					retracted++
				}
				moved += len(lines[i].Changes)
			}
			compareStory(t, events, known, ofStory(events, known, about), lines)
		}
		if err := s.db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if retracted == 0 || moved < 100 {
		t.Errorf("%d retracted, %d changes: the histories are too poor", retracted, moved)
	}
}

func storyOf(p *coverage.Projection, events []Recorded, about history.Subject, known uint64,
) (lines []story.Line, err error) {
	err = story.Each(context.Background(), p, told(events), story.Query{
		About: about, Known: eventstore.Sequence(known),
	}, func(l *story.Line) error {
		lines = append(lines, *l)
		return nil
	})
	return lines, err
}

func compareStory(t *testing.T, events []Recorded, known uint64, enrolments set,
	lines []story.Line,
) {
	t.Helper()
	m, picture := newModel(events), painting{}
	for seq := uint64(1); seq <= known; seq++ {
		if len(lines) > 0 && uint64(lines[0].Sequence) == seq {
			checkTaken(t, events, known, &lines[0])
			picture.paint(&lines[0])
			lines = lines[1:]
		}
		m.know(seq)
		for name := range enrolments {
			for _, day := range storyDays() {
				want := modelState(m.parts[name].standingOn(day))
				if got := picture[name+" "+day.String()]; got != want {
					t.Fatalf("%s on %s as known at %d of %d: told %q, model %q", name, day, seq,
						known, got, want)
				}
			}
		}
	}
	if len(lines) > 0 {
		t.Fatalf("%d lines are left, the first of event %d", len(lines), lines[0].Sequence)
	}
}

// checkTaken compares what is said of the retraction of an event with the history.
func checkTaken(t *testing.T, events []Recorded, known uint64, l *story.Line) {
	t.Helper()
	e := &events[l.Sequence-1]
	first := uint64(0)
	for _, r := range events[:known] {
		if r.Type == event.EventRetracted && e.Type != event.EventRetracted &&
			r.Data.RetractedSource == e.Source && r.Data.RetractedID == e.ID && first == 0 {
			first = r.Sequence
		}
	}
	told := uint64(0)
	if l.TakenBy != nil {
		told = uint64(*l.TakenBy)
	}
	if told != first {
		t.Fatalf("event %d was taken back by %d, told is %d", l.Sequence, first, told)
	}
	for _, text := range []string{l.Text.EN, l.Text.ID} {
		if text == "" || strings.Contains(text, "%!") {
			t.Fatalf("event %d in words: %q", l.Sequence, text)
		}
	}
}

// TestStoryOfCommitment compares the events of a commitment's story with the history.
func TestStoryOfCommitment(t *testing.T) {
	t.Parallel()
	events := Generate(1_600, 150)
	s, err := newProduction(t.TempDir(), coverage.NewSmall)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.play(events, rand.New(rand.NewPCG(1, 19))); err != nil {
		t.Fatal(err)
	}
	const known = 140
	about := history.Subject{Kind: history.Commitment, Name: "c0"}
	lines, err := storyOf(s.p, events, about, known)
	if err != nil {
		t.Fatal(err)
	}
	var got, want []uint64
	for i := range lines {
		checkTaken(t, events, known, &lines[i])
		got = append(got, uint64(lines[i].Sequence))
	}
	for _, e := range events[:known] {
		if e.Data.Commitment != about.Name {
			continue
		}
		want = append(want, e.Sequence)
		for _, r := range events[:known] {
			if r.Type == event.EventRetracted && r.Data.RetractedSource == e.Source &&
				r.Data.RetractedID == e.ID {
				want = append(want, r.Sequence)
				break
			}
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) || len(got) < 20 {
		t.Errorf("told are %v, reported were %v", got, want)
	}
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
}
