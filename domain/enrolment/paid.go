package enrolment

import (
	"slices"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// graceMonths is how many months an unpaid enrolment stays in grace after its last paid month. See
// the contract, section 3.
const graceMonths = 3

// Sources is the set of sources of money that pay a month: bit f for each [event.Funding] f.
type Sources uint8

// SourceOf returns the set that holds just f.
func SourceOf(f event.Funding) Sources { return 1 << f }

// Paid is a span of months that grants pay, and from which sources. Two grants of one month make
// one span with both sources: a month is paid once, however often.
type Paid struct {
	From, Until temporal.Month // Until is out
	Sources     Sources
}

// PaidUntil returns the first month a grant of [from, until) no longer pays, given the earliest
// month of a later revocation of it and of a closing of its commitment (NeverMonth: none).
// The result may be at or before from: then the grant pays nothing.
func PaidUntil(until, revokedFrom, closedFrom temporal.Month) temporal.Month {
	return min(until, revokedFrom, closedFrom)
}

// AddPaid adds a span to disjoint ones in order of time, and keeps them so: where they overlap, the
// months have the sources of both. It works in place and may grow the slice. A span without
// months adds nothing.
func AddPaid(spans []Paid, add Paid) []Paid {
	for i := 0; i < len(spans) && add.From < add.Until; i++ {
		at := spans[i]
		switch {
		case at.Until <= add.From:
		case add.From < at.From: // what is before at; the next turn comes to at again
			before := Paid{From: add.From, Until: min(add.Until, at.From), Sources: add.Sources}
			spans = slices.Insert(spans, i, before)
			add.From = before.Until
		case at.Sources|add.Sources == at.Sources:
			add.From = at.Until
		case at.From < add.From: // cut at in two; the next turn comes to the second part
			spans[i].Until = add.From
			at.From = add.From
			spans = slices.Insert(spans, i+1, at)
		default: // both begin with the same month
			until := min(at.Until, add.Until)
			spans[i].Until, spans[i].Sources = until, at.Sources|add.Sources
			if until < at.Until {
				at.From = until
				spans = slices.Insert(spans, i+1, at)
			}
			add.From = until
		}
	}
	if add.From < add.Until {
		spans = append(spans, add)
	}
	return spans
}
