package small

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cakupan/projections/coverage"
)

// TestAnswerWhole makes sure that an answer without small counts is the same bytes.
func TestAnswerWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := drawAnswer(t, rapid.SampledFrom([]int64{0, 20, 40, 1_000}))
		whole.Confirmed = 0
		want, err := json.Marshal(&whole)
		if err != nil {
			t.Fatal(err)
		}
		shown := HideAnswer(whole)
		got, err := json.Marshal(&shown)
		if err != nil || string(got) != string(want) {
			t.Fatalf("%s, not %s: %v", got, want, err)
		}
		p := coverage.Point{On: whole.On, Covered: whole.Covered, InGrace: whole.InGrace}
		want, _ = json.Marshal(&p)
		point := HidePoint(p)
		if got, err := json.Marshal(&point); err != nil || string(got) != string(want) {
			t.Fatalf("%s, not %s: %v", got, want, err)
		}
	})
}

// TestNothingSmall makes sure that no figure from 1 to 4 is left, and none that is what two others
// leave.
func TestNothingSmall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := drawAnswer(t, rapid.Int64Range(0, 9))
		cells := maps.Clone(*whole.By.Segment)
		a := HideAnswer(whole)
		for name, n := range map[string]*int64{
			"covered": a.Covered, "confirmed": a.Confirmed, "inGrace": a.InGrace,
			"enrolments": a.Enrolments, "formal": a.Sectors.Formal.Covered,
			"informal": a.Sectors.Informal.Covered,
		} {
			if n != nil && isSmall(*n) {
				t.Fatalf("%s is %d", name, *n)
			}
			if n == nil && !a.Suppressed {
				t.Fatalf("%s is hidden, and nothing says so", name)
			}
		}
		if a.Covered != nil && a.Confirmed != nil && isSmall(*a.Covered-*a.Confirmed) {
			t.Fatalf("%d of %d are confirmed", *a.Confirmed, *a.Covered)
		}
		if a.Covered == nil && (a.Percent != nil || a.Target.Shortfall != nil) {
			t.Fatal("percentage or shortfall of a hidden count")
		}
		if (a.Sectors.Formal.Covered == nil) != (a.Sectors.Informal.Covered == nil) {
			t.Fatal("one sector is hidden alone")
		}
		checkCells(t, cells, *a.By.Segment)
		if !maps.Equal(cells, *whole.By.Segment) {
			t.Fatal("the cells of the answer were changed")
		}
	})
}

func checkCells(t *rapid.T, whole, shown coverage.Cells) {
	hidden := 0
	for name, n := range whole {
		m, found := shown[name]
		switch {
		case !found:
			hidden++
		case m != n || isSmall(n):
			t.Fatalf("%s is %d of %d", name, m, n)
		}
	}
	if hidden == 1 && len(whole) > 1 {
		t.Fatalf("one cell alone is hidden: %v of %v", shown, whole)
	}
}

func drawAnswer(t *rapid.T, count *rapid.Generator[int64]) coverage.Answer {
	percent, met, short := "12.00", false, int64(7)
	target := &coverage.Target{Percent: "60.00", Met: &met, Shortfall: &short}
	sector := func(name string) coverage.Sector {
		return coverage.Sector{Covered: count.Draw(t, name), Percent: &percent, Target: target}
	}
	cells := coverage.Cells(rapid.MapOfN(rapid.StringMatching("[A-E]"),
		count.Filter(func(n int64) bool { return n > 0 }), 0, 4).Draw(t, "cells"))
	return coverage.Answer{
		Region: "75.03", On: "2020-12-31", Covered: count.Draw(t, "covered"),
		Confirmed: count.Draw(t, "confirmed"), InGrace: count.Draw(t, "inGrace"),
		Enrolments: count.Draw(t, "enrolments"), Percent: &percent, Target: target,
		Sectors: coverage.Sectors{Formal: sector("formal"), Informal: sector("informal")},
		By:      &coverage.By{Segment: &cells},
	}
}

// TestMembers makes sure that what an answer gains is thought of here.
func TestMembers(t *testing.T) {
	whole, _ := json.Marshal(&coverage.Answer{By: &coverage.By{}})
	shown, _ := json.Marshal(&Answer{By: &coverage.By{}})
	null := strings.NewReplacer(`"covered":0`, `"covered":null`, `"confirmed":0`, `"confirmed":null`,
		`"inGrace":0`, `"inGrace":null`, `"enrolments":0`, `"enrolments":null`)
	if want := null.Replace(string(whole)); string(shown) != want {
		t.Errorf("%s, not %s", shown, want)
	}
}
