package coverage_test

// The reference model: the contract's sections 2 to 4 written down as they stand, one function
// per definition, without an index, a cache or a trick. It shares nothing with the projection
// but the types of events, not even dates or percentages, so that the two can only agree by
// both being right. It answers in milliseconds what the projection answers in microseconds.

import (
	"cmp"
	"slices"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// Recorded is one event of a history, with what the log added to it.
type Recorded struct {
	Sequence   uint64
	RecordedAt temporal.Instant
	event.Event
}

// graceMonths is how many months before an unpaid one may still count for it.
const graceMonths = 3

// inForce returns the events in force at known, in log order: those of a sequence up to known
// that no retraction of a sequence up to known names.
//
// Retractions themselves always stay: one cannot be retracted.
func inForce(history []Recorded, known uint64) []*Recorded {
	retracted := map[event.Key]bool{}
	for i := range history {
		e := &history[i] // events are large: copying them is most of the work
		if e.Sequence <= known && e.Type == event.EventRetracted {
			retracted[event.Key{Source: e.Data.RetractedSource, ID: e.Data.RetractedID}] = true
		}
	}
	var events []*Recorded
	for i := range history {
		e := &history[i]
		if e.Sequence <= known && (e.Type == event.EventRetracted || !retracted[e.Key]) {
			events = append(events, e)
		}
	}
	return events
}

// terms is what is agreed for an enrolment on a day.
type terms struct {
	agreed     bool // an opened event said so
	open       bool
	worker     string
	region     region.Code
	segment    event.Segment
	category   event.Category
	programmes []event.Programme
	payer      event.Payer
}

// termsOn folds the events of one enrolment up to a day, by effective date and then sequence.
func termsOn(own []*Recorded, day temporal.Date) terms {
	var steps []*Recorded
	for _, e := range own {
		if isTerm(e.Type) && effective(e) <= day {
			steps = append(steps, e)
		}
	}
	slices.SortFunc(steps, func(a, b *Recorded) int {
		return cmp.Or(cmp.Compare(effective(a), effective(b)), cmp.Compare(a.Sequence, b.Sequence))
	})
	var now terms
	for _, e := range steps {
		now = now.after(e)
	}
	return now
}

func isTerm(t event.Type) bool {
	return t == event.EnrolmentOpened || t == event.EnrolmentAmended ||
		t == event.EnrolmentTerminated || t == event.EnrolmentReinstated
}

// effective returns the day from which an event of an enrolment holds.
func effective(e *Recorded) temporal.Date {
	if e.Type == event.EnrolmentTerminated {
		return e.Data.Until
	}
	return e.Data.From
}

// after returns the terms once e has happened.
func (t terms) after(e *Recorded) terms {
	switch e.Type {
	case event.EnrolmentOpened:
		return terms{
			agreed: true, open: true, worker: e.Data.Worker, region: e.Data.Region,
			segment: e.Data.Segment, category: e.Data.Category,
			programmes: e.Data.Programmes, payer: e.Data.Payer,
		}
	case event.EnrolmentAmended:
		if t.agreed {
			t.amend(e.Data)
		}
	case event.EnrolmentTerminated:
		t.open = false
	case event.EnrolmentReinstated:
		t.open = t.open || t.agreed
	default: // says nothing of terms
	}
	return t
}

// amend replaces the terms that d names. No value that may be named is a zero value.
func (t *terms) amend(d event.Data) {
	if d.Region != 0 {
		t.region = d.Region
	}
	if d.Segment != 0 {
		t.segment = d.Segment
	}
	if d.Category != 0 {
		t.category = d.Category
	}
	if len(d.Programmes) > 0 {
		t.programmes = d.Programmes
	}
	if d.Payer != 0 {
		t.payer = d.Payer
	}
}

// persons says who is one with whom: ids that merges join have the same value.
type persons map[string]string

// personsOf joins the ids that merges in force name, one merge after the other.
func personsOf(events []*Recorded) persons {
	p := persons{}
	for _, e := range events {
		if e.Type != event.WorkerMerged {
			continue
		}
		gone, stays := p.of(e.Data.Worker), p.of(e.Data.Into)
		p[e.Data.Worker], p[e.Data.Into] = gone, stays
		for id, person := range p {
			if person == gone {
				p[id] = stays
			}
		}
	}
	return p
}

func (p persons) of(id string) string {
	if person, merged := p[id]; merged {
		return person
	}
	return id
}

// alive reports whether no death of the worker lies before the day.
func (f bearing) alive(worker string, day temporal.Date) bool {
	for _, e := range f.everybodys {
		if e.Type == event.WorkerDied && f.persons.of(e.Data.Worker) == f.persons.of(worker) &&
			e.Data.On < day {
			return false
		}
	}
	return true
}

// credited reports whether the agency has booked the month.
func (f bearing) credited(month temporal.Month) bool {
	for _, e := range f.own {
		if e.Type == event.ContributionCredited && e.Data.FromMonth <= month &&
			month < e.Data.UntilMonth {
			return true
		}
	}
	return false
}

// presumed reports whether credits do not speak of the month: none is of it or one before.
func (f bearing) presumed(month temporal.Month) bool {
	for _, e := range f.own {
		if e.Type == event.ContributionCredited && e.Data.FromMonth <= month {
			return false
		}
	}
	return true
}

// disbursed reports whether the grant's commitment has paid for the month.
func (f bearing) disbursed(grant *Recorded, month temporal.Month) bool {
	for _, e := range f.everybodys {
		if e.Type == event.FundingDisbursed && e.Data.Commitment == grant.Data.Commitment &&
			slices.Contains(e.Data.PaidMonths, month) {
			return true
		}
	}
	return false
}

// payments returns the grants that pay the month for the enrolment.
func (f bearing) payments(month temporal.Month) []*Recorded {
	var paying []*Recorded
	for _, e := range f.own {
		if e.Type == event.FundingGranted && e.Data.FromMonth <= month &&
			month < e.Data.UntilMonth && !f.revoked(e, month) && !f.closed(e, month) {
			paying = append(paying, e)
		}
	}
	return paying
}

// revoked reports whether a revocation after the grant takes the month away.
func (f bearing) revoked(grant *Recorded, month temporal.Month) bool {
	for _, e := range f.own {
		if e.Type == event.FundingRevoked && e.Data.Commitment == grant.Data.Commitment &&
			e.Sequence > grant.Sequence && e.Data.FromMonth <= month {
			return true
		}
	}
	return false
}

// closed reports whether the grant's commitment pays nothing in the month, whenever that was
// reported.
func (f bearing) closed(grant *Recorded, month temporal.Month) bool {
	for _, e := range f.everybodys {
		if e.Type == event.FundingClosed && e.Data.Commitment == grant.Data.Commitment &&
			e.Data.FromMonth <= month {
			return true
		}
	}
	return false
}

// source returns where the grant's money comes from, as the latest report has it.
func (f bearing) source(grant *Recorded) string {
	name := "UNKNOWN"
	for _, e := range f.everybodys { // in log order: the last one stays
		if e.Type == event.FundingCommitted && e.Data.Commitment == grant.Data.Commitment {
			name = fundingNames[e.Data.Funding]
		}
	}
	return name
}

// standing is one enrolment on one day.
type standing struct {
	terms
	covered  bool
	inGrace  bool
	sources  []string // payers and sources of money, the values of the dimension funding
	evidence []string // the values of the dimension evidence
}

// confirmed reports whether the evidence has money that was booked.
func (s standing) confirmed() bool {
	return slices.Contains(s.evidence, "CREDITED") || slices.Contains(s.evidence, "DISBURSED")
}

// standingOn applies contract section 3 to one enrolment.
func (f bearing) standingOn(day temporal.Date) standing {
	s := standing{terms: termsOn(f.own, day)}
	if !s.open || !f.alive(s.worker, day) {
		return s
	}
	month := monthOf(day)
	if f.credited(month) {
		s.evidence = append(s.evidence, "CREDITED")
	}
	if s.payer == event.APBD {
		f.payBudget(&s, month)
	} else {
		s.sources = append(s.sources, payerNames[s.payer])
		if f.presumed(month) {
			s.evidence = append(s.evidence, "PRESUMED")
		}
		if s.payer == event.Employer && !f.credited(month) && f.before(month, f.credited) {
			s.evidence = append(s.evidence, "DUE")
		}
	}
	s.covered = len(s.evidence) > 0
	paid := func(m temporal.Month) bool {
		return f.credited(m) || s.payer == event.APBD && len(f.payments(m)) > 0
	}
	s.inGrace = !s.covered && s.payer != event.Employer && f.before(month, paid)
	return s
}

// payBudget adds the evidence and the sources of money of an enrolment that the budget pays.
func (f bearing) payBudget(s *standing, month temporal.Month) {
	for _, grant := range f.payments(month) {
		s.sources = append(s.sources, f.source(grant))
		if f.disbursed(grant, month) {
			s.evidence = append(s.evidence, "DISBURSED")
		} else {
			s.evidence = append(s.evidence, "PROMISED")
		}
	}
	if len(s.sources) == 0 {
		s.sources = []string{"UNKNOWN"}
	}
}

// before reports whether one of the three months before has what is asked for.
func (f bearing) before(month temporal.Month, has func(temporal.Month) bool) bool {
	for back := temporal.Month(1); back <= graceMonths; back++ {
		if has(month - back) {
			return true
		}
	}
	return false
}

// bearing are the events in force that bear on one enrolment, in log order.
type bearing struct {
	own        []*Recorded // those that name the enrolment
	everybodys []*Recorded // deaths and what concerns commitments, whomever they concern
	persons    persons
}

// byEnrolment parts the events in force, so that the vectors' thousands of events are not read
// thousands of times over.
func byEnrolment(events []*Recorded) map[string]bearing {
	var everybodys []*Recorded
	own := map[string][]*Recorded{}
	for _, e := range events {
		switch e.Type {
		case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
			event.EnrolmentReinstated, event.FundingGranted, event.FundingRevoked,
			event.ContributionCredited:
			own[e.Data.Enrolment] = append(own[e.Data.Enrolment], e)
		case event.WorkerDied, event.FundingCommitted, event.FundingClosed,
			event.FundingDisbursed:
			everybodys = append(everybodys, e)
		default: // bears on no enrolment
		}
	}
	persons := personsOf(events)
	parts := map[string]bearing{}
	for enrolment, events := range own {
		parts[enrolment] = bearing{own: events, everybodys: everybodys, persons: persons}
	}
	return parts
}
