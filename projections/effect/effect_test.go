package effect_test

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
	"cakupan/projections/effect"
	"cakupan/projections/facts"
	"cakupan/projections/projtest"
	"cakupan/projections/standing"
	"cakupan/projections/standingtest"
)

// rounds is how many lists a test supposes.
func rounds() uint64 {
	if os.Getenv(projtest.LongEnv) != "" {
		return 500
	}
	return 60
}

// list returns events as lists bring them, and retractions of what the log has.
func list(r *rand.Rand, history []event.Event) (rows []event.Event) {
	kinds := []event.Type{
		event.EnrolmentOpened, event.EnrolmentTerminated, event.WorkerDied, event.FundingGranted,
		event.FundingRevoked, event.ContributionCredited,
	}
	for _, e := range standingtest.Random(r.Uint64(), 30) {
		if len(rows) < 6 && slices.Contains(kinds, e.Type) {
			rows = append(rows, e)
		}
	}
	for i := range history {
		kind := history[i].Type
		if (slices.Contains(kinds, kind) || kind == event.EnrolmentAmended) && r.IntN(20) == 0 {
			rows = append(rows, standingtest.Retracted(eventstore.Sequence(i+1)))
		}
	}
	return rows
}

// rowsOf returns events behind a history as rows: those that a log has from first on, or, where
// first is 0, that are to come.
func rowsOf(history, rows []event.Event, first int) (all []effect.Row) {
	for i := range rows {
		row := effect.Row{Event: rows[i], New: true}
		if first > 0 {
			row.Sequence = eventstore.Sequence(first + i)
		}
		for at := range history {
			key := standingtest.KeyOf(eventstore.Sequence(at + 1))
			if d := &row.Event.Data; rows[i].Type == event.EventRetracted &&
				key == (event.Key{Source: d.RetractedSource, ID: d.RetractedID}) {
				row.Takes = eventstore.Sequence(at + 1)
				d.Enrolment, d.Worker = history[at].Data.Enrolment, history[at].Data.Worker
			}
		}
		all = append(all, row)
	}
	return all
}

// covered returns, by region, the persons who are covered there on a day, each by the least number
// of the ids, and whether confirmed.
func covered(t *testing.T, source *coverage.Projection, on temporal.Date) map[string]map[uint32]bool {
	t.Helper()
	all := map[string]map[uint32]bool{}
	err := source.Read(func(s *facts.State) error {
		reader := standing.NewReader(standing.At(s.Events()))
		for w := range uint32(s.WorkerCount()) {
			var p standing.Person
			reader.Person(s, &p, w)
			reader.Each(s, &p, region.Nation, on, func(st standing.Standing) {
				code := st.Terms.Region.String()
				if all[code] == nil {
					all[code] = map[uint32]bool{}
				}
				if st.Covered {
					all[code][p.IDs[0]] = all[code][p.IDs[0]] || st.Evidence.Confirmed()
				}
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestRegions supposes lists, and then has them come: both say the same, and what they say changes
// in a region is what changes there when everybody is counted before the list and after it.
func TestRegions(t *testing.T) {
	changed, booked := int64(0), int64(0)
	for seed := range rounds() {
		r := rand.New(rand.NewPCG(seed, 31))
		history := standingtest.Random(seed, 30)
		rows := list(r, history)
		if len(rows) == 0 {
			continue
		}
		before := standingtest.Source(t, history...)
		after := standingtest.Source(t, slices.Concat(history, rows)...)
		on := day(2021, 1, 1).AddDays(r.IntN(540))
		would, err := effect.Covered(t.Context(), before, rowsOf(history, rows, 0), on)
		if err != nil {
			t.Fatal(err)
		}
		did, err := effect.Covered(t.Context(), after, rowsOf(history, rows, len(history)+1), on)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(would, did) {
			t.Fatalf("seed %d on %s: would be %+v, is %+v", seed, on, would, did)
		}
		changed += check(t, seed, did, covered(t, before, on), covered(t, after, on))
		for _, r := range did {
			booked += max(r.Confirmed.After-r.Confirmed.Before, r.Confirmed.Before-r.Confirmed.After)
		}
	}
	if changed == 0 || booked == 0 {
		t.Error("no list changed anything: too few to tell")
	}
}

func confirmed(people map[uint32]bool) (n int64) {
	for _, is := range people {
		if is {
			n++
		}
	}
	return n
}

// check compares the regions with everybody who is covered before and after.
func check(t *testing.T, seed uint64, regions []effect.Region, was, is map[string]map[uint32]bool,
) (changed int64) {
	t.Helper()
	told := map[string]bool{}
	for i, r := range regions {
		before, after := int64(len(was[r.Region])), int64(len(is[r.Region]))
		if r.After-r.Before != after-before || r.Before > before || r.After > after {
			t.Errorf("seed %d: %+v; of all %d were covered and %d are", seed, r, before, after)
		}
		before, after = confirmed(was[r.Region]), confirmed(is[r.Region])
		if c := r.Confirmed; c.After-c.Before != after-before || c.Before > before || c.After > after {
			t.Errorf("seed %d: %+v; of all %d were confirmed and %d are", seed, r, before, after)
		}
		if i > 0 && regions[i-1].Region >= r.Region || r.Name == "" {
			t.Errorf("seed %d: %+v", seed, regions)
		}
		told[r.Region] = true
		changed += max(r.After-r.Before, r.Before-r.After)
	}
	for _, all := range []map[string]map[uint32]bool{was, is} {
		for code := range all {
			if !told[code] && (len(was[code]) != len(is[code]) ||
				confirmed(was[code]) != confirmed(is[code])) {
				t.Errorf("seed %d: %s changes and is not told: %+v", seed, code, regions)
			}
		}
	}
	return changed
}
