package takeback

import (
	"context"
	"maps"
	"math"
	"slices"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/rights"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// locate finds out which regions events concern: those that they name, those of an enrolment from
// the day on from which they change it and without them, the funder of a commitment, and for a
// death or a merge those of all enrolments of a person. One about an enrolment that was never
// opened may concern none. It adds to what the events have already. Funders are read from the
// events that committed, all of them at once.
func (p *picker) locate(ctx context.Context, some []picked) error {
	origins := map[eventstore.Sequence][]int{}
	for first := 0; first < len(some); first += facts.Together {
		// So many at a time: the coverage stands still while its facts are read.
		part := some[first:min(first+facts.Together, len(some))]
		err := p.facts.Read(func(s *facts.State) error {
			for i := range part {
				origin, err := p.locateOne(s, &part[i])
				if err != nil {
					return err
				}
				if origin != 0 {
					origins[origin] = append(origins[origin], first+i)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	s := &excerpt.Selection{Each: func(record eventstore.Record, e *event.Event) error {
		for _, i := range origins[record.Sequence] {
			some[i].concerns(e.Data.Funder)
		}
		return nil
	}}
	return p.t.reader.Some(ctx, slices.Sorted(maps.Keys(origins)), s)
}

// locateOne does that for one event, and returns the one that committed its commitment. It is
// called while the facts are held, so it reads no log. 0: there is none, or nobody has committed
// it.
func (p *picker) locateOne(s *facts.State, one *picked) (committed eventstore.Sequence, err error) {
	d, names := &one.event.Data, p.facts.Names()
	if d.Has.Has(event.FieldRegion) {
		one.concerns(d.Region)
	}
	if d.Has.Has(event.FieldFunder) {
		one.concerns(d.Funder)
	}
	if d.Enrolment != "" {
		number, known, err := names.FindEnrolment(d.Enrolment)
		if err != nil {
			return 0, err
		}
		if known {
			p.placesOf(s, number, one)
		}
	}
	if one.event.Type == event.WorkerDied || one.event.Type == event.WorkerMerged {
		if err := p.placesOfPersons(s, one); err != nil {
			return 0, err
		}
	}
	if d.Commitment == "" {
		return 0, nil
	}
	number, known, err := names.FindCommitment(d.Commitment)
	if err != nil || !known {
		return 0, err
	}
	return s.CommittedBy(number), nil
}

// placesOf adds where an enrolment is, with the event and without it. With and without, since to
// take an event back changes both where it says the enrolment is and where it then is.
func (p *picker) placesOf(s *facts.State, enrolment uint32, one *picked) {
	p.places = s.AppendPlaces(p.places[:0], enrolment)
	from := rights.StartOf(&one.event)
	if one.event.Type == event.WorkerDied || one.event.Type == event.WorkerMerged {
		from = math.MinInt32
	}
	var with, without *facts.Place // on the first day that it changes
	for i := range p.places {
		place := &p.places[i]
		// Later places hold on days that the event changes too: what was open longer, or again, is
		// there.
		if place.On > from {
			one.concerns(place.Region)
			continue
		}
		with = later(with, place)
		if place.Sequence != one.sequence {
			without = later(without, place)
		}
	}
	for _, place := range []*facts.Place{with, without} {
		if place != nil {
			one.concerns(place.Region)
		}
	}
}

// later returns the one of two places that holds on a day after both. Of one day the later one of
// the log (contract, section 3). a may be nil.
func later(a, b *facts.Place) *facts.Place {
	if a == nil || b.On > a.On || b.On == a.On && b.Sequence > a.Sequence {
		return b
	}
	return a
}

// placesOfPersons adds where the people of a death or a merge are enrolled. Enrolments are those of
// all ids that are one person, as a death ends all of them.
func (p *picker) placesOfPersons(s *facts.State, one *picked) error {
	for _, id := range [...]string{one.event.Data.Worker, one.event.Data.Into} {
		if id == "" {
			continue
		}
		number, known, err := p.facts.Names().FindWorker(id)
		if err != nil {
			return err
		}
		if !known || int(number) >= s.WorkerCount() {
			continue
		}
		for _, worker := range s.IDs(nil, number) {
			for enrolled := range s.Enrolments(worker, facts.NoEnrolment) {
				p.placesOf(s, enrolled, one)
			}
		}
	}
	return nil
}

// concerns adds a region. Each is in it once; their order says nothing.
func (p *picked) concerns(code region.Code) {
	if !slices.Contains(p.regions, code) {
		p.regions = append(p.regions, code)
	}
}
