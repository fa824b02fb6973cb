package standing_test

// The slow model: the definitions of the contract, sections 2 and 3, each read off the events in
// force one by one, by names, with a question a day and a month.

import (
	"fmt"
	"slices"
	"testing"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/coverage"
	"cakupan/projections/facts"
	"cakupan/projections/standing"
	"cakupan/projections/standingtest"
)

// world is what is in force.
type world []projections.Event

// worldOf leaves out what is not known, and what a retraction takes back that is.
func worldOf(all []projections.Event, k standing.Knowledge) (w world) {
	taken := map[event.Key]bool{}
	for i := range all {
		if e := &all[i]; e.Type == event.EventRetracted && e.Sequence <= k.Retractions {
			taken[event.Key{Source: e.Data.RetractedSource, ID: e.Data.RetractedID}] = true
		}
	}
	for i := range all {
		if e := &all[i]; e.Type != event.EventRetracted && e.Sequence <= k.Events && !taken[e.Key] {
			w = append(w, *e)
		}
	}
	return w
}

// of returns the events of some types about an enrolment or a commitment, in order of the log.
func (w world) of(name string, types ...event.Type) (some []*projections.Event) {
	for i := range w {
		e := &w[i]
		if (e.Data.Enrolment == name || e.Data.Commitment == name) && slices.Contains(types, e.Type) {
			some = append(some, e)
		}
	}
	return some
}

// day returns when a change of an enrolment takes effect.
func day(e *projections.Event) temporal.Date {
	if e.Type == event.EnrolmentTerminated {
		return e.Data.Until
	}
	return e.Data.From
}

// changes returns what opens, changes and ends an enrolment by a day, in order of their days.
func (w world) changes(e string, on temporal.Date) []*projections.Event {
	some := w.of(e, event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated)
	some = slices.DeleteFunc(some, func(e *projections.Event) bool { return day(e) > on })
	slices.SortStableFunc(some, func(a, b *projections.Event) int { return int(day(a) - day(b)) })
	return some
}

// terms returns those of an enrolment on a day, and whether it is open.
func (w world) terms(e string, on temporal.Date) (now event.Data, open bool) {
	for _, c := range w.changes(e, on) {
		switch d := &c.Data; {
		case c.Type == event.EnrolmentOpened:
			now, open = *d, true
		case c.Type == event.EnrolmentTerminated:
			open = false
		case now.Worker == "": // nothing to amend or to open again
		case c.Type == event.EnrolmentReinstated:
			open = true
		default:
			if d.Region != 0 {
				now.Region = d.Region
			}
			if d.Segment != 0 {
				now.Segment = d.Segment
			}
			if d.Payer != 0 {
				now.Payer = d.Payer
			}
		}
	}
	return now, open
}

// ids returns all that are one worker with one, in order, by asking again until no merge adds one.
func (w world) ids(worker string) []string {
	ids := []string{worker}
	for grown := true; grown; {
		grown = false
		for i := range w {
			d := &w[i].Data
			if w[i].Type != event.WorkerMerged {
				continue
			}
			one, other := slices.Contains(ids, d.Worker), slices.Contains(ids, d.Into)
			if one != other {
				ids, grown = append(ids, d.Worker, d.Into), true
				slices.Sort(ids)
				ids = slices.Compact(ids)
			}
		}
	}
	return ids
}

// died returns the last day of a life.
func (w world) died(worker string) temporal.Date {
	died := enrolment.Never
	for i := range w {
		if w[i].Type == event.WorkerDied && slices.Contains(w.ids(worker), w[i].Data.Worker) {
			died = min(died, w[i].Data.On)
		}
	}
	return died
}

// payments returns the grants that pay a month of an enrolment.
func (w world) payments(e string, m temporal.Month) (some []*projections.Event) {
	for _, g := range w.of(e, event.FundingGranted) {
		stops := slices.ContainsFunc(w.of(g.Data.Commitment, event.FundingRevoked, event.FundingClosed),
			func(s *projections.Event) bool {
				mine := s.Data.Enrolment == e && s.Sequence > g.Sequence
				return s.Data.FromMonth <= m && (s.Type == event.FundingClosed || mine)
			})
		if g.Data.FromMonth <= m && m < g.Data.UntilMonth && !stops {
			some = append(some, g)
		}
	}
	return some
}

