package effect

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/projections/facts"
)

// stands is how an enrolment stands on a day. The zero value is that of one that is not open, or
// whose worker is dead.
type stands struct {
	worker        uint32 // whose it is then: an enrolment may have been opened for several
	open, covered bool
	confirmed     bool // covered by money booked or disbursed
	terms         enrolment.Terms
}

// stand returns how an enrolment stands on a day, before the rows or after them. died is the last
// day of life of the person whose it is taken to be; whose it is indeed, the caller compares. The
// rules are those of package enrolment, on a stretch of one day, so that nothing of section 3 of
// the contract is said twice.
func (b *book) stand(e *enrolled, on, died temporal.Date, after bool) stands {
	state := b.fold(e, on, nil, after)
	if !state.Open || died < on {
		return stands{}
	}
	money := b.money(e, after)
	spells := enrolment.AppendSpells(nil, state.Stretch(on, on+1), died, &money)
	s := stands{worker: state.Worker, open: true, terms: state.Terms}
	if len(spells) > 0 {
		s.covered, s.confirmed = !spells[0].InGrace(), spells[0].Evidence.Confirmed()
	}
	return s
}

// fold folds the changes of an enrolment up to a day, but for one of them: what there would be
// without that row tells whether it has changed anything. The zero state comes out where nothing
// opens it by that day.
func (b *book) fold(e *enrolled, on temporal.Date, but *facts.Record, after bool,
) (state enrolment.State) {
	changes := b.changes(e, but, after)
	for i := range changes {
		if changes[i].On <= on {
			state.Add(&changes[i])
		}
	}
	return state
}

// changes returns what opens, changes and ends an enrolment, in order, but for one record. They are
// sorted since rows come at the end of the log with days of any time.
func (b *book) changes(e *enrolled, but *facts.Record, after bool) (all []enrolment.Change) {
	for i := range e.records {
		r := &e.records[i]
		switch r.Kind {
		case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
			event.EnrolmentReinstated:
			if r != but && b.holds(r, after) {
				all = append(all, r.Change())
			}
		default:
		}
	}
	slices.SortFunc(all, func(a, b enrolment.Change) int {
		if a.Before(&b) {
			return -1
		}
		return 1
	})
	return all
}

// money adds up the grants and credits of an enrolment. Whether its payer is one for whom grants
// count, the terms of the day say. The purses are those at head: closings and disbursements of rows
// are not seen.
func (b *book) money(e *enrolled, after bool) enrolment.Money {
	money := enrolment.NoMoney(nil)
	for i := range e.records {
		r := &e.records[i]
		if !b.holds(r, after) {
			continue
		}
		switch r.Kind {
		case event.FundingGranted:
			money.Grant(r.From, b.grantedUntil(e, i, after), &b.commitments[r.Commitment].purse)
		case event.ContributionCredited:
			money.Credit(r.From, r.Until)
		default:
		}
	}
	return money
}

// grantedUntil returns the first month that a grant does not pay any more. Only revocations behind
// it in the log take months away (contract, section 3); closings are the purse's.
func (b *book) grantedUntil(e *enrolled, i int, after bool) temporal.Month {
	until := e.records[i].Until
	for j := i + 1; j < len(e.records); j++ {
		if r := &e.records[j]; r.Kind == event.FundingRevoked && b.holds(r, after) &&
			r.Commitment == e.records[i].Commitment {
			until = min(until, r.From)
		}
	}
	return until
}

// opened returns the openings in force after the rows, but for one record, in order of the log.
// They are pointers into the book: which record it is decides, not what it says.
func (b *book) opened(e *enrolled, but *facts.Record) (all []*facts.Record) {
	for i := range e.records {
		r := &e.records[i]
		if r != but && r.Kind == event.EnrolmentOpened && b.holds(r, true) {
			all = append(all, r)
		}
	}
	return all
}
