package findings_test

import (
	"fmt"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/findings"
	"cakupan/projections/projtest"
	st "cakupan/projections/standingtest"
)

// longCourses are ways to report very much about one enrolment.
var longCourses = map[string]func(i int) event.Event{
	"amendments": func(i int) event.Event {
		return st.Amended("e", event.Data{Region: []region.Code{7503, 7101}[i%2]}, dayOf(i))
	},
	"ends": func(i int) event.Event {
		if i%2 == 0 {
			return st.Terminated("e", dayOf(i))
		}
		return st.Reinstated("e", dayOf(i))
	},
	"credits": func(i int) event.Event {
		return st.Credited("e", monthOf(2*i), monthOf(2*i)+1)
	},
	"grants": func(i int) event.Event {
		return st.Granted("c", "e", monthOf(2*i), monthOf(2*i)+1)
	},
	"grants of many commitments": func(i int) event.Event {
		return st.Granted(fmt.Sprint("c", i), "e", monthOf(2*i), monthOf(2*i)+1)
	},
	"revocations": func(i int) event.Event {
		if i%2 == 0 {
			return st.Granted("c", "e", monthOf(i), monthOf(i)+4)
		}
		return st.Revoked("c", "e", monthOf(i+2))
	},
	"closings": func(i int) event.Event {
		c := fmt.Sprint("c", i/3)
		if i%3 == 2 {
			return st.Closed(c, monthOf(i-1)+1)
		}
		return st.Granted(c, "e", monthOf(i), monthOf(i)+3)
	},
	"openings": func(i int) event.Event {
		return st.Opened("e", "w", st.Terms([]region.Code{7503, 7101}[i%2], event.Self), dayOf(i))
	},
	"openings of others": func(i int) event.Event {
		return st.Opened("e", fmt.Sprint("w", i), st.Terms(7503, event.Self), dayOf(i))
	},
	"deaths": func(i int) event.Event {
		switch i % 3 {
		case 0:
			return st.Died("w", 913_000+dayOf(i)%400) // hardly any month is later
		case 1:
			return st.Credited("e", monthOf(i), monthOf(i)+1)
		default:
			return st.Retracted(eventstore.Sequence(max(2, i/3*3+1)))
		}
	},
	"merges": func(i int) event.Event {
		switch {
		case i == 1:
			return st.Opened("f", "x", st.Terms(7503, event.APBD), 0)
		case i%3 == 0:
			return st.Merged("w", "x")
		case i%3 == 1:
			return st.Granted("c", "e", monthOf(i), monthOf(i)+1)
		default:
			return st.Retracted(eventstore.Sequence(max(3, i/3*3+1)))
		}
	},
	"retractions": func(i int) event.Event {
		if i%3 == 2 {
			return st.Retracted(eventstore.Sequence(2 + scattered(i)%uint32(i-1)))
		}
		return mixed(i)
	},
	"all of them": mixed,
}

// mixed makes facts of all kinds, about many commitments.
func mixed(i int) event.Event {
	c := fmt.Sprint("c", i/8)
	switch i % 8 {
	case 0:
		committed := st.Committed(c, event.Funding(1), 0, 40_000)
		committed.Data.Funder = []region.Code{7503, 7101, 75}[i/8%3]
		return committed
	case 1, 2:
		return st.Granted(c, "e", monthOf(i), monthOf(i)+4)
	case 3:
		return st.Revoked(c, "e", monthOf(i))
	case 4:
		return st.Amended("e", event.Data{Region: []region.Code{7503, 7101}[i/8%2]}, dayOf(i))
	case 5:
		return st.Amended("e", event.Data{
			Category: []event.Category{event.ASN, event.Vulnerable}[i/8%2],
		}, dayOf(i))
	case 6:
		return st.Credited("e", monthOf(i), monthOf(i)+1)
	default:
		return st.Granted(c, "e", monthOf(i)+2, monthOf(i)+3)
	}
}

// dayOf and monthOf are in no order, and far apart.
func dayOf(i int) temporal.Date { return temporal.Date(scattered(i) % 900_000) }

func monthOf(i int) temporal.Month { return temporal.Month(scattered(i) % 30_011) }

// scattered returns a number that tells nothing of those before it.
func scattered(i int) uint32 { return uint32(i) * 2_654_435_761 >> 7 }

// TestFactsAreLinear: events about an enrolment of very many facts look at what they change: twice
// as many look at twice as much, and those about an enrolment of fewer at all facts of that.
func TestFactsAreLinear(t *testing.T) {
	for name, fact := range longCourses {
		t.Run(name, func(t *testing.T) {
			one, two := lookedAt(t, fact, 800), lookedAt(t, fact, 1_600)
			if float64(two) > 2.5*float64(one) {
				t.Errorf("800 facts look at %d, 1,600 at %d", one, two)
			}
		})
	}
}

// lookedAt reports facts about one enrolment, and returns at how much they have looked in all.
func lookedAt(t *testing.T, fact func(i int) event.Event, n int) (looked int) {
	t.Helper()
	plain := []event.Event{st.Opened("e", "w", st.Terms(7503, event.APBD), 0)}
	for i := 1; i < n; i++ {
		plain = append(plain, fact(i))
	}
	p, events := longIn(t, 16), st.Logged(plain)
	var batch findings.Batch
	for i := range events {
		events[i].RecordedAt = 1_600_000_000_000_000_000
		if err := p.Prepare(projtest.FrameOf(t, events[i:i+1]), &batch); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Apply(&batch, 1<<30); err != nil {
			t.Fatal(err)
		}
		p.Show(&batch)
		looked += 1 + findings.Looked(p)
	}
	return looked
}
