package enrolment

import (
	"cmp"
	"slices"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// graceMonths is how many months an unpaid enrolment stays in grace after its last paid month.
const graceMonths = 3

// Sources is the set of sources of money that pay a month: bit f for each [event.Funding] f.
type Sources uint8

// SourceOf returns the set that holds just f.
func SourceOf(f event.Funding) Sources { return 1 << f }

// Paid is a span of months that grants pay, and from which sources.
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

// NormalizePaid turns spans in any order, overlapping or empty, into disjoint ones in order of
// time, each with all the sources that pay it. It works in place and may grow the slice.
func NormalizePaid(spans []Paid) []Paid {
	spans = slices.DeleteFunc(spans, func(p Paid) bool { return p.Until <= p.From })
	if len(spans) < 2 {
		return spans
	}
	slices.SortFunc(spans, func(a, b Paid) int { return cmp.Compare(a.From, b.From) })
	overlap := false
	for i := 1; i < len(spans); i++ {
		overlap = overlap || spans[i].From < spans[i-1].Until
	}
	if !overlap {
		return spans
	}
	return splitOverlaps(spans)
}

// splitOverlaps cuts the spans at each of their edges. Grants of one month by two funders are
// rare, so this looks at every span for every edge.
func splitOverlaps(spans []Paid) []Paid {
	edges := make([]temporal.Month, 0, 2*len(spans))
	for _, p := range spans {
		edges = append(edges, p.From, p.Until)
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	disjoint := make([]Paid, 0, len(edges))
	for i := 1; i < len(edges); i++ {
		piece := Paid{From: edges[i-1], Until: edges[i]}
		for _, p := range spans {
			if p.From <= piece.From && piece.Until <= p.Until {
				piece.Sources |= p.Sources
			}
		}
		if piece.Sources != 0 {
			disjoint = append(disjoint, piece)
		}
	}
	return disjoint
}
