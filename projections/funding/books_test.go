package funding

import (
	"testing"

	"cakupan/domain/event"
	"cakupan/projections/standingtest"
)

// TestBooks takes events in force in order of the log: the last committed event has the last word,
// amendments replace what they name once there are terms, and the earliest closing counts.
func TestBooks(t *testing.T) {
	month := standingtest.Month
	committed := standingtest.Committed("c", event.FundingAPBD, month(2021, 1), month(2022, 1))
	again := standingtest.Committed("c", event.FundingOther, month(2021, 7), month(2022, 7))
	all := standingtest.AmendedFunding("c", event.Data{
		Heads: 1, Months: 2, Tariff: 3, Ceiling: 4, UntilMonth: month(2021, 3),
	})
	for _, c := range []struct {
		name   string
		events []event.Event
		want   books
	}{
		{"nothing", nil, books{closed: neverMonth}},
		{"amended before it is committed", []event.Event{all}, books{closed: neverMonth}},
		{
			"all amended",
			[]event.Event{committed, all},
			books{
				known: true, funder: 7503, funding: event.FundingAPBD, year: 2021, heads: 1, months: 2,
				tariff: 3, ceiling: 4, from: month(2021, 1), until: month(2021, 3), closed: neverMonth,
			},
		},
		{
			"committed again",
			[]event.Event{committed, all, again},
			books{
				known: true, funder: 7503, funding: event.FundingOther, year: 2021, heads: 10,
				months: 12, tariff: 16_800, ceiling: 2_016_000, from: month(2021, 7),
				until: month(2022, 7), closed: neverMonth,
			},
		},
		{
			"closed twice",
			[]event.Event{
				standingtest.Closed("c", month(2021, 5)), standingtest.Closed("c", month(2021, 9)),
			},
			books{closed: month(2021, 5)},
		},
	} {
		got := books{closed: neverMonth}
		for i := range c.events {
			if !got.take(&c.events[i].Data, c.events[i].Type) {
				t.Errorf("%s: %s is not about money", c.name, c.events[i].Type.Name())
			}
		}
		if got.known != c.want.known || got.funder != c.want.funder || got.funding != c.want.funding ||
			got.year != c.want.year || got.heads != c.want.heads || got.months != c.want.months ||
			got.tariff != c.want.tariff || got.ceiling != c.want.ceiling || got.from != c.want.from ||
			got.until != c.want.until || got.closed != c.want.closed {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	var b books
	for _, e := range []event.Event{
		standingtest.Granted("c", "e", month(2021, 1), month(2021, 2)),
		standingtest.Revoked("c", "e", month(2021, 1)), standingtest.Retracted(1),
	} {
		if b.take(&e.Data, e.Type) {
			t.Errorf("%s is taken into the books", e.Type.Name())
		}
	}
}
