package reconcile

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// table is a source whose answers are rules in one line each, so that a reading can be worked out
// again from its day, its knowledge and its names.
type table struct {
	known eventstore.Sequence
	err   error
}

// covered is another number for each region, day and knowledge.
func (table) covered(in region.Code, on temporal.Date, known eventstore.Sequence) int64 {
	return 40 + int64(in)%7 + int64(on)%5 + int64(known)%3
}

// published returns the workforce in force on a day: one a year, from 2019 on.
func (table) published(on temporal.Date, indicator event.Indicator) *coverage.Workforce {
	year := int(on.String()[3]-'0') + 10*int(on.String()[2]-'0')
	if year < 19 || on.String() < "2019" {
		return nil
	}
	return &coverage.Workforce{
		Count: 100*int64(indicator) + int64(year), Reference: fmt.Sprintf("20%02d-01-01", year),
	}
}

func (s table) Answer(q coverage.Query) (coverage.Answer, error) {
	n := s.covered(q.Region, q.On, q.Known)
	a := coverage.Answer{Covered: n, Confirmed: n - 1, Enrolments: n + 1, InGrace: 5}
	a.Workforce = s.published(q.On, q.Indicator)
	a.Sectors.Formal.Covered, a.Sectors.Informal.Covered = n-9, 9
	return a, s.err
}

// KnownAt: an event a day is recorded, the first on 2020-01-01.
func (s table) KnownAt(at temporal.Instant) (eventstore.Sequence, error) {
	first, _ := temporal.NewDate(2020, 1, 1)
	return eventstore.Sequence(max(0, min(int64(s.known), int64(at.Date()-first)+1))), nil
}

func (s table) Known() eventstore.Sequence { return s.known }

func find(t *testing.T, q Query) []Reading {
	t.Helper()
	readings, err := Find(t.Context(), table{known: 900}, q)
	if err != nil {
		t.Fatal(err)
	}
	return readings
}

func date(year, month, day int) temporal.Date {
	d, _ := temporal.NewDate(year, month, day)
	return d
}

// TestReadings: each reading departs in as many ways as may be, is told with the day and knowledge
// it is of, and gives the figure when it says so; the first ones depart the least.
func TestReadings(t *testing.T) {
	for _, f := range []Figure{Count(42), Count(1_000_000), percent(t, "20.5"), percent(t, "19")} {
		q := Query{Region: 75, On: date(2020, 12, 31), Known: 900, Figure: f, Limit: 1 << 20}
		readings := find(t, q)
		if len(readings) == 0 {
			t.Fatalf("%+v: no reading", f)
		}
		for i := range readings {
			r := &readings[i]
			if len(r.Departs) > departsMax || len(slices.Compact(slices.Sorted(slices.Values(r.Departs)))) < len(r.Departs) {
				t.Errorf("%+v departs too far", r)
			}
			if r.Gives != f.isGivenBy(r.value) || r.Text.EN == "" || r.Text.ID == "" {
				t.Errorf("%+v", r)
			}
			if want := recounted(t, r); want != nil && *want != *r.Numerator {
				t.Errorf("%+v counts %d, want %d", r, *r.Numerator, *want)
			}
			if r.Denominator != nil && r.value.Cmp(big.NewRat(100*(*r.Numerator), *r.Denominator)) != 0 {
				t.Errorf("%+v is %s", r, r.value)
			}
			if i > 0 {
				checkOrder(t, &readings[i-1], r, &f)
			}
		}
	}
}

// recounted counts again what a reading of one region counts; nil of what is made of several, or
// is what is left of a hundred.
func recounted(t *testing.T, r *Reading) *int64 {
	t.Helper()
	on, err := temporal.ParseDate(r.On)
	if err != nil {
		t.Fatal(err)
	}
	n := table{}.covered(75, on, r.Known)
	for _, way := range r.Departs {
		switch way {
		case "MEAN", "SUM", "REST":
			return nil
		case "CONFIRMED":
			n--
		case "ENROLMENTS":
			n++
		case "WITH_GRACE":
			n += 5
		case "FORMAL":
			n -= 9
		case "INFORMAL":
			n = 9
		}
	}
	return &n
}

