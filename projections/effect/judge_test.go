package effect_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/effect"
	"cakupan/projections/facts"
	"cakupan/projections/standing"
	"cakupan/projections/standingtest"
)

var (
	day   = standingtest.Day
	month = standingtest.Month
	today = day(2021, 12, 31)
)

// opened opens an enrolment of 2021-03-01 in Bone Bolango.
func opened(enrolment, worker string, payer event.Payer) event.Event {
	return standingtest.Opened(enrolment, worker, standingtest.Terms(7503, payer), day(2021, 3, 1))
}

// supposed returns rows that are not in a log.
func supposed(events ...event.Event) (rows []effect.Row) {
	for i := range events {
		rows = append(rows, effect.Row{Event: events[i], New: true})
	}
	return rows
}

// logged returns rows that a log has behind its first events.
func logged(first int, events ...event.Event) (rows []effect.Row) {
	for i := range events {
		rows = append(rows, effect.Row{
			Event: events[i], New: true, Sequence: eventstore.Sequence(first + i + 1),
		})
	}
	return rows
}

// judged is what rows behind a history are to be told.
type judged struct {
	name    string
	history []event.Event
	rows    []event.Event
	want    []effect.Notice
}

// notices are the rules, one by one. Every row but those of which something is told is in order.
func notices() []judged {
	self, grant := event.Self, standingtest.Granted
	committed := standingtest.Committed("c0", event.FundingAPBD, month(2021, 1), month(2022, 1))
	return []judged{
		{name: "all in order", history: []event.Event{committed}, rows: []event.Event{
			opened("e0", "w0", self), opened("e1", "w1", event.APBD),
			grant("c0", "e1", month(2021, 3), month(2021, 6)),
			standingtest.Terminated("e0", day(2021, 6, 1)),
		}},
		{
			name: "ends nobody", rows: []event.Event{standingtest.Terminated("e0", day(2021, 6, 1))},
			want: []effect.Notice{{Code: effect.EndsNobody, Rows: []int{0}}},
		},
		{
			name:    "nobody's death",
			history: []event.Event{opened("e0", "w0", self)},
			rows: []event.Event{
				standingtest.Died("w1", day(2021, 6, 1)), standingtest.Died("w0", day(2021, 6, 1)),
			},
			want: []effect.Notice{{Code: effect.NeverEnrolled, Rows: []int{0}}},
		},
		{
			name: "a death of who is enrolled in the same list",
			rows: []event.Event{
				opened("e0", "w0", self), standingtest.Died("w0", day(2021, 6, 1)),
			},
		},
		{
			name: "ends before it begins", history: []event.Event{opened("e0", "w0", self)},
			rows: []event.Event{standingtest.Terminated("e0", day(2021, 2, 28))},
			want: []effect.Notice{{Code: effect.EndsNobody, Rows: []int{0}}},
		},
		{
			name: "ended before",
			history: []event.Event{
				opened("e0", "w0", self), standingtest.Terminated("e0", day(2021, 5, 1)),
			},
			rows: []event.Event{standingtest.Terminated("e0", day(2021, 6, 1))},
			want: []effect.Notice{{Code: effect.EndedBefore, Rows: []int{0}, Date: "2021-05-01"}},
		},
		{
			name: "ended on the same day",
			history: []event.Event{
				opened("e0", "w0", self), standingtest.Terminated("e0", day(2021, 5, 1)),
			},
			rows: []event.Event{standingtest.Terminated("e0", day(2021, 5, 1))},
			want: []effect.Notice{{Code: effect.EndedBefore, Rows: []int{0}, Date: "2021-05-01"}},
		},
		{
			name: "ended before and opened again",
			history: []event.Event{
				opened("e0", "w0", self), standingtest.Terminated("e0", day(2021, 5, 1)),
				standingtest.Reinstated("e0", day(2021, 5, 15)),
			},
			rows: []event.Event{standingtest.Terminated("e0", day(2021, 6, 1))},
		},
		{
			name: "start stands", history: []event.Event{opened("e0", "w0", self)},
			rows: []event.Event{standingtest.Opened("e0", "w0", standingtest.Terms(7503, self), day(2021, 4, 1))},
			want: []effect.Notice{{Code: effect.StartStands, Rows: []int{0}, Date: "2021-03-01"}},
		},
		{
			name: "of somebody else", history: []event.Event{opened("e0", "w0", self)},
			rows: []event.Event{standingtest.Opened("e0", "w1", standingtest.Terms(7503, self), day(2021, 4, 1))},
			want: []effect.Notice{{
				Code: effect.OtherPerson, Rows: []int{0}, Date: "2021-03-01", Name: "1",
			}},
		},
		{
			name: "of somebody else, taken back", history: []event.Event{
				opened("e0", "w0", self), standingtest.Retracted(1),
			},
			rows: []event.Event{opened("e0", "w1", self)},
		},
		{
			name: "of one person with two ids", history: []event.Event{
				opened("e0", "w0", self), standingtest.Merged("w1", "w0"),
			},
			rows: []event.Event{opened("e0", "w1", self)},
			want: []effect.Notice{{Code: effect.OpenedBefore, Rows: []int{0}, Date: "2021-03-01"}},
		},
		{
			name: "opened before", history: []event.Event{opened("e0", "w0", self)},
			rows: []event.Event{opened("e0", "w0", self)},
			want: []effect.Notice{{Code: effect.OpenedBefore, Rows: []int{0}, Date: "2021-03-01"}},
		},
		{
			name: "opened before was taken back",
			history: []event.Event{
				opened("e0", "w0", self), standingtest.Retracted(1),
			},
			rows: []event.Event{opened("e0", "w0", self)},
		},
		{
			name: "not funded", rows: []event.Event{opened("e0", "w0", event.APBD)},
			want: []effect.Notice{{Code: effect.NotFunded, Rows: []int{0}}},
		},
		{
			name: "funded for months that were before", history: []event.Event{
				committed, grant("c0", "e0", month(2021, 1), month(2021, 3)),
			},
			rows: []event.Event{opened("e0", "w0", event.APBD)},
			want: []effect.Notice{{Code: effect.NotFunded, Rows: []int{0}}},
		},
		{
			name: "credited is funded too", rows: []event.Event{
				opened("e0", "w0", event.APBD),
				standingtest.Credited("e0", month(2021, 3), month(2021, 4)),
			},
		},
		{
			name: "unknown commitment", history: []event.Event{opened("e0", "w0", event.APBD)},
			rows: []event.Event{grant("c9", "e0", month(2021, 3), month(2021, 4))},
			want: []effect.Notice{{Code: effect.UnknownCommitment, Rows: []int{0}, Name: "c9"}},
		},
		{
			name:    "commitment that was taken back",
			history: []event.Event{committed, opened("e0", "w0", event.APBD), standingtest.Retracted(1)},
			rows:    []event.Event{grant("c0", "e0", month(2021, 3), month(2021, 4))},
			want:    []effect.Notice{{Code: effect.UnknownCommitment, Rows: []int{0}, Name: "c0"}},
		},
		{
			name: "unknown enrolment", history: []event.Event{committed}, rows: []event.Event{
				grant("c0", "e9", month(2021, 3), month(2021, 4)),
				standingtest.Credited("e9", month(2021, 3), month(2021, 4)),
			},
			want: []effect.Notice{{Code: effect.UnknownEnrolment, Rows: []int{0, 1}}},
		},
		{
			name: "not of the budget", history: []event.Event{committed, opened("e0", "w0", event.Employer)},
			rows: []event.Event{grant("c0", "e0", month(2021, 3), month(2021, 4))},
			want: []effect.Notice{{Code: effect.NotAPBD, Rows: []int{0}, Name: "EMPLOYER"}},
		},
		{
			name: "of the budget in one month of it", history: []event.Event{
				committed, opened("e0", "w0", event.Employer),
				standingtest.Amended("e0", event.Data{Payer: event.APBD}, day(2021, 5, 31)),
			},
			rows: []event.Event{grant("c0", "e0", month(2021, 3), month(2021, 6))},
		},
		{
			name: "double funded", history: []event.Event{
				committed, standingtest.Committed("c1", event.FundingAPBDP, month(2021, 1), month(2022, 1)),
				opened("e0", "w0", event.APBD), opened("e1", "w1", event.APBD),
				standingtest.Merged("w1", "w0"), grant("c0", "e0", month(2021, 3), month(2021, 6)),
			},
			rows: []event.Event{
				grant("c1", "e1", month(2021, 5), month(2021, 7)),
				grant("c1", "e1", month(2021, 6), month(2021, 7)), // the month after
			},
			want: []effect.Notice{{Code: effect.DoubleFunded, Rows: []int{0}, Name: "e0"}},
		},
		{
			name: "funded by another before it was revoked", history: []event.Event{
				committed, standingtest.Committed("c1", event.FundingAPBDP, month(2021, 1), month(2022, 1)),
				opened("e0", "w0", event.APBD), grant("c0", "e0", month(2021, 3), month(2021, 9)),
				standingtest.Revoked("c0", "e0", month(2021, 5)),
			},
			rows: []event.Event{grant("c1", "e0", month(2021, 5), month(2021, 9))},
		},
		{
			name: "revoked from after its end", history: []event.Event{
				committed, standingtest.Committed("c1", event.FundingAPBDP, month(2021, 1), month(2022, 1)),
				opened("e0", "w0", event.APBD), grant("c0", "e0", month(2021, 3), month(2021, 5)),
				standingtest.Revoked("c0", "e0", month(2021, 8)),
			},
			rows: []event.Event{grant("c1", "e0", month(2021, 5), month(2021, 9))},
		},
		{
			name: "opened on the last day of life", history: []event.Event{
				standingtest.Died("w0", day(2021, 3, 1)),
			},
			rows: []event.Event{opened("e0", "w0", self)},
		},
		{
			name: "of several deaths the earliest counts", history: []event.Event{
				standingtest.Died("w0", day(2021, 2, 1)), standingtest.Died("w0", day(2021, 4, 1)),
			},
			rows: []event.Event{opened("e0", "w0", self)},
			want: []effect.Notice{{Code: effect.Dead, Rows: []int{0}, Date: "2021-02-01"}},
		},
		{
			name: "dead", history: []event.Event{
				committed, standingtest.Died("w0", day(2021, 2, 28)), opened("e1", "w0", event.APBD),
			},
			rows: []event.Event{
				opened("e0", "w0", self),
				grant("c0", "e1", month(2021, 3), month(2021, 4)),
				standingtest.Credited("e1", month(2021, 2), month(2021, 3)), // the month of the death
			},
			want: []effect.Notice{{Code: effect.Dead, Rows: []int{0, 1}, Date: "2021-02-28"}},
		},
		{
			name: "covered twice", history: []event.Event{opened("e0", "w0", self)},
			rows: []event.Event{opened("e1", "w0", self)},
			want: []effect.Notice{{Code: effect.CoveredTwice, Rows: []int{0}, Name: "e0"}},
		},
		{
			name: "in two segments", history: []event.Event{opened("e0", "w0", self)},
			rows: []event.Event{standingtest.Opened("e1", "w0",
				event.Data{
					Region: 7503, Segment: event.PU, Category: event.Private, Payer: self,
					Programmes: []event.Programme{event.JKK},
				}, day(2021, 3, 1))},
		},
		{
			name: "far future", rows: []event.Event{
				standingtest.Opened("e0", "w0", standingtest.Terms(7503, self), today.AddDays(366)),
				standingtest.Opened("e1", "w1", standingtest.Terms(7503, self), today.AddDays(365)),
			},
			want: []effect.Notice{{Code: effect.FarFuture, Rows: []int{0}, Date: "2023-01-01"}},
		},
		{
			name: "in order of codes, and of rows", history: []event.Event{opened("e0", "w0", self)},
			rows: []event.Event{
				opened("e1", "w0", self), standingtest.Terminated("e9", day(2021, 6, 1)),
				opened("e0", "w0", self), standingtest.Terminated("e8", day(2021, 6, 1)),
			},
			want: []effect.Notice{
				{Code: effect.EndsNobody, Rows: []int{1, 3}},
				{Code: effect.OpenedBefore, Rows: []int{2}, Date: "2021-03-01"},
				{Code: effect.CoveredTwice, Rows: []int{0}, Name: "e0"},
				{Code: effect.CoveredTwice, Rows: []int{2}, Name: "e1"},
			},
		},
	}
}

