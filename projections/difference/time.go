package difference

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/facts"
	"cakupan/projections/standing"
)

// time appends the flows of the group in the step of time. It stays at the knowledge of To, so
// that no merge or retraction is mistaken for something that happened.
func (a *asked) time(s *facts.State) {
	a.group.each(s, a.timed, func(p *standing.Person) {
		was := a.covered(s, a.timed, p, a.first)
		is := a.covered(s, a.timed, p, a.last)
		switch {
		case is && !was:
			cause, _ := a.whyJoined(s, p, false)
			a.flows = append(a.flows, flow{a.namer.Place(p.IDs), cause, true, true})
		case was && !is:
			cause, _ := a.whyLeft(s, p, false)
			a.flows = append(a.flows, flow{a.namer.Place(p.IDs), cause, true, false})
		}
	})
}

// reason is the first cause that applies, and the events of the enrolments to which it does. The
// least cause is the first of the contract's order.
type reason struct {
	cause  Cause
	events []eventstore.Sequence
}

// take takes in what applies to one enrolment. Those that apply less are forgotten, with their
// events.
func (r *reason) take(cause Cause, events []eventstore.Sequence) {
	switch {
	case cause < r.cause:
		r.cause, r.events = cause, events
	case cause == r.cause:
		r.events = append(r.events, events...)
	}
}

// whyJoined tells why a person who was not covered is, and if asked on which events it rests. Why
// it is told twice, with events and without, is cost: they are gathered only for who asks to see
// them.
func (a *asked) whyJoined(s *facts.State, p *standing.Person, tell bool,
) (Cause, []eventstore.Sequence) {
	why := reason{cause: causeCount}
	for _, e := range p.Enrolments {
		is := a.timed.Stand(s, e, a.last, p.Died)
		if !is.Covered || !a.counts(&is, p) {
			continue
		}
		var events []eventstore.Sequence
		if tell {
			events = a.timed.Basis(s, nil)
		}
		enrolled := a.timed.OpenedOn() > a.first
		was := a.timed.Stand(s, e, a.first, p.Died)
		why.take(a.causeJoined(&was, &is, p, enrolled), events)
	}
	return why.cause, standing.Ascending(why.events, p.Merges...)
}

// counts reports whether an enrolment is open for the person in the region. Covered is not asked
// here: whoever asks has done so.
func (a *asked) counts(st *standing.Standing, p *standing.Person) bool {
	return st.Open && p.Has(st.Worker) && standing.In(st.Terms.Region, a.Region)
}

// causeJoined tells why an enrolment makes a person covered on the later day. enrolled says that
// the opening which then has the last word is of after the earlier day.
func (a *asked) causeJoined(was, is *standing.Standing, p *standing.Person, enrolled bool) Cause {
	// The order of the cases is that of the contract (section 8).
	switch open := was.Open && p.Has(was.Worker); {
	case !open && enrolled:
		return Enrolled
	case !open:
		return Reinstated
	case !standing.In(was.Terms.Region, a.Region):
		return MovedIn
	case was.Terms.Payer != is.Terms.Payer:
		return TermsChangedIn
	case is.Evidence&(enrolment.Disbursed|enrolment.Promised) != 0:
		return FundingBegan
	}
	return ContributionsBegan
}

// whyLeft tells why a person who was covered is not, and if asked on which events that rested, and
// which ended it.
func (a *asked) whyLeft(s *facts.State, p *standing.Person, tell bool,
) (Cause, []eventstore.Sequence) {
	why := reason{cause: causeCount}
	for _, e := range p.Enrolments {
		was := a.timed.Stand(s, e, a.first, p.Died)
		if !was.Covered || !a.counts(&was, p) {
			continue
		}
		var events []eventstore.Sequence
		if tell {
			events = a.timed.Basis(s, nil)
		}
		// What ends the money is asked while the reader still has the enrolment as it stood on the
		// earlier day.
		revoked, closed := a.timed.Ends(s, a.last.Month())
		is := a.timed.Stand(s, e, a.last, p.Died)
		cause := a.causeLeft(&was, &is, p)
		// A death comes before all else, whatever has happened to the enrolment.
		switch {
		case p.Died < a.last:
			cause, events = Died, append(events, p.Death)
		case cause == FundingLapsed && len(revoked) > 0:
			cause, events = FundingRevoked, append(events, revoked...)
		case cause == FundingLapsed && len(closed) > 0:
			cause, events = FundingClosed, append(events, closed...)
		case cause < FundingRevoked && tell:
			events = a.timed.Since(a.first, events)
		}
		if tell && (cause == TermsChangedOut || cause == ContributionsStopped) {
			events = a.timed.Speaks(events)
		}
		why.take(cause, events)
	}
	return why.cause, standing.Ascending(why.events, p.Merges...)
}

// causeLeft tells why an enrolment which made a person who lives covered does not on the later day.
// That its money has lapsed may have another cause yet.
func (a *asked) causeLeft(was, is *standing.Standing, p *standing.Person) Cause {
	switch {
	case !is.Open || !p.Has(is.Worker):
		return Terminated
	case !standing.In(is.Terms.Region, a.Region):
		return MovedOut
	case was.Terms.Payer != is.Terms.Payer:
		return TermsChangedOut
	case was.Terms.Payer == event.APBD &&
		was.Evidence&(enrolment.Disbursed|enrolment.Promised) != 0:
		return FundingLapsed
	}
	return ContributionsStopped
}
