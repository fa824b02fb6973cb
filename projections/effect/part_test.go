package effect_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/effect"
	"cakupan/projections/standing"
	"cakupan/projections/standingtest"
)

// groups puts rows together that have to be in one part of a list: those of an enrolment, and those
// of somebody whom the log does not know. What is returned is a number for each row.
func groups(history, rows []event.Event) []int {
	known := map[string]bool{}
	for i := range history {
		known[history[i].Data.Worker], known[history[i].Data.Into] = true, true
	}
	group := make([]int, len(rows))
	for i := range rows {
		group[i] = i
		for j := range i {
			a, b := &rows[i].Data, &rows[j].Data
			if a.Enrolment != "" && a.Enrolment == b.Enrolment ||
				a.Worker != "" && a.Worker == b.Worker && !known[a.Worker] {
				from, to := group[j], group[i]
				for k := range i + 1 {
					if group[k] == from {
						group[k] = to
					}
				}
			}
		}
	}
	return group
}

// anothers tells whether an event opens an enrolment that the log has of somebody else. Who shares
// an enrolment by such a row alone is not known to the other parts.
func anothers(history []event.Event, e *event.Event) bool {
	return e.Type == event.EnrolmentOpened && slices.ContainsFunc(history, func(h event.Event) bool {
		return h.Type == e.Type && h.Data.Enrolment == e.Data.Enrolment &&
			h.Data.Worker != e.Data.Worker
	})
}

// inParts asks about rows in parts, and then about what was left out of them: what changes in each
// region, and which rows have a notice.
func inParts(t *testing.T, source standing.Source, rows []effect.Row, part []int, ask effect.Asked,
) (changes map[string][2]int64, noticed map[int]int) {
	t.Helper()
	changes, noticed = map[string][2]int64{}, map[int]int{}
	of := func(places []int) effect.Report {
		var some []effect.Row
		for _, at := range places {
			some = append(some, rows[at])
		}
		report, err := effect.Of(t.Context(), source, some, ask)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range report.Regions {
			sum, by := changes[r.Region], changeOf(&r)
			changes[r.Region] = [2]int64{sum[0] + by[0], sum[1] + by[1]}
		}
		for _, n := range report.Notices {
			for _, at := range n.Rows {
				noticed[places[at]]++
			}
		}
		return report
	}
	apart := map[string][]int{}
	byPart := map[int][]int{}
	for at := range rows {
		byPart[part[at]] = append(byPart[part[at]], at)
	}
	ask.Part = true
	for _, n := range slices.Sorted(maps.Keys(byPart)) {
		for _, a := range of(byPart[n]).Apart {
			who := a.Person
			if who == "" {
				who = fmt.Sprint("of part ", n)
			}
			apart[who] = append(apart[who], byPart[n][a.Row])
		}
	}
	ask.Part = false
	for _, person := range slices.Sorted(maps.Keys(apart)) {
		slices.Sort(apart[person])
		if left := of(apart[person]).Apart; len(left) != 0 {
			t.Fatalf("left out of the whole: %v", left)
		}
	}
	return changes, noticed
}

// changeOf returns how many more are covered and confirmed in a region.
func changeOf(r *effect.Region) [2]int64 {
	return [2]int64{r.After - r.Before, r.Confirmed.After - r.Confirmed.Before}
}

// TestParts asks about lists as a whole and in parts, to come and come, of people with several
// enrolments and ids: both say the same of each region.
func TestParts(t *testing.T) {
	left := 0
	for seed := range rounds() {
		r := rand.New(rand.NewPCG(seed, 32))
		history := standingtest.Random(seed, 30)
		// A list of deaths names people, any other one enrolments.
		list := slices.DeleteFunc(list(r, history), func(e event.Event) bool {
			all := rowsOf(history, []event.Event{e}, 0)
			return (all[0].Event.Data.Enrolment == "") != (seed%3 == 0) || anothers(history, &e)
		})
		if len(list) == 0 {
			continue
		}
		rows := rowsOf(history, list, 0)
		source := standingtest.Source(t, history...)
		if seed%2 == 1 {
			rows = rowsOf(history, list, len(history)+1)
			source = standingtest.Source(t, slices.Concat(history, list)...)
		}
		said := make([]event.Event, len(rows)) // with whom retractions are about
		for i := range rows {
			said[i] = rows[i].Event
		}
		part := groups(history, said)
		perm := r.Perm(len(rows))
		for i := range part {
			part[i] = perm[part[i]] % 3
		}
		on := day(2021, 1, 1).AddDays(r.IntN(540))
		ask := effect.Asked{Today: day(2022, 1, 1), On: on.String()}
		all, err := effect.Of(t.Context(), source, rows, ask)
		if err != nil {
			t.Fatal(err)
		}
		changes, noticed := inParts(t, source, rows, part, ask)
		for _, region := range all.Regions {
			if got, want := changes[region.Region], changeOf(&region); got != want {
				t.Fatalf("seed %d: %s changes by %d in parts %v, by %d in one", seed, region.Region,
					got, part, want)
			}
			delete(changes, region.Region)
		}
		for code, by := range changes {
			if by != [2]int64{} {
				t.Fatalf("seed %d: %s changes by %d in parts alone", seed, code, by)
			}
		}
		want := map[int]int{}
		for _, n := range all.Notices {
			for _, at := range n.Rows {
				want[at]++
			}
		}
		if !maps.Equal(noticed, want) {
			t.Fatalf("seed %d: notices %v in parts %v, %v in one", seed, noticed, part, want)
		}
		left += len(want)
	}
	if left == 0 {
		t.Error("no row has a notice: too few to tell")
	}
	source := standingtest.Source(t)
	row := effect.Row{Event: standingtest.Retracted(eventstore.Sequence(1))}
	_, err := effect.Of(t.Context(), source, []effect.Row{row}, effect.Asked{On: "2021-02-30"})
	if err == nil {
		t.Error("a day that is none is taken")
	}
}