// credits returns the credits of a month.
func (w world) credits(e string, m temporal.Month) []*projections.Event {
	return slices.DeleteFunc(w.of(e, event.ContributionCredited), func(c *projections.Event) bool {
		return m < c.Data.FromMonth || c.Data.UntilMonth <= m
	})
}

// evidence returns what a day rests on that is covered, 0 for another day.
func (w world) evidence(e string, payer event.Payer, m temporal.Month) (all enrolment.Evidence) {
	if len(w.credits(e, m)) > 0 {
		all |= enrolment.Credited
	}
	if payer == event.APBD {
		for _, g := range w.payments(e, m) {
			kind := enrolment.Promised
			for _, d := range w.of(g.Data.Commitment, event.FundingDisbursed) {
				if slices.Contains(d.Data.PaidMonths, m) {
					kind = enrolment.Disbursed
				}
			}
			all |= kind
		}
		return all
	}
	speaks := slices.ContainsFunc(w.of(e, event.ContributionCredited),
		func(c *projections.Event) bool { return c.Data.FromMonth <= m })
	if !speaks {
		all |= enrolment.Presumed
	}
	if payer == event.Employer && all&enrolment.Credited == 0 &&
		len(w.credits(e, m-1))+len(w.credits(e, m-2))+len(w.credits(e, m-3)) > 0 {
		all |= enrolment.Due
	}
	return all
}

// standing writes down how an enrolment stands on a day.
func (w world) standing(e string, on temporal.Date) string {
	terms, open := w.terms(e, on)
	if !open {
		return "not open"
	}
	payer, m := terms.Payer, on.Month()
	evidence, grace := enrolment.Evidence(0), false
	if alive := w.died(terms.Worker) >= on; alive {
		evidence = w.evidence(e, payer, m)
		for back := m - 3; back < m; back++ {
			paid := payer == event.APBD && len(w.payments(e, back)) > 0
			grace = grace || payer != event.Employer && (paid || len(w.credits(e, back)) > 0)
		}
	}
	return fmt.Sprintf("%s %s %s %s covered %t grace %t %v", terms.Worker, terms.Region, terms.Segment,
		payer, evidence != 0, grace && evidence == 0, evidence.Names())
}

// text writes down a standing in the same way.
func text(st standing.Standing, worker func(uint32) string) string {
	if !st.Open {
		return "not open"
	}
	return fmt.Sprintf("%s %s %s %s covered %t grace %t %v", worker(st.Worker), st.Terms.Region,
		st.Terms.Segment, st.Terms.Payer, st.Covered, st.InGrace, st.Evidence.Names())
}

// read is a history with the facts that were made of it.
type read struct {
	t      *testing.T
	events []projections.Event
	source *coverage.Projection
}

func newRead(t *testing.T, events []event.Event) *read {
	t.Helper()
	return &read{t, standingtest.Logged(events), standingtest.Source(t, events...)}
}

// enrolment returns the number of a name; there is none where no event names it.
func (r *read) enrolment(name string) (number uint32, named bool) {
	r.t.Helper()
	return r.number(r.source.Names().FindEnrolment(name))
}

func (r *read) worker(name string) (number uint32, named bool) {
	r.t.Helper()
	return r.number(r.source.Names().FindWorker(name))
}

func (r *read) number(number uint32, named bool, err error) (uint32, bool) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	return number, named
}

// workerName returns the name of a worker's number.
func (r *read) workerName(number uint32) string {
	r.t.Helper()
	names, err := r.source.Names().AppendWorkers(nil, number)
	if err != nil {
		r.t.Fatal(err)
	}
	return names[0]
}

// ask calls f with the facts.
func (r *read) ask(f func(s *facts.State)) {
	r.t.Helper()
	if err := r.source.Read(func(s *facts.State) error { f(s); return nil }); err != nil {
		r.t.Fatal(err)
	}
}

// sequences returns those of events, in order and each once.
func sequences(events []*projections.Event) (all []eventstore.Sequence) {
	for _, e := range events {
		all = append(all, e.Sequence)
	}
	return standing.Ascending(all)
}
