package explain_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
	"cakupan/projections/explain"
	"cakupan/projections/projtest"
	"cakupan/projections/standing"
	"cakupan/projections/standingtest"
)

var (
	day   = standingtest.Day
	month = standingtest.Month
)

// workers returns who makes a figure up, each as a text.
func workers(t *testing.T, source standing.Source, q explain.Query) (lines []string) {
	t.Helper()
	n, err := explain.Workers(t.Context(), source, q, func(w *explain.Worker) error {
		var text strings.Builder
		fmt.Fprint(&text, w.Worker)
		for _, e := range w.Enrolments {
			fmt.Fprintf(&text, ", %s %s %s %v %v", e.Enrolment, e.Region, e.Status, e.Evidence, e.Events)
		}
		lines = append(lines, text.String())
		return nil
	})
	if err != nil || int(n) != len(lines) {
		t.Fatalf("%d workers are told of %d: %v", len(lines), n, err)
	}
	return lines
}

// TestEvidence tells, for each kind of evidence, on which events a covered day rests.
func TestEvidence(t *testing.T) {
	open := func(payer event.Payer) event.Event {
		return standingtest.Opened("e", "w", standingtest.Terms(7503, payer), day(2021, 1, 1))
	}
	credit := standingtest.Credited("e", month(2021, 5), month(2021, 6)) // the month before
	credited := standingtest.Credited("e", month(2021, 6), month(2021, 7))
	grant := standingtest.Granted("c", "e", month(2021, 6), month(2021, 7))
	committed := standingtest.Committed("c", event.FundingAPBD, month(2021, 1), month(2022, 1))
	for _, c := range []struct {
		name    string
		history []event.Event
		of      explain.Of
		want    []string
	}{
		{
			"presumed",
			[]event.Event{open(event.Self)},
			explain.Covered,
			[]string{"w, e 75.03 COVERED [PRESUMED] [1]"},
		},
		{"presumed is not confirmed", []event.Event{open(event.Self)}, explain.Confirmed, nil},
		{
			"credited",
			[]event.Event{open(event.Self), credit, credited},
			explain.Confirmed,
			[]string{"w, e 75.03 COVERED [CREDITED] [1 3]"},
		},
		{
			"due",
			[]event.Event{open(event.Employer), credit},
			explain.Covered,
			[]string{"w, e 75.03 COVERED [DUE] [1 2]"},
		},
		{
			"promised",
			[]event.Event{open(event.APBD), grant},
			explain.Covered,
			[]string{"w, e 75.03 COVERED [PROMISED] [1 2]"},
		},
		{
			"disbursed",
			[]event.Event{
				committed, open(event.APBD), grant, standingtest.Disbursed("c", 1, month(2021, 6)),
				standingtest.Disbursed("c", 1, month(2021, 5)),
			},
			explain.Confirmed,
			[]string{"w, e 75.03 COVERED [DISBURSED] [1 2 3 4]"},
		},
		{
			"in grace by credits",
			[]event.Event{open(event.Self), credit},
			explain.InGrace,
			[]string{"w, e 75.03 IN_GRACE [] [1 2]"},
		},
		{
			"in grace by what was revoked",
			[]event.Event{
				open(event.APBD), standingtest.Granted("c", "e", month(2021, 3), month(2021, 9)),
				standingtest.Revoked("c", "e", month(2021, 6)), committed,
			},
			explain.InGrace,
			[]string{"w, e 75.03 IN_GRACE [] [1 2 3 4]"},
		},
		{"in grace is not covered", []event.Event{open(event.Self), credit}, explain.Covered, nil},
		{
			"not in grace who is covered by another",
			[]event.Event{
				open(event.Self), credit,
				standingtest.Opened("f", "w", standingtest.Terms(7503, event.Employer), day(2021, 1, 1)),
			},
			explain.InGrace, nil,
		},
		{
			"the terms with the last word",
			[]event.Event{
				standingtest.Opened("e", "w", standingtest.Terms(7571, event.Self), day(2021, 1, 1)),
				standingtest.Amended("e", event.Data{Region: 7101}, day(2021, 2, 1)),
				standingtest.Amended("e", event.Data{Region: 7503}, day(2021, 3, 1)),
				standingtest.Terminated("e", day(2021, 4, 1)), standingtest.Terminated("e", day(2021, 4, 2)),
				standingtest.Reinstated("e", day(2021, 5, 1)),
			},
			explain.Covered,
			[]string{"w, e 75.03 COVERED [PRESUMED] [1 3 5 6]"},
		},
		{
			"one person by the least id",
			[]event.Event{
				open(event.Self), standingtest.Merged("w", "a"),
				standingtest.Opened("d", "a", standingtest.Terms(7503, event.Self), day(2021, 1, 1)),
				standingtest.Opened("b", "b", standingtest.Terms(7503, event.Self), day(2021, 1, 1)),
			},
			explain.Covered,
			[]string{
				"a, d 75.03 COVERED [PRESUMED] [2 3], e 75.03 COVERED [PRESUMED] [1 2]",
				"b, b 75.03 COVERED [PRESUMED] [4]",
			},
		},
	} {
		got := workers(t, standingtest.Source(t, c.history...), explain.Query{
			Region: 7503, On: day(2021, 6, 15), Known: 99, Of: c.of,
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestAsMany: as many workers are told as the figure says, in order of their ids.
func TestAsMany(t *testing.T) {
	seeds, told := uint64(10), 0
	if os.Getenv(projtest.LongEnv) != "" {
		seeds = 300
	}
	for seed := range seeds {
		const n = 60
		source := standingtest.Source(t, standingtest.Random(seed, n)...)
		r := rand.New(rand.NewPCG(seed, 51))
		for range 20 {
			q := explain.Query{
				Region: []region.Code{region.Nation, 75, 7503, 7101}[r.IntN(4)],
				On:     day(2020, 12, 1).AddDays(r.IntN(640)), Known: eventstore.Sequence(r.IntN(n + 1)),
			}
			answer, err := source.View().Answer(coverage.Query{
				Region: q.Region, On: q.On, Known: q.Known, Indicator: event.Employed,
			})
			if err != nil {
				t.Fatal(err)
			}
			for of, want := range map[explain.Of]int64{
				explain.Covered: answer.Covered, explain.Confirmed: answer.Confirmed,
				explain.InGrace: answer.InGrace,
			} {
				q.Of = of
				lines := workers(t, source, q)
				if int64(len(lines)) != want || !slices.IsSorted(lines) {
					t.Fatalf("seed %d, %+v: %q, and the figure is %d", seed, q, lines, want)
				}
				told += len(lines)
			}
		}
	}
	if told == 0 {
		t.Error("nobody was told: too few to tell")
	}
}

// TestParseOf: each figure is called by its name alone.
func TestParseOf(t *testing.T) {
	for i, name := range explain.OfNames() {
		if of, ok := explain.ParseOf(name); !ok || of != explain.Of(i) {
			t.Errorf("%s: %v, %t", name, of, ok)
		}
	}
	for _, name := range []string{"", "Covered", "covered ", "grace"} {
		if of, ok := explain.ParseOf(name); ok {
			t.Errorf("%q is taken for %v", name, of)
		}
	}
	names := explain.OfNames()
	names[0] = "mine"
	if explain.OfNames()[0] != "covered" {
		t.Error("the names are the caller's, and changed for all")
	}
}

// TestStops: whoever asks stops with the context, and with an error of whom the workers are told.
func TestStops(t *testing.T) {
	source := standingtest.Source(t, standingtest.Random(1, 60)...)
	q := explain.Query{Region: region.Nation, On: day(2021, 9, 1), Known: 60}
	enough, told := errors.New("enough"), 0
	_, err := explain.Workers(t.Context(), source, q, func(*explain.Worker) error { told++; return enough })
	if !errors.Is(err, enough) || told != 1 {
		t.Errorf("after %d workers: %v", told, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = explain.Workers(ended, source, q, func(*explain.Worker) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("under a context that ended: %v", err)
	}
}
