package story

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// days is how many days the tests look at, one by one.
const days = 40

// drawCourses draws how an enrolment stands: some days after one another, with gaps or without.
func drawCourses(t *rapid.T, name string) (all courses) {
	from := temporal.Date(0)
	for range rapid.IntRange(0, 4).Draw(t, name) {
		from += temporal.Date(rapid.IntRange(0, 3).Draw(t, "gap"))
		until := from + temporal.Date(rapid.IntRange(1, 8).Draw(t, "days"))
		all = append(all, course{from, until, drawStand(t)})
		from = until
	}
	return all
}

func drawStand(t *rapid.T) stand {
	payers := []event.Payer{event.Employer, event.Self}
	s := stand{open: true, terms: enrolment.Terms{Region: 7503, Payer: rapid.SampledFrom(payers).Draw(t, "payer")}}
	if s.covered = rapid.Bool().Draw(t, "covered"); s.covered {
		s.evidence = enrolment.Credited
	}
	return s
}

// on returns how it stands on a day: each course is looked at.
func (all courses) on(day temporal.Date) stand {
	for i := range all {
		if all[i].from <= day && day < all[i].until {
			return all[i].stand
		}
	}
	return stand{}
}

// TestPut: what is put has the days from its first to its last, and all others stay.
func TestPut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawCourses(t, "courses")
		if len(all) == 0 {
			return
		}
		last := all[len(all)-1]
		from := last.from + temporal.Date(rapid.IntRange(0, int(last.until-last.from)-1).Draw(t, "from"))
		until := from + temporal.Date(rapid.IntRange(1, int(last.until-from)).Draw(t, "until"))
		c := course{from, until, stand{open: true, inGrace: true}}
		was := append(courses{}, all...)
		is := all.put(c)
		for day := temporal.Date(-1); day < days; day++ {
			want := was.on(day)
			if from <= day && day < until {
				want = c.stand
			}
			if got := is.on(day); got != want {
				t.Fatalf("%v put into %v: on %d %v, want %v", c, was, day, got, want)
			}
		}
		for i := range is {
			if is[i].from >= is[i].until || i > 0 && is[i-1].until > is[i].from {
				t.Fatalf("%v put into %v: %v", c, was, is)
			}
		}
	})
}

// TestAppendChanges compares what changes with the days, one by one: each that differs is in one
// change, which says what was and what is, and no change has another day.
func TestAppendChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		was, is := drawCourses(t, "was"), drawCourses(t, "is")
		found := appendChanges(nil, "e", was, is)
		for day := temporal.Date(-1); day < days; day++ {
			before, after := was.on(day), is.on(day)
			text, n := day.String(), 0
			for i, c := range found {
				if c.From > text || c.Until != nil && *c.Until <= text {
					continue
				}
				n++
				if c.Enrolment != "e" || fmt.Sprint(c.Before) != fmt.Sprint(before.state()) ||
					fmt.Sprint(c.After) != fmt.Sprint(after.state()) {
					t.Fatalf("change %d on %s: %v to %v, want %v to %v", i, text, c.Before, c.After,
						before.state(), after.state())
				}
			}
			if want := before != after; want && n != 1 || !want && n != 0 {
				t.Fatalf("%s is in %d changes; was %v, is %v", text, n, before, after)
			}
		}
		for i := 1; i < len(found); i++ { // those that touch differ
			if a, b := found[i-1], found[i]; *a.Until == b.From && fmt.Sprint(a.Before, a.After) ==
				fmt.Sprint(b.Before, b.After) {
				t.Fatalf("%v and %v are one change", a, b)
			}
		}
	})
}

// TestForEver: a change has no end where the days have none, and is none behind all days.
func TestForEver(t *testing.T) {
	open := stand{open: true, terms: enrolment.Terms{Region: 7503, Payer: event.Self}}
	found := appendChanges(nil, "e", nil, courses{{10, enrolment.Never, open}})
	if len(found) != 1 || found[0].Until != nil || found[0].Before != nil {
		t.Errorf("%+v", found)
	}
	found = appendChanges(nil, "e", nil, courses{{temporal.MaxDate + 1, enrolment.Never, open}})
	if len(found) != 0 {
		t.Errorf("behind all days: %+v", found)
	}
}

// TestChangeWords says changes in both languages.
func TestChangeWords(t *testing.T) {
	until := "2021-06-01"
	terms := enrolment.Terms{Region: 7503, Payer: event.APBD}
	covered := stand{
		open: true, covered: true, terms: terms, evidence: enrolment.Credited | enrolment.Disbursed,
	}
	grace, none := stand{open: true, inGrace: true, terms: terms}, stand{open: true, terms: terms}
	for _, c := range []struct {
		change Change
		want   Words
	}{
		{
			Change{Enrolment: "e1", From: "2021-05-01", After: covered.state()},
			Words{
				"e1 from 2021-05-01 on: covered (75.03, APBD, CREDITED+DISBURSED), was not enrolled",
				"e1 dari 2021-05-01 dan seterusnya: terlindungi (75.03, APBD, CREDITED+DISBURSED)," +
					" tadinya tidak terdaftar",
			},
		},
		{
			Change{Enrolment: "e1", From: "2021-05-01", Until: &until, Before: grace.state(), After: none.state()},
			Words{
				"e1 from 2021-05-01 until 2021-06-01: enrolled, not covered (75.03, APBD), was in" +
					" grace (75.03, APBD)",
				"e1 dari 2021-05-01 sampai sebelum 2021-06-01: terdaftar, tidak terlindungi (75.03," +
					" APBD), tadinya masa tenggang (75.03, APBD)",
			},
		},
	} {
		if got := c.change.Words(); got != c.want {
			t.Errorf("%+v\nwant %+v", got, c.want)
		}
	}
}
