package coverage

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// span is a cell in which a worker counts on the days [from, until).
type span struct {
	cell        cell
	from, until temporal.Date
}

// appendSpans appends all that a worker counts in.
func (s *state) appendSpans(spans []span, w uint32) []span {
	spells := s.scratch.spells[:0]
	links := *s.workers.At(int(w))
	if links.first == 0 {
		return spans
	}
	died := s.diedOn(w)
	spells = s.appendSpells(spells, links.first-1, w, died)
	for at := links.more; at != 0; {
		m := s.memberships.At(int(at - 1))
		spells = s.appendSpells(spells, m.enrolment, w, died)
		at = m.next
	}
	s.scratch.spells = spells
	if links.more != 0 && overlap(spells) {
		return s.appendOverlapping(spans, spells)
	}
	for i := range spells {
		spell := &spells[i]
		c := newCell(spell.Terms.Region, measuresOf(spell))
		spans = append(spans, span{c, spell.From, spell.Until})
	}
	return spans
}

// appendEdges appends the edges of the spans, each with the given weight: +1 for what is after
// an event, -1 for what was before it.
func appendEdges(edges []edge, spans []span, weight int32) []edge {
	for _, s := range spans {
		edges = append(edges, edge{s.cell, s.from, weight})
		if s.until < enrolment.Never {
			edges = append(edges, edge{s.cell, s.until, -weight})
		}
	}
	return edges
}

// appendChange appends the edges of what differs between the spans before and after an event.
// Most of a worker's past stays as it was: what both begin or end with cancels out.
func appendChange(edges []edge, before, after []span) []edge {
	for len(before) > 0 && len(after) > 0 && before[0] == after[0] {
		before, after = before[1:], after[1:]
	}
	for b, a := len(before)-1, len(after)-1; b >= 0 && a >= 0 && before[b] == after[a]; {
		before, after = before[:b], after[:a]
		b, a = b-1, a-1
	}
	return appendEdges(appendEdges(edges, before, -1), after, +1)
}

// appendSpells appends the spells that an enrolment gives the worker.
func (s *state) appendSpells(spells []enrolment.Spell, e, w uint32,
	died temporal.Date,
) []enrolment.Spell {
	x := &s.scratch
	s.gather(e)
	x.stretches = enrolment.AppendStretches(x.stretches[:0], x.changes)
	funded := false
	for i := range x.stretches {
		stretch := &x.stretches[i]
		if stretch.Worker != w {
			continue
		}
		if !funded && stretch.Terms.Payer == event.APBD {
			s.gatherPaid()
			funded = true
		}
		spells = enrolment.AppendSpells(spells, *stretch, died, x.paid)
	}
	return spells
}

// gather collects the facts of an enrolment: its changes in order, its grants and revocations.
func (s *state) gather(e uint32) {
	x := &s.scratch
	x.changes, x.grants, x.revokes = x.changes[:0], x.grants[:0], x.revokes[:0]
	for at := *s.enrolments.At(int(e)); at != 0; {
		f := s.facts.At(int(at - 1))
		at = f.next
		switch kind := event.Type(f.kind); kind {
		case event.FundingGranted:
			x.grants = append(x.grants, f)
		case event.FundingRevoked:
			x.revokes = append(x.revokes, f)
		default:
			c := enrolment.Change{
				Kind: kind, On: temporal.Date(f.from), Sequence: uint64(f.sequence()),
				Worker: f.subject,
			}
			c.Terms, c.Named = unpackTerms(f.detail)
			x.changes = append(x.changes, c)
		}
	}
	sortChanges(x.changes)
}

// sortChanges orders changes that are mostly newest first already, and few.
func sortChanges(changes []enrolment.Change) {
	if len(changes) > 16 {
		slices.SortFunc(changes, func(a, b enrolment.Change) int {
			if a.Before(&b) {
				return -1
			}
			return 1
		})
		return
	}
	for i := 1; i < len(changes); i++ {
		c := changes[i]
		at := i
		for ; at > 0 && c.Before(&changes[at-1]); at-- {
			changes[at] = changes[at-1]
		}
		changes[at] = c
	}
}

// gatherPaid works out the months that the gathered grants pay.
func (s *state) gatherPaid() {
	x := &s.scratch
	x.paid = x.paid[:0]
	for _, g := range x.grants {
		revokedFrom := enrolment.NeverMonth
		for _, r := range x.revokes {
			if r.subject == g.subject && r.sequence() > g.sequence() {
				revokedFrom = min(revokedFrom, temporal.Month(r.from))
			}
		}
		until := enrolment.PaidUntil(temporal.Month(g.until), revokedFrom, s.closedFrom(g.subject))
		x.paid = append(x.paid, enrolment.Paid{
			From: temporal.Month(g.from), Until: until,
			Sources: enrolment.SourceOf(s.fundingOf(g.subject)),
		})
	}
	x.paid = enrolment.NormalizePaid(x.paid)
}

// overlap reports whether two of the spells share a day, and sorts them by their first day.
func overlap(spells []enrolment.Spell) bool {
	slices.SortFunc(spells, func(a, b enrolment.Spell) int { return int(a.From) - int(b.From) })
	until := -enrolment.Never
	for i := range spells {
		if spells[i].From < until {
			return true
		}
		until = max(until, spells[i].Until)
	}
	return false
}

// appendOverlapping appends the spans of a worker some of whose spells overlap, sorted by first
// day: the worker counts once in each region and measure, however many enrolments say so.
func (s *state) appendOverlapping(spans []span, spells []enrolment.Spell) []span {
	days := s.scratch.days[:0]
	for i := range spells {
		days = append(days, spells[i].From, spells[i].Until)
	}
	slices.Sort(days)
	days = slices.Compact(days)
	s.scratch.days = days
	var active []*enrolment.Spell
	for i := 0; i+1 < len(days); i++ {
		active = active[:0]
		for j := range spells {
			if spells[j].From <= days[i] && days[i+1] <= spells[j].Until {
				active = append(active, &spells[j])
			}
		}
		for _, c := range cellsOf(active) {
			spans = append(spans, span{c, days[i], days[i+1]})
		}
	}
	return spans
}

// cellsOf returns the cells in which a worker counts on a day with the given spells.
func cellsOf(active []*enrolment.Spell) []cell {
	switch len(active) {
	case 0:
		return nil
	case 1:
		return []cell{newCell(active[0].Terms.Region, measuresOf(active[0]))}
	}
	cells := make([]cell, 0, 4*len(active))
	var regions []region.Code
	for _, spell := range active {
		if !spell.InGrace {
			cells = append(cells, newCell(spell.Terms.Region, enrolments))
		}
		own := spell.Terms.Region
		for _, r := range [...]region.Code{own, own.Parent(), region.Nation} {
			if !slices.Contains(regions, r) {
				regions = append(regions, r)
			}
		}
	}
	for _, r := range regions {
		cells = append(cells, newExactCell(r, unionIn(r, active)))
	}
	return cells
}

// unionIn returns the measures in which the spells' worker counts, once each, in a region.
func unionIn(r region.Code, active []*enrolment.Spell) measures {
	var union measures
	for _, spell := range active {
		if m := measuresOf(spell); newCell(spell.Terms.Region, m).countsIn(r) {
			union |= m &^ enrolments
		}
	}
	if union&covered != 0 {
		union &^= inGrace
	}
	return union
}
