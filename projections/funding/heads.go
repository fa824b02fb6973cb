package funding

import (
	"context"
	"maps"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
	"cakupan/projections/standing"
)

// neverMonth is later than every month.
const neverMonth = enrolment.NeverMonth

// heads are the enrolments that a commitment pays, month by month. A head is an enrolment, not a
// worker: a budget line pays for memberships.
type heads struct {
	granted, covered run // how many more than in the month before, where that is not 0

	grantedHeads, coveredHeads int64 // enrolments with a month of that
}

// run is a number for each month: by month, how much more it is than for the month before. A span
// costs two entries, however long it is. What the number is in a month is the sum of all entries up
// to it.
type run map[temporal.Month]int64

// add adds one to each month of a span.
func (r run) add(span enrolment.Span) {
	r[span.From]++
	r[span.Until]--
}

// headsOf counts the enrolments that a commitment is granted to. The list of enrolments is taken at
// one moment and then read in slices; all of it is as known at the same place in the log, so that
// nothing applied in between shows.
func headsOf(ctx context.Context, source standing.Source, c uint32, known eventstore.Sequence,
) (heads, error) {
	h := heads{granted: run{}, covered: run{}}
	var granted []uint32
	var purse enrolment.Purse
	err := source.Read(func(s *facts.State) error {
		granted = grantedTo(s, c, known)
		purse = s.PurseAsOf(c, known)
		return nil
	})
	if err != nil {
		return h, err
	}
	p := payer{
		commitment: c, known: known, closed: purse.ClosedFrom, deaths: facts.DeathsAsOf(known),
	}
	visit := func(s *facts.State, i int) { h.add(p.pays(s, granted[i]), p.covers(s)) }
	return h, standing.InSlices(ctx, source, len(granted), visit, func() error { return nil })
}

// grantedTo returns the enrolments with a grant of the commitment in force, each once. One whose
// grants a revocation takes away whole counts as granted to here, and has no months.
func grantedTo(s *facts.State, c uint32, known eventstore.Sequence) (granted []uint32) {
	for _, r := range facts.AsOf(s.AppendGrants(nil, c), known) {
		if r.Kind == event.FundingGranted {
			granted = append(granted, r.Enrolment)
		}
	}
	slices.Sort(granted)
	return slices.Compact(granted)
}

// add adds an enrolment. The spans of each are in order and apart, so that an enrolment counts once
// a month.
func (h *heads) add(paid, covered []enrolment.Span) {
	for _, span := range paid {
		h.granted.add(span)
	}
	for _, span := range covered {
		h.covered.add(span)
	}
	if len(paid) > 0 {
		h.grantedHeads++
	}
	if len(covered) > 0 {
		h.coveredHeads++
	}
}

// payer says which months of enrolments a commitment pays. It keeps memory between enrolments, and
// belongs to one goroutine.
type payer struct {
	commitment uint32
	known      eventstore.Sequence
	closed     temporal.Month

	deaths *facts.Deaths // as known

	of   facts.Gathered   // the enrolment asked for last, in force; memory
	paid []enrolment.Span // of it; valid until the next one is asked for
	open []enrolment.Span // memory
}

// pays returns the months of an enrolment that are paid, in order and apart.
//
// The rules are those of the contract's section 3: revocations with a higher sequence and closings
// take months away. It is valid until the next call.
func (p *payer) pays(s *facts.State, e uint32) []enrolment.Span {
	s.GatherAsOf(&p.of, e, p.known)
	p.paid = p.paid[:0]
	for _, g := range p.of.Grants() {
		if g.Commitment != p.commitment {
			continue
		}
		until := min(g.Until, p.closed)
		for _, r := range p.of.Revokes() {
			if r.Commitment == p.commitment && r.Sequence > g.Sequence {
				until = min(until, r.From)
			}
		}
		if g.From < until {
			p.paid = append(p.paid, enrolment.Span{From: g.From, Until: until})
		}
	}
	p.paid = enrolment.Join(p.paid)
	return p.paid
}

// covers returns the months paid on some day of which the enrolment is covered by that: it is open
// with payer APBD, and its worker alive. It is asked behind pays, of the same enrolment. Other
// reasons to be covered do not count, as a credit: what is asked is what this money does.
func (p *payer) covers(s *facts.State) (covered []enrolment.Span) {
	if len(p.paid) == 0 {
		return nil
	}
	p.open = p.open[:0]
	for _, stretch := range enrolment.AppendStretches(nil, p.of.Changes()) {
		until := stretch.Until
		// The last day of life is covered.
		if died := p.deaths.Of(s, stretch.Worker); died < until {
			until = min(until, died+1)
		}
		if stretch.Terms.Payer == event.APBD && stretch.From < until {
			p.open = append(p.open, monthsOf(stretch.From, until))
		}
	}
	p.open = enrolment.Join(p.open)
	return overlaps(p.paid, p.open)
}

// monthsOf returns the months with a day from a day on and before another one. The last of the days
// is the one before until. A span that never ends is one of months that never end.
func monthsOf(from, until temporal.Date) enrolment.Span {
	span := enrolment.Span{From: from.Month(), Until: neverMonth}
	if until < enrolment.Never {
		span.Until = (until - 1).Month() + 1
	}
	return span
}

// overlaps returns the months that are in both, each of which is in order and apart. It goes
// through both side by side, and costs no more than there are spans.
func overlaps(a, b []enrolment.Span) (both []enrolment.Span) {
	for len(a) > 0 && len(b) > 0 {
		span := enrolment.Span{
			From: max(a[0].From, b[0].From), Until: min(a[0].Until, b[0].Until),
		}
		if span.From < span.Until {
			both = append(both, span)
		}
		if a[0].Until < b[0].Until {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return both
}

// gaps returns the months of a span that are in none of the others, in order and apart. The others
// have to be in order too.
func gaps(in enrolment.Span, others []enrolment.Span) (rest []enrolment.Span) {
	for _, other := range others {
		if in.From < min(other.From, in.Until) {
			rest = append(rest, enrolment.Span{From: in.From, Until: min(other.From, in.Until)})
		}
		in.From = max(in.From, other.Until)
	}
	if in.From < in.Until {
		rest = append(rest, in)
	}
	return rest
}

// bounds returns the months at which one of the runs changes, in order. They are sorted, as a map
// has no order.
func bounds(runs ...run) (months []temporal.Month) {
	for _, r := range runs {
		months = slices.AppendSeq(months, maps.Keys(r))
	}
	slices.Sort(months)
	return slices.Compact(months)
}
