package ledger

import (
	"context"
	"math"
	"slices"
	"strings"

	"cakupan/cmd/internal/intake"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// What a publisher reports of an enrolment, a commitment or a person that the ledger knows, it
// needs a right over: the region of each enrolment concerned, from the day on from which the event
// changes it; the funder of the commitment; of a person, both for each enrolment that is known. Or
// it has opened, or committed, what the event is about. What is not known yet may be reported.
//
// They are judged by the facts that the coverage rests on, with all that this ledger has appended
// and that gives or takes rights.

// rightsReader is the coverage, as rights are asked of it.
type rightsReader interface {
	Read(f func(s *facts.State) error) error
	Names() *facts.Names
}

// doubt is what a publisher has no right over by its regions: only who sent the event has, or, of a
// commitment, whoever has the right over its funder.
type doubt struct {
	place  int
	origin eventstore.Sequence
	field  string
}

// gives tells whether an event of the type may change who has a right over what.
func gives(t event.Type) bool {
	switch t {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.FundingCommitted,
		event.WorkerMerged, event.EventRetracted:
		return true
	default:
		return false
	}
}

// everywhere tells whether a publisher has a right over everything there is.
func everywhere(s *event.Scope) bool {
	return s == nil || slices.Contains(s.Regions, region.Nation)
}

// judgeRights refuses what a batch says of others' enrolments, commitments and people.
func (l *Ledger) judgeRights(ctx context.Context, in *intake.Intake, b *intake.Batch) error {
	scope := b.Scope()
	if everywhere(scope) {
		return nil
	}
	events, err := b.Events()
	if err != nil || !slices.ContainsFunc(events, func(e event.Event) bool {
		return e.Data.Enrolment != "" || e.Data.Commitment != "" || e.Data.Worker != ""
	}) {
		return err
	}
	p, err := coverageAs[rightsReader](ctx, l, l.rightsGiven.last())
	if err != nil {
		return err
	}
	var doubts []doubt
	for first := 0; first < len(events); first += facts.Together {
		j := judge{names: p.Names(), scope: scope}
		some := events[first:min(first+facts.Together, len(events))]
		if err := p.Read(func(s *facts.State) error { return j.look(s, some, first) }); err != nil {
			return err
		}
		doubts = append(doubts, j.doubts...)
	}
	refusals, err := l.resolve(ctx, scope, doubts)
	if err != nil {
		return err
	}
	return in.Refuse(ctx, b, refusals)
}

// noteRights notes that events are in the log which may have changed who has a right over what.
func (l *Ledger) noteRights(receipts []event.Receipt) {
	for i := range receipts {
		if receipts[i].Status == event.Appended {
			l.rightsGiven.raise(eventstore.Sequence(receipts[i].Sequence))
		}
	}
}

// resolve refuses what the doubts are of, unless the publisher itself said what they rest on.
func (l *Ledger) resolve(ctx context.Context, scope *event.Scope, doubts []doubt,
) (map[int]*event.Refusal, error) {
	if len(doubts) == 0 {
		return nil, nil
	}
	origins := make([]eventstore.Sequence, len(doubts))
	for i := range doubts {
		origins[i] = doubts[i].origin
	}
	slices.Sort(origins)
	own := map[eventstore.Sequence]bool{}
	s := &selection{}
	s.each = func(record eventstore.Record, e *event.Event) error {
		own[record.Sequence] = scope.Owns(e)
		return nil
	}
	if err := l.readSome(ctx, slices.Compact(origins), s); err != nil {
		return nil, err
	}
	refusals := map[int]*event.Refusal{}
	for _, d := range doubts {
		if !own[d.origin] && refusals[d.place] == nil {
			refusals[d.place] = scope.ForbidAbout(d.field)
		}
	}
	return refusals, nil
}

// judge looks for doubts. It is used once.
type judge struct {
	names  *facts.Names
	scope  *event.Scope
	doubts []doubt
	places []facts.Place
}

// look notes the doubts about events, of which the first has a place in its batch.
func (j *judge) look(s *facts.State, events []event.Event, first int) error {
	for i := range events {
		e, place := &events[i], first+i
		if d := &e.Data; d.Enrolment != "" {
			number, known, err := j.names.FindEnrolment(d.Enrolment)
			if err != nil {
				return err
			}
			if known {
				j.enrolment(s, number, startOf(e), doubt{place: place, field: "data.enrolment"})
			}
		}
		if err := j.commitment(s, e, place); err != nil {
			return err
		}
		if e.Type == event.WorkerDied || e.Type == event.WorkerMerged {
			if err := j.persons(s, e, place); err != nil {
				return err
			}
		}
	}
	return nil
}

// commitment notes the doubt about the commitment of an event.
func (j *judge) commitment(s *facts.State, e *event.Event, place int) error {
	if e.Data.Commitment == "" {
		return nil
	}
	number, known, err := j.names.FindCommitment(e.Data.Commitment)
	if err != nil || !known {
		return err
	}
	if origin := s.CommittedBy(number); origin != 0 {
		j.doubts = append(j.doubts, doubt{place, origin, "data.commitment"})
	}
	return nil
}

// persons notes the doubts about the people of a death or a merge.
func (j *judge) persons(s *facts.State, e *event.Event, place int) error {
	for _, id := range [...]string{e.Data.Worker, e.Data.Into} {
		if id == "" {
			continue
		}
		number, known, err := j.names.FindWorker(strings.Clone(id))
		if err != nil {
			return err
		}
		if !known || int(number) >= s.WorkerCount() {
			continue
		}
		for _, w := range s.IDs(nil, number) {
			for enrolled := range s.Enrolments(w, facts.NoEnrolment) {
				j.enrolment(s, enrolled, startOf(e), doubt{place: place, field: "data.worker"})
			}
		}
	}
	return nil
}

// enrolment notes the doubt about an enrolment of which something is said from a day on.
func (j *judge) enrolment(s *facts.State, e uint32, from temporal.Date, d doubt) {
	j.places = s.AppendPlaces(j.places[:0], e)
	var now *facts.Place // where it is on that day
	foreign := false
	for i := range j.places {
		p := &j.places[i]
		if p.Opens && (d.origin == 0 || p.Sequence < d.origin) {
			d.origin = p.Sequence
		}
		switch {
		case p.On > from:
			foreign = foreign || !j.scope.HasRegion(p.Region)
		case now == nil || p.On > now.On || p.On == now.On && p.Sequence > now.Sequence:
			now = p
		}
	}
	foreign = foreign || now != nil && !j.scope.HasRegion(now.Region)
	if d.origin != 0 && foreign {
		j.doubts = append(j.doubts, d)
	}
}

// startOf returns the first day that an event may change.
func startOf(e *event.Event) temporal.Date {
	d := &e.Data
	switch e.Type {
	case event.EnrolmentTerminated:
		return d.Until
	case event.WorkerDied:
		return d.On
	case event.WorkerMerged:
		return math.MinInt32
	case event.FundingGranted, event.FundingRevoked, event.ContributionCredited:
		return d.FromMonth.First()
	default:
		return d.From
	}
}
