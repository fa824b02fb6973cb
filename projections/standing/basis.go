package standing

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// Basis appends the sequences of the events in force on which the standing of the enrolment asked
// for last rests, ascending. Nothing else that is in force about it is needed to say the same of
// one that is covered or in grace:
//
//   - the opening with the last word on the day; of the amendments after it, by effective date and
//     then sequence, those with the last word on a term; and where it was terminated after it, the
//     last termination and the first reinstatement after that;
//   - covered and CREDITED: the credits of the month; DISBURSED or PROMISED: the grants that pay
//     the month, the committed event that says whose money each is, and the disbursements that
//     name the month; DUE: the credits of the three months before; PRESUMED: nothing, that is what
//     it means;
//   - in grace: the grants that pay one of the three months before, with the committed events and
//     with the revocations and closings that keep them from paying this one, and the credits of
//     those months.
//
// Of one that is neither, only the terms are told: what keeps it from being covered is what there
// is not. It is empty for an enrolment that is not open.
func (r *Reader) Basis(s *facts.State, dst []eventstore.Sequence) []eventstore.Sequence {
	if !r.of.Open {
		return dst
	}
	first := len(dst)
	dst = r.basisOfTerms(dst)
	month := r.on.Month()
	switch {
	case r.of.InGrace:
		dst = r.basisOfMoney(s, dst, month-graceMonths, month)
	case r.of.Evidence&enrolment.Due != 0:
		dst = r.basisOfMoney(s, dst, month-graceMonths, month)
	case r.of.Covered:
		dst = r.basisOfMoney(s, dst, month, month+1)
	}
	return dst[:first+len(Ascending(dst[first:]))]
}

// Ascending brings sequences in order, with more of them, each once.
func Ascending(some []eventstore.Sequence, more ...eventstore.Sequence) []eventstore.Sequence {
	some = append(some, more...)
	slices.Sort(some)
	return slices.Compact(some)
}

// basisOfTerms appends the changes that decide the terms and that it is open.
func (r *Reader) basisOfTerms(dst []eventstore.Sequence) []eventstore.Sequence {
	opened := r.opening()
	after := r.changes[opened+1:]
	dst = append(dst, eventstore.Sequence(r.changes[opened].Sequence))
	decided := enrolment.Named(0)
	for i := len(after) - 1; i >= 0; i-- {
		if c := &after[i]; c.Kind == event.EnrolmentAmended && c.Named&^decided != 0 {
			decided |= c.Named
			dst = append(dst, eventstore.Sequence(c.Sequence))
		}
	}
	for i := len(after) - 1; i >= 0; i-- {
		if after[i].Kind != event.EnrolmentTerminated {
			continue
		}
		dst = append(dst, eventstore.Sequence(after[i].Sequence))
		for after[i].Kind != event.EnrolmentReinstated { // there is one: it is open
			i++
		}
		return append(dst, eventstore.Sequence(after[i].Sequence))
	}
	return dst
}

// basisOfMoney appends the grants that pay one of the months, where the budget pays, with what is
// known of their commitments, and the credits.
func (r *Reader) basisOfMoney(s *facts.State, dst []eventstore.Sequence, from, until temporal.Month,
) []eventstore.Sequence {
	for i := range r.own {
		own := &r.own[i]
		switch own.Kind {
		case event.ContributionCredited:
			if overlap(own.From, own.Until, from, until) {
				dst = append(dst, own.Sequence)
			}
		case event.FundingGranted:
			if r.of.Terms.Payer != event.APBD {
				continue
			}
			dst = r.basisOfGrant(r.account(s, own.Commitment), i, dst, enrolment.Span{
				From: from, Until: until,
			})
		default:
		}
	}
	return dst
}

