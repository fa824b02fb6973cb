package sample

import (
	"cmp"
	"iter"
	"slices"
	"sort"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// recount is section 3 of version 2 of the contract, written down once more, slowly and without an
// index of time, for the events of a story as known at a sequence. It shares nothing with the projections.
type recount struct {
	facts      []fact // by sequence - 1
	enrolments []enrolment
	places     map[string]int      // of enrolments, by id
	workers    map[string]int      // numbers of workers from 1, by id
	revoked    map[[2]string][]int // by commitment and enrolment
	closed     map[string][]int    // by commitment
	disbursed  map[string][]int    // by commitment
	died       []int
	merged     []int
	published  []int
}

// fact is what a recount needs of an event.
type fact struct {
	at          temporal.Instant
	what        event.Type
	terms       terms
	commitment  string
	into        int           // worker, of a merge
	on          temporal.Date // effective
	from, until temporal.Month
	months      []temporal.Month // paid for
	sector      event.Sector     // of employed people
	count       int64
	retracted   int // sequence of the first retraction, 0 for none
}

type terms struct {
	worker  int // 0: none
	region  region.Code
	segment event.Segment
	payer   event.Payer
}

// enrolment lists the sequences of what concerns one.
type enrolment struct {
	id      string
	dated   []int // by effective date, then sequence
	grants  []int
	credits []int
}

func newRecount(events iter.Seq[Dated]) *recount {
	r := &recount{
		places: map[string]int{}, workers: map[string]int{}, revoked: map[[2]string][]int{},
		closed: map[string][]int{}, disbursed: map[string][]int{},
	}
	places, retractions := map[event.Key]int{}, map[event.Key]int{}
	for e := range events {
		places[e.Event.Key] = len(r.facts)
		d := &e.Event.Data
		if named := (event.Key{Source: d.RetractedSource, ID: d.RetractedID}); named.ID != "" {
			if retractions[named] == 0 {
				retractions[named] = len(r.facts) + 1
			}
		}
		r.read(e.Event.Type, d, e.RecordedAt)
	}
	for named, seq := range retractions {
		if place, ok := places[named]; ok {
			r.facts[place].retracted = seq
		}
	}
	for _, e := range r.enrolments {
		slices.SortStableFunc(e.dated, func(a, b int) int {
			return cmp.Compare(r.fact(a).on, r.fact(b).on)
		})
	}
	return r
}

func (r *recount) fact(seq int) *fact { return &r.facts[seq-1] }

func (r *recount) read(what event.Type, d *event.Data, at temporal.Instant) {
	f := fact{
		at: at, what: what, commitment: d.Commitment, from: d.FromMonth, until: d.UntilMonth,
		terms: terms{r.worker(d.Worker), d.Region, d.Segment, d.Payer},
		into:  r.worker(d.Into), months: d.PaidMonths,
	}
	seq := len(r.facts) + 1
	switch what {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentReinstated,
		event.EnrolmentTerminated:
		f.on = max(d.From, d.Until) // each of these types carries one of the two
		e := r.enrolment(d.Enrolment)
		e.dated = append(e.dated, seq)
	case event.FundingGranted:
		e := r.enrolment(d.Enrolment)
		e.grants = append(e.grants, seq)
	case event.ContributionCredited:
		e := r.enrolment(d.Enrolment)
		e.credits = append(e.credits, seq)
	case event.FundingDisbursed:
		r.disbursed[d.Commitment] = append(r.disbursed[d.Commitment], seq)
	case event.WorkerMerged:
		r.merged = append(r.merged, seq)
	case event.FundingRevoked:
		key := [2]string{d.Commitment, d.Enrolment}
		r.revoked[key] = append(r.revoked[key], seq)
	case event.FundingClosed:
		r.closed[d.Commitment] = append(r.closed[d.Commitment], seq)
	case event.WorkerDied:
		f.on = d.On
		r.died = append(r.died, seq)
	case event.WorkforcePublished:
		f.on = d.Reference
		if f.count = d.Count; d.Indicator == event.Employed {
			f.sector = d.Sector
			r.published = append(r.published, seq)
		}
	}
	r.facts = append(r.facts, f)
}

func (r *recount) enrolment(id string) *enrolment {
	place, ok := r.places[id]
	if !ok {
		place = len(r.enrolments)
		r.places[id] = place
		r.enrolments = append(r.enrolments, enrolment{id: id})
	}
	return &r.enrolments[place]
}

func (r *recount) worker(id string) int {
	if id == "" {
		return 0
	}
	if r.workers[id] == 0 {
		r.workers[id] = len(r.workers) + 1
	}
	return r.workers[id]
}

// known returns the sequence that was the log's last at the end of a day.
func (r *recount) known(d temporal.Date) int {
	return sort.Search(len(r.facts), func(i int) bool {
		return r.facts[i].at > temporal.EndOfDay(d)
	})
}

func (r *recount) inForce(seq, known int) bool {
	by := r.fact(seq).retracted
	return seq <= known && (by == 0 || by > known)
}

// figures of a region on a day. Registered are the workers with an enrolment that is open.
type figures struct {
	registered, covered, confirmed, inGrace, informal int
}

func (r *recount) on(place region.Code, on temporal.Date, known int) (f figures) {
	workers := make([]struct{ open, covered, confirmed, informal, grace bool }, len(r.workers)+1)
	persons := r.persons(known)
	dead := r.dead(persons, on, known)
	for i := range r.enrolments {
		e := &r.enrolments[i]
		now, open := r.fold(e, on, known)
		person := persons[now.worker]
		if !open || !lies(now.region, place) || dead[person] {
			continue
		}
		w := &workers[person]
		w.open = true
		switch evidence, grace := r.evidence(e, now.payer, on.Month(), known); {
		case evidence != 0:
			w.covered = true
			w.confirmed = w.confirmed || evidence&(credited|disbursed) != 0
			w.informal = w.informal || now.segment.Sector() == event.Informal
		case grace:
			w.grace = true
		}
	}
	for _, w := range workers {
		f.registered += one(w.open)
		f.covered += one(w.covered)
		f.confirmed += one(w.confirmed)
		f.informal += one(w.informal)
		f.inGrace += one(w.grace && !w.covered)
	}
	return f
}

// Evidence, as bits.
const (
	credited = 1 << iota
	disbursed
	promised
	due
	presumed
)

// evidence returns what an open enrolment of somebody alive rests on in a month, 0 when it is not
// covered, and whether it is in grace then.
func (r *recount) evidence(e *enrolment, payer event.Payer, m temporal.Month, known int,
) (evidence int, grace bool) {
	if r.credited(e, m, known) {
		evidence = credited
	}
	if payer == event.APBD {
		evidence |= r.paid(e, m, known)
	}
	switch {
	case evidence != 0:
		return evidence, false
	case payer != event.APBD && !r.speaks(e, m, known):
		return presumed, false
	}
	before := false
	for month := m - 3; month < m; month++ {
		before = before || r.credited(e, month, known) ||
			payer == event.APBD && r.paid(e, month, known) != 0
	}
	if before && payer == event.Employer {
		return due, false
	}
	return 0, before
}

func (r *recount) credited(e *enrolment, m temporal.Month, known int) bool {
	for _, seq := range e.credits {
		if f := r.fact(seq); f.from <= m && m < f.until && r.inForce(seq, known) {
			return true
		}
	}
	return false
}

// speaks tells whether the first credited month is m or an earlier one.
func (r *recount) speaks(e *enrolment, m temporal.Month, known int) bool {
	return slices.ContainsFunc(e.credits, func(seq int) bool {
		return r.inForce(seq, known) && r.fact(seq).from <= m
	})
}

// persons returns for every worker the least of those who are one with him.
func (r *recount) persons(known int) []int {
	persons := make([]int, len(r.workers)+1)
	for w := range persons {
		persons[w] = w
	}
	for changed := true; changed; {
		changed = false
		for _, seq := range r.merged {
			if f := r.fact(seq); r.inForce(seq, known) {
				a, b := &persons[f.terms.worker], &persons[f.into]
				changed = changed || *a != *b
				*a, *b = min(*a, *b), min(*a, *b)
			}
		}
	}
	return persons
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func lies(r, place region.Code) bool {
	return r == place || r.Parent() == place || place == region.Nation
}

func (r *recount) fold(e *enrolment, on temporal.Date, known int) (now terms, open bool) {
	for _, seq := range e.dated {
		f := r.fact(seq)
		if f.on > on || !r.inForce(seq, known) {
			continue
		}
		switch f.what {
		case event.EnrolmentOpened:
			now, open = f.terms, true
		case event.EnrolmentTerminated:
			open = false
		case event.EnrolmentReinstated:
			open = now.worker != 0
		default: // of what counts here, amendments of the sample change the region only
			if f.terms.region != 0 {
				now.region = f.terms.region
			}
		}
	}
	return now, open
}

func (r *recount) dead(persons []int, on temporal.Date, known int) map[int]bool {
	dead := map[int]bool{}
	for _, seq := range r.died {
		if f := r.fact(seq); r.inForce(seq, known) && f.on < on {
			dead[persons[f.terms.worker]] = true
		}
	}
	return dead
}

// paid returns what the grants that pay a month rest on, 0 when none does.
func (r *recount) paid(e *enrolment, m temporal.Month, known int) (evidence int) {
	for _, seq := range e.grants {
		f := r.fact(seq)
		from := func(end int) bool { return r.inForce(end, known) && r.fact(end).from <= m }
		revoked := func(end int) bool { return end > seq && from(end) }
		if !r.inForce(seq, known) || m < f.from || f.until <= m ||
			slices.ContainsFunc(r.revoked[[2]string{f.commitment, e.id}], revoked) ||
			slices.ContainsFunc(r.closed[f.commitment], from) {
			continue
		}
		names := func(seq int) bool {
			return r.inForce(seq, known) && slices.Contains(r.fact(seq).months, m)
		}
		if slices.ContainsFunc(r.disbursed[f.commitment], names) {
			evidence |= disbursed
		} else {
			evidence |= promised
		}
	}
	return evidence
}

// employed returns how many people had work by the latest publication, 0 without one.
func (r *recount) employed(place region.Code, s event.Sector, on temporal.Date, known int) int64 {
	latest, count := temporal.MinDate, int64(0)
	for _, seq := range r.published {
		f := r.fact(seq)
		if f.terms.region == place && f.sector == s && r.inForce(seq, known) &&
			f.on <= on && f.on >= latest {
			latest, count = f.on, f.count
		}
	}
	return count
}