func percent(t *testing.T, text string) Figure {
	t.Helper()
	f, err := Percent(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// checkOrder fails unless a reading may be told before another one.
func checkOrder(t *testing.T, a, b *Reading, f *Figure) {
	t.Helper()
	if a.Gives != b.Gives {
		t.Errorf("%+v is told with %+v", a, b)
	}
	off := func(r *Reading) *big.Rat {
		d := new(big.Rat).Sub(r.value, f.value)
		return d.Abs(d)
	}
	near, far := off(a), off(b)
	if a.Gives && len(a.Departs) > len(b.Departs) || !a.Gives && near.Cmp(far) > 0 {
		t.Errorf("%v off %s is told before %v off %s", a.Departs, near, b.Departs, far)
	}
}

// TestOwnWay: the contract's own way of counting is among the readings, once for each figure that it
// gives, and comes first.
func TestOwnWay(t *testing.T) {
	on, known := date(2020, 12, 31), eventstore.Sequence(900)
	n := table{}.covered(75, on, known)
	for _, f := range []Figure{Count(n), percent(t, big.NewRat(100*n, 100*int64(event.Employed)+20).FloatString(2))} {
		readings := find(t, Query{Region: 75, On: on, Known: known, Figure: f, Limit: 1 << 20})
		if r := readings[0]; len(r.Departs) != 0 || !r.Gives || *r.Numerator != n ||
			r.On != on.String() || r.Known != known {
			t.Errorf("%+v", r)
		}
		if readings[1].Gives && len(readings[1].Departs) == 0 {
			t.Errorf("told twice: %+v", readings[1])
		}
	}
}

// TestLimit: no more readings are told than are asked for, and they are the first.
func TestLimit(t *testing.T) {
	q := Query{Region: 75, On: date(2020, 12, 31), Known: 900, Figure: Count(42), Limit: 1 << 20}
	all := find(t, q)
	for _, q.Limit = range []int{0, 1, 3} {
		some := find(t, q)
		if len(some) != q.Limit {
			t.Errorf("%d readings, asked for %d", len(some), q.Limit)
		}
		for i := range some {
			if some[i].Text != all[i].Text {
				t.Errorf("reading %d of %d is %q, want %q", i, q.Limit, some[i].Text.EN, all[i].Text.EN)
			}
		}
	}
}

// TestDays: the day itself is first and without a name, all are different and in the calendar, and
// those named after a month are its ends.
func TestDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		on := rapid.OneOf(
			rapid.Int32Range(int32(temporal.MinDate), int32(temporal.MaxDate)),
			rapid.SampledFrom([]int32{int32(temporal.MinDate), int32(temporal.MaxDate)}),
		).Draw(t, "on")
		all := days(temporal.Date(on))
		if all[0].on != temporal.Date(on) || all[0].name != "" || all[0].cost() != 0 {
			t.Fatalf("%v is not the day itself", all[0])
		}
		seen := map[temporal.Date]bool{}
		for i, d := range all {
			if seen[d.on] || d.on < temporal.MinDate || d.on > temporal.MaxDate || (i > 0) != (d.cost() == 1) {
				t.Fatalf("%v of %v", d, all)
			}
			seen[d.on] = true
			tomorrow := d.on + 1
			switch d.name {
			case "MONTH_LAST", "MONTH_BEFORE", "MONTH_AFTER", "YEAR_BEFORE":
				if tomorrow.Month() == d.on.Month() {
					t.Fatalf("%s %s is not the end of a month", d.name, d.on)
				}
			case "MONTH_FIRST":
				if (d.on - 1).Month() == d.on.Month() {
					t.Fatalf("%s is not the first of a month", d.on)
				}
			}
		}
	})
}

