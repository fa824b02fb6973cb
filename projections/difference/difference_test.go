package difference_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
	"cakupan/projections/difference"
	"cakupan/projections/projtest"
	"cakupan/projections/standingtest"
)

var (
	day   = standingtest.Day
	month = standingtest.Month
)

// ask returns the flows, and a text for each worker who joined or left.
func ask(t *testing.T, source *coverage.Projection, q difference.Query,
) (d *difference.Difference, lines []string) {
	t.Helper()
	d, err := difference.Find(t.Context(), source, q)
	if err != nil {
		t.Fatal(err)
	}
	err = d.Workers(t.Context(), func(w *difference.Worker) error {
		lines = append(lines, fmt.Sprintf("%s %s %s %s %v", w.Step, w.Worker, w.Change, w.Cause, w.Events))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return d, lines
}

// example is a history, of which the first events were known at first, and who joined or left
// between two days of Bone Bolango.
type example struct {
	name     string
	history  []event.Event
	known    eventstore.Sequence // 0: all was known at both
	from, to temporal.Date       // 0: both are 2021-07-15
	want     []string
}

func knowledgeExamples() []example {
	opened := func(e, w string) event.Event {
		return standingtest.Opened(e, w, standingtest.Terms(7503, event.Self), day(2021, 1, 1))
	}
	return []example{
		{
			name: "reported late", known: 1, history: []event.Event{opened("e0", "w0"), opened("e1", "w1")},
			want: []string{"knowledge w1 joined REPORTED_LATE [2]"},
		},
		{
			name: "an end reported late", known: 1,
			history: []event.Event{opened("e0", "w0"), standingtest.Terminated("e0", day(2021, 5, 1))},
			want:    []string{"knowledge w0 left REPORTED_LATE [2]"},
		},
		{
			name: "retracted", known: 1,
			history: []event.Event{opened("e0", "w0"), standingtest.Retracted(1)},
			want:    []string{"knowledge w0 left RETRACTED [1 2]"},
		},
		{
			name: "an end retracted", known: 2, history: []event.Event{
				opened("e0", "w0"), standingtest.Terminated("e0", day(2021, 5, 1)), standingtest.Retracted(2),
			},
			want: []string{"knowledge w0 joined RETRACTED [2 3]"},
		},
		{
			name: "merged", known: 2, history: []event.Event{
				opened("e0", "w0"), opened("e1", "w1"), standingtest.Merged("w0", "w1"),
			},
			want: []string{"knowledge w1 left MERGED [3]"},
		},
		{
			name: "merged into one whose id is less", known: 2, history: []event.Event{
				opened("e0", "w1"), opened("e1", "w2"), standingtest.Merged("w1", "w0"),
				standingtest.Merged("w2", "w0"),
			},
			want: []string{"knowledge w2 left MERGED [3 4]"},
		},
		{
			name: "a merge taken back", known: 3, history: []event.Event{
				opened("e0", "w0"), opened("e1", "w1"), standingtest.Merged("w0", "w1"),
				standingtest.Retracted(3),
			},
			want: []string{"knowledge w1 joined RETRACTED [3 4]"},
		},
		{
			name: "merged with whom is not covered", known: 1, history: []event.Event{
				opened("e0", "w0"), standingtest.Merged("w0", "w9"),
			},
		},
	}
}

func timeExamples() []example {
	self, apbd := standingtest.Terms(7503, event.Self), standingtest.Terms(7503, event.APBD)
	open := func(terms event.Data) event.Event {
		return standingtest.Opened("e", "w", terms, day(2021, 1, 1))
	}
	grant := standingtest.Granted("c", "e", month(2021, 1), month(2021, 7))
	from, to := day(2021, 6, 15), day(2021, 7, 15)
	granted := func(more ...event.Event) []event.Event {
		long := standingtest.Granted("c", "e", month(2021, 1), month(2022, 1))
		return append([]event.Event{open(apbd), long}, more...)
	}
	return []example{
		{
			name: "enrolled", from: from, to: to,
			history: []event.Event{standingtest.Opened("e", "w", self, day(2021, 7, 1))},
			want:    []string{"time w joined ENROLLED [1]"},
		},
		{
			name: "terminated", from: from, to: to,
			history: []event.Event{open(self), standingtest.Terminated("e", day(2021, 7, 1))},
			want:    []string{"time w left TERMINATED [1 2]"},
		},
		{
			name: "reinstated", from: from, to: to,
			history: []event.Event{
				open(self), standingtest.Terminated("e", day(2021, 3, 1)),
				standingtest.Reinstated("e", day(2021, 7, 1)),
			},
			want: []string{"time w joined REINSTATED [1 2 3]"},
		},
		{
			name: "died", from: from, to: to,
			history: []event.Event{open(self), standingtest.Died("w", day(2021, 7, 14))},
			want:    []string{"time w left DIED [1 2]"},
		},
		{
			name: "died on the day", from: from, to: to,
			history: []event.Event{open(self), standingtest.Died("w", day(2021, 7, 15))},
		},
		{
			name: "terminated before the last day of life", from: from, to: to,
			history: []event.Event{
				open(self), standingtest.Terminated("e", day(2021, 7, 15)), standingtest.Died("w", day(2021, 7, 15)),
			},
			want: []string{"time w left TERMINATED [1 2]"},
		},
		{
			name: "opened and ended on the first day, then reinstated", from: from, to: to,
			history: []event.Event{
				standingtest.Opened("e", "w", self, from), standingtest.Terminated("e", from),
				standingtest.Reinstated("e", day(2021, 7, 1)),
			},
			want: []string{"time w joined REINSTATED [1 2 3]"},
		},
		{
			name: "moved out", from: from, to: to,
			history: []event.Event{
				open(self), standingtest.Amended("e", event.Data{Region: 7571}, day(2021, 7, 1)),
			},
			want: []string{"time w left MOVED_OUT [1 2]"},
		},
		{
			name: "moved in", from: from, to: to,
			history: []event.Event{
				open(standingtest.Terms(7571, event.Self)),
				standingtest.Amended("e", event.Data{Region: 7503}, day(2021, 7, 1)),
			},
			want: []string{"time w joined MOVED_IN [1 2]"},
		},
		{
			name: "other terms, covered by them", from: from, to: to,
			history: []event.Event{
				open(apbd), standingtest.Amended("e", event.Data{Payer: event.Self}, day(2021, 7, 1)),
			},
			want: []string{"time w joined TERMS_CHANGED [1 2]"},
		},
		{
			name: "other terms, not covered by them", from: from, to: to,
			history: []event.Event{
				open(self), standingtest.Amended("e", event.Data{Payer: event.APBD}, day(2021, 7, 1)),
			},
			want: []string{"time w left TERMS_CHANGED [1 2]"},
		},
		{
			name: "funding lapsed", from: from, to: to, history: []event.Event{open(apbd), grant},
			want: []string{"time w left FUNDING_LAPSED [1 2]"},
		},
		{
			name: "funding began", from: day(2020, 12, 31), to: from,
			history: []event.Event{
				standingtest.Opened("e", "w", apbd, day(2020, 12, 1)), grant,
			},
			want: []string{"time w joined FUNDING_BEGAN [1 2]"},
		},
		{
			name: "funding revoked", from: from, to: to,
			history: granted(standingtest.Revoked("c", "e", month(2021, 7))),
			want:    []string{"time w left FUNDING_REVOKED [1 2 3]"},
		},
		{
			name: "funding closed", from: from, to: to,
			history: granted(standingtest.Closed("c", month(2021, 7))),
			want:    []string{"time w left FUNDING_CLOSED [1 2 3]"},
		},
		{
			name: "revoked, and amended in what does not count", from: from, to: to,
			history: granted(standingtest.Revoked("c", "e", month(2021, 7)),
				standingtest.Amended("e", event.Data{Segment: event.PU}, day(2021, 7, 1))),
			want: []string{"time w left FUNDING_REVOKED [1 2 3]"},
		},
		{
			name: "revoked before closed", from: from, to: to,
			history: granted(standingtest.Closed("c", month(2021, 7)), standingtest.Revoked("c", "e", month(2021, 7))),
			want:    []string{"time w left FUNDING_REVOKED [1 2 4]"},
		},
		{
			name: "contributions stopped", from: from, to: to,
			history: []event.Event{open(self), standingtest.Credited("e", month(2021, 1), month(2021, 7))},
			want:    []string{"time w left CONTRIBUTIONS_STOPPED [1 2]"},
		},
		{
			name: "contributions stopped after a first credit that was reported late", from: from,
			to: day(2021, 8, 15), history: []event.Event{
				open(self), standingtest.Credited("e", month(2021, 7), month(2021, 8)),
			},
			want: []string{"time w left CONTRIBUTIONS_STOPPED [1 2]"},
		},
		{
			name: "presumed until the first credit, however late it is reported", from: from,
			to: to, history: []event.Event{
				open(self), standingtest.Credited("e", month(2021, 7), month(2021, 8)),
			},
		},
		{
			name:  "a late first credit, known later, of the day before: nobody is covered by it",
			known: 1, from: to, to: to, history: []event.Event{
				open(self), standingtest.Credited("e", month(2021, 6), month(2021, 7)),
			},
			want: []string{"knowledge w left REPORTED_LATE [2]"},
		},
		{
			name: "contributions began", from: from, to: to,
			history: []event.Event{
				open(self), standingtest.Credited("e", month(2021, 1), month(2021, 2)),
				standingtest.Credited("e", month(2021, 7), month(2021, 8)),
			},
			want: []string{"time w joined CONTRIBUTIONS_BEGAN [1 3]"},
		},
		{
			name: "backwards it is the other way round", from: to, to: from,
			history: []event.Event{open(self), standingtest.Terminated("e", day(2021, 7, 1))},
			want:    []string{"time w joined TERMINATED [1 2]"},
		},
		{
			name: "the first cause of two enrolments", from: from, to: to,
			history: []event.Event{
				open(self), standingtest.Opened("f", "w", self, day(2021, 1, 1)),
				standingtest.Amended("e", event.Data{Region: 7571}, day(2021, 7, 1)),
				standingtest.Terminated("f", day(2021, 7, 1)),
			},
			want: []string{"time w left TERMINATED [2 4]"},
		},
		{
			name: "one of two enrolments ends", from: from, to: to,
			history: []event.Event{
				open(self), standingtest.Opened("f", "w", self, day(2021, 1, 1)),
				standingtest.Terminated("f", day(2021, 7, 1)),
			},
		},
	}
}

// TestCauses: each cause is told where it applies, with the events that made the difference.
func TestCauses(t *testing.T) {
	for _, c := range slices.Concat(knowledgeExamples(), timeExamples()) {
		t.Run(c.name, func(t *testing.T) {
			all := eventstore.Sequence(len(c.history))
			q := difference.Query{Region: 7503}
			q.From, q.To = difference.Point{On: c.from, Known: all}, difference.Point{On: c.to, Known: all}
			if c.known != 0 {
				q.From.Known = c.known
			}
			if c.from == 0 {
				q.From.On, q.To.On = day(2021, 7, 15), day(2021, 7, 15)
			}
			if _, got := ask(t, standingtest.Source(t, c.history...), q); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestSums: the flows add up to the difference of the figures, and the workers told are the flows;
// asked backwards, the same workers flow in time for the same causes, joined and left exchanged.
func TestSums(t *testing.T) {
	seeds, flowed := uint64(6), int64(0)
	if os.Getenv(projtest.LongEnv) != "" {
		seeds = 200
	}
	for seed := range seeds {
		const n = 60
		source := standingtest.Source(t, standingtest.Random(seed, n)...)
		r := rand.New(rand.NewPCG(seed, 41))
		point := func() difference.Point {
			return difference.Point{
				On:    day(2020, 12, 1).AddDays(r.IntN(640)),
				Known: eventstore.Sequence(r.IntN(n + 1)),
			}
		}
		for range 15 {
			q := difference.Query{
				Region: []region.Code{region.Nation, 75, 7503, 7101}[r.IntN(4)], From: point(), To: point(),
			}
			d, lines := ask(t, source, q)
			sum, told := flows(d)
			flowed += told
			if was, is := covered(t, source, q.Region, q.From), covered(t, source, q.Region, q.To); is-was != sum || int(told) != len(lines) {
				t.Fatalf("seed %d, %+v: from %d to %d, the flows come to %d, of %d workers %d are told",
					seed, q, was, is, sum, told, len(lines))
			}
			q.From.Known = q.To.Known
			forth, _ := ask(t, source, q)
			q.From, q.To = q.To, q.From
			back, _ := ask(t, source, q)
			if !maps.Equal(forth.Steps[1].Joined, back.Steps[1].Left) ||
				!maps.Equal(forth.Steps[1].Left, back.Steps[1].Joined) {
				t.Fatalf("seed %d, %+v: %+v forth and %+v back", seed, q, forth.Steps[1], back.Steps[1])
			}
		}
	}
	if flowed == 0 {
		t.Error("nobody joined or left: too few to tell")
	}
}

// flows adds up what joined less what left, and counts all who did.
func flows(d *difference.Difference) (sum, all int64) {
	for i := range d.Steps {
		for _, n := range d.Steps[i].Joined {
			sum, all = sum+n, all+n
		}
		for _, n := range d.Steps[i].Left {
			sum, all = sum-n, all+n
		}
	}
	return sum, all
}

func covered(t *testing.T, source *coverage.Projection, in region.Code, at difference.Point) int64 {
	t.Helper()
	answer, err := source.View().Answer(coverage.Query{
		Region: in, On: at.On, Known: at.Known, Indicator: event.Employed,
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Covered
}

// TestCauseNames: the order of causes is that of the contract, and those of one change have names
// of their own.
func TestCauseNames(t *testing.T) {
	seen := map[string]difference.Cause{}
	for c := difference.Retracted; c <= difference.ContributionsStopped; c++ {
		name := c.String()
		if before, twice := seen[name]; twice &&
			(before != difference.TermsChangedIn || c != difference.TermsChangedOut) {
			t.Errorf("%d and %d are both %s", before, c, name)
		}
		seen[name] = c
	}
}

// TestStops: whoever asks stops with the context, and with an error of whom the workers are told.
func TestStops(t *testing.T) {
	source := standingtest.Source(t, standingtest.Random(3, 60)...)
	q := difference.Query{
		Region: region.Nation, From: difference.Point{On: day(2021, 1, 1), Known: 0},
		To: difference.Point{On: day(2021, 9, 1), Known: 60},
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := difference.Find(ended, source, q); !errors.Is(err, context.Canceled) {
		t.Errorf("find: %v", err)
	}
	d, lines := ask(t, source, q)
	if len(lines) == 0 {
		t.Fatal("nobody joined or left")
	}
	enough := errors.New("enough")
	if err := d.Workers(t.Context(), func(*difference.Worker) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("workers: %v", err)
	}
	if err := d.Workers(ended, func(*difference.Worker) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("workers under a context that ended: %v", err)
	}
}
