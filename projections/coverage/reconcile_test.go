package coverage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/projections/coverage"
	"cakupan/projections/reconcile"
)

// made is a history that is made by hand.
type made []Recorded

func (m *made) report(recorded string, kind event.Type, d event.Data) {
	e := Recorded{
		Sequence: uint64(len(*m) + 1), RecordedAt: endOfDay(must(parseDate(recorded))),
		Event: event.Event{Type: kind, Data: d},
	}
	e.Key = event.Key{Source: "urn:made", ID: strconv.Itoa(len(*m))}
	setHas(&e.Event)
	*m = append(*m, e)
}

// enrol opens an enrolment for each of the workers from up to until, whose names begin so.
func (m *made) enrol(recorded, workers string, from, until int, d event.Data) {
	d.Category, d.Programmes = event.Private, []event.Programme{event.JKK}
	for i := from; i < until; i++ {
		d.Worker = workers + strconv.Itoa(i)
		d.Enrolment = fmt.Sprintf("e%d", len(*m))
		m.report(recorded, event.EnrolmentOpened, d)
	}
}

// reconcilable is a history of Gorontalo in which each way of counting gives another figure; see
// TestReconcileFindsTheReading for the sums.
func reconcilable() made {
	var m made
	const late = "2020-02-10"
	soon, old := "2019-12-15", must(parseDate("2019-01-01"))
	formal := event.Data{Region: 7503, Segment: event.PU, Payer: event.Employer, From: old}
	informal := event.Data{Region: 7571, Segment: event.BPU, Payer: event.Self, From: old}
	m.enrol(soon, "w", 0, 40, formal)
	m.enrol(soon, "x", 0, 13, informal)
	m.enrol(soon, "w", 0, 5, informal) // five who live in two regencies
	m.enrol(soon, "w", 5, 6, formal)   // one with two memberships in one
	for e := range 7 {
		m.report(soon, event.ContributionCredited, event.Data{
			Enrolment: fmt.Sprintf("e%d", e), FromMonth: must(parseMonth("2019-01")),
			UntilMonth: must(parseMonth("2020-01")),
		})
	}
	budget := formal
	budget.Payer, budget.Segment = event.APBD, event.BPU
	first := len(m)
	m.enrol(soon, "g", 0, 3, budget)
	for i := range 3 { // in grace in December
		m.report(soon, event.FundingGranted, event.Data{
			Commitment: "c", Enrolment: fmt.Sprintf("e%d", first+i),
			FromMonth: must(parseMonth("2019-01")), UntilMonth: must(parseMonth("2019-12")),
		})
	}
	ended := fmt.Sprintf("e%d", len(m))
	m.enrol(soon, "t", 0, 1, formal)
	m.report(soon, event.EnrolmentTerminated, event.Data{
		Enrolment: ended, Until: must(parseDate("2019-12-31")), Reason: event.Layoff,
	})
	next := formal
	next.From = must(parseDate("2020-01-01"))
	m.enrol(soon, "n", 0, 2, next)
	m.publish(soon)
	m.enrol(late, "l", 0, 2, formal)
	return m
}

// publish reports the workforces.
func (m *made) publish(recorded string) {
	for _, p := range []struct {
		region    string
		sector    event.Sector
		indicator event.Indicator
		year      string
		count     int64
	}{
		{"75", event.AllSectors, event.Employed, "2018", 199},
		{"75", event.AllSectors, event.Employed, "2019", 211},
		{"75", event.AllSectors, event.LabourForce, "2018", 227},
		{"75", event.AllSectors, event.LabourForce, "2019", 223},
		{"75", event.AllSectors, event.Eligible, "2019", 239},
		{"75", event.Formal, event.Employed, "2019", 131},
		{"75", event.Informal, event.Employed, "2019", 149},
		{"75.03", event.AllSectors, event.Employed, "2019", 101},
		{"75.71", event.AllSectors, event.Employed, "2019", 97},
	} {
		m.report(recorded, event.WorkforcePublished, event.Data{
			Region: madeRegion(p.region), Sector: p.sector, Indicator: p.indicator, Count: p.count,
			Reference: must(parseDate(p.year + "-08-31")), Publication: "made",
		})
	}
}