// TestKnowledge: what was asked for comes first; what was known then is less, and different each
// time; nothing is asked of days behind all days.
func TestKnowledge(t *testing.T) {
	for _, c := range []struct {
		on    temporal.Date
		known eventstore.Sequence
		want  []eventstore.Sequence
	}{
		{date(2020, 1, 31), 900, []eventstore.Sequence{900, 31, 60, 91, 121, 213, 397}},
		{date(2020, 1, 31), 100, []eventstore.Sequence{100, 31, 60, 91}}, // nobody knew more
		{date(2020, 1, 31), coverage.Everything, []eventstore.Sequence{900, 31, 60, 91, 121, 213, 397}},
		{date(2019, 11, 30), 900, []eventstore.Sequence{900, 31, 60, 152, 335}},
		{date(2010, 1, 1), 900, []eventstore.Sequence{900}}, // before the log
		{temporal.MaxDate, 900, []eventstore.Sequence{900}},
	} {
		s := &search{query: Query{On: c.on, Known: c.known}, source: table{known: 900}}
		all, err := s.knowledge()
		if err != nil {
			t.Fatal(err)
		}
		var got []eventstore.Sequence
		for i, k := range all {
			got = append(got, k.sequence)
			if (i > 0) != (k.cost() == 1) {
				t.Errorf("%s: %+v", c.on, k)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s as known at %d: %v, want %v", c.on, c.known, got, c.want)
		}
	}
}

// TestOlderWorkforce goes back from publication to publication, until there is none.
func TestOlderWorkforce(t *testing.T) {
	s := &search{source: table{}, answers: map[coordinate]coverage.Answer{}}
	for older, want := range []string{"2021-01-01", "2020-01-01", "2019-01-01", ""} {
		c := coordinate{75, date(2021, 6, 1), 1, event.Employed}
		w, err := s.workforce(c, event.AllSectors, older)
		switch {
		case err != nil:
			t.Fatal(err)
		case w == nil && want != "", w != nil && w.Reference != want:
			t.Errorf("%d before: %+v, want %q", older, w, want)
		}
		if w, err := s.workforce(c, event.Formal, older); w != nil || err != nil {
			t.Errorf("of a sector that has none: %+v, %v", w, err)
		}
	}
}

// TestBelow: what lies next below a region has it as its parent, and is in order.
func TestBelow(t *testing.T) {
	for _, r := range []region.Code{region.Nation, 75, 7503} {
		codes := below(r)
		if !slices.IsSorted(codes) || (len(codes) == 0) != (r == 7503) {
			t.Errorf("below %s: %v", r, codes)
		}
		for _, code := range codes {
			if code.Parent() != r || code == r {
				t.Errorf("%s lies next below %s", code, r)
			}
		}
	}
	for _, c := range []struct {
		of   region.Code
		n    int
		want Words
	}{
		{75, 2, Words{"two regencies'", "dua kabupaten/kota"}},
		{75, 10, Words{"ten regencies'", "sepuluh kabupaten/kota"}},
		{75, 11, Words{"11 regencies'", "11 kabupaten/kota"}},
		{region.Nation, 38, Words{"38 provinces'", "38 provinsi"}},
	} {
		if got := belowWords(c.of, c.n); got != c.want {
			t.Errorf("%d below %s: %+v, want %+v", c.n, c.of, got, c.want)
		}
	}
}

// TestStops: a search stops with its context, and with an error of its source.
func TestStops(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	q := Query{Region: 75, On: date(2020, 12, 31), Known: 900, Figure: Count(1), Limit: 1}
	if _, err := Find(ended, table{known: 900}, q); !errors.Is(err, context.Canceled) {
		t.Errorf("under a context that ended: %v", err)
	}
	broken := errors.New("damaged")
	for _, q.Figure = range []Figure{Count(1), percent(t, "1")} {
		if _, err := Find(t.Context(), table{known: 900, err: broken}, q); !errors.Is(err, broken) {
			t.Errorf("of a source that is broken: %v", err)
		}
	}
}