// basisOfGrant appends a grant if it pays one of the months, with what bears on it.
func (r *Reader) basisOfGrant(a *account, i int, dst []eventstore.Sequence, months enrolment.Span,
) []eventstore.Sequence {
	from, until := r.granted(i)
	until = min(until, a.ClosedFrom)
	if !overlap(from, until, months.From, months.Until) {
		return dst
	}
	dst = a.basis(append(dst, r.own[i].Sequence), r.of.Covered, r.on.Month())
	if r.of.InGrace {
		dst = r.revocations(i, r.on.Month(), dst)
		dst = r.closings(a, i, r.on.Month(), dst)
	}
	return dst
}

// revocations appends those that keep a grant from paying a month which it was granted for.
func (r *Reader) revocations(i int, month temporal.Month, dst []eventstore.Sequence,
) []eventstore.Sequence {
	if month < r.own[i].From || r.own[i].Until <= month {
		return dst // it was not granted for it
	}
	for j := i + 1; j < len(r.own); j++ {
		if revoked := &r.own[j]; revoked.Kind == event.FundingRevoked &&
			revoked.Commitment == r.own[i].Commitment && revoked.From <= month {
			dst = append(dst, revoked.Sequence)
		}
	}
	return dst
}

// closings does the same for closings of the grant's commitment.
func (r *Reader) closings(a *account, i int, month temporal.Month, dst []eventstore.Sequence,
) []eventstore.Sequence {
	if month < r.own[i].From || r.own[i].Until <= month {
		return dst
	}
	for j := range a.closed {
		if a.closed[j].From <= month {
			dst = append(dst, a.closed[j].Sequence)
		}
	}
	return dst
}

// Ends returns the revocations and the closings that keep grants which pay the month of the day
// from paying a later one. Both are in the order in which they bear on grants, some more than once.
func (r *Reader) Ends(s *facts.State, later temporal.Month,
) (revoked, closed []eventstore.Sequence) {
	month := r.on.Month()
	for i := range r.own {
		if r.own[i].Kind != event.FundingGranted {
			continue
		}
		a := r.account(s, r.own[i].Commitment)
		from, until := r.granted(i)
		if from <= month && month < min(until, a.ClosedFrom) {
			revoked = r.revocations(i, later, revoked)
			closed = r.closings(a, i, later, closed)
		}
	}
	return revoked, closed
}

// Speaks appends the first credit that says that somebody reports payments of the enrolment:
// without it, EMPLOYER and SELF were presumed to pay. There is none where nobody has by the day.
func (r *Reader) Speaks(dst []eventstore.Sequence) []eventstore.Sequence {
	var first *facts.Record
	for i := range r.own {
		own := &r.own[i]
		if own.Kind == event.ContributionCredited && own.From <= r.on.Month() &&
			(first == nil || own.From < first.From) {
			first = own
		}
	}
	if first == nil {
		return dst
	}
	return append(dst, first.Sequence)
}

// OpenedOn returns from which day on the opening holds that has the last word on the day. The
// enrolment must be open.
func (r *Reader) OpenedOn() temporal.Date { return r.changes[r.opening()].On }

// opening returns the index of that opening.
func (r *Reader) opening() int {
	at := len(r.changes) - 1
	for r.changes[at].Kind != event.EnrolmentOpened { // there is one: it is open
		at--
	}
	return at
}

// Since appends the changes of the enrolment asked for that take effect after a day, and at the
// latest on the day.
func (r *Reader) Since(after temporal.Date, dst []eventstore.Sequence) []eventstore.Sequence {
	for i := range r.changes {
		if r.changes[i].On > after {
			dst = append(dst, eventstore.Sequence(r.changes[i].Sequence))
		}
	}
	return dst
}

// basis appends what says whose money it is and, of who is covered, that the month was paid for.
func (a *account) basis(dst []eventstore.Sequence, covered bool, month temporal.Month,
) []eventstore.Sequence {
	if a.committed != 0 {
		dst = append(dst, a.committed)
	}
	if covered {
		dst = append(dst, a.paying(month)...)
	}
	return dst
}

// overlap reports whether two spans of months share one.
func overlap(from, until, otherFrom, otherUntil temporal.Month) bool {
	return max(from, otherFrom) < min(until, otherUntil)
}