// TestReconcileFindsTheReading asks for figures that one way of counting alone gives. They are
// worked out by hand: 55 are covered, of 211.
func TestReconcileFindsTheReading(t *testing.T) {
	t.Parallel()
	s, err := newProduction(t.TempDir(), coverage.NewSmall)
	if err != nil {
		t.Fatal(err)
	}
	history := reconcilable()
	if err := s.play(history, rand.New(rand.NewPCG(1, 23))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		figure string // a percentage has a point
		way    string
		words  string
	}{
		{"26.07", "", "as the ledger counts them (55 of 211)"},
		{"3.32", "CONFIRMED", "confirmed by money"},                    // 7 of 211
		{"28.91", "ENROLMENTS", "memberships, not people"},             // 61 of 211
		{"27.49", "WITH_GRACE", "with those in grace"},                 // 58 of 211
		{"32.06", "FORMAL", "formal work alone"},                       // 42 of 131
		{"12.08", "INFORMAL", "informal work alone"},                   // 18 of 149
		{"24.66", "LABOUR_FORCE", "labour force of August 2019"},       // 55 of 223
		{"24.23", "LABOUR_FORCE_OLDER", "labour force of August 2018"}, // 55 of 227
		{"27.64", "EMPLOYED_OLDER", "employed of August 2018"},         // 55 of 199
		{"23.01", "ELIGIBLE", "eligible workers of August 2019"},       // 55 of 239
		{"73.93", "REST", "those who are not covered"},                 // 156 of 211
		{"30.07", "MEAN", "mean of two regencies' percents"},           // 41.58 and 18.56
		{"28.44", "SUM", "workers, some of whom are in several"},       // 60 of 211
		{"25.12", "KNOWN_THEN", "as known on 2019-12-31"},              // 53 of 211
		{"26.54", "DAY_BEFORE", "the day before, 2019-12-30"},          // 56 of 211
		{"27.01", "DAY_AFTER", "the day after, 2020-01-01"},            // 57 of 211
		{"27.96", "MONTH_BEFORE", "the end of the month before"},       // 59 of 211
		{"55", "", "as the ledger counts them"},
		{"7", "CONFIRMED", "money"},
		{"61", "ENROLMENTS", "memberships"},
		{"58", "WITH_GRACE", "grace"},
		{"42", "FORMAL", "formal"},
		{"18", "INFORMAL", "informal"},
		{"60", "SUM", "sum of two"},
		{"53", "KNOWN_THEN", "as known on"},
		{"56", "DAY_BEFORE", "before"},
		{"57", "DAY_AFTER", "after"},
		{"59", "MONTH_BEFORE", "before"},
	} {
		q := reconcile.Query{
			Region: 75, On: must(parseDate("2019-12-31")), Known: coverage.Everything, Limit: 1_000,
		}
		if n, err := strconv.ParseInt(c.figure, 10, 64); err == nil {
			q.Figure = reconcile.Count(n)
		} else if q.Figure, err = reconcile.Percent(c.figure); err != nil {
			t.Fatal(err)
		}
		readings, err := reconcile.Find(t.Context(), s.p.View(), q)
		if err != nil {
			t.Fatal(err)
		}
		checkReadings(t, c.figure, c.way, c.words, readings)
	}
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
}

// checkReadings fails unless the way is the only one of its length that gives the figure.
func checkReadings(t *testing.T, figure, way, words string, readings []reconcile.Reading) {
	t.Helper()
	var departs []string
	if way != "" {
		departs = []string{way}
	}
	if len(readings) == 0 || !readings[0].Gives || !slices.Equal(readings[0].Departs, departs) ||
		readings[0].Value != figure {
		t.Errorf("%s: want %q, got %+v", figure, way, readings[:min(2, len(readings))])
		return
	}
	if !strings.Contains(readings[0].Text.EN, words) || readings[0].Text.ID == "" {
		t.Errorf("%s: %+v does not say %q", figure, readings[0].Text, words)
	}
	for i := range readings {
		sameAs := []string{"MONTH_FIRST", "MONTH_AFTER"} // the days before and after, of this history
		if i > 0 && len(readings[i].Departs) <= len(departs) &&
			!slices.Contains(sameAs, readings[i].Departs[0]) {
			t.Errorf("%s: %q is not the only one: %+v", figure, way, readings[i])
		}
		if !readings[i].Gives {
			t.Errorf("%s: told is what does not give it: %+v", figure, readings[i])
		}
	}
}

// TestReconcileOfNothing asks for a figure that nothing gives: the nearest readings are told, and
// that they do not give it.
func TestReconcileOfNothing(t *testing.T) {
	t.Parallel()
	s, err := newProduction(t.TempDir(), coverage.NewSmall)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.play(reconcilable(), rand.New(rand.NewPCG(1, 23))); err != nil {
		t.Fatal(err)
	}
	readings, err := reconcile.Find(t.Context(), s.p.View(), reconcile.Query{
		Region: 75, On: must(parseDate("2019-12-31")), Known: coverage.Everything, Limit: 3,
		Figure: reconcile.Count(1_000),
	})
	if err != nil || len(readings) != 3 || readings[0].Gives || readings[0].Off[0] != '-' {
		t.Errorf("%+v, %v", readings, err)
	}
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReconcilePrecision reads published percentages as precisely as they are written.
func TestReconcilePrecision(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"30", "30.0", "30,05", "0", "100", "30 %", "156.73"} {
		if _, err := reconcile.Percent(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "%", "-1", "30.123", "1e3", "30.", ".5", "1/3", "30.5.1", "x"} {
		if _, err := reconcile.Percent(text); err == nil {
			t.Errorf("%q is read as a percentage", text)
		}
	}
}

func madeRegion(text string) region.Code {
	code, ok := region.Parse(text)
	if !ok {
		panic("no region: " + text) // must not happen
	}
	return code
}
