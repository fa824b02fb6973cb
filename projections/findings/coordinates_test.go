package findings_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"

	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/findings"
	"cakupan/projections/projtest"
)

// TestCoordinates compares what is open with the definitions, over long histories, as known at some
// events.
func TestCoordinates(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	n, coordinates, step := 500, 3, 24
	if os.Getenv(projtest.LongEnv) != "" {
		n, coordinates, step = 5_000, 100, 3
	}
	events := history(99, n, step)
	p := open(t, longKind(3), events, 200)
	rng := rand.New(rand.NewPCG(99, 1))
	known := make(chan int, coordinates)
	for range coordinates {
		known <- 1 + rng.IntN(n)
	}
	close(known)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for k := range known {
				if err := compareOpen(t.Context(), p, events, k); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func compareOpen(ctx context.Context, p *findings.Projection, events []projections.Event, k int,
) error {
	var want, got []string
	for subject, detail := range newModel(events, k).all() {
		want = append(want, subject+" "+detail)
	}
	q := findings.Query{Known: eventstore.Sequence(k), Open: true}
	err := p.Each(ctx, q, func(f *findings.Finding) error {
		subject, detail := told(f)
		got = append(got, subject+" "+detail)
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return fmt.Errorf("at %d, %d findings:\n%s", k, len(want), differ(got, want))
	}
	return nil
}

// TestFilters: what is asked for is what is asked for of all.
func TestFilters(t *testing.T) {
	events := history(7, 200, 60)
	p := open(t, theKind(), events, 50)
	known := eventstore.Sequence(len(events))
	all := collect(t, p, findings.Query{Known: known, Language: findings.English})
	for _, c := range []struct {
		name  string
		query findings.Query
		takes func(f *findings.Finding) bool
	}{
		{
			"code",
			findings.Query{Code: findings.FunderOutside},
			func(f *findings.Finding) bool { return f.Code == "FUNDER_OUTSIDE" },
		},
		{
			"region",
			findings.Query{Region: 75},
			func(f *findings.Finding) bool { return len(f.Region) > 1 && f.Region[:2] == "75" },
		},
		{
			"enrolment",
			findings.Query{Enrolment: "e-1"},
			func(f *findings.Finding) bool { return f.Enrolment == "e-1" },
		},
		{
			"commitment",
			findings.Query{Commitment: "c-1"},
			func(f *findings.Finding) bool { return f.Commitment == "c-1" },
		},
		{
			"open",
			findings.Query{Open: true},
			func(f *findings.Finding) bool { return f.Until == nil },
		},
		{
			"events",
			findings.Query{From: 90, To: 100},
			func(f *findings.Finding) bool {
				return slices.ContainsFunc(append(f.Events, f.Since),
					func(seq eventstore.Sequence) bool { return seq >= 90 && seq <= 100 })
			},
		},
		{
			"nobody",
			findings.Query{Enrolment: "none"},
			func(*findings.Finding) bool { return false },
		},
	} {
		c.query.Known, c.query.Language = known, findings.English
		want := slices.DeleteFunc(slices.Clone(all), func(f findings.Finding) bool {
			return !c.takes(&f)
		})
		got := collect(t, p, c.query)
		if fmt.Sprint(lines(got)) != fmt.Sprint(lines(want)) {
			t.Errorf("%s: %d findings, want %d", c.name, len(got), len(want))
		}
		if len(want) == 0 && c.name != "nobody" {
			t.Errorf("%s: there are none", c.name)
		}
	}
	for seq := eventstore.Sequence(1); seq <= known; seq += 7 {
		var want []findings.Finding
		for _, f := range all {
			if f.Until == nil && (f.Since == seq || slices.Contains(f.Events, seq)) {
				want = append(want, f)
			}
		}
		got, err := p.Of(seq, findings.English)
		if err != nil || fmt.Sprint(lines(got)) != fmt.Sprint(lines(want)) {
			t.Errorf("event %d, %s: %v\n%s", seq, events[seq-1].Type, err,
				differ(lines(got), lines(want)))
		}
	}
}

func collect(t *testing.T, p *findings.Projection, q findings.Query) (all []findings.Finding) {
	t.Helper()
	err := p.Each(t.Context(), q, func(f *findings.Finding) error {
		all = append(all, *f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func lines(all []findings.Finding) (texts []string) {
	for i := range all {
		texts = append(texts, fmt.Sprint(all[i].Since, all[i].Code, all[i].Text))
	}
	slices.Sort(texts)
	return texts
}

// TestDamages damages the file; see [projtest.Damages].
func TestDamages(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	ask := func(kept projections.Kept, k eventstore.Sequence) (string, error) {
		p, _ := projections.Answers[*findings.Projection](kept)
		text, err := p.Digest(k)
		if err != nil {
			return "", err
		}
		err = p.Each(t.Context(), findings.Query{Known: k}, func(f *findings.Finding) error {
			text += fmt.Sprintf("\n%s %d %v %v", f.Code, f.Since, f.Events, f.Text)
			return nil
		})
		return text, err
	}
	projtest.Damages(t, theKind(), ask)
}