// TestNotices tells what is to be known of rows, whether they are to come or have come: both are
// the same.
func TestNotices(t *testing.T) {
	for _, c := range notices() {
		t.Run(c.name, func(t *testing.T) {
			if c.want == nil {
				c.want = []effect.Notice{}
			}
			would := of(t, standingtest.Source(t, c.history...), supposed(c.rows...)).Notices
			if !reflect.DeepEqual(would, c.want) {
				t.Errorf("would be told %+v, want %+v", would, c.want)
			}
			all := slices.Concat(c.history, c.rows)
			did := of(t, standingtest.Source(t, all...), logged(len(c.history), c.rows...)).Notices
			if !reflect.DeepEqual(did, c.want) {
				t.Errorf("is told %+v, want %+v", did, c.want)
			}
		})
	}
}

func of(t *testing.T, source standing.Source, rows []effect.Row) effect.Report {
	t.Helper()
	report, err := effect.Of(t.Context(), source, rows, effect.Asked{Today: today})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestSees: who may be told of some regions alone is told of no other, nor of enrolments there; and
// by a death of whom he may be told nothing only that.
func TestSees(t *testing.T) {
	elsewhere := func(code region.Code) bool { return code != 7503 }
	there := standingtest.Terms(7571, event.APBD)
	source := standingtest.Source(t, opened("e0", "w0", event.APBD),
		standingtest.Granted("c0", "e0", day(2021, 3, 1).Month(), day(2021, 9, 1).Month()))
	rows := supposed(standingtest.Opened("e1", "w0", there, day(2021, 3, 1)),
		standingtest.Granted("c1", "e1", day(2021, 3, 1).Month(), day(2021, 9, 1).Month()),
		standingtest.Died("w1", day(2021, 6, 1)))
	rows[2].Nobody = true
	all, err := effect.Of(t.Context(), source, rows, effect.Asked{Today: today})
	if err != nil {
		t.Fatal(err)
	}
	some, err := effect.Of(t.Context(), source, rows, effect.Asked{Today: today, Sees: elsewhere})
	if err != nil {
		t.Fatal(err)
	}
	told := func(r effect.Report) (codes, regions string) {
		for _, n := range r.Notices {
			codes += " " + n.Code
		}
		for _, one := range r.Regions {
			regions += " " + one.Region
		}
		return codes, regions
	}
	codes, regions := told(all)
	if !strings.Contains(codes, "COVERED_TWICE") || !strings.Contains(codes, "DOUBLE_FUNDED") ||
		regions != " 75.03 75.71" {
		t.Errorf("who sees all is told%s of%s", codes, regions)
	}
	codes, regions = told(some)
	if codes != " GRANT_UNKNOWN_COMMITMENT NOBODY_KNOWN" || regions != " 75.71" {
		t.Errorf("who sees some is told%s of%s", codes, regions)
	}
}

// TestEachCode: the rules above raise every code but that of what was taken back since, which only
// what has come can be, and that of a death by which nobody is known, which the caller knows.
func TestEachCode(t *testing.T) {
	raised := map[string]bool{effect.TakenBack: true, effect.NobodyKnown: true}
	for _, c := range notices() {
		for _, n := range c.want {
			raised[n.Code] = true
		}
	}
	for _, code := range effect.Codes() {
		if !raised[code] {
			t.Errorf("no rule raises %s", code)
		}
		delete(raised, code)
	}
	if len(raised) > 0 {
		t.Errorf("not listed: %v", raised)
	}
}

// TestTakenBack: a row that the log has and that was taken back is told, unless another event says
// the same again.
func TestTakenBack(t *testing.T) {
	row := opened("e0", "w0", event.Self)
	source := standingtest.Source(t, row, standingtest.Retracted(1))
	want := []effect.Notice{{Code: effect.TakenBack, Rows: []int{0}}}
	if got := of(t, source, logged(0, row)).Notices; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	again := standingtest.Source(t, row, standingtest.Retracted(1), row)
	if got := of(t, again, logged(0, row)).Notices; len(got) > 0 {
		t.Errorf("said again: %+v", got)
	}
	taken := effect.Row{Event: standingtest.Retracted(1), Takes: 1}
	taken.Event.Data.Enrolment, taken.Event.Data.Worker = "e0", "w0"
	if got := of(t, source, []effect.Row{taken}).Notices; len(got) > 0 {
		t.Errorf("of a retraction: %+v", got)
	}
}

// TestDay: rows are counted on the last day, not after today, on which one takes effect; where all
// are to come, on the first; where none has a day, on none.
func TestDay(t *testing.T) {
	at := func(d temporal.Date) event.Event {
		return standingtest.Opened("e0", "w0", standingtest.Terms(7503, event.Self), d)
	}
	for _, c := range []struct {
		name string
		rows []event.Event
		want string
	}{
		{"none", nil, ""},
		{"a death counts the day after", []event.Event{standingtest.Died("w0", day(2021, 5, 31))}, "2021-06-01"},
		{"an end", []event.Event{standingtest.Terminated("e0", day(2021, 5, 31))}, "2021-05-31"},
		{"money", []event.Event{standingtest.Granted("c0", "e0", month(2021, 5), month(2021, 9))}, "2021-05-01"},
		{"the last", []event.Event{at(day(2021, 1, 1)), at(day(2021, 2, 1)), at(day(2020, 1, 1))}, "2021-02-01"},
		{"today", []event.Event{at(today), at(day(2021, 2, 1))}, today.String()},
		{"some to come", []event.Event{at(today.AddDays(1)), at(day(2021, 2, 1))}, "2021-02-01"},
		{"all to come", []event.Event{at(today.AddDays(9)), at(today.AddDays(2))}, "2022-01-02"},
		{"no day", []event.Event{standingtest.Merged("w0", "w1")}, ""},
	} {
		if got := of(t, standingtest.Source(t), supposed(c.rows...)).On; got != c.want {
			t.Errorf("%s: on %q, want %q", c.name, got, c.want)
		}
	}
}

// broken is a source that cannot be read.
type broken struct{ standing.Source }

var errBroken = errors.New("damaged")

func (broken) Read(func(*facts.State) error) error { return errBroken }

// TestNotRead: an effect that cannot be worked out is an error, not an effect of nothing.
func TestNotRead(t *testing.T) {
	source := standingtest.Source(t)
	rows := supposed(opened("e0", "w0", event.Self))
	if _, err := effect.Of(t.Context(), broken{source}, rows, effect.Asked{Today: today}); !errors.Is(err, errBroken) {
		t.Errorf("of a source that is broken: %v", err)
	}
	if _, err := effect.Covered(t.Context(), broken{source}, rows, today); !errors.Is(err, errBroken) {
		t.Errorf("covered, of a source that is broken: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := effect.Of(ended, source, rows, effect.Asked{Today: today}); !errors.Is(err, context.Canceled) {
		t.Errorf("under a context that ended: %v", err)
	}
}
