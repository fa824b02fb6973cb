package coverage

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/projections/counts"
)

// span is a cell in which a worker counts on the days [from, until).
type span struct {
	cell        cell
	from, until temporal.Date
}

// noEnrolment excepts none.
const noEnrolment = unnamed

// appendOthers appends the spells that a worker's enrolments give, all but one.
func (s *state) appendOthers(spells []enrolment.Spell, w, except uint32,
	died temporal.Date,
) []enrolment.Spell {
	links := *s.workers.At(int(w))
	if links.first != 0 && links.first-1 != except {
		spells = s.appendSpells(spells, links.first-1, w, died)
	}
	for at := links.more; at != 0; {
		m := s.memberships.At(int(at - 1))
		if at = m.next; m.enrolment != except {
			spells = s.appendSpells(spells, m.enrolment, w, died)
		}
	}
	return spells
}

// appendSpells appends the spells that an enrolment gives the worker.
func (s *state) appendSpells(spells []enrolment.Spell, e, w uint32,
	died temporal.Date,
) []enrolment.Spell {
	x := &s.scratch
	s.gather(&x.other, e)
	s.look(&x.otherView, &x.other)
	return x.otherView.appendSpells(spells, w, died)
}

// appendAll appends all spells of a worker.
func (s *state) appendAll(spells []enrolment.Spell, w uint32) []enrolment.Spell {
	return s.appendOthers(spells, w, noEnrolment, s.diedOn(w))
}

// compareSpells appends what differs for a worker between the spells before and after an event,
// given others that are there before and after; all three are in the scratch, which it spoils.
//
// Most of a worker's past stays as it was, so only the days from the first to the last spell that
// differs are compared. Most workers have no other enrolment on those days.
func (s *state) compareSpells() {
	x := &s.scratch
	first, last := same(x.were, x.are)
	were, are := x.were[first:len(x.were)-last], x.are[first:len(x.are)-last]
	if len(were) == 0 && len(are) == 0 {
		return
	}
	x.others = append(append(x.others, x.were[:first]...), x.were[first+len(were):]...)
	if len(x.others) > 0 {
		from, until := hull(were, are)
		x.others = clip(x.others, from, until)
	}
	s.count(were, x.others, -1)
	s.count(are, x.others, +1)
}

// compareOwn appends what differs between the scratch's spells before and after an event, all of
// one enrolment, whose worker has no others.
func (s *state) compareOwn() {
	x := &s.scratch
	first, last := same(x.were, x.are)
	were, are := x.were[first:len(x.were)-last], x.are[first:len(x.are)-last]
	if len(were) > 0 && len(are) > 0 {
		if longer := were[0]; longer.Until != are[0].Until {
			longer.Until = are[0].Until
			if longer == are[0] { // it ends on another day, no more: so most changes are
				c := spanOf(&longer).cell
				x.edges = appendEdge(x.edges, c, were[0].Until, +1)
				x.edges = appendEdge(x.edges, c, are[0].Until, -1)
				were, are = were[1:], are[1:]
			}
		}
	}
	for i := range were {
		x.edges = appendEdges(x.edges, spanOf(&were[i]), -1)
	}
	for i := range are {
		x.edges = appendEdges(x.edges, spanOf(&are[i]), +1)
	}
}

// same returns how many spells before and after an event are the same, at the beginning and at the
// end.
func same(were, are []enrolment.Spell) (first, last int) {
	n := min(len(were), len(are))
	for first < n && were[first] == are[first] {
		first++
	}
	for first+last < n && were[len(were)-1-last] == are[len(are)-1-last] {
		last++
	}
	return first, last
}

// hull returns the days from the first to the last of the spells.
func hull(were, are []enrolment.Spell) (from, until temporal.Date) {
	from, until = enrolment.Never, -enrolment.Never
	for _, spells := range [...][]enrolment.Spell{were, are} {
		for i := range spells {
			from, until = min(from, spells[i].From), max(until, spells[i].Until)
		}
	}
	return from, until
}

// clip cuts off what lies outside of the days [from, until).
func clip(spells []enrolment.Spell, from, until temporal.Date) []enrolment.Spell {
	kept := spells[:0]
	for i := range spells {
		spell := spells[i]
		spell.From, spell.Until = max(spell.From, from), min(spell.Until, until)
		if spell.From < spell.Until {
			kept = append(kept, spell)
		}
	}
	return kept
}

// count appends the edges of what a worker with the spells and the others counts in, with the
// given weight: +1 for what is after an event, -1 for what was before it.
func (s *state) count(spells, others []enrolment.Spell, weight int32) {
	x := &s.scratch
	x.spells = append(append(x.spells[:0], spells...), others...)
	if overlap(x.spells) {
		x.spans = s.appendOverlapping(x.spans[:0], x.spells)
		for i := range x.spans {
			x.edges = appendEdges(x.edges, x.spans[i], weight)
		}
		return
	}
	for i := range x.spells {
		x.edges = appendEdges(x.edges, spanOf(&x.spells[i]), weight)
	}
}

// spanOf returns what a worker counts in for a spell, were it the only one on its days.
func spanOf(spell *enrolment.Spell) span {
	return span{newCell(spell.Terms.Region, measuresOf(spell)), spell.From, spell.Until}
}

// openSpan returns what the worker of an enrolment counts in from a day on, for as long as no fact
// changes it. Somebody else than the budget pays.
func (s *state) openSpan(w uint32, from int32, terms enrolment.Terms) span {
	spell := enrolment.Spell{From: temporal.Date(from), Until: enrolment.Never, Terms: terms}
	if died := s.diedOn(w); died < enrolment.Never {
		spell.Until = max(spell.From, died+1)
	}
	return spanOf(&spell)
}

// appendEdges appends the edges of a span with the given weight.
func appendEdges(edges []counts.Change, s span, weight int32) []counts.Change {
	first := counts.Change{Cell: counts.Key(s.cell), Day: s.from, Weight: weight}
	return appendEdge(append(edges, first), s.cell, s.until, -weight)
}

// appendEdge appends an edge, unless it is on the day that never comes.
func appendEdge(edges []counts.Change, c cell, day temporal.Date, weight int32) []counts.Change {
	if day < enrolment.Never {
		edges = append(edges, counts.Change{Cell: counts.Key(c), Day: day, Weight: weight})
	}
	return edges
}

// overlap reports whether two of the spells share a day. It may sort them by their first day.
func overlap(spells []enrolment.Spell) bool {
	if ordered(spells) {
		return false
	}
	slices.SortFunc(spells, func(a, b enrolment.Spell) int { return int(a.From) - int(b.From) })
	return !ordered(spells)
}

// ordered reports whether each spell ends before the next one begins.
func ordered(spells []enrolment.Spell) bool {
	for i := 1; i < len(spells); i++ {
		if spells[i].From < spells[i-1].Until {
			return false
		}
	}
	return true
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
