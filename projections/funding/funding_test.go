package funding_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/funding"
	"cakupan/projections/history"
	"cakupan/projections/standingtest"
)

// told is a history that tells what is about a commitment.
type told []event.Event

func (h told) Reported(_ context.Context, about history.Subject, known eventstore.Sequence,
	want func([]eventstore.Sequence) ([]eventstore.Sequence, error),
	yield func(*history.Reported) error,
) error {
	return standingtest.About(h, about.Name, known,
		func(e *projections.Event, retractions []eventstore.Sequence) error {
			wanted, err := want([]eventstore.Sequence{e.Sequence})
			if err != nil || len(wanted) == 0 {
				return err
			}
			return yield(&history.Reported{
				Sequence: e.Sequence, RecordedAt: e.RecordedAt, Event: &e.Event, Retractions: retractions,
			})
		})
}

var month = standingtest.Month

// lines asks a history for commitments, each as a text.
func (h told) lines(t *testing.T, q funding.Query) (texts []string) {
	t.Helper()
	if q.Known == 0 {
		q.Known = eventstore.Sequence(len(h))
	}
	source := standingtest.Source(t, h...)
	err := funding.Each(t.Context(), source, h, q, func(l *funding.Line) error {
		heads := "?"
		if l.Committed != nil {
			heads = fmt.Sprint(l.Committed.Heads)
		}
		texts = append(texts, fmt.Sprintf("%s %s of %s heads, granted %d, covered %d, by %v",
			l.Commitment, l.Funding, heads, l.Granted.Heads, l.Covered.Heads, l.Events))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// commitments are three, in another order than that of their ids, one of them never committed.
func commitments() told {
	apbd := standingtest.Terms(7503, event.APBD)
	other := standingtest.Committed("a", event.FundingDBHCHT, month(2022, 1), month(2023, 1))
	other.Data.Funder, other.Data.FiscalYear = 7571, 2022
	return told{
		standingtest.Committed("b", event.FundingAPBD, month(2021, 1), month(2022, 1)),
		standingtest.Opened("e0", "w0", apbd, standingtest.Day(2021, 3, 1)),
		standingtest.Granted("b", "e0", month(2021, 1), month(2021, 4)),
		standingtest.Granted("b", "e9", month(2021, 1), month(2021, 4)), // never opened
		other,
		standingtest.Granted("c", "e0", month(2021, 1), month(2021, 3)), // before it opens
		standingtest.AmendedFunding("b", event.Data{Heads: 20}),
		standingtest.Disbursed("b", 1_000, month(2021, 1)),
		standingtest.AmendedFunding("c", event.Data{Heads: 7}), // there are no terms
	}
}

// TestEach tells the commitments that are asked for, in order of their ids.
func TestEach(t *testing.T) {
	const (
		a = "a DBH_CHT of 10 heads, granted 0, covered 0, by [5]"
		b = "b APBD of 20 heads, granted 2, covered 1, by [1 7 8]"
		c = "c UNKNOWN of ? heads, granted 1, covered 0, by [9]"
	)
	for _, q := range []struct {
		name string
		funding.Query
		want []string
	}{
		{"all", funding.Query{}, []string{a, b, c}},
		{"one", funding.Query{Commitment: "b"}, []string{b}},
		{"one that there is not", funding.Query{Commitment: "x"}, nil},
		{"by funder", funding.Query{Funder: 7503}, []string{b}},
		{"not of what lies in a funder", funding.Query{Funder: 75}, nil},
		{"by year", funding.Query{Year: 2022}, []string{a}},
		{"by both", funding.Query{Funder: region.Code(7503), Year: 2022}, nil},
		{"earlier", funding.Query{Known: 3}, []string{
			"b APBD of 10 heads, granted 1, covered 1, by [1]",
		}},
	} {
		if got := commitments().lines(t, q.Query); !slices.Equal(got, q.want) {
			t.Errorf("%s: %q, want %q", q.name, got, q.want)
		}
	}
}

// TestTakenBack: what is taken back counts nowhere, and a commitment of which nothing is in force
// is not told.
func TestTakenBack(t *testing.T) {
	all := commitments()
	for _, c := range []struct {
		taken eventstore.Sequence
		want  []string
	}{
		{1, []string{"b UNKNOWN of ? heads, granted 2, covered 1, by [7 8]"}},
		{7, []string{"b APBD of 10 heads, granted 2, covered 1, by [1 8]"}},
		{3, []string{"b APBD of 20 heads, granted 1, covered 0, by [1 7 8]"}},
	} {
		got := append(all[:len(all):len(all)], standingtest.Retracted(c.taken)).
			lines(t, funding.Query{Commitment: "b"})
		if !slices.Equal(got, c.want) {
			t.Errorf("without %d: %q, want %q", c.taken, got, c.want)
		}
	}
	got := append(all[:len(all):len(all)], standingtest.Retracted(5)).lines(t, funding.Query{Commitment: "a"})
	if len(got) > 0 {
		t.Errorf("of which nothing is in force: %q", got)
	}
}

// TestStops: an error of whoever takes the lines ends the work and is returned, and so does the
// context.
func TestStops(t *testing.T) {
	h := commitments()
	source := standingtest.Source(t, h...)
	enough, told := errors.New("enough"), 0
	err := funding.Each(t.Context(), source, h, funding.Query{Known: 9}, func(*funding.Line) error {
		told++
		return enough
	})
	if !errors.Is(err, enough) || told != 1 {
		t.Errorf("after %d lines: %v", told, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = funding.Each(ctx, source, h, funding.Query{Known: 9}, func(*funding.Line) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("under a context that ended: %v", err)
	}
}

// TestLastDayOfLife: a month counts in which the worker lived on one day; the next does not.
func TestLastDayOfLife(t *testing.T) {
	for on, want := range map[int]int64{28: 1, 29: 2} { // of February, and the first of March
		h := told{
			standingtest.Committed("c", event.FundingAPBD, month(2021, 1), month(2022, 1)),
			standingtest.Opened("e", "w", standingtest.Terms(7503, event.APBD), standingtest.Day(2021, 2, 1)),
			standingtest.Granted("c", "e", month(2021, 2), month(2021, 9)),
			standingtest.Died("w", standingtest.Day(2021, 1, 31).AddDays(on)),
		}
		err := funding.Each(t.Context(), standingtest.Source(t, h...), h, funding.Query{Known: 4},
			func(l *funding.Line) error {
				if got := l.Covered.HeadMonths.Int64(); got != want {
					t.Errorf("dead on %s: %d months are covered, want %d", h[3].Data.On, got, want)
				}
				return nil
			})
		if err != nil {
			t.Fatal(err)
		}
	}
}
