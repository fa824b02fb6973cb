package standing_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/facts"
	"cakupan/projections/standing"
	"cakupan/projections/standingtest"
)

// asked is an enrolment that was asked for, with what the model knows.
type asked struct {
	*read
	name   string
	number uint32
	on     temporal.Date
	w      world
	reader *standing.Reader
	died   temporal.Date
}

// eachAsked calls f with enrolments that are open on a day, of random histories.
func eachAsked(t *testing.T, stream uint64, f func(a *asked, s *facts.State)) {
	t.Helper()
	n := 0
	for seed := range histories() {
		h := newRead(t, standingtest.Random(seed, events))
		r := rand.New(rand.NewPCG(seed, stream))
		for range 40 {
			k, on := draw(r)
			a := &asked{
				read: h, name: fmt.Sprint("e", r.IntN(standingtest.Names)), on: on,
				w: worldOf(h.events, k), reader: standing.NewReader(k),
			}
			terms, open := a.w.terms(a.name, on)
			if !open {
				continue
			}
			n++
			a.number, _ = h.enrolment(a.name)
			a.died = a.w.died(terms.Worker)
			h.ask(func(s *facts.State) { a.reader.Stand(s, a.number, on, a.died); f(a, s) })
			if t.Failed() {
				t.Fatalf("seed %d, %s on %s known %v", seed, a.name, on, k)
			}
		}
	}
	if n == 0 {
		t.Error("no enrolment was open: nothing was asked")
	}
}

// TestBasis: an enrolment that is covered or in grace stands the same in a ledger that holds only the events on which it is said
// to rest, with those that say who the worker is and whether alive.
func TestBasis(t *testing.T) {
	eachAsked(t, 5, func(a *asked, s *facts.State) {
		want := a.w.standing(a.name, a.on)
		if strings.Contains(want, "covered false grace false") {
			return // what keeps it from that is not told
		}
		terms, _ := a.w.terms(a.name, a.on)
		basis := a.reader.Basis(s, nil)
		if !slices.IsSorted(basis) || len(slices.Compact(slices.Clone(basis))) != len(basis) {
			t.Errorf("not ascending: %v", basis)
		}
		ids := a.w.ids(terms.Worker)
		var alone []event.Event
		for i := range a.w {
			e := &a.w[i]
			who := (e.Type == event.WorkerMerged || e.Type == event.WorkerDied) &&
				slices.Contains(ids, e.Data.Worker)
			if who || slices.Contains(basis, e.Sequence) {
				alone = append(alone, e.Event)
			}
		}
		if len(alone) < len(basis) {
			t.Errorf("%v: some of them are not in force", basis)
		}
		h := newRead(t, alone)
		number, _ := h.enrolment(a.name)
		h.ask(func(s *facts.State) {
			reader := standing.NewReader(standing.At(events))
			if got := text(reader.Stand(s, number, a.on, a.died), h.workerName); got != want {
				t.Errorf("with %v alone:\n%s, was\n%s", basis, got, want)
			}
		})
	})
}

// TestBasisOfTheClosed: an enrolment that is not open rests on nothing, and what was there stays.
func TestBasisOfTheClosed(t *testing.T) {
	h := newRead(t, []event.Event{
		standingtest.Opened("e0", "w0", standingtest.Terms(7503, event.Self), standingtest.Day(2021, 3, 1)),
		standingtest.Terminated("e0", standingtest.Day(2021, 5, 1)),
	})
	h.ask(func(s *facts.State) {
		reader := standing.NewReader(standing.At(2))
		for _, c := range []struct {
			on   temporal.Date
			want []eventstore.Sequence
		}{
			{standingtest.Day(2021, 2, 28), []eventstore.Sequence{9}},
			{standingtest.Day(2021, 3, 1), []eventstore.Sequence{9, 1}},
			{standingtest.Day(2021, 4, 30), []eventstore.Sequence{9, 1}},
			{standingtest.Day(2021, 5, 1), []eventstore.Sequence{9}},
		} {
			reader.Stand(s, 0, c.on, standingtest.Day(2022, 1, 1))
			if got := reader.Basis(s, []eventstore.Sequence{9}); !slices.Equal(got, c.want) {
				t.Errorf("on %s: %v, want %v", c.on, got, c.want)
			}
		}
	})
}

// TestEnds compares what ends the money of a day before a later month with the model.
func TestEnds(t *testing.T) {
	ended := 0
	eachAsked(t, 6, func(a *asked, s *facts.State) {
		for later := a.on.Month(); later < a.on.Month()+6; later++ {
			revoked, closed := a.reader.Ends(s, later)
			var wantRevoked, wantClosed []*projections.Event
			for _, g := range a.w.payments(a.name, a.on.Month()) {
				if later < g.Data.FromMonth || g.Data.UntilMonth <= later {
					continue
				}
				for _, e := range a.w.of(g.Data.Commitment, event.FundingRevoked, event.FundingClosed) {
					switch {
					case e.Data.FromMonth > later:
					case e.Type == event.FundingClosed:
						wantClosed = append(wantClosed, e)
					case e.Data.Enrolment == a.name && e.Sequence > g.Sequence:
						wantRevoked = append(wantRevoked, e)
					}
				}
			}
			if !slices.Equal(standing.Ascending(revoked), sequences(wantRevoked)) ||
				!slices.Equal(standing.Ascending(closed), sequences(wantClosed)) {
				t.Errorf("to %s: revoked %v, closed %v; want %v, %v", later, revoked, closed,
					sequences(wantRevoked), sequences(wantClosed))
			}
			ended += len(revoked) + len(closed)
		}
	})
	if ended == 0 {
		t.Error("no money ended: too little to tell")
	}
}

// TestOpening compares when the opening was of which the terms are, what changed since a day, and
// from when on credits speak, with the model.
func TestOpening(t *testing.T) {
	spoke := 0
	eachAsked(t, 7, func(a *asked, _ *facts.State) {
		changes := a.w.changes(a.name, a.on)
		opened := temporal.Date(0)
		for _, c := range changes {
			if c.Type == event.EnrolmentOpened {
				opened = c.Data.From
			}
		}
		if got := a.reader.OpenedOn(); got != opened {
			t.Errorf("opened on %s, want %s", got, opened)
		}
		after := a.on.AddDays(-90)
		since := slices.DeleteFunc(changes, func(c *projections.Event) bool { return day(c) <= after })
		got := standing.Ascending(a.reader.Since(after, nil))
		if want := sequences(since); !slices.Equal(got, want) {
			t.Errorf("since %s: %v, want %v", after, got, want)
		}
		var first []eventstore.Sequence
		from := a.on.Month() + 1
		for _, c := range a.w.of(a.name, event.ContributionCredited) {
			if c.Data.FromMonth < from {
				first, from = []eventstore.Sequence{c.Sequence}, c.Data.FromMonth
			}
		}
		if got := a.reader.Speaks(nil); !slices.Equal(got, first) {
			t.Errorf("speaks by %v, want %v", got, first)
		}
		spoke += len(first)
	})
	if spoke == 0 {
		t.Error("no credit spoke: too little to tell")
	}
}
